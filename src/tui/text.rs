//! Text in cells: widths as ratatui computes them, wrapping, and cutting.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::terminal_text::visible;

/// The tab stops of prose.
const PROSE_TAB: usize = 4;

/// No writing system has more characters than this in one cell.
const MAX_CLUSTER: usize = 16;

fn grapheme_width(grapheme: &str) -> usize {
    if grapheme.chars().any(char::is_control) { 0 } else { grapheme.cell_width().into() }
}

/// The width of `text` in cells.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(grapheme_width).sum() }
}

/// A name from outside, made harmless and put on one line.
pub fn name(text: &str) -> Cow<'_, str> {
    match visible(text) {
        shown if shown.contains(['\n', '\t']) => Cow::Owned(shown.replace('\n', "␊").replace('\t', "␉")),
        shown => shown,
    }
}

/// Cuts `text` to `max` cells, with `…` at the cut.
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max || width(text) <= max {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let graphemes = text.graphemes(true).take_while(|grapheme| {
        used += grapheme_width(grapheme);
        used < max
    });
    let mut out: String = graphemes.collect();
    if max > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// Like [`cut`], but keeps the end.
pub fn cut_front(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let mut used = 1;
    let graphemes: Vec<&str> = text
        .graphemes(true)
        .rev()
        .take_while(|grapheme| {
            used += grapheme_width(grapheme);
            used <= max
        })
        .collect();
    Cow::Owned(std::iter::once("…").chain(graphemes.into_iter().rev()).collect())
}

/// Wraps one line of styled pieces to rows of at most `width` cells, with tabs expanded. An empty line makes one row.
pub fn wrap<'a>(pieces: impl IntoIterator<Item = (&'a str, Style)>, width: usize, tab: usize) -> Vec<Line<'static>> {
    let width = width.max(2);
    let mut rows = Rows { done: Vec::new(), row: Vec::new(), column: 0, width };
    for (text, style) in pieces {
        if text.is_ascii() && !text.contains(|c: char| c.is_ascii_control()) && rows.column + text.len() <= width {
            rows.put(text, style, text.len());
            continue;
        }
        for grapheme in text.graphemes(true) {
            if grapheme == "\t" {
                let cells = (tab - rows.column % tab).min(width);
                rows.make_room(cells);
                rows.put(&" ".repeat(cells), style, cells);
                continue;
            }
            let end = grapheme.char_indices().nth(MAX_CLUSTER).map_or(grapheme.len(), |(end, _)| end);
            let grapheme = &grapheme[..end];
            let cells = grapheme_width(grapheme);
            if cells > 0 {
                rows.make_room(cells);
                rows.put(grapheme, style, cells);
            }
        }
    }
    rows.break_row();
    rows.done
}

