//! The areas of the screen, computed from its size.

use ratatui::layout::Rect;

use crate::domain::TerminalSize;
use crate::tui::line_numbers;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SizeClass {
    /// Below 60 columns or 16 rows: no gutter, code cut to one line, few hints.
    Compact,
    /// Below 100 columns: variables and clients are in a drawer.
    Medium,
    Wide,
}

/// The least number of columns on the left and on the right of the divider.
const MIN_SIDE_WIDTHS: (u16, u16) = (50, 26);

/// Rows of the transcript that a question leaves.
const MIN_TRANSCRIPT_ROWS: u16 = 2;

/// The smallest screen that the dashboard draws on.
pub const MIN_SCREEN: (u16, u16) = (40, 12);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub class: SizeClass,
    pub header: Option<Rect>,
    pub transcript: Rect,
    /// Variables and clients. The hairline is two cells to the left.
    pub side: Option<Rect>,
    /// The drawer, over the lower half of the transcript when it is open.
    pub drawer: Rect,
    /// The code that waits for the person, with a rule above it; of height 0 without such code.
    pub dock: Rect,
    /// The rule above the input.
    pub rule: Rect,
    /// The question of a client, above the line that answers it; of height 0 without a question.
    pub question: Rect,
    /// The input, including its bar.
    pub editor: Rect,
    pub status: Rect,
    /// Empty cells to the left of cards, input and status.
    pub margin: u16,
    /// Cells of the input before the text that the numbers of its lines take.
    pub gutter: u16,
}

impl Layout {
    /// Returns `None` if the screen is too small. `side` is the width that the person gave to the variables. The input
    /// has so many `lines`. `rows` returns the rows that the input, a
    /// question above it and the dock need at a width.
    pub fn new(
        area: Rect,
        side: Option<u16>,
        lines: usize,
        rows: impl Fn(u16) -> (usize, usize, usize),
    ) -> Option<Self> {
        if area.width < MIN_SCREEN.0 || area.height < MIN_SCREEN.1 {
            return None;
        }
        let class = match (area.width, area.height) {
            (..60, _) | (_, ..16) => SizeClass::Compact,
            (..100, _) => SizeClass::Medium,
            _ => SizeClass::Wide,
        };
        let margin = class as u16;
        let gutter = if class == SizeClass::Compact { 0 } else { line_numbers::width(lines) };
        let status_row = area.bottom() - 1;
        let gap = u16::from(class != SizeClass::Compact);

        let min_rows = match area.height {
            30.. => 3,
            16.. => 2,
            _ => 1,
        };
        let (editor_rows, question_rows, dock_rows) = rows(text_width(area.width, margin + gutter));
        let needed = editor_rows.try_into().unwrap_or(u16::MAX);
        let editor_height = needed.clamp(min_rows, (area.height / 3).max(min_rows));
        let editor = Rect { y: status_row - gap - editor_height, height: editor_height, ..area };
        let with_header = class == SizeClass::Wide || area.height >= 30 && class != SizeClass::Compact;
        let top = area.y + if with_header { 2 } else { 0 };
        // A long question takes half of the screen at most, and leaves some rows to the transcript.
        let most = (area.height / 2).min(editor.y.saturating_sub(top + 1 + MIN_TRANSCRIPT_ROWS));
        let question_height = u16::try_from(question_rows).unwrap_or(u16::MAX).min(most);
        let question = Rect { y: editor.y - question_height, height: question_height, ..area };
        let rule = Rect { y: question.y - 1, height: 1, ..area };
        let most = (area.height / 2).min(rule.y.saturating_sub(top + MIN_TRANSCRIPT_ROWS));
        let dock_height = u16::try_from(dock_rows).unwrap_or(u16::MAX).min(most);
        let dock = Rect { y: rule.y - dock_height, height: dock_height, ..area };

        let header = with_header.then_some(Rect { height: 1, ..area });
        let height = dock.y - top;

        let side_width = match (class, side) {
            (SizeClass::Wide, None) => (area.width * 3 / 10).clamp(30, 40),
            (SizeClass::Wide, Some(side)) => side.clamp(MIN_SIDE_WIDTHS.1, area.width - MIN_SIDE_WIDTHS.0),
            _ => 0,
        };
        let transcript = Rect { x: area.x, y: top, width: area.width - side_width, height };
        let side = (side_width > 0).then(|| Rect { x: transcript.right() + 2, y: top, width: side_width - 4, height });
        let drawer_height = (height * 3 / 5).max(height.min(6));
        let drawer = Rect { y: dock.y - drawer_height, height: drawer_height, ..area };
        let status = Rect { y: status_row, height: 1, ..area };
        Some(Self { class, header, transcript, side, drawer, dock, rule, question, editor, status, margin, gutter })
    }

    /// The column of the line between transcript and variables.
    pub fn hairline(&self) -> Option<u16> {
        self.side.map(|side| side.x - 2)
    }

    /// The width of a card's text, after the bar.
    pub fn card_text(&self) -> u16 {
        let right = u16::from(self.class != SizeClass::Compact);
        self.transcript.width.saturating_sub(self.margin + 2 + right)
    }

    /// The size of a card that fills the transcript, as a terminal for the output in it.
    pub fn card(&self) -> TerminalSize {
        TerminalSize { columns: self.card_text().max(1), rows: self.transcript.height.max(1) }
    }

    /// The text of the input, after the bar. One more cell on the right is free for the cursor.
    pub fn editor_text(&self) -> Rect {
        let left = self.margin + self.gutter;
        Rect { x: self.editor.x + left + 2, width: text_width(self.editor.width, left), ..self.editor }
    }
}

fn text_width(width: u16, margin: u16) -> u16 {
    width.saturating_sub(margin + 2 + 1)
}
