//! Opening the export prompt, its keys, and the result of the export.

use std::path::Path;

use crossterm::event::KeyEvent;

use crate::domain::{Entry, Timestamp};
use crate::export::{self, Format};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::overlays::export::Refused;
use crate::tui::overlays::export_prompt::ExportPrompt;
use crate::tui::transcript::copy;
use crate::tui::view::View;

impl View {
    pub fn open_export(&mut self, now: Timestamp) {
        self.composer.completion.close();
        let name = format!("{}-{}.ipynb", self.info.name, export::local_date(now));
        self.layers.push(Layer::Export(ExportPrompt::new(&name)));
    }

    /// Opens the prompt for the output of a card.
    pub fn open_save(&mut self, card: usize) {
        let Some(entry) = self.transcript.entries().get(card) else { return };
        let (file, name) = match entry {
            Entry::Snippet(snippet) => (format!("{}-{}.txt", self.info.name, snippet.id), snippet.id.to_string()),
            _ => (format!("{}-output.txt", self.info.name), copy::name(entry)),
        };
        self.composer.completion.close();
        let prompt = ExportPrompt { card: Some((card, name)), ..ExportPrompt::new(&file) };
        self.layers.push(Layer::Export(prompt));
    }

    /// Handles keys while the prompt is open.
    pub fn on_export(&mut self, key: KeyEvent) -> Option<Effect> {
        let contexts = [Context::Prompt, Context::Session, Context::Input, Context::Transcript];
        let action = self.keys.find(key, &contexts);
        let prompt = self.layers.export_mut()?;
        match action {
            Some(Action::Back | Action::Export) => drop(self.layers.pop()),
            Some(Action::Suspend) => return Some(Effect::Suspend),
            Some(Action::Redraw) => return Some(Effect::Redraw),
            _ if prompt.busy => {}
            Some(Action::Choose) => {
                let file = prompt.file();
                if prompt.card.is_none() && Format::of(Path::new(&file)).is_none() {
                    prompt.refused = Some(format!("the name must end in {}", Format::list(".")));
                    return None;
                }
                prompt.busy = true;
                prompt.refused = None;
                let replaces = prompt.existing.as_ref() == Some(&file);
                return Some(match prompt.card {
                    Some((card, _)) => Effect::Save { card, file, replaces },
                    None => Effect::Export { file, replaces },
                });
            }
            Some(Action::NextFormat) if prompt.card.is_none() => prompt.next_format(),
            None | Some(Action::QuitOrDelete) => {
                prompt.refused = None;
                prompt.editor.key(key);
            }
            Some(_) => {}
        }
        None
    }

    /// Shows the result of the export.
    pub fn on_exported(&mut self, written: Result<String, Refused>) {
        match (written, self.layers.export_mut()) {
            (Ok(message), _) => {
                self.layers.close(|layer| matches!(layer, Layer::Export(_)));
                self.notice = Some(message);
            }
            (Err(refused), Some(prompt)) => {
                prompt.busy = false;
                prompt.existing = refused.exists.then(|| prompt.file());
                let hint = self.keys.hints(Context::Prompt, &[(&[Action::Choose], "replaces it")], "");
                prompt.refused = Some(if refused.exists { format!("{}; {hint}", refused.why) } else { refused.why });
            }
            (Err(refused), None) => self.notice = Some(refused.why),
        }
    }
}
