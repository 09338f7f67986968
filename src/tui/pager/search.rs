//! The search through a whole output, a few units per frame.

use crossterm::event::{KeyCode, KeyEvent};

use super::{Pager, PagerSearch, UnitRow};
use crate::domain::terminal_text::plain;
use crate::tui::composer::editor::Editor;
use crate::tui::search::query::Query;
use crate::tui::text;

/// The most units searched per frame.
const MAX_UNITS_PER_FRAME: usize = 32;

impl Pager {
    pub fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    pub fn ask(&mut self) {
        self.asking = Some(Editor::default());
        self.notice = None;
    }

    /// A key while the pager asks for what to search.
    pub fn edit(&mut self, key: KeyEvent) {
        let Some(asking) = &mut self.asking else { return };
        match key.code {
            KeyCode::Backspace if asking.is_empty() => self.asking = None,
            KeyCode::Esc => self.asking = None,
            KeyCode::Enter => {
                let text = asking.code();
                self.asking = None;
                if !text.is_empty() {
                    self.needle = Query::new(&text);
                }
                self.found = None;
                self.begin_search(true);
                // Most searches begin at the end, where the pager opens.
                self.search.iter_mut().for_each(|search| search.wraps = true);
            }
            _ => asking.key(key),
        }
    }

    pub fn paste(&mut self, text: &str) {
        if let Some(asking) = &mut self.asking {
            asking.paste_line(text);
        }
    }

    pub fn search_again(&mut self, forward: bool) {
        self.begin_search(forward);
    }

    /// Starts at the last match, or at the first row in sight.
    fn begin_search(&mut self, forward: bool) {
        self.notice = None;
        if self.needle.is_empty() {
            return;
        }
        let next = match self.found {
            Some(found) if forward => self.down(found, 1),
            Some(found) => found,
            None => self.first(),
        };
        self.search = Some(PagerSearch { next, forward, wraps: false });
    }

    /// Searches some units. Returns whether another frame is needed.
    pub fn search_on(&mut self) -> bool {
        let Some(PagerSearch { mut next, forward, mut wraps }) = self.search.take() else { return false };
        for _ in 0..MAX_UNITS_PER_FRAME {
            // A backward search looks at the rows before `next`.
            let unit = if forward || next.row > 0 { Some(next.unit) } else { next.unit.checked_sub(1) };
            let Some(unit) = unit.filter(|unit| *unit < self.units()) else {
                if std::mem::take(&mut wraps) {
                    next = UnitRow { unit: 0, row: 0 };
                    continue;
                }
                self.notice =
                    Some(format!("no more {:?} {}", self.needle.as_str(), if forward { "below" } else { "above" }));
                return false;
            };
            let segments = self.segments(unit);
            let raw: String = segments.iter().map(|segment| segment.text.as_str()).collect();
            if self.needle.is_in(&plain(&raw)) {
                let texts: Vec<String> = self.rows(unit).iter().map(ToString::to_string).collect();
                let end = if next.unit == unit { next.row } else { texts.len() };
                let range = match (forward, next.unit == unit) {
                    (true, true) => next.row..texts.len(),
                    (true, false) => 0..texts.len(),
                    (false, _) => 0..end.min(texts.len()),
                };
                let mut places = range.filter(|row| self.needle.is_in(&texts[*row]));
                if let Some(row) = if forward { places.next() } else { places.next_back() } {
                    self.found = Some(UnitRow { unit, row });
                    self.top = self.found;
                    let found = self.needle.all(&texts[row]).next();
                    if let Some(found) = found {
                        let start = text::width(&texts[row][..found.start]);
                        self.show_cells(start, start + text::width(&texts[row][found]));
                    }
                    return true;
                }
            }
            next = UnitRow { unit: if forward { unit + 1 } else { unit }, row: 0 };
        }
        self.search = Some(PagerSearch { next, forward, wraps });
        true
    }

    pub fn is_searching(&self) -> bool {
        self.search.is_some()
    }
}
