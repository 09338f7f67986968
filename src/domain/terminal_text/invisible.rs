//! Invisible characters. A model reads text made of them and the person does not, and some reverse the direction of
//! writing, so that code is shown in another order than it runs.
//!
//! Each is shown by its number, as `⟨U+E0041⟩`, except where it has its proper use: it joins or divides letters, joins
//! several emoji to one picture, or selects a form of the character before it.

use std::borrow::Cow;

/// Returns the number of a character as text.
#[must_use]
pub fn escaped(c: char) -> String {
    format!("⟨U+{:04X}⟩", c as u32)
}

/// Shows all invisible characters by their numbers. ASCII control characters stay.
#[must_use]
pub fn with_invisible_shown(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let chars: Vec<char> = text.chars().collect();
    let hidden = hidden(&chars);
    if !hidden.contains(&true) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    for (c, hidden) in chars.into_iter().zip(hidden) {
        if hidden { out.push_str(&escaped(c)) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Returns which characters of a text are invisible.
pub(super) fn hidden(text: &[char]) -> Vec<bool> {
    let mut hidden = vec![false; text.len()];
    let mut at = 0;
    while let Some(c) = text.get(at) {
        if *c == FLAG
            && let Some(flag) = FLAGS.iter().find(|flag| text[at + 1..].starts_with(*flag))
        {
            at += flag.len();
        } else if is_invisible(*c) {
            let before = at.checked_sub(1).map(|before| text[before]);
            hidden[at] = !has_its_place(before, *c, text.get(at + 1).copied());
        }
        at += 1;
    }
    hidden
}

const FLAG: char = '\u{1f3f4}';
/// The only flags that are written with tags and that fonts support: England, Scotland and Wales.
const FLAGS: [[char; 6]; 3] = [
    ['\u{e0067}', '\u{e0062}', '\u{e0065}', '\u{e006e}', '\u{e0067}', '\u{e007f}'],
    ['\u{e0067}', '\u{e0062}', '\u{e0073}', '\u{e0063}', '\u{e0074}', '\u{e007f}'],
    ['\u{e0067}', '\u{e0062}', '\u{e0077}', '\u{e006c}', '\u{e0073}', '\u{e007f}'],
];

/// Returns whether a character has no glyph, regardless of its neighbours. The Braille blank counts as a normal blank.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => false,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        c => c as u32 & 0xfffe == 0xfffe,
    }
}

/// Returns whether writing needs the character between these two.
fn has_its_place(before: Option<char>, c: char, after: Option<char>) -> bool {
    // Only the first of several in a row has a use.
    if before.is_some_and(|before| is_invisible(before) && !(c == JOINER && before == EMOJI_FORM)) {
        return false;
    }
    let before = before.unwrap_or(' ');
    match c {
        NON_JOINER => is_joining(before),
        JOINER => is_joining(before) || (is_emoji(before) || before == EMOJI_FORM) && after.is_some_and(is_emoji),
        // These scripts have no spaces between words; the character marks where a line may break.
        '\u{200b}' => is_without_spaces(before) && after.is_some_and(is_without_spaces),
        '\u{200e}' | '\u{200f}' | '\u{61c}' => is_from_the_right(before) || after.is_some_and(is_from_the_right),
        '\u{115f}' | '\u{1160}' => is_old_hangul(before) || after.is_some_and(is_old_hangul),
        '\u{180b}'..='\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        '\u{fe00}'..='\u{fe0d}' => {
            matches!(before, '\u{2200}'..='\u{22ff}' | '\u{2a00}'..='\u{2aff}' | '\u{a840}'..='\u{a877}' | '\u{1000}'..='\u{109f}')
                || is_ideograph(before)
                || matches!(before, '\u{3001}' | '\u{3002}' | '\u{ff01}'..='\u{ff1f}')
        }
        '\u{fe0e}' => is_emoji(before),
        EMOJI_FORM => is_emoji(before) || matches!(before, '0'..='9' | '#' | '*') && after == Some('\u{20e3}'),
        '\u{e0100}'..='\u{e01ef}' => is_ideograph(before),
        _ => false,
    }
}

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
const EMOJI_FORM: char = '\u{fe0f}';

/// Returns whether a character is an emoji, or can be.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21aa}'
        | '\u{231a}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{27bf}' | '\u{2934}' | '\u{2935}'
        | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Returns whether the letters of the character's script are joined: Arabic, and the scripts of India and its
/// neighbours.
fn is_joining(c: char) -> bool {
    matches!(c,
        '\u{620}'..='\u{6ff}' | '\u{700}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}'
        | '\u{1700}'..='\u{18af}' | '\u{1900}'..='\u{1cff}' | '\u{a800}'..='\u{a82f}' | '\u{a840}'..='\u{a8ff}'
        | '\u{a930}'..='\u{a9ff}' | '\u{aa00}'..='\u{aadf}' | '\u{abc0}'..='\u{abff}' | '\u{fb50}'..='\u{fdcf}'
        | '\u{fdf0}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{10aff}' | '\u{10d00}'..='\u{10d3f}'
        | '\u{11000}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}')
}

/// Returns whether the character's script has no spaces: Thai, Lao, Tibetan, Burmese, Khmer and their neighbours.
fn is_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{19ff}' | '\u{1a20}'..='\u{1aaf}'
        | '\u{a980}'..='\u{a9ff}' | '\u{aa00}'..='\u{aadf}')
}