/// The part of a row from the cell `from` on, at most `width` cells. Half of a wide character becomes a space.
pub fn part(line: &Line<'static>, from: usize, width: usize) -> Line<'static> {
    let (mut at, to) = (0, from.saturating_add(width));
    let mut spans = Vec::new();
    for span in &line.spans {
        let cells = self::width(&span.content);
        let (start, end) = (at, at + cells);
        at = end;
        if end <= from || start >= to {
            continue;
        }
        if span.content.is_ascii() {
            let shown = &span.content[from.saturating_sub(start)..(to - start).min(cells)];
            spans.push(Span::styled(shown.to_owned(), span.style));
            continue;
        }
        let mut shown = String::new();
        let mut column = start;
        for grapheme in span.content.graphemes(true) {
            let cells = grapheme_width(grapheme);
            let (begins, ends) = (column, column + cells);
            column = ends;
            match () {
                () if ends <= from || begins >= to => {}
                () if begins < from || ends > to => shown.push(' '),
                () => shown.push_str(grapheme),
            }
        }
        spans.push(Span::styled(shown, span.style));
    }
    Line::from(spans)
}

/// Wraps one line of styled prose at its words, to rows of at most `width` cells. Rows after the first are indented
/// like the first one, and by `hang` cells more. Only a word that is longer than a row is broken.
pub fn wrap_words<'a>(
    pieces: impl IntoIterator<Item = (&'a str, Style)>,
    width: usize,
    hang: usize,
) -> Vec<Line<'static>> {
    let width = width.max(2);
    let cells = cells(pieces, width);
    let is_space = |index: usize| cells.get(index).is_some_and(|(grapheme, ..)| grapheme == " ");
    let begin = (0..cells.len()).find(|index| !is_space(*index)).unwrap_or(cells.len());
    let indent = (begin + hang).min(width / 2);
    let mut rows = Vec::new();
    // The indentation of the first row is part of its text.
    let (mut start, mut first_word, mut shift) = (0, begin, 0);
    loop {
        // A wide character may need the whole row.
        if cells.get(start).is_some_and(|(.., first)| shift + first > width) {
            shift = 0;
        }
        let mut used = shift;
        let full = (start..cells.len()).find(|index| {
            used += cells[*index].2;
            used > width
        });
        let end = match full {
            None => cells.len(),
            Some(full) => (first_word + 1..=full).rev().find(|index| is_space(*index)).unwrap_or(full),
        };
        let last = (start..end).rev().find(|index| !is_space(*index)).map_or(start, |last| last + 1);
        let mut row = Rows { done: Vec::new(), row: Vec::new(), column: 0, width };
        row.put(&" ".repeat(shift), Style::new(), shift);
        for (grapheme, style, cells) in &cells[start..last] {
            row.put(grapheme, *style, *cells);
        }
        row.break_row();
        rows.append(&mut row.done);
        let Some(next) = (end..cells.len()).find(|index| !is_space(*index)) else { return rows };
        (start, first_word, shift) = (next, next, indent);
    }
}

/// The graphemes of one line with their widths; tabs are expanded, and no grapheme is wider than `width`.
fn cells<'a>(pieces: impl IntoIterator<Item = (&'a str, Style)>, width: usize) -> Vec<(String, Style, usize)> {
    let rows = wrap(pieces, usize::MAX, PROSE_TAB);
    let spans = rows.into_iter().flat_map(|row| row.spans);
    let graphemes = spans.flat_map(|span| {
        let style = span.style;
        let graphemes: Vec<String> = span.content.graphemes(true).map(str::to_owned).collect();
        graphemes.into_iter().map(move |grapheme| (grapheme, style))
    });
    let sized = graphemes.map(|(grapheme, style)| {
        let cells = grapheme_width(&grapheme);
        (grapheme, style, cells)
    });
    sized.filter(|(.., cells)| *cells <= width).collect()
}

