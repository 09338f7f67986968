//! Keys of the input that are more than an edit: vi's, and recall of earlier inputs. Also the text that comes back from
//! the person's own editor.

use crossterm::event::KeyEvent;

use super::editor::{PastInputs, RecallOutcome, ViMode, ViOutcome};
use crate::tui::view::View;

impl View {
    /// Returns whether Esc has a meaning in vi.
    pub fn is_vi_busy(&self) -> bool {
        self.composer.editor.vi.as_ref().is_some_and(|vi| vi.mode() != ViMode::Normal || vi.is_waiting())
    }

    /// Returns whether vi took the key.
    pub fn on_vi(&mut self, key: KeyEvent) -> bool {
        match self.composer.editor.vi_key(key) {
            ViOutcome::NotHandled => return false,
            ViOutcome::Handled => {}
            ViOutcome::HistoryBack => self.history_back(key),
            ViOutcome::HistoryForward => {
                self.show_later_input();
            }
        }
        true
    }

    pub fn history_back(&mut self, key: KeyEvent) {
        if self.composer.is_shielded(self.composer.replies.clock) {
            return;
        }
        let inputs = PastInputs { transcript: &self.transcript, older: &self.composer.history.older };
        match self.composer.editor.history_back(inputs) {
            RecallOutcome::NotHere => self.composer.editor.key(key),
            RecallOutcome::Shown => {}
            RecallOutcome::None if self.composer.editor.is_empty() => {}
            RecallOutcome::None => self.notice = Some("no earlier input begins like this".to_owned()),
        }
    }

    pub fn history_forward(&mut self, key: KeyEvent) {
        if !self.show_later_input() {
            self.composer.editor.key(key);
        }
    }

    fn show_later_input(&mut self) -> bool {
        if self.composer.is_shielded(self.composer.replies.clock) {
            return true;
        }
        self.composer
            .editor
            .history_forward(PastInputs { transcript: &self.transcript, older: &self.composer.history.older })
    }

    /// Takes the input from the person's own editor, or the reason why it stays as it was.
    pub fn on_edited(&mut self, edited: Result<String, String>) {
        match edited {
            Ok(code) => {
                let code = code.replace("\r\n", "\n");
                // Editors end the last line.
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
