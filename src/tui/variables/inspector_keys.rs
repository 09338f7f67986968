//! Opening the inspector, its keys, and the session's answers.

use crossterm::event::{KeyCode, KeyEvent};

use super::draw_inspector::InspectorTarget;
use super::grid::{Grid, GridPrompt, GridPromptKind};
use super::inspector::{InspectResult, Inspector, Visit, aspect_of, is_scrolling};
use crate::domain::{Aspect, InspectError, InspectRequest, SnippetId, Timestamp};
use crate::tui::composer::editor::Editor;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::pager::Pager;
use crate::tui::view::View;

impl View {
    pub fn open_inspector(&mut self, variable: String) -> Effect {
        self.layers.push(Layer::Inspector { scroll: 0 });
        let height = self.variables.inspector.take().map_or(0, |before| before.height);
        self.variables.inspector = Some(Inspector { height, ..Inspector::default() });
        self.inspect(variable, None, Aspect::Overview, 0)
    }

    /// Opens the value of a card, at the rows of a frame.
    pub(in crate::tui) fn open_result(&mut self, card: usize, path: String, of: SnippetId, aspect: Aspect) -> Effect {
        self.layers.push(Layer::Inspector { scroll: 0 });
        let height = self.variables.inspector.take().map_or(0, |before| before.height);
        self.variables.inspector = Some(Inspector { card: Some(card), height, ..Inspector::default() });
        let result_of = (path == "_").then_some(of);
        self.inspect(path, result_of, aspect, 0)
    }

    /// Sends a request about a value. The place in it stays if the value and the aspect do.
    fn inspect(&mut self, path: String, result_of: Option<SnippetId>, aspect: Aspect, page: u32) -> Effect {
        let before = self.variables.inspector.get_or_insert_default();
        let is_same = before.request.path == path && before.request.aspect == aspect;
        let grid = if is_same { before.grid.clone() } else { Grid::default() };
        self.inspect_at(Visit { path, aspect, page, grid }, result_of)
    }

    fn inspect_at(&mut self, visit: Visit, result_of: Option<SnippetId>) -> Effect {
        self.variables.inspections += 1;
        let number = self.variables.inspections;
        let after = self.transcript.last_finished().map(|snippet| snippet.id);
        let inspector = self.variables.inspector.get_or_insert_default();
        let Visit { path, aspect, page, grid } = visit;
        if inspector.request.path != path {
            inspector.last = None;
        }
        let window = is_scrolling(aspect).then(|| grid.window(inspector.height, after));
        let request = InspectRequest { path, result_of, aspect, page, window };
        inspector.request = request.clone();
        (inspector.number, inspector.answer, inspector.after, inspector.grid) = (number, None, after, grid);
        Effect::Inspect { request, number }
    }

    /// Repeats the request, for the rows that are in sight now.
    fn inspect_again(&mut self) -> Option<Effect> {
        let InspectRequest { path, result_of, aspect, page, .. } = self.variables.inspector.as_ref()?.request.clone();
        Some(self.inspect(path, result_of, aspect, page))
    }

    /// Takes the answer to request `number`. Returns a request for the rows that came into sight meanwhile.
    pub fn on_inspected(&mut self, number: u32, answer: InspectResult, now: Timestamp) -> Option<Effect> {
        let inspector = self.variables.inspector.as_mut().filter(|inspector| inspector.number == number)?;
        let is_first = inspector.last.is_none() && inspector.trail.is_empty();
        let refused_rows = matches!(answer, Err(InspectError::Refused(_))) && inspector.request.aspect == Aspect::Rows;
        if is_first && refused_rows && inspector.card.is_some() {
            // The value looked like a table, and is none.
            let InspectRequest { path, result_of, .. } = inspector.request.clone();
            return Some(self.inspect(path, result_of, Aspect::Overview, 0));
        }
        if let (Some(card), Err(error), true) = (inspector.card, &answer, is_first) {
            let why = match error {
                InspectError::Refused(why) | InspectError::Failed(why) => why.clone(),
                _ => "Python is busy; here is the text of the value".to_owned(),
            };
            self.show_text_of(card, why);
            return None;
        }
        if let Ok(answer) = &answer {
            inspector.last = Some(answer.clone());
            inspector.last_at = now;
            if let Some(total) = inspector.total() {
                let (row, height) = (inspector.grid.row, inspector.height);
                inspector.grid.go_to(row, Some(total), height);
            }
        }
        inspector.answer = Some(answer);
        if std::mem::take(&mut inspector.walks_in) { self.walk_in() } else { self.request_missing() }
    }

    /// Shows a value as text, because the value itself is gone.
    fn show_text_of(&mut self, card: usize, why: String) {
        self.layers.close(|layer| matches!(layer, Layer::Inspector { .. }));
        self.variables.inspector = None;
        let mut pager = Pager::new(card);
        pager.notice = Some(why);
        pager.go_to_top();
        self.layers.push(Layer::Pager(Box::new(self.fitted(pager))));
    }

