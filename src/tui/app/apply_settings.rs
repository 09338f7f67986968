//! Applying the person's settings to the view.

use std::rc::Rc;

use crate::tui::layers::Layer;
use crate::tui::overlays::config_problems::ConfigProblems;
use crate::tui::settings::Loaded;
use crate::tui::transcript::card_cache::CardCache;
use crate::tui::view::View;

impl View {
    /// Applies the settings from now on.
    pub fn set(&mut self, loaded: Loaded) {
        let Loaded { path, settings, problems } = loaded;
        if let Some(problems) = path.and_then(|path| ConfigProblems::new(&path, &problems)) {
            self.layers.push(Layer::ConfigProblems(problems));
        }
        self.keys = Rc::new(settings.keys);
        self.viewport.cards = CardCache::new(self.keys.clone());
        self.theme = settings.theme;
        self.composer.editor.use_vi(settings.vi);
        self.mouse.captured = settings.mouse;
        self.figures.way = settings.figures;
    }
}