/// Breaks a sentence into lines of at most `width` cells, between words where possible.
pub fn fill(sentence: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for row in sentence.split(' ').flat_map(|word| wrap([(word, Style::new())], width, 1)) {
        let word = row.to_string();
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word,
            Some(line) if self::width(line) + 1 + self::width(&word) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

struct Rows {
    done: Vec<Line<'static>>,
    row: Vec<Span<'static>>,
    column: usize,
    width: usize,
}

impl Rows {
    fn make_room(&mut self, cells: usize) {
        if self.column + cells > self.width {
            self.break_row();
        }
    }

    fn put(&mut self, text: &str, style: Style, cells: usize) {
        if text.is_empty() {
            return;
        }
        self.column += cells;
        match self.row.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(text),
            _ => self.row.push(Span::styled(text.to_owned(), style)),
        }
    }

    fn break_row(&mut self) {
        self.done.push(Line::from(std::mem::take(&mut self.row)));
        self.column = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        wrap([(text, Style::new())], width, 8).into_iter().map(|line| line.to_string()).collect()
    }

    #[test]
    fn rows_never_exceed_the_width() {
        assert_eq!(wrapped("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(wrapped("漢字漢字x", 5), ["漢字", "漢字x"]);
        assert_eq!(wrapped("a\tb", 20), ["a       b"]);
        assert_eq!(wrapped("e\u{301}e\u{301}e\u{301}", 2), ["e\u{301}e\u{301}", "e\u{301}"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("abcd", 4), ["abcd"]);
        for text in ["👨‍👩‍👧‍👦👨‍👩‍👧‍👦é漢\t\tｶﾞﾊﾟ", &"x\u{301}".repeat(500), &format!("a{}", "\u{301}".repeat(5000))]
        {
            for cells in 4..20 {
                for row in wrapped(text, cells) {
                    assert!(width(&row) <= cells, "{row:?} in {cells}");
                    assert!(row.len() < 2000);
                }
            }
        }
    }

    #[test]
    fn a_part_of_a_row_keeps_its_cells() {
        let red = Style::new().fg(ratatui::style::Color::Red);
        let row = Line::from(vec![Span::styled("abc", red), Span::raw("漢字e\u{301}x"), Span::styled("yz", red)]);
        let part = |from, width| part(&row, from, width).to_string();
        assert_eq!(part(0, 99), "abc漢字e\u{301}xyz");
        assert_eq!(part(1, 4), "bc漢");
        assert_eq!(part(4, 4), " 字e\u{301}");
        assert_eq!(part(2, 2), "c ");
        assert_eq!(part(9, 9), "yz");
        assert_eq!(part(99, 9), "");
        assert_eq!(super::part(&row, 0, 2).spans[0].style, red);
    }

    #[test]
    fn sentences_break_between_words() {
        assert_eq!(fill("run, or go on if not", 9), ["run, or", "go on if", "not"]);
        assert_eq!(fill("a /very/long/path", 6), ["a", "/very/", "long/p", "ath"]);
        assert_eq!(fill("", 6), [""]);
    }

    #[test]
    fn prose_breaks_between_words_and_keeps_its_indentation() {
        let words = |text: &str, width: usize, hang: usize| -> Vec<String> {
            wrap_words([(text, Style::new())], width, hang).iter().map(ToString::to_string).collect()
        };
        assert_eq!(words("the hold-out set of last week", 18, 0), ["the hold-out set", "of last week"]);
        assert_eq!(words("exactly ten", 7, 0), ["exactly", "ten"]);
        assert_eq!(words("2 a choice of words", 11, 2), ["2 a choice", "  of words"]);
        assert_eq!(words("    def f(x): return x", 14, 0), ["    def f(x):", "    return x"]);
        assert_eq!(words("a /very/long/path b", 6, 0), ["a", "/very/", "long/p", "ath b"]);
        assert_eq!(words("漢字漢字漢字", 5, 0), ["漢字", "漢字", "漢字"]);
        assert_eq!((words("", 6, 0), words("   ", 2, 0)), (vec![String::new()], vec![String::new()]));
        let styled = wrap_words(
            [("1 ", Style::new().add_modifier(ratatui::style::Modifier::BOLD)), ("a choice", Style::new())],
            4,
            2,
        );
        assert_eq!(styled[0].spans.len(), 2, "each piece keeps its style");
        for width in 2..30 {
            for row in words("a\tb  漢字 👨‍👩‍👧‍👦 e\u{301}e\u{301} loooooooooooooong, and more", width, 3)
            {
                assert!(super::width(&row) <= width, "{row:?} in {width}");
            }
        }
    }

    #[test]
    fn cutting_keeps_within_the_width() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("漢字漢字", 4), "漢…");
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("abcd", 0), "");
        assert_eq!(cut_front("/home/me/project", 8), "…project");
    }

    #[test]
    fn names_cannot_break_the_line() {
        assert_eq!(name("a\n\u{1b}[31mb\u{202e}"), "a␊␛[31mb⟨U+202E⟩");
    }
}