fn is_from_the_right(c: char) -> bool {
    matches!(c, '\u{5be}'..='\u{5f4}' | '\u{620}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1eeff}')
}

fn is_old_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115e}' | '\u{1161}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}' | '〆' | '々')
}

/// Returns whether a character is an ASCII control character other than newline and tab.
pub(super) fn is_control(c: char) -> bool {
    c.is_ascii_control() && c != '\n' && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ordinary text in all scripts stays unchanged.
    #[test]
    fn ordinary_text_of_all_scripts_is_unchanged() {
        for text in [
            "plain\ttext\r\n\u{1b}[31m\u{7f}",
            "é e\u{301} ß ı Ω д 漢字 かな 한글 \u{a0}\u{2009}\u{3000}\u{2011}",
            "می\u{200c}خواهم نامه\u{200c}ای",
            "ه\u{200d} \u{645}\u{200d}",
            "क्\u{200d}ष क्\u{200c}ष ന്\u{200d} ශ්\u{200d}රී",
            "ខ្មែរ\u{200b}ភាសា ไทย\u{200b}ไทย",
            "שלום\u{200f}, עולם\u{200f} abc\n\u{200f}שלום",
            "العربية\u{200f}! 5\u{61c}ب",
            "👨\u{200d}👩\u{200d}👧\u{200d}👦 👩🏽\u{200d}🚀 ❤\u{fe0f}\u{200d}🔥 🏳\u{fe0f}\u{200d}🌈 🏴\u{200d}☠\u{fe0f}",
            "☺\u{fe0e} ☺\u{fe0f} ©\u{fe0f} 1\u{fe0f}\u{20e3} #\u{fe0f}\u{20e3} ⬛\u{fe0f} ↔\u{fe0f}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "葛\u{e0100}城 辻\u{e0101} ≨\u{fe00} ᠠ\u{180b}",
            "\u{1112}\u{1161}\u{11ab} \u{1112}\u{1160}\u{11ab}",
            "⠀⠁⠂⠃ \u{e0b0} \u{fffd} \u{fffc}",
            "x\u{336}y\u{20dd}",
        ] {
            assert!(matches!(with_invisible_shown(text), Cow::Borrowed(_)), "{}", with_invisible_shown(text));
        }
    }

    #[test]
    fn invisible_characters_are_shown_by_their_numbers() {
        for (text, shown) in [
            ("a\u{e0041}\u{e0042}", "a⟨U+E0041⟩⟨U+E0042⟩"),
            ("🏴\u{e0069}\u{e0067}\u{e006e}\u{e007f}", "🏴⟨U+E0069⟩⟨U+E0067⟩⟨U+E006E⟩⟨U+E007F⟩"),
            (
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\u{e0041}",
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}⟨U+E0041⟩",
            ),
            ("😀\u{fe00}\u{e0101}\u{e01ef}", "😀⟨U+FE00⟩⟨U+E0101⟩⟨U+E01EF⟩"),
            ("葛\u{e0100}\u{e0101}", "葛\u{e0100}⟨U+E0101⟩"),
            ("☺\u{fe0f}\u{fe0f}a\u{fe0f}1\u{fe0f}", "☺\u{fe0f}⟨U+FE0F⟩a⟨U+FE0F⟩1⟨U+FE0F⟩"),
            ("a\u{200b}b\u{200c}c\u{200d}d\u{2060}\u{feff}", "a⟨U+200B⟩b⟨U+200C⟩c⟨U+200D⟩d⟨U+2060⟩⟨U+FEFF⟩"),
            ("می\u{200c}\u{200d}\u{200c}", "می\u{200c}⟨U+200D⟩⟨U+200C⟩"),
            ("👨\u{200d} 👨\u{200d}\u{200d}👩", "👨⟨U+200D⟩ 👨⟨U+200D⟩⟨U+200D⟩👩"),
            ("if\u{202e}x\u{2066}y\u{2069}\u{200e}", "if⟨U+202E⟩x⟨U+2066⟩y⟨U+2069⟩⟨U+200E⟩"),
            ("soft\u{ad}ly \u{34f}\u{2062}\u{2064}\u{206a}", "soft⟨U+00AD⟩ly ⟨U+034F⟩⟨U+2062⟩⟨U+2064⟩⟨U+206A⟩"),
            ("\u{3164}\u{ffa0}\u{115f}\u{1160}", "⟨U+3164⟩⟨U+FFA0⟩⟨U+115F⟩⟨U+1160⟩"),
            ("\u{fff9}a\u{fffa}b\u{fffb}", "⟨U+FFF9⟩a⟨U+FFFA⟩b⟨U+FFFB⟩"),
            ("\u{80}\u{85}\u{9b}\u{2028}\u{2029}", "⟨U+0080⟩⟨U+0085⟩⟨U+009B⟩⟨U+2028⟩⟨U+2029⟩"),
            ("\u{180e}\u{17b4}\u{1d173}\u{fdd0}\u{1ffff}", "⟨U+180E⟩⟨U+17B4⟩⟨U+1D173⟩⟨U+FDD0⟩⟨U+1FFFF⟩"),
        ] {
            assert_eq!(with_invisible_shown(text), shown);
            assert_eq!(with_invisible_shown(shown), shown, "once is enough");
        }
    }
}
