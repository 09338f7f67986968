//! Text made to fit a limit, with a mark where something was left out.

use std::borrow::Cow;

use crate::domain::terminal_text::with_invisible_shown;

/// Characters of a result for a model.
pub const MAX_TEXT: usize = 40_000;
/// A lesser part (last value, traceback, stderr) may take `1 / PART_DIVISOR` of the whole.
pub const PART_DIVISOR: usize = 4;

/// `text` in about `max` characters: the beginning, a mark, and the end. Also returns whether anything is missing.
/// `lost` is the number of bytes that were dropped from the text earlier.
pub fn truncate_middle(text: &str, max: usize, lost: u64) -> (String, bool) {
    let text = &*with_invisible_shown(text);
    // A text has at least as many bytes as characters.
    let length = if text.len() <= max { text.len() } else { text.chars().count() };
    if length <= max {
        return (text.to_owned(), lost > 0);
    }
    let head = head_of(max);
    let tail = max - head;
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(index, _)| index);
    let (beginning, end) = (text[..at(head)].trim_end_matches('\n'), &text[at(length - tail)..]);
    let also = if lost > 0 { format!(", and {lost} bytes that were not kept") } else { String::new() };
    let left_out = length - max;
    (format!("{beginning}\n[... {left_out} characters left out here{also} ...]\n{end}"), true)
}

/// How many of `max` characters [`truncate_middle`] gives to the beginning.
fn head_of(max: usize) -> usize {
    max * 2 / 5
}

/// Bytes of the beginning that [`truncate_middle`] keeps in `max` characters.
pub fn length_of_beginning(text: &str, max: usize) -> usize {
    text.char_indices().nth(head_of(max)).map_or(text.len(), |(index, _)| index)
}

/// A text on one line of at most `max` characters: control characters are escaped, invisible ones shown, and `...`
/// stands for the rest.
pub fn one_line(text: &str, max: usize) -> String {
    as_one_line(text, max).into_owned()
}

/// The same, without a copy of what is such a line already.
pub fn as_one_line(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.into();
    }
    let mut line = String::new();
    let beginning: String = text.chars().take(max + 1).collect();
    for c in with_invisible_shown(&beginning).chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    if line.chars().count() <= max {
        return line.into();
    }
    let mut truncated: String = line.chars().take(max.saturating_sub(3)).collect();
    truncated.push_str("...");
    truncated.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_kept_and_the_gap_is_counted() {
        let text: String = (0..1000).flat_map(|n| ["é".to_owned(), n.to_string(), "\n".to_owned()]).collect();
        let (truncated, is_cut) = truncate_middle(&text, 100, 0);
        assert!(is_cut && truncated.starts_with("é0\né1\n") && truncated.ends_with("é999\n"), "{truncated}");
        assert!(truncated.contains(&format!("[... {} characters left out here ...]", text.chars().count() - 100)));
        assert_eq!(truncate_middle("é\n", 2, 0), ("é\n".to_owned(), false));
        assert!(truncate_middle("short", 10, 7).1, "what was lost before counts as cut");
    }

    #[test]
    fn a_text_is_put_on_one_line() {
        assert_eq!(one_line("a\nb\u{1b}", 50), "a\\nb\\u{1b}");
        assert_eq!(one_line("a\u{e0041}b", 50), "a⟨U+E0041⟩b");
        assert_eq!(one_line(&"x".repeat(50), 50), "x".repeat(50));
        assert_eq!(one_line(&"x".repeat(51), 50), format!("{}...", "x".repeat(47)));
    }
}
