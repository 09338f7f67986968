//! Markdown as rows: headings, lists, tables, quotes, code and emphasis. Every line is rendered by itself, within
//! bounds, so that no text can take long or leave its place.

mod inline;
mod table;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use self::inline::{Pieces, fill, pieces};
use super::transcript::lines::highlight;
use super::{text, theme};
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::terminal_text::visible;

/// Bytes of a text that are rendered.
const MAX_BYTES: usize = 256 << 10;
/// Bytes of a paragraph; the rest of it is another paragraph.
const MAX_PARAGRAPH: usize = 16 << 10;
/// Levels by which a list is indented.
const MAX_INDENT: usize = 12;

/// Returns the rows of a Markdown text at `width` cells, no more than about `max_rows`.
pub fn rows(markdown: &str, width: usize, max_rows: usize) -> Vec<Line<'static>> {
    let shown = visible(&markdown[..floor_char_boundary(markdown, MAX_BYTES)]).replace('\t', "    ");
    let mut renderer = Renderer { rows: Vec::new(), width: width.max(8) };
    let mut lines = shown.lines().peekable();
    let mut paragraph = String::new();
    while let Some(line) = lines.next() {
        if renderer.rows.len() > max_rows {
            break;
        }
        let block = Block::of(line);
        if !matches!(block, Block::Text(_)) || paragraph.len() > MAX_PARAGRAPH {
            renderer.paragraph(&mut paragraph);
        }
        match block {
            Block::Text(text) if lines.peek().is_some_and(|next| table::is_delimiter(next, text)) => {
                renderer.paragraph(&mut paragraph);
                lines.next();
                let cells: Vec<&str> = std::iter::from_fn(|| lines.next_if(|line| line.contains('|'))).collect();
                renderer.rows.extend(table::rows(text, &cells, renderer.width));
            }
            Block::Text(text) => {
                // Two blanks or a backslash at its end break a line.
                let breaks = line.ends_with("  ") || text.ends_with('\\');
                paragraph.push_str(text.strip_suffix('\\').unwrap_or(text));
                paragraph.push(if breaks { '\n' } else { ' ' });
            }
            Block::Fence(mark, language) => {
                let code = lines.by_ref().take_while(|line| !line.trim_start().starts_with(mark));
                let code: Vec<&str> = code.collect();
                renderer.code(&code, language);
            }
            block => renderer.block(block),
        }
    }
    renderer.paragraph(&mut paragraph);
    while renderer.rows.last().is_some_and(|row| row.width() == 0) {
        renderer.rows.pop();
    }
    if shown.len() < markdown.len() && renderer.rows.len() <= max_rows {
        renderer.rows.push(Line::styled("… the text goes on", theme::DIM));
    }
    renderer.rows
}

