//! An entry of the transcript as rows, for measuring, drawing and tests alike. The pane draws the header, because its
//! clock moves.

use std::rc::Rc;
use std::sync::Arc;

use ratatui::layout::Size;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::lines::{highlight, note};
use super::value_text::{self, ValueRows};
use super::{data_frame, output_tail, traceback};
use crate::domain::lexer::asks_for_help;
use crate::domain::terminal_text::{plain, visible};
use crate::domain::{
    Display, Entry, ErrorReport, FramePreview, Outcome, Output, ResetReport, Restart, Snippet, Status, units,
};
use crate::tui::images::{FigureRequest, Figures, picture_of, size};
use crate::tui::input::keymap::{Action, Keymap};
use crate::tui::{line_numbers, markdown, text, theme};

/// The layout of a card, which determines its rows together with the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardLayout {
    /// Cells for text, after the bar.
    pub width: u16,
    /// Whether the layout is the smallest, in which code is cut to a line.
    pub compact: bool,
    /// Whether the card is unfolded and shows everything.
    pub open: bool,
    pub figures: FigureOptions,
    /// How far the card is scrolled sideways: the first column in sight of its data frames, or, without frames, by how
    /// many halves of the width its text is moved, plus 1. Unmoved text is wrapped.
    pub column: usize,
    /// Whether the output is prose, which is wrapped at its words.
    pub prose: bool,
    /// Whether the card takes one line, because its client is muted.
    pub muted: bool,
    /// Whether clients are not shown it.
    pub private: bool,
}

impl CardLayout {
    /// The layout of text beside data frames: only the frames scroll.
    fn for_text(self, snippet: &Snippet) -> Self {
        let outcome = snippet.outcome.as_deref();
        let has_frames = outcome.is_some_and(|outcome| outcome.frame.is_some() || !outcome.frames.is_empty());
        Self { column: if has_frames { 0 } else { self.column }, ..self }
    }

    /// The width to wrap text at.
    fn text_width(&self) -> usize {
        if self.column > 0 { usize::MAX } else { self.width.into() }
    }

    /// The cells of unwrapped text that are scrolled away on the left; `None` for wrapped text.
    fn moved_by(&self) -> Option<usize> {
        Some(self.column.checked_sub(1)? * usize::from(self.width / 2))
    }
}

