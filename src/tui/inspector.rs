//! Looking into a variable: what was asked of the session, what came back, and the keys while it is open.

use super::keymap::Action;
use super::update::Effect;
use super::view::{Overlay, View};
use crate::domain::{Aspect, Inspect, InspectError, Inspection, SnippetId, Timestamp};

pub type Told = Result<Box<Inspection>, InspectError>;

/// The order of the list of variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sorting {
    /// Data first, then classes, functions, modules.
    #[default]
    Kind,
    Name,
    Type,
    /// The largest first.
    Size,
    /// What was set last first.
    Changed,
}

impl Sorting {
    pub const fn next(self) -> Self {
        match self {
            Self::Kind => Self::Name,
            Self::Name => Self::Type,
            Self::Type => Self::Size,
            Self::Size => Self::Changed,
            Self::Changed => Self::Kind,
        }
    }

    /// As the title of the list tells it.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Kind => "",
            Self::Name => ", by name",
            Self::Type => ", by type",
            Self::Size => ", by size",
            Self::Changed => ", by last change",
        }
    }
}

#[derive(Debug)]
pub struct Inspector {
    pub asked: Inspect,
    /// Tells answers of earlier questions apart.
    pub number: u32,
    /// `None` while it is awaited; what was told before stays in `last`.
    pub told: Option<Told>,
    pub last: Option<Box<Inspection>>,
    /// When that was told.
    pub last_at: Timestamp,
    /// The snippet that had ended last when it was asked.
    pub after: Option<SnippetId>,
}

impl Inspector {
    /// The aspects that the value has, as far as known.
    pub fn aspects(&self) -> &[Aspect] {
        self.last.as_ref().map_or(&[], |last| &last.aspects)
    }

    fn has_more(&self) -> bool {
        let Some(Ok(told)) = &self.told else { return false };
        told.text.as_ref().is_some_and(|text| text.has_more)
            || told.tables.iter().any(|table| table.has_more && table.title == told.aspect.word())
    }
}

impl View {
    /// Actions of the list of variables while nothing is written; `None` if it has no use for this one.
    pub fn on_drawer(&mut self, action: Action) -> Option<Option<Effect>> {
        if !matches!(self.overlays.last(), Some(Overlay::Drawer { .. })) || !self.editor.is_empty() {
            return None;
        }
        let names = super::draw::variable_names(self);
        let chosen = self.chosen.as_ref().and_then(|chosen| names.iter().position(|name| name == chosen));
        let next = match (action, chosen) {
            (Action::ItemDown, None) => 0,
            (Action::ItemDown, Some(place)) => place + 1,
            (Action::ItemUp, Some(place)) => place.saturating_sub(1),
            (Action::GoToSetter, Some(place)) => {
                self.go_to_setter(&names[place]);
                return Some(None);
            }
            (Action::Choose, Some(place)) => {
                let effect = self.inspect(names[place].clone(), Aspect::Overview, 0);
                self.overlays.push(Overlay::Inspector { scroll: 0 });
                return Some(Some(effect));
            }
            (Action::SortVariables, Some(_)) => {
                self.sorting = self.sorting.next();
                return Some(None);
            }
            _ => return None,
        };
        let next = next.min(names.len().checked_sub(1)?);
        let name = names.get(next)?;
        self.chosen = Some(name.clone());
        self.show_row(next);
        Some(None)
    }

    /// Brings a row of the drawer into sight.
    fn show_row(&mut self, row: usize) {
        let layout = self.frame.as_ref().and_then(|frame| frame.layout);
        let height = layout.map_or(1, |layout| usize::from(layout.drawer.height).saturating_sub(2).max(1));
        if let Some(Overlay::Drawer { scroll }) = self.overlays.last_mut() {
            *scroll = (*scroll).clamp((row + 1).saturating_sub(height), row);
        }
    }

    fn inspect(&mut self, path: String, aspect: Aspect, page: u32) -> Effect {
        let before = self.inspector.take().filter(|before| before.asked.path == path);
        let number = self.inspections + 1;
        self.inspections = number;
        let asked = Inspect { path, aspect, page };
        let last_at = before.as_ref().map_or(0, |before| before.last_at);
        let last = before.and_then(|before| before.last);
        let after = self.transcript.last_finished().map(|snippet| snippet.id);
        self.inspector = Some(Inspector { asked: asked.clone(), number, told: None, last, last_at, after });
        Effect::Inspect { asked, number }
    }

    /// The answer to question `number`.
    pub fn on_inspected(&mut self, number: u32, told: Told, now: Timestamp) {
        let Some(inspector) = self.inspector.as_mut().filter(|inspector| inspector.number == number) else { return };
        if let Ok(told) = &told {
            inspector.last = Some(told.clone());
            inspector.last_at = now;
        }
        inspector.told = Some(told);
    }

    /// Actions that are the inspector's own; `None` for those that mean what they mean elsewhere.
    pub fn on_inspector(&mut self, action: Action) -> Option<Option<Effect>> {
        let inspector = self.inspector.as_ref()?;
        let asked = inspector.asked.clone();
        let turn = |by: isize| {
            let aspects = inspector.aspects();
            let now = aspects.iter().position(|aspect| *aspect == asked.aspect)?;
            aspects.get(now.checked_add_signed(by)?).copied()
        };
        let (aspect, page) = match action {
            Action::PreviousAspect => (turn(-1), 0),
            Action::NextAspect => (turn(1), 0),
            Action::NextPage if inspector.has_more() => (Some(asked.aspect), asked.page + 1),
            Action::PreviousPage if asked.page > 0 => (Some(asked.aspect), asked.page - 1),
            Action::LookAgain => (Some(asked.aspect), asked.page),
            _ => return None,
        };
        let Some(aspect) = aspect else { return Some(None) };
        if let Some(Overlay::Inspector { scroll }) = self.overlays.last_mut() {
            *scroll = 0;
        }
        Some(Some(self.inspect(asked.path, aspect, page)))
    }
}
