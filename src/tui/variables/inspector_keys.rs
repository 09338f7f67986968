//! Opening the inspector, its keys, and the session's answers.

use crate::domain::{Aspect, InspectRequest, Timestamp};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::layers::Layer;
use crate::tui::variables::inspector::{InspectResult, Inspector};
use crate::tui::view::View;

impl View {
    pub(in crate::tui) fn inspect(&mut self, path: String, aspect: Aspect, page: u32) -> Effect {
        let before = self.variables.inspector.take().filter(|before| before.request.path == path);
        let number = self.variables.inspections + 1;
        self.variables.inspections = number;
        let last_at = before.as_ref().map_or(0, |before| before.last_at);
        let column = before.as_ref().filter(|before| before.request.aspect == aspect).map_or(0, |before| before.column);
        let request = InspectRequest { path, aspect, page };
        let last = before.and_then(|before| before.last);
        let after = self.transcript.last_finished().map(|snippet| snippet.id);
        self.variables.inspector =
            Some(Inspector { request: request.clone(), number, answer: None, last, last_at, after, column });
        Effect::Inspect { request, number }
    }

    /// Takes the answer to request `number`.
    pub fn on_inspected(&mut self, number: u32, answer: InspectResult, now: Timestamp) {
        let Some(inspector) = self.variables.inspector.as_mut().filter(|inspector| inspector.number == number) else {
            return;
        };
        if let Ok(answer) = &answer {
            inspector.last = Some(answer.clone());
            inspector.last_at = now;
        }
        inspector.answer = Some(answer);
    }

    /// Handles the inspector's own actions; `None` for others.
    pub fn on_inspector(&mut self, action: Action) -> Option<Option<Effect>> {
        let inspector = self.variables.inspector.as_mut()?;
        match action {
            Action::ColumnsLeft => inspector.column = inspector.column.saturating_sub(1),
            Action::ColumnsRight => {
                inspector.column = (inspector.column + 1).min(inspector.columns().saturating_sub(1));
            }
            _ => {}
        }
        if matches!(action, Action::ColumnsLeft | Action::ColumnsRight) {
            return Some(None);
        }
        let inspector = &*inspector;
        let request = inspector.request.clone();
        let turn = |by: isize| {
            let aspects = inspector.aspects();
            let now = aspects.iter().position(|aspect| *aspect == request.aspect)?;
            aspects.get(now.checked_add_signed(by)?).copied()
        };
        let (aspect, page) = match action {
            Action::PreviousAspect => (turn(-1), 0),
            Action::NextAspect => (turn(1), 0),
            Action::NextPage if inspector.has_more() => (Some(request.aspect), request.page + 1),
            Action::PreviousPage if request.page > 0 => (Some(request.aspect), request.page - 1),
            Action::FirstPage if request.page > 0 => (Some(request.aspect), 0),
            Action::LastPage => match inspector.last_page() {
                Some(last) if last != request.page => (Some(request.aspect), last),
                _ => return Some(None),
            },
            Action::FirstPage => return Some(None),
            Action::LookAgain => (Some(request.aspect), request.page),
            _ => return None,
        };
        let Some(aspect) = aspect else { return Some(None) };
        if let Some(Layer::Inspector { scroll }) = self.layers.top_mut() {
            *scroll = 0;
        }
        Some(Some(self.inspect(request.path, aspect, page)))
    }
}
