//! Text made to fit: beginning and end are kept, and what was left out is said in its place.

use crate::domain::terminal_text::with_invisible_shown;

/// What a model gets of one result, in characters.
pub const TEXT: usize = 40_000;
/// Each of the lesser parts (last value, traceback, stderr) may take this share of the whole.
pub const SHARE: usize = 4;

/// `text` in at most about `max` characters, and whether it was cut. `lost` bytes had been dropped from it before.
pub fn cut(text: &str, max: usize, lost: u64) -> (String, bool) {
    let text = &*with_invisible_shown(text);
    // A text has at least as many bytes as characters.
    let length = if text.len() <= max { text.len() } else { text.chars().count() };
    if length <= max {
        return (text.to_owned(), lost > 0);
    }
    let head = max * 2 / 5;
    let tail = max - head;
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(index, _)| index);
    let (beginning, end) = (text[..at(head)].trim_end_matches('\n'), &text[at(length - tail)..]);
    let also = if lost > 0 { format!(", and {lost} bytes that were not kept") } else { String::new() };
    let left_out = length - max;
    (format!("{beginning}\n[... {left_out} characters left out here{also} ...]\n{end}"), true)
}

/// How many bytes of the beginning [`cut`] keeps in `max` characters.
pub fn kept_of_beginning(text: &str, max: usize) -> usize {
    text.char_indices().nth(max * 2 / 5).map_or(text.len(), |(index, _)| index)
}

/// A short text on one line: control characters escaped, what cannot be seen shown, cut to `max` characters with `...`.
pub fn short(text: &str, max: usize) -> String {
    let mut line = String::new();
    let begun: String = text.chars().take(max + 1).collect();
    for c in with_invisible_shown(&begun).chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    if line.chars().count() <= max {
        return line;
    }
    let mut cut: String = line.chars().take(max.saturating_sub(3)).collect();
    cut.push_str("...");
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_kept_and_the_gap_is_counted() {
        let text: String = (0..1000).flat_map(|n| ["é".to_owned(), n.to_string(), "\n".to_owned()]).collect();
        let (cut_text, was_cut) = cut(&text, 100, 0);
        assert!(was_cut && cut_text.starts_with("é0\né1\n") && cut_text.ends_with("é999\n"), "{cut_text}");
        assert!(cut_text.contains(&format!("[... {} characters left out here ...]", text.chars().count() - 100)));
        assert_eq!(cut("é\n", 2, 0), ("é\n".to_owned(), false));
        assert!(cut("short", 10, 7).1, "what was lost before counts as cut");
    }

    #[test]
    fn short_texts_stay_on_their_line() {
        assert_eq!(short("a\nb\u{1b}", 50), "a\\nb\\u{1b}");
        assert_eq!(short("a\u{e0041}b", 50), "a⟨U+E0041⟩b");
        assert_eq!(short(&"x".repeat(50), 50), "x".repeat(50));
        assert_eq!(short(&"x".repeat(51), 50), format!("{}...", "x".repeat(47)));
    }
}