/// A line by its kind.
enum Block<'a> {
    Blank,
    Rule,
    Heading(usize, &'a str),
    Quote(&'a str),
    /// Indentation, mark, text.
    Item(usize, String, &'a str),
    /// Its mark and its language.
    Fence(&'a str, &'a str),
    Text(&'a str),
}

impl<'a> Block<'a> {
    fn of(line: &'a str) -> Self {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if text.is_empty() {
            return Self::Blank;
        }
        for mark in ["```", "~~~"] {
            if let Some(language) = text.strip_prefix(mark) {
                return Self::Fence(mark, language.trim_start_matches(['`', '~']).trim());
            }
        }
        let level = text.bytes().take_while(|byte| *byte == b'#').count();
        if (1..=6).contains(&level) && text[level..].starts_with([' ', '\t']) {
            return Self::Heading(level, text[level..].trim().trim_end_matches('#').trim_end());
        }
        let bare: String = text.chars().filter(|c| *c != ' ').collect();
        if bare.len() >= 3 && ["-", "*", "_"].iter().any(|mark| bare.chars().all(|c| mark.starts_with(c))) {
            return Self::Rule;
        }
        if let Some(quoted) = text.strip_prefix('>') {
            return Self::Quote(quoted.trim_start());
        }
        if let Some(item) = ["- ", "* ", "+ "].iter().find_map(|mark| text.strip_prefix(mark)) {
            return match item.get(..4).map(str::to_ascii_lowercase).as_deref() {
                Some("[ ] ") => Self::Item(indent, "☐ ".to_owned(), &item[4..]),
                Some("[x] ") => Self::Item(indent, "☑ ".to_owned(), &item[4..]),
                _ => Self::Item(indent, "• ".to_owned(), item),
            };
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=9).contains(&digits) && (text[digits..].starts_with(". ") || text[digits..].starts_with(") ")) {
            return Self::Item(indent, text[..digits + 2].to_owned(), &text[digits + 2..]);
        }
        Self::Text(text)
    }
}

struct Renderer {
    rows: Vec<Line<'static>>,
    width: usize,
}

impl Renderer {
    fn paragraph(&mut self, paragraph: &mut String) {
        for line in std::mem::take(paragraph).split('\n').map(str::trim).filter(|line| !line.is_empty()) {
            self.rows.extend(fill(&pieces(line, theme::PLAIN), self.width));
        }
    }

    fn block(&mut self, block: Block<'_>) {
        match block {
            Block::Blank => {
                if self.rows.last().is_some_and(|row| row.width() > 0) {
                    self.rows.push(Line::default());
                }
            }
            Block::Rule => self.rows.push(Line::styled("─".repeat(self.width.min(40)), theme::DIM)),
            Block::Heading(level, text) => {
                let style = if level == 1 { theme::BOLD.add_modifier(Modifier::UNDERLINED) } else { theme::BOLD };
                self.rows.extend(fill(&pieces(text, style), self.width));
            }
            Block::Quote(text) => self.beside("│ ", theme::DIM, &pieces(text, theme::DIM)),
            Block::Item(indent, mark, text) => {
                let indent = " ".repeat(indent.min(MAX_INDENT).min(self.width / 3));
                self.item(&(indent + &mark), &pieces(text, theme::PLAIN));
            }
            Block::Fence(..) | Block::Text(_) => {}
        }
    }

    /// Adds text with a mark before each row.
    fn beside(&mut self, mark: &'static str, style: Style, pieces: &Pieces) {
        for mut row in fill(pieces, self.width.saturating_sub(text::width(mark))) {
            row.spans.insert(0, Span::styled(mark, style));
            self.rows.push(row);
        }
    }

    /// Adds text with a mark before the first row, and as much space before the others.
    fn item(&mut self, mark: &str, pieces: &Pieces) {
        let room = self.width.saturating_sub(text::width(mark));
        for (number, mut row) in fill(pieces, room).into_iter().enumerate() {
            let before = if number == 0 { mark.to_owned() } else { " ".repeat(text::width(mark)) };
            row.spans.insert(0, Span::raw(before));
            self.rows.push(row);
        }
    }

    fn code(&mut self, lines: &[&str], language: &str) {
        let code = lines.join("\n");
        let is_python = matches!(language.to_ascii_lowercase().as_str(), "python" | "py" | "python3" | "ipython");
        let lines = if is_python {
            highlight(&code)
        } else {
            code.split('\n').map(|line| vec![(line.to_owned(), theme::PLAIN)]).collect()
        };
        for line in lines {
            let pieces = line.iter().map(|(text, style)| (text.as_str(), *style));
            for mut row in text::wrap(pieces, self.width.saturating_sub(2), 4) {
                row.spans.insert(0, Span::styled("▏ ", theme::DIM));
                self.rows.push(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    fn shown(markdown: &str, width: usize) -> Vec<String> {
        rows(markdown, width, usize::MAX).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn blocks_are_rendered() {
        let text = "# Title\n\nSome **bold** text\nover two lines.\n\n- one\n  - two *deep*\n1. first\n- [x] done\n\n> quoted\n\n---\n```python\nx = 1\n```\n";
        assert_eq!(
            shown(text, 40),
            [
                "Title",
                "",
                "Some bold text over two lines.",
                "",
                "• one",
                "  • two deep",
                "1. first",
                "☑ done",
                "",
                "│ quoted",
                "",
                &"─".repeat(40),
                "▏ x = 1",
            ]
        );
        assert_eq!(shown("a long item\n- of a list that wraps", 12), ["a long item", "• of a list", "  that wraps"]);
    }

    #[test]
    fn tables_fit_the_width() {
        let text = "| name | value |\n|:--|--:|\n| `x` | 1 |\n| a longer name | 22 |\nafter";
        assert_eq!(
            shown(text, 40),
            ["name           value", "─────────────  ─────", "x                  1", "a longer name     22", "after"]
        );
        for width in 8..40 {
            assert!(shown(text, width).iter().all(|row| text::width(row) <= width), "{width}");
        }
    }

    #[test]
    fn no_text_breaks_the_rendering() {
        let parts = [
            "*",
            "**",
            "_",
            "`",
            "```",
            "[",
            "](",
            ")",
            "|",
            "---",
            "\n",
            "# ",
            "- ",
            "> ",
            "a",
            "漢",
            " ",
            "\u{1b}[2J",
            "\\",
            "<",
            "![",
        ];
        let mut random = Random::new(3);
        for _ in 0..5_000 {
            let text = random.text(&parts, 40);
            for row in rows(&text, 20, 1_000) {
                assert!(row.width() <= 20, "{text:?}: {row:?}");
                assert!(!row.to_string().contains(char::is_control), "{text:?}");
            }
        }
        for hostile in ["**a ", "[", "`", "*", "| a ", "> ", "_a"] {
            // In a time that grows with the square of the length, this would take minutes.
            rows(&hostile.repeat(300_000), 40, usize::MAX);
        }
    }
}