    /// Requests rows that are in sight and not there, unless an answer is on its way.
    fn request_missing(&mut self) -> Option<Effect> {
        let inspector = self.variables.inspector.as_ref()?;
        let table = inspector.table().filter(|_| matches!(inspector.answer, Some(Ok(_))))?;
        let after = self.transcript.last_finished().map(|snippet| snippet.id);
        let window = Some(inspector.grid.window(inspector.height, after));
        let lacks = inspector.grid.lacks(table, inspector.height) && window != inspector.request.window;
        if lacks { self.inspect_again() } else { None }
    }

    /// Handles the inspector's own actions; `None` for others.
    pub fn on_inspector(&mut self, action: Action) -> Option<Option<Effect>> {
        let inspector = self.variables.inspector.as_mut()?;
        let request = inspector.request.clone();
        let (total, height) = (inspector.total(), inspector.height);
        let scrolls = is_scrolling(request.aspect);
        let grid = &mut inspector.grid;
        match action {
            Action::ColumnsLeft => grid.column = grid.column.saturating_sub(1),
            Action::ColumnsRight => {
                grid.column += 1;
                let columns = inspector.columns();
                inspector.grid.column = inspector.grid.column.min(columns.saturating_sub(1));
            }
            Action::LineUp | Action::LineDown if total.is_some_and(|total| total > 0) => {
                return Some(self.move_cursor(if action == Action::LineUp { -1 } else { 1 }));
            }
            Action::PageUp if scrolls => grid.turn_page(-1, total, height),
            Action::PageDown if scrolls => grid.turn_page(1, total, height),
            Action::FirstPage if scrolls => grid.go_to(0, total, height),
            // Before the first answer, the end is wherever the answer says.
            Action::LastPage if scrolls => grid.go_to(u64::MAX, total, height),
            Action::Choose => return Some(self.walk_in()),
            Action::WalkBack => return Some(self.walk_back()),
            Action::CopyValuePath => {
                let path = inspector.path_of_row().filter(|_| total != Some(0)).unwrap_or(request.path);
                return Some(Some(Effect::CopyPiece { what: format!("`{path}`"), text: path }));
            }
            Action::GoToRow | Action::FilterRows if scrolls => {
                let filter = action == Action::FilterRows;
                let (asks, text) =
                    if filter { (GridPromptKind::Filter, &*grid.filter) } else { (GridPromptKind::RowNumber, "") };
                let mut editor = Editor::with_text(text);
                // What is typed replaces the filter before.
                editor.select_all();
                inspector.prompt = Some(GridPrompt { asks, editor });
                return Some(None);
            }
            Action::SortRows if request.aspect == Aspect::Rows => {
                grid.sort();
                return Some(self.inspect_again());
            }
            Action::LookAgain => return Some(self.inspect_again()),
            _ => return self.turn(action),
        }
        Some(self.request_missing())
    }

    /// Shows the clicked view of the value, or moves the cursor to the clicked row; a double click walks into that.
    pub fn click_inspector(&mut self, part: InspectorTarget, double: bool) -> Option<Effect> {
        let inspector = self.variables.inspector.as_mut()?;
        match part {
            InspectorTarget::Aspect(aspect) => {
                let InspectRequest { path, result_of, .. } = inspector.request.clone();
                self.scroll_inspector_to(0);
                Some(self.inspect(path, result_of, aspect, 0))
            }
            InspectorTarget::Row(row) if double => {
                inspector.grid.row = row;
                self.walk_in()
            }
            InspectorTarget::Row(row) => {
                inspector.grid.row = row;
                None
            }
        }
    }

    /// Turns to another view of the value, or to another page of a text.
    fn turn(&mut self, action: Action) -> Option<Option<Effect>> {
        let inspector = self.variables.inspector.as_ref()?;
        let InspectRequest { path, result_of, aspect, page, .. } = inspector.request.clone();
        let turn = |by: isize| {
            let aspects = inspector.aspects();
            let count = aspects.len();
            let now = aspects.iter().position(|known| *known == aspect)?;
            aspects.get((now + count).checked_add_signed(by)? % count).copied()
        };
        let (aspect, page) = match action {
            Action::PreviousAspect => (turn(-1), 0),
            Action::NextAspect => (turn(1), 0),
            Action::NextPage if inspector.has_more() => (Some(aspect), page + 1),
            Action::PreviousPage if page > 0 => (Some(aspect), page - 1),
            Action::FirstPage if page > 0 => (Some(aspect), 0),
            Action::LastPage => match inspector.last_page() {
                Some(last) if last != page => (Some(aspect), last),
                _ => return Some(None),
            },
            Action::FirstPage | Action::GoToRow | Action::FilterRows | Action::SortRows => return Some(None),
            _ => return None,
        };
        let Some(aspect) = aspect else { return Some(None) };
        self.scroll_inspector_to(0);
        Some(Some(self.inspect(path, result_of, aspect, page)))
    }

