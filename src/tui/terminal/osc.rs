//! OSC sequences outside of the screen: title, progress in the tab, notices. Control characters in texts are removed.

use crate::domain::terminal_caps::{NotificationProtocol, TerminalCaps};
use crate::tui::settings::OscSettings;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    #[default]
    None,
    Working,
    /// Waiting for the person.
    Waiting,
}

/// Writes the sequences, and remembers the last state that it sent.
#[derive(Debug)]
pub struct OscWriter {
    emulator: TerminalCaps,
    /// The sequences that the person wants.
    enabled: OscSettings,
    title: String,
    progress: Progress,
}

impl OscWriter {
    pub fn new(mut emulator: TerminalCaps, enabled: OscSettings) -> Self {
        emulator.shows_progress &= enabled.progress;
        Self { emulator, enabled, title: String::new(), progress: Progress::None }
    }

    /// Saves the old title, even if the title will not change, because the guardian restores it after a crash.
    pub fn enter(&mut self) -> &'static str {
        self.title.clear();
        self.progress = Progress::None;
        if self.emulator.has_title { "\x1b[22;0t" } else { "" }
    }

    pub fn leave(&self) -> &'static str {
        match (self.enabled.title, self.emulator.shows_progress, self.emulator.has_title) {
            (true, ..) => self.emulator.reset_sequence(),
            (false, true, _) => "\x1b]9;4;0\x07\x1b[23;0t",
            (false, false, true) => "\x1b[23;0t",
            (false, false, false) => "",
        }
    }

    /// The sequence for a title; empty if the terminal already has that title.
    pub fn title(&mut self, title: String) -> String {
        if !self.enabled.title || !self.emulator.has_title || title == self.title {
            return String::new();
        }
        self.title = title;
        format!("\x1b]0;{}\x07", harmless(&self.title))
    }

    pub fn progress(&mut self, progress: Progress) -> String {
        if !self.emulator.shows_progress || progress == self.progress {
            return String::new();
        }
        self.progress = progress;
        let state = match progress {
            Progress::None => "0",
            Progress::Working => "3",
            Progress::Waiting => "4;100",
        };
        format!("\x1b]9;4;{state}\x07")
    }

    pub fn notice(&self, text: &str) -> String {
        if !self.enabled.notices {
            return String::new();
        }
        let text = harmless(text);
        let sequence = match self.emulator.notices {
            // A number at the beginning would be another command.
            NotificationProtocol::Osc9 => format!("\x1b]9;fourhands: {text}\x07"),
            NotificationProtocol::Osc777 => format!("\x1b]777;notify;fourhands;{}\x07", text.replace(';', ",")),
            NotificationProtocol::Bell => return "\x07".to_owned(),
        };
        // The bell also marks the window in tmux's own bar.
        if self.emulator.in_tmux {
            format!("\x1bPtmux;{}\x1b\\\x07", sequence.replace('\x1b', "\x1b\x1b"))
        } else {
            sequence
        }
    }
}

fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(shows_progress: bool, notices: NotificationProtocol, in_tmux: bool) -> OscWriter {
        OscWriter::new(TerminalCaps { has_title: true, shows_progress, notices, in_tmux }, OscSettings::default())
    }

    #[test]
    fn what_is_not_wanted_is_not_told() {
        let emulator =
            TerminalCaps { has_title: true, shows_progress: true, notices: NotificationProtocol::Bell, in_tmux: false };
        let mut signs = OscWriter::new(emulator, OscSettings { title: false, progress: false, notices: false });
        assert_eq!(signs.title("a".to_owned()), "");
        assert_eq!(signs.progress(Progress::Working), "");
        assert_eq!(signs.notice("a"), "");
        assert_eq!((signs.enter(), signs.leave()), ("\x1b[22;0t", "\x1b[23;0t"), "the title stays what it was");
    }

    #[test]
    fn only_what_changes_is_told() {
        let mut signs = signs(true, NotificationProtocol::Osc9, false);
        assert_eq!(signs.title("a".to_owned()), "\x1b]0;a\x07");
        assert_eq!(signs.title("a".to_owned()), "");
        assert_eq!(signs.title("b\x07\x1b]52;c;x\u{9c}".to_owned()), "\x1b]0;b]52;c;x\x07");
        assert_eq!(signs.progress(Progress::Working), "\x1b]9;4;3\x07");
        assert_eq!(signs.progress(Progress::Working), "");
        assert_eq!(signs.leave(), "\x1b]9;4;0\x07\x1b]0;\x07\x1b[23;0t", "nothing of ours stays");
    }

    #[test]
    fn notices_are_harmless_and_reach_through_tmux() {
        assert_eq!(
            signs(false, NotificationProtocol::Osc9, false).notice("1\x1b\\ ok\n"),
            "\x1b]9;fourhands: 1\\ ok\x07"
        );
        assert_eq!(
            signs(false, NotificationProtocol::Osc777, false).notice("a;b"),
            "\x1b]777;notify;fourhands;a,b\x07"
        );
        assert_eq!(signs(false, NotificationProtocol::Bell, true).notice("a"), "\x07");
        let wrapped = signs(false, NotificationProtocol::Osc9, true).notice("a");
        assert_eq!(wrapped, "\x1bPtmux;\x1b\x1b]9;fourhands: a\x07\x1b\\\x07");
        assert_eq!(
            signs(false, NotificationProtocol::Osc9, false).progress(Progress::Working),
            "",
            "it would be taken for a notice"
        );
    }
}