/// The layout of figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FigureOptions {
    /// The most rows of a figure; 0 shows no figures.
    pub rows: u16,
    /// Width and height of a cell in pixels.
    pub cell: (u16, u16),
    /// The number of figures that cannot be shown.
    pub failures: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    Head,
    /// A row of code beside the author's bar. The first row of a line may have its number.
    Code(Line<'static>, Option<usize>),
    Text(Line<'static>),
    /// A row of a figure, counted from 0.
    Picture(Rc<FigureRequest>, u16),
    /// The space between cards.
    Space,
}

#[derive(Debug, Default)]
pub struct Card {
    pub rows: Vec<Row>,
    /// The cells before the code that the numbers of its lines take.
    pub gutter: u16,
    /// Whether the card hides rows, or shows them only because it is open.
    pub foldable: bool,
    /// Whether a line of text is wrapped, or goes on at the right.
    pub is_wide: bool,
}

/// A display or a data frame within the output.
enum OutputItem<'a> {
    Display(usize, &'a Arc<Display>),
    Frame(&'a FramePreview),
}

/// Lines of code shown of a folded card, and rows of output or of a result.
const MAX_CODE_LINES: usize = 15;
pub(super) const MAX_OUTPUT_ROWS: usize = 12;
/// Enough for a data frame as pandas shows it.
const MAX_RESULT_ROWS: usize = 14;
/// The least width of a card whose code has line numbers.
const MIN_NUMBERED_WIDTH: u16 = 40;
/// A text is read, where a value is looked at.
const MAX_MARKDOWN_ROWS: usize = 24;
/// Rows of output of a running snippet: the end matters most, and earlier cards stay in sight.
const MAX_LIVE_ROWS: usize = 6;
/// The longest traceback of a `SyntaxError` to show in full, because it has the place of the error.
const MAX_SYNTAX_LINES: usize = 6;

impl Card {
    pub fn new(entry: &Entry, keys: &Keymap, shape: CardLayout, figures: &Figures) -> Self {
        let mut card = Self { rows: vec![Row::Head], ..Self::default() };
        if shape.muted && !shape.open {
            card.foldable = true;
            return card;
        }
        match entry {
            Entry::Snippet(snippet) => card.snippet(snippet, shape, figures),
            Entry::Background { output, .. } => card.output(output, MAX_LIVE_ROWS, shape),
            Entry::Reset { report, .. } => card.reset(report, shape),
            Entry::Restart { restart, .. } => card.restart(restart, keys, shape),
            Entry::Note { note, .. } => card.note(note, shape),
        }
        card.rows.push(Row::Space);
        card
    }

    fn snippet(&mut self, snippet: &Snippet, shape: CardLayout, figures: &Figures) {
        if let Some(title) = &snippet.title {
            self.wrapped(&text::name(title), theme::DIM, shape);
        }
        self.code(&snippet.code, shape);
        if shape.private {
            self.rows
                .push(Row::Text(note("private: not shown to clients, whose code can read it all the same".to_owned())));
        }
        self.decisions(snippet, shape);
        let shape = CardLayout { prose: is_prose(&snippet.code), ..shape };
        let limit = if snippet.outcome.is_some() { MAX_OUTPUT_ROWS } else { MAX_LIVE_ROWS };
        self.written(snippet, limit, shape, figures);
        let Some(outcome) = &snippet.outcome else { return self.effects(snippet, shape) };
        match (&outcome.frame, &outcome.result) {
            (Some(frame), _) => self.frame(frame, shape),
            (None, Some(result)) => self.result(result, shape.for_text(snippet)),
            (None, None) => {}
        }
        self.end(snippet, outcome, shape);
        self.names(snippet, outcome, shape);
        self.effects(snippet, shape);
    }

    fn code(&mut self, code: &str, shape: CardLayout) {
        let total = code.lines().count();
        let limit = if shape.compact { 2 } else { MAX_CODE_LINES };
        let hidden = if total > limit { total - (limit - 1) } else { 0 };
        self.foldable |= hidden > 0;
        let hidden = if shape.open { 0 } else { hidden };
        let shown: String = code.split_inclusive('\n').take(total - hidden).collect();
        self.gutter = if shape.compact || shape.width < MIN_NUMBERED_WIDTH { 0 } else { line_numbers::width(total) };
        for (line, pieces) in (1..).zip(highlight(&visible(&shown))) {
            let pieces = pieces.iter().map(|(text, style)| (text.as_str(), *style));
            let mut rows = text::wrap(pieces, (shape.width - self.gutter).into(), 4);
            self.foldable |= rows.len() > limit;
            if !shape.open && rows.len() > limit {
                rows.truncate(limit);
                rows.push(note(format!("… this line goes on, {}", units::bytes(shown.len() as u64))));
            }
            let number = |row: usize| (row == 0 && self.gutter > 0).then_some(line);
            self.rows.extend(rows.into_iter().enumerate().map(|(row, text)| Row::Code(text, number(row))));
        }
        if hidden > 0 {
            let text = if shape.compact { format!("… {hidden} more") } else { format!("… {hidden} more lines") };
            self.rows.push(Row::Code(note(text), None));
        }
    }

    /// Adds the output with displays at their places. Of more than `limit` rows, only the last are shown.
    fn written(&mut self, snippet: &Snippet, limit: usize, shape: CardLayout, figures: &Figures) {
        let output = &snippet.output;
        let frames =
            snippet.outcome.as_ref().map_or_else(Vec::new, |outcome| data_frame::places(output, &outcome.frames));
        let text_shape = shape.for_text(snippet);
        if snippet.displays.is_empty() && frames.is_empty() {
            if snippet.outcome.is_some() && asks_for_help(&snippet.code) {
                return self.help(output, limit, text_shape);
            }
            return self.output(output, limit, text_shape);
        }
        let displays =
            snippet.numbered_displays().map(|(n, shown)| (shown.after..shown.after, OutputItem::Display(n, shown)));
        let mut shown: Vec<_> =
            displays.chain(frames.into_iter().map(|(at, frame)| (at, OutputItem::Frame(frame)))).collect();
        shown.sort_by_key(|(at, _)| at.start);
        let dropped = snippet.next_display() - 1 - snippet.displays.len();
        let mut parts = Vec::new();
        let (mut to, mut left) = (output.position(), limit);
        for (index, (at, what)) in shown.into_iter().enumerate().rev() {
            let mut part = Self::default();
            let pictured = match what {
                OutputItem::Display(number, display) => part.display(snippet, number, display, text_shape, figures),
                OutputItem::Frame(frame) => {
                    part.frame(frame, shape);
                    0
                }
            };
            let mut after = Self::default();
            if left > 0 || shape.open {
                after.output(&output.slice(at.end, to), left.max(1), text_shape);
            }
            // The rows of a picture count less than rows of text.
            left = left.saturating_sub(part.rows.len() - pictured + pictured / 4 + after.rows.len());
            to = to.min(at.start);
            parts.push(after);
            parts.push(part);
            let earlier = index + dropped;
            if left == 0 && !shape.open && earlier > 0 {
                let earlier = units::count(earlier, "earlier display");
                let earlier = vec![Row::Text(note(format!("▴ {earlier}")))];
                parts.push(Self { rows: earlier, foldable: true, ..Self::default() });
                to = 0;
                break;
            }
        }
        let mut first = Self::default();
        if to > 0 {
            first.output(&output.slice(0, to), left.max(1), text_shape);
        }
        parts.push(first);
        for part in parts.into_iter().rev() {
            self.foldable |= part.foldable;
            self.is_wide |= part.is_wide;
            self.rows.extend(part.rows);
        }
    }

    /// Adds a display. Returns the number of rows of its picture.
    fn display(
        &mut self,
        snippet: &Snippet,
        number: usize,
        display: &Arc<Display>,
        shape: CardLayout,
        figures: &Figures,
    ) -> usize {
        let label = format!("▨ {}", plain(&display.label(number)));
        self.rows.push(Row::Text(Line::from(Span::styled(label, theme::FOCUS))));
        let value = snippet.outcome.as_deref().and_then(|outcome| outcome.result.as_deref());
        if let Some(text) = display.text_beside(value) {
            match display.forms.first() {
                Some(form) if form.mime == "text/markdown" => self.markdown(&text, shape),
                _ => self.result(&text, shape),
            }
        }
        let picture = picture_of(display).filter(|_| shape.figures.rows > 0);
        match (picture, figures.failure(display)) {
            (Some(Ok(_)), Some(why)) => self.rows.push(Row::Text(note(why.to_owned()))),
            (Some(Ok((_, pixels))), None) => {
                let room = Size { width: shape.width, height: shape.figures.rows };
                let request = Rc::new(FigureRequest::new(display, size::fit(pixels, room, shape.figures.cell), false));
                let rows = request.size.height;
                self.rows.extend((0..rows).map(|row| Row::Picture(request.clone(), row)));
                return rows.into();
            }
            (Some(Err(why)), _) if display.bytes_kept() > 0 => self.rows.push(Row::Text(note(why))),
            _ => {}
        }
        0
    }

    fn output(&mut self, output: &Output, limit: usize, shape: CardLayout) {
        if output.is_empty() {
            return;
        }
        let limit = match shape {
            CardLayout { open: true, .. } => usize::MAX,
            CardLayout { compact: true, .. } => limit / 2,
            _ => limit,
        };
        let tail = output_tail::take(output, limit, shape.text_width(), shape.prose);
        self.is_wide |= tail.is_wrapped;
        if let Some(hidden) = tail.hidden {
            self.rows.push(Row::Text(note(format!("▴ {hidden}"))));
            self.foldable = true;
        } else if shape.open && tail.rows.len() > MAX_LIVE_ROWS {
            self.foldable = true;
        }
        let rows = tail.rows.into_iter().map(|row| self.moved(row, shape)).collect::<Vec<_>>();
        self.rows.extend(rows.into_iter().map(Row::Text));
    }

    /// The part of a row that is in sight, with a mark where the row goes on.
    fn moved(&mut self, row: Line<'static>, shape: CardLayout) -> Line<'static> {
        let (Some(from), width) = (shape.moved_by(), usize::from(shape.width)) else { return row };
        if row.width() <= from + width {
            return text::part(&row, from, width);
        }
        self.is_wide = true;
        let mut shown = text::part(&row, from, width - 1);
        shown.push_span(Span::styled("›", theme::DIM));
        shown
    }

    /// Adds help, of which the beginning matters most: the signature and the summary.
    fn help(&mut self, output: &Output, limit: usize, shape: CardLayout) {
        let limit = if shape.compact { limit / 2 } else { limit };
        let mut rows = output_tail::take(output, usize::MAX, shape.text_width(), false).rows;
        let hidden = rows.len().saturating_sub(limit);
        self.foldable |= hidden > 0;
        if hidden > 0 && !shape.open {
            rows.truncate(limit);
            rows.push(note(format!("▾ {}", units::count(hidden, "more line"))));
        }
        self.rows.extend(rows.into_iter().map(Row::Text));
    }

    fn frame(&mut self, frame: &FramePreview, shape: CardLayout) {
        let limit = if shape.compact { MAX_LIVE_ROWS } else { MAX_RESULT_ROWS };
        let limit_now = if shape.open { usize::MAX } else { limit };
        let lines = data_frame::frame(frame, shape.column, shape.width.into(), limit_now);
        self.foldable |= frame.cells.len() + 2 > limit;
        self.rows.extend(lines.into_iter().map(Row::Text));
    }

    fn result(&mut self, result: &str, shape: CardLayout) {
        let shown = plain(result);
        let limit = if shape.compact { MAX_LIVE_ROWS } else { MAX_RESULT_ROWS };
        let max_rows = if shape.open { usize::MAX } else { limit + 1 };
        let wraps = shape.column == 0;
        let ValueRows { rows, lines, is_wide, is_folded } =
            value_text::rows(&shown, shape.width.into(), wraps, max_rows);
        self.is_wide |= is_wide;
        let mut rows: Vec<Line<'static>> = rows.into_iter().map(|row| self.moved(row, shape)).collect();
        self.foldable |= rows.len() > limit || is_folded;
        if !shape.open && rows.len() > limit {
            rows.truncate(limit - 1);
            let rest = if lines > rows.len() {
                format!("{} more lines", lines - rows.len())
            } else {
                format!("goes on, {} in all", units::bytes(result.len() as u64))
            };
            rows.push(note(format!("… {rest}")));
        }
        self.rows.extend(rows.into_iter().map(Row::Text));
    }

    fn markdown(&mut self, text: &str, shape: CardLayout) {
        let limit = if shape.compact { MAX_LIVE_ROWS } else { MAX_MARKDOWN_ROWS };
        let max_rows = if shape.open { usize::MAX } else { limit };
        let mut rows = markdown::rows(text, shape.width.into(), max_rows);
        self.foldable |= rows.len() > limit;
        if !shape.open && rows.len() > limit {
            rows.truncate(limit - 1);
            rows.push(note("… the text goes on".to_owned()));
        }
        self.rows.extend(rows.into_iter().map(Row::Text));
    }

    fn end(&mut self, snippet: &Snippet, outcome: &Outcome, shape: CardLayout) {
        match outcome.status {
            Status::Cancelled if snippet.is_rejected() => {}
            Status::Interrupted | Status::Cancelled => {
                let word = outcome.status.word();
                let how = match outcome.stopped_by.as_deref() {
                    None => word.to_owned(),
                    Some(by) if by.starts_with("the restart by you") => format!("{word}: you restarted Python"),
                    Some(by) => format!("{word} by {}", text::name(by)),
                };
                self.wrapped(&how, theme::NOTICE, shape);
                if let Some(error) = &outcome.error {
                    self.traceback(snippet, error, shape);
                }
            }
            Status::Error => match &outcome.error {
                Some(error) => self.error(snippet, error, shape),
                None => self.wrapped(&format!("exit code {}", outcome.returncode), theme::ERROR, shape),
            },
            _ => {}
        }
    }

    fn error(&mut self, snippet: &Snippet, error: &ErrorReport, shape: CardLayout) {
        let in_full = matches!(error.type_name.as_str(), "SyntaxError" | "IndentationError" | "TabError")
            && error.traceback.lines().count() <= MAX_SYNTAX_LINES;
        if in_full {
            for line in plain(&error.traceback).lines() {
                self.wrapped(line, theme::ERROR, shape);
            }
            return;
        }
        // An unfolded traceback ends with the message.
        if !shape.open || !has_traceback(error) {
            self.headline(error, shape);
        }
        self.traceback(snippet, error, shape);
    }

    fn traceback(&mut self, snippet: &Snippet, error: &ErrorReport, shape: CardLayout) {
        if !has_traceback(error) {
            return;
        }
        self.foldable = true;
        let shown = plain(&error.traceback);
        let lines = shown.lines().count();
        if shape.open {
            self.rows.push(Row::Text(note(format!("▾ traceback, {lines} lines"))));
            for line in traceback::coloured(&shown) {
                let pieces = line.iter().map(|(text, style)| (text.as_str(), *style));
                self.rows.extend(text::wrap(pieces, shape.width.into(), 8).into_iter().map(Row::Text));
            }
            return;
        }
        // If all the code is one line, that line is already shown above.
        let here = format!("<snippet {}>", snippet.id);
        let says_more = |frame: &traceback::Frame<'_>| frame.file != here || snippet.code.trim().contains('\n');
        if let Some(frame) = traceback::own_frame(&shown).filter(says_more) {
            self.rows.push(Row::Text(traceback::place(frame, shape.width)));
        }
        self.rows.push(Row::Text(note(format!("▸ traceback, {lines} lines"))));
    }

    fn headline(&mut self, error: &ErrorReport, shape: CardLayout) {
        let message = plain(&error.message);
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default();
        let kind = text::name(&error.type_name);
        let headline = if first.is_empty() { kind.into_owned() } else { format!("{kind}: {first}") };
        self.wrapped(&headline, theme::ERROR, shape);
        for line in lines.take(3) {
            self.wrapped(line, theme::ERROR, shape);
        }
    }

    fn reset(&mut self, report: &ResetReport, shape: CardLayout) {
        for line in &report.remains {
            self.wrapped(&text::name(line), theme::DIM, shape);
        }
    }

    fn restart(&mut self, restart: &Restart, keys: &Keymap, shape: CardLayout) {
        if let Some(before) = restart.before {
            let what = format!("All variables are as they were before {before}; what ran from there on is taken back.");
            self.wrapped(&what, theme::DIM, shape);
        } else if restart.how.is_empty() {
            self.wrapped("All variables are gone; what ran before can be read above.", theme::DIM, shape);
        } else {
            self.wrapped(&text::name(&restart.how), theme::PLAIN, shape);
        }
        for fate in &restart.processes {
            self.wrapped(&text::name(fate), theme::DIM, shape);
        }
        for remains in &restart.remains {
            self.wrapped(&text::name(&format!("not taken back: {remains}")), theme::NOTICE, shape);
        }
        if restart.safe_point.is_none() {
            let keys = keys.key_hint(Action::Replay);
            self.wrapped(&format!("{keys} runs again what ran before."), theme::DIM, shape);
        }
    }

    pub(super) fn wrapped(&mut self, line: &str, style: Style, shape: CardLayout) {
        let mut rows = text::wrap_words([(line, style)], shape.width.into(), 0);
        self.foldable |= rows.len() > MAX_OUTPUT_ROWS;
        if !shape.open && rows.len() > MAX_OUTPUT_ROWS {
            rows.truncate(MAX_OUTPUT_ROWS);
            rows.push(note("… this line goes on".to_owned()));
        }
        self.rows.extend(rows.into_iter().map(Row::Text));
    }
}

/// Magics that answer in sentences.
const PROSE_MAGICS: [&str; 8] =
    ["autoreload", "checkpoint", "load_ext", "lsmagic", "restore", "rewind", "safepoint", "who"];

/// Returns whether the output of code is prose: sentences of a magic, or the help of an object.
fn is_prose(code: &str) -> bool {
    let code = code.trim();
    let magic = code.strip_prefix('%').and_then(|rest| rest.split_whitespace().next());
    !code.contains('\n') && (code.ends_with('?') || magic.is_some_and(|magic| PROSE_MAGICS.contains(&magic)))
}

/// Returns whether an error has more than its message. A `SystemExit` has only a message.
fn has_traceback(error: &ErrorReport) -> bool {
    let bare = error.traceback.strip_prefix(&error.type_name).and_then(|rest| rest.strip_prefix(": "));
    error.traceback.lines().count() > 1 && bare != Some(&error.message)
}