    /// Moves the cursor by rows. Below the rows of an overview, goes on in the whole table.
    fn move_cursor(&mut self, by: i64) -> Option<Effect> {
        let inspector = self.variables.inspector.as_mut()?;
        let (row, total) = (inspector.grid.row, inspector.total()?);
        let is_overview = !is_scrolling(inspector.request.aspect);
        if is_overview && by > 0 && row + 1 == total {
            let (table, place) = inspector.row()?;
            let aspect = aspect_of(&table.title).filter(|_| table.has_more)?;
            let row = table.offset + place as u64 + 1;
            let InspectRequest { path, result_of, .. } = inspector.request.clone();
            let mut grid = Grid::default();
            grid.go_to(row, None, inspector.height);
            self.scroll_inspector_to(0);
            return Some(self.inspect_at(Visit { path, aspect, page: 0, grid }, result_of));
        }
        inspector.grid.go_to(row.saturating_add_signed(by), Some(total), inspector.height);
        if is_overview {
            self.show_cursor();
            return None;
        }
        self.request_missing()
    }

    /// Moves by the rows of the mouse wheel.
    pub(in crate::tui) fn wheel_in_inspector(&mut self, rows: isize) -> Option<Effect> {
        let aspect = self.variables.inspector.as_ref()?.request.aspect;
        if is_scrolling(aspect) {
            return self.move_cursor(rows as i64);
        }
        self.move_by(rows);
        None
    }

    /// Scrolls an overview to the cursor.
    fn show_cursor(&mut self) {
        let Some(layout) = self.frame.as_ref().and_then(|frame| frame.layout) else { return };
        let Some((line, height)) = super::draw_inspector::cursor_line(self, &layout) else { return };
        if let Some(Layer::Inspector { scroll }) = self.layers.top_mut() {
            *scroll = (*scroll).clamp((line + 1).saturating_sub(height), line.max((line + 1).saturating_sub(height)));
            // The first row comes with what stands above the table.
            if self.variables.inspector.as_ref().is_some_and(|inspector| inspector.grid.row == 0) {
                *scroll = (line + 1).saturating_sub(height);
            }
        }
    }

    fn scroll_inspector_to(&mut self, row: usize) {
        if let Some(Layer::Inspector { scroll }) = self.layers.top_mut() {
            *scroll = row;
        }
    }

    /// Goes into the part under the cursor.
    fn walk_in(&mut self) -> Option<Effect> {
        let inspector = self.variables.inspector.as_mut()?;
        inspector.walks_in = inspector.answer.is_none() && inspector.shown().is_none();
        let path = inspector.path_of_row().filter(|_| inspector.total() != Some(0))?;
        let InspectRequest { path: from, result_of, aspect, page, .. } = inspector.request.clone();
        inspector.trail.push(Visit { path: from, aspect, page, grid: inspector.grid.clone() });
        self.scroll_inspector_to(0);
        Some(self.inspect(path, result_of, Aspect::Overview, 0))
    }

    /// Comes back to the value that the way led from.
    fn walk_back(&mut self) -> Option<Effect> {
        let inspector = self.variables.inspector.as_mut()?;
        let visit = inspector.trail.pop()?;
        let result_of = inspector.request.result_of;
        self.scroll_inspector_to(0);
        Some(self.inspect_at(visit, result_of))
    }

    /// Handles keys while the person types a row number or a filter; `None` if nothing is asked.
    pub(in crate::tui) fn on_grid_prompt(&mut self, key: KeyEvent) -> Option<Option<Effect>> {
        let action = self.keys.find(key, &[Context::Prompt, Context::Session]);
        let inspector = self.variables.inspector.as_mut()?;
        let prompt = inspector.prompt.as_mut()?;
        match action {
            Some(Action::Back) => inspector.prompt = None,
            Some(Action::Choose) => return Some(self.answer_grid_prompt()),
            None | Some(Action::QuitOrDelete) if key.code == KeyCode::Backspace && prompt.editor.is_empty() => {
                inspector.prompt = None;
            }
            None | Some(Action::QuitOrDelete) if key.code != KeyCode::Enter => prompt.editor.key(key),
            Some(Action::Suspend | Action::Redraw | Action::Mouse) => return None,
            _ => {}
        }
        Some(None)
    }

    fn answer_grid_prompt(&mut self) -> Option<Effect> {
        let inspector = self.variables.inspector.as_mut()?;
        let prompt = inspector.prompt.take()?;
        let text = prompt.editor.code().trim().to_owned();
        let (total, height) = (inspector.total(), inspector.height);
        match prompt.asks {
            GridPromptKind::RowNumber => {
                let digits: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ')).collect();
                let Ok(row) = digits.parse::<u64>() else {
                    self.notice = Some(format!("{text:?} is no row number"));
                    return None;
                };
                inspector.grid.go_to(row, total, height);
                self.request_missing()
            }
            GridPromptKind::Filter => {
                let order = inspector.grid.order;
                let column = inspector.grid.column;
                inspector.grid = Grid { filter: text, order, column, ..Grid::default() };
                self.inspect_again()
            }
        }
    }

    /// Pastes into the line that the person types; returns whether there is one.
    pub(in crate::tui) fn paste_in_grid_prompt(&mut self, text: &str) -> bool {
        let Some(prompt) = self.variables.inspector.as_mut().and_then(|inspector| inspector.prompt.as_mut()) else {
            return false;
        };
        prompt.editor.paste_line(text);
        true
    }
}
