//! Text within a line of Markdown: emphasis, code and links, and its words broken into rows.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::lexer::TokenClass;
use crate::tui::{text, theme};

/// Styled pieces of a text.
pub type Pieces = Vec<(String, Style)>;

/// Bytes in which the end of emphasis or of a link is looked for.
const MAX_SPAN: usize = 2_000;
/// Levels of emphasis within emphasis.
const MAX_DEPTH: usize = 4;

/// Returns the text without its marks, in the styles that the marks ask for.
pub fn pieces(text: &str, base: Style) -> Pieces {
    let mut found = Vec::new();
    add(text, base, 0, &mut found);
    found
}

fn add(text: &str, base: Style, depth: usize, found: &mut Pieces) {
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let marked = if depth < MAX_DEPTH { marked(rest, before, base, depth, found) } else { None };
        let length = marked.unwrap_or_else(|| {
            let escaped = rest.chars().nth(1).filter(|next| c == '\\' && next.is_ascii_punctuation());
            push(found, escaped.unwrap_or(c).encode_utf8(&mut [0; 4]), base);
            c.len_utf8() + escaped.map_or(0, char::len_utf8)
        });
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
}

/// Adds what begins with a mark. Returns its bytes; `None` if nothing does.
fn marked(rest: &str, before: char, base: Style, depth: usize, found: &mut Pieces) -> Option<usize> {
    let near = &rest[..floor_char_boundary(rest, MAX_SPAN)];
    match near.as_bytes().first()? {
        b'`' => {
            let ticks = &near[..near.len() - near.trim_start_matches('`').len()];
            let end = near[ticks.len()..].find(ticks)?;
            push(found, near[ticks.len()..ticks.len() + end].trim(), base.patch(theme::code(TokenClass::String)));
            Some(end + 2 * ticks.len())
        }
        b'*' | b'_' | b'~' => {
            let mark = ["**", "__", "~~", "*", "_"].into_iter().find(|mark| near.starts_with(mark))?;
            let style = match mark {
                "**" | "__" => Modifier::BOLD,
                "~~" => Modifier::CROSSED_OUT,
                _ => Modifier::ITALIC,
            };
            let end = near[mark.len()..].find(mark).filter(|end| *end > 0)?;
            let inner = &near[mark.len()..mark.len() + end];
            let after = near[2 * mark.len() + end..].chars().next();
            let in_word =
                mark.starts_with('_') && (before.is_alphanumeric() || after.is_some_and(char::is_alphanumeric));
            if in_word || inner.starts_with(' ') || inner.ends_with(' ') {
                return None;
            }
            add(inner, base.add_modifier(style), depth + 1, found);
            Some(end + 2 * mark.len())
        }
        b'!' if near.starts_with("![") => {
            let (name, _, length) = link(&near[1..])?;
            push(found, &format!("▨ {name}"), base.patch(theme::DIM));
            Some(length + 1)
        }
        b'[' => {
            let (name, target, length) = link(near)?;
            add(name, base.add_modifier(Modifier::UNDERLINED), depth + 1, found);
            if target != name {
                push(found, &format!(" ({target})"), base.patch(theme::DIM));
            }
            Some(length)
        }
        b'<' => {
            let end = near.find('>').filter(|_| near.starts_with("<http") || near.starts_with("<mailto:"))?;
            push(found, &near[1..end], base.add_modifier(Modifier::UNDERLINED));
            Some(end + 1)
        }
        _ => None,
    }
}

/// Reads `[name](target)`. Returns also its length in bytes.
fn link(text: &str) -> Option<(&str, &str, usize)> {
    let middle = text.find("](")?;
    let name = &text[1..middle];
    let end = text[middle..].find(')')? + middle;
    let target = text[middle + 2..end].split_whitespace().next().unwrap_or_default();
    (!name.is_empty() && !target.is_empty() && !name.contains('[')).then_some((name, target, end + 1))
}

fn push(pieces: &mut Pieces, text: &str, style: Style) {
    match pieces.last_mut() {
        Some((last, same)) if *same == style => last.push_str(text),
        _ => pieces.push((text.to_owned(), style)),
    }
}

/// Breaks styled text into rows of at most `width` cells, between words where possible.
pub fn fill(pieces: &Pieces, width: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    let (mut row, mut used): (Vec<Span<'static>>, usize) = (Vec::new(), 0);
    for word in words(pieces) {
        let length: usize = word.iter().map(|(text, _)| text::width(text)).sum();
        if used > 0 && used + 1 + length > width {
            rows.push(Line::from(std::mem::take(&mut row)));
            used = 0;
        }
        if used > 0 {
            // A blank within underlined or marked text looks like the text.
            let style = row.last().map_or(Style::new(), |last| last.style);
            let is_same = word.first().is_some_and(|(_, next)| *next == style);
            row.push(Span::styled(" ", if is_same { style } else { Style::new() }));
            used += 1;
        }
        if length <= width {
            used += length;
            row.extend(word.into_iter().map(|(text, style)| Span::styled(text, style)));
            continue;
        }
        let mut parts = text::wrap(word.iter().map(|(text, style)| (text.as_str(), *style)), width, 1);
        if let Some(last) = parts.pop() {
            rows.extend(parts);
            used = last.width();
            row = last.spans;
        }
    }
    if !row.is_empty() {
        rows.push(Line::from(row));
    }
    rows
}

/// The words of a text, each in its styled parts.
fn words(pieces: &Pieces) -> Vec<Pieces> {
    let mut words: Vec<Pieces> = vec![Vec::new()];
    for (text, style) in pieces {
        for (number, part) in text.split(char::is_whitespace).enumerate() {
            if number > 0 {
                words.push(Vec::new());
            }
            if let Some(word) = words.last_mut().filter(|_| !part.is_empty()) {
                word.push((part.to_owned(), *style));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> Vec<(String, Style)> {
        pieces(text, Style::new())
    }

    #[test]
    fn marks_become_styles() {
        let (plain, bold) = (Style::new(), Style::new().add_modifier(Modifier::BOLD));
        let italic = Style::new().add_modifier(Modifier::ITALIC);
        let owned = |pieces: &[(&str, Style)]| -> Vec<_> {
            pieces.iter().map(|(text, style)| ((*text).to_owned(), *style)).collect()
        };
        assert_eq!(marked("a **b** *c*"), owned(&[("a ", plain), ("b", bold), (" ", plain), ("c", italic)]));
        assert_eq!(marked("snake_case_name 2 * 3 * 4 \\*no\\*"), owned(&[("snake_case_name 2 * 3 * 4 *no*", plain)]));
        assert_eq!(marked("`x ** y`")[0].0, "x ** y");
        let link = marked("[here](https://e.org)");
        assert_eq!(link.iter().map(|(text, _)| text.as_str()).collect::<String>(), "here (https://e.org)");
    }
}
