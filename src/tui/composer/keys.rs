//! Keys that go to the input: those of vi, earlier inputs, and what comes back from the person's own editor.

use crossterm::event::KeyEvent;

use super::editor::{Back, Inputs, Mode, Taken};
use crate::tui::view::View;

impl View {
    /// Esc is vi's first of all.
    pub fn is_vi_busy(&self) -> bool {
        self.composer.editor.vi.as_ref().is_some_and(|vi| vi.mode() != Mode::Normal || vi.is_waiting())
    }

    /// A key of vi's.
    pub fn on_vi(&mut self, key: KeyEvent) -> bool {
        match self.composer.editor.vi_key(key) {
            Taken::No => return false,
            Taken::Yes => {}
            Taken::Back => self.history_back(key),
            Taken::Forward => {
                self.later_input();
            }
        }
        true
    }

    pub fn history_back(&mut self, key: KeyEvent) {
        let inputs = Inputs { transcript: &self.transcript, older: &self.composer.history.older };
        match self.composer.editor.history_back(inputs) {
            Back::NotHere => self.composer.editor.key(key),
            Back::Shown => {}
            Back::None if self.composer.editor.is_empty() => {}
            Back::None => self.notice = Some("no earlier input begins like this".to_owned()),
        }
    }

    pub fn history_forward(&mut self, key: KeyEvent) {
        if !self.later_input() {
            self.composer.editor.key(key);
        }
    }

    fn later_input(&mut self) -> bool {
        self.composer
            .editor
            .history_forward(Inputs { transcript: &self.transcript, older: &self.composer.history.older })
    }

    /// What the person made of the input in their own editor, or why it stays as it was.
    pub fn on_edited(&mut self, edited: Result<String, String>) {
        match edited {
            Ok(code) => {
                // Editors end the last line.
                let code = code.replace("\r\n", "\n");
                let code = code.strip_suffix('\n').unwrap_or(&code);
                if code != self.composer.editor.code() {
                    self.composer.editor.set(code);
                    self.composer.completion.close();
                    self.composer.completion.follow(&self.composer.editor);
                }
            }
            Err(why) => self.notice = Some(why),
        }
    }
}
