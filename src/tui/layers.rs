//! The stack of layers over the transcript and the input. The topmost layer takes keys, pasted text and the mouse.

use crate::domain::GateChange;
use crate::tui::clients::clients_box::ClientsBox;
use crate::tui::composer::history::HistorySearch;
use crate::tui::gallery::Gallery;
use crate::tui::input::keymap::Context;
use crate::tui::overlays::config_problems::ConfigProblems;
use crate::tui::overlays::export_prompt::ExportPrompt;
use crate::tui::overlays::help::Help;
use crate::tui::overlays::palette::Palette;
use crate::tui::pager::Pager;
use crate::tui::search::lookup::SearchPrompt;
use crate::tui::send::send_menu::SendMenu;
use crate::tui::variables::OpenVariables;

/// A layer over the transcript and the input.
#[derive(Debug)]
pub enum Layer {
    /// Problems in the settings. The next key closes this layer.
    ConfigProblems(ConfigProblems),
    /// The open list of variables.
    Variables(OpenVariables),
    /// The search through earlier inputs.
    HistorySearch(HistorySearch),
    Help(Help),
    /// One variable, whose value is in [`VariablesPanel`](crate::tui::variables::VariablesPanel).
    Inspector {
        scroll: usize,
    },
    /// Snippets that can run again; `row` is selected.
    Replay {
        row: usize,
    },
    /// The dock has the keys; what it shows is in [`Dock`](crate::tui::review::dock::Dock).
    Review,
    /// The modes of the gate; the row with this change is selected.
    Gate {
        selected: GateChange,
    },
    /// The clients, or the calls of one.
    Clients(ClientsBox),
    /// The clients to send something to.
    Send(SendMenu),
    /// The line at the bottom for a search, a filter or a number.
    SearchPrompt(SearchPrompt),
    /// The prompt for a file name.
    Export(ExportPrompt),
    /// The whole output of a card.
    Pager(Box<Pager>),
    /// The figures of a card.
    Gallery(Gallery),
    /// All actions.
    Palette(Palette),
}

impl Layer {
    /// Returns whether the layer hides everything below it.
    pub const fn fills_screen(&self) -> bool {
        matches!(self, Self::Pager(_) | Self::Gallery(_))
    }

    /// Returns whether the layer covers the input, so that nothing may be typed or run unseen.
    pub const fn covers_input(&self) -> bool {
        matches!(
            self,
            Self::Help(_)
                | Self::Inspector { .. }
                | Self::Replay { .. }
                | Self::Gate { .. }
                | Self::Clients(_)
                | Self::Send(_)
        )
    }

    /// Returns whether the layer is a panel, beside which the status bar keeps its hints.
    pub const fn is_panel(&self) -> bool {
        self.covers_input() || matches!(self, Self::Variables(_))
    }

    /// Returns whether the layer takes every key, including keys of the session that the layer does not use.
    pub const fn is_modal(&self) -> bool {
        matches!(
            self,
            Self::SearchPrompt(_)
                | Self::Export(_)
                | Self::Pager(_)
                | Self::Gallery(_)
                | Self::Palette(_)
                | Self::Review
        )
    }

    /// The contexts of the layer's keys, the nearest first. `None` if the input keeps its keys.
    pub fn contexts(&self) -> Option<Vec<Context>> {
        let own = match self {
            Self::Help(_) => Context::Help,
            Self::Inspector { .. } => Context::Inspector,
            Self::Replay { .. } | Self::Gate { .. } | Self::Send(_) | Self::Palette(_) => Context::Menu,
            Self::Review => Context::Review,
            Self::Clients(_) => Context::Clients,
            Self::SearchPrompt(_) => Context::Lookup,
            Self::Export(_) => Context::Prompt,
            Self::Variables(list) if list.has_focus => {
                return Some(vec![Context::Variables, Context::Transcript, Context::Session]);
            }
            Self::Pager(_) => Context::Output,
            Self::Gallery(_) => Context::Figures,
            Self::ConfigProblems(_) | Self::Variables(_) | Self::HistorySearch(_) => return None,
        };
        Some(vec![own, Context::Session])
    }
}

/// The layers, the topmost last.
#[derive(Debug, Default)]
pub struct Layers(Vec<Layer>);

/// Access to the topmost layer of a kind.
macro_rules! layer {
    ($name:ident, $name_mut:ident, $kind:ident, $state:ty) => {
        pub fn $name(&self) -> Option<&$state> {
            self.0.iter().rev().find_map(|layer| if let Layer::$kind(state) = layer { Some(state) } else { None })
        }

        pub fn $name_mut(&mut self) -> Option<&mut $state> {
            self.0.iter_mut().rev().find_map(|layer| if let Layer::$kind(state) = layer { Some(state) } else { None })
        }
    };
}

impl Layers {
    layer!(history_search, history_search_mut, HistorySearch, HistorySearch);
    layer!(list, list_mut, Variables, OpenVariables);
    layer!(help, help_mut, Help, Help);
    layer!(search_prompt, search_prompt_mut, SearchPrompt, SearchPrompt);
    layer!(export, export_mut, Export, ExportPrompt);
    layer!(pager, pager_mut, Pager, Box<Pager>);
    layer!(gallery, gallery_mut, Gallery, Gallery);
    layer!(palette, palette_mut, Palette, Palette);

    pub fn top(&self) -> Option<&Layer> {
        self.0.last()
    }

    pub fn top_mut(&mut self) -> Option<&mut Layer> {
        self.0.last_mut()
    }

    /// Iterates over the layers, the topmost last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Layer> + ExactSizeIterator {
        self.0.iter()
    }

    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Layer> {
        self.0.iter_mut()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a layer on top. There is at most one layer of each kind.
    pub fn push(&mut self, layer: Layer) {
        self.remove_like(&layer);
        self.0.push(layer);
    }

    /// Closes the topmost layer.
    pub fn pop(&mut self) -> Option<Layer> {
        self.0.pop()
    }

    /// Opens a layer, or closes the open layer of its kind.
    pub fn toggle(&mut self, layer: Layer) {
        if !self.remove_like(&layer) {
            self.0.push(layer);
        }
    }

    /// Closes the layers that `closes` selects.
    pub fn close(&mut self, closes: impl Fn(&Layer) -> bool) {
        self.0.retain(|layer| !closes(layer));
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn remove_like(&mut self, layer: &Layer) -> bool {
        let (kind, count) = (std::mem::discriminant(layer), self.0.len());
        self.0.retain(|open| std::mem::discriminant(open) != kind);
        self.0.len() < count
    }
}
