//! Keys and what they do. This one table makes the dispatch, the help, and the hints of the status bar.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Run the input if it is complete, else begin a new line.
    Enter,
    NewLine,
    /// Complete; at the start of a line indent.
    Tab,
    Complete,
    HistoryBack,
    HistoryForward,
    /// Interrupt what runs; with nothing running, clear the input.
    Interrupt,
    /// Quit, if the input is empty; else delete the character under the cursor.
    QuitOrDelete,
    /// Start Python anew on the same session.
    Restart,
    Suspend,
    Redraw,
    Help,
    Variables,
    PageUp,
    PageDown,
    LineUp,
    LineDown,
    Top,
    Bottom,
    SelectUp,
    SelectDown,
    Fold,
    Back,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Input,
    Session,
    Transcript,
}

impl Group {
    pub const ALL: [Self; 3] = [Self::Input, Self::Session, Self::Transcript];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Session => "session",
            Self::Transcript => "transcript",
        }
    }
}

type Chord = (KeyCode, KeyModifiers);

pub struct Binding {
    /// The first is the one that is told.
    pub chords: &'static [Chord],
    /// How the keys are told.
    pub keys: &'static str,
    pub action: Action,
    pub group: Group,
    pub help: &'static str,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

const fn bind(
    action: Action,
    group: Group,
    chords: &'static [Chord],
    keys: &'static str,
    help: &'static str,
) -> Binding {
    Binding { chords, keys, action, group, help }
}

pub const BINDINGS: &[Binding] = &[
    bind(Action::Enter, Group::Input, &[(KeyCode::Enter, NONE)], "Enter", "run, or go on if it is not complete"),
    bind(
        Action::NewLine,
        Group::Input,
        &[(KeyCode::Enter, ALT), (KeyCode::Char('j'), CTRL), (KeyCode::Enter, SHIFT), (KeyCode::Enter, CTRL)],
        "Alt-Enter, Ctrl-J",
        "new line",
    ),
    bind(Action::Tab, Group::Input, &[(KeyCode::Tab, NONE)], "Tab", "complete; at the start of a line indent"),
    bind(Action::Complete, Group::Input, &[(KeyCode::Char(' '), CTRL)], "Ctrl-Space", "complete here"),
    bind(
        Action::HistoryBack,
        Group::Input,
        &[(KeyCode::Up, NONE), (KeyCode::Char('p'), CTRL)],
        "Up, Ctrl-P",
        "on the first line: earlier input",
    ),
    bind(
        Action::HistoryForward,
        Group::Input,
        &[(KeyCode::Down, NONE), (KeyCode::Char('n'), CTRL)],
        "Down, Ctrl-N",
        "on the last line: later input",
    ),
    bind(
        Action::Interrupt,
        Group::Session,
        &[(KeyCode::Char('c'), CTRL)],
        "Ctrl-C",
        "interrupt what runs; else clear the input",
    ),
    bind(Action::QuitOrDelete, Group::Session, &[(KeyCode::Char('d'), CTRL)], "Ctrl-D", "quit, if the input is empty"),
    bind(Action::Restart, Group::Session, &[(KeyCode::F(8), NONE)], "F8", "restart Python, losing the variables"),
    bind(Action::Suspend, Group::Session, &[(KeyCode::Char('z'), CTRL)], "Ctrl-Z", "suspend; fg comes back"),
    bind(Action::Redraw, Group::Session, &[(KeyCode::Char('l'), CTRL)], "Ctrl-L", "draw the screen anew"),
    bind(Action::Help, Group::Session, &[(KeyCode::F(1), NONE)], "F1", "help"),
    bind(Action::Variables, Group::Session, &[(KeyCode::F(4), NONE)], "F4", "variables and clients in full"),
    bind(Action::PageUp, Group::Transcript, &[(KeyCode::PageUp, NONE)], "PageUp", "scroll up"),
    bind(Action::PageDown, Group::Transcript, &[(KeyCode::PageDown, NONE)], "PageDown", "scroll down"),
    bind(Action::LineUp, Group::Transcript, &[(KeyCode::Up, CTRL)], "Ctrl-Up", "scroll up a line"),
    bind(Action::LineDown, Group::Transcript, &[(KeyCode::Down, CTRL)], "Ctrl-Down", "scroll down a line"),
    bind(Action::Top, Group::Transcript, &[(KeyCode::Home, CTRL)], "Ctrl-Home", "to the beginning"),
    bind(Action::Bottom, Group::Transcript, &[(KeyCode::End, CTRL)], "Ctrl-End", "to the end, and follow"),
    bind(Action::SelectUp, Group::Transcript, &[(KeyCode::Up, ALT)], "Alt-Up", "select the card above"),
    bind(Action::SelectDown, Group::Transcript, &[(KeyCode::Down, ALT)], "Alt-Down", "select the card below"),
    bind(
        Action::Fold,
        Group::Transcript,
        &[(KeyCode::F(5), NONE), (KeyCode::Char('o'), ALT)],
        "F5, Alt-O",
        "unfold or fold the card",
    ),
    bind(Action::Back, Group::Transcript, &[(KeyCode::Esc, NONE)], "Esc", "close, deselect, follow"),
];

/// What `key` means outside of the editor; `None` leaves it to the editor.
pub fn action(key: KeyEvent) -> Option<Action> {
    let code = match key.code {
        KeyCode::Char(c) if key.modifiers.intersects(CTRL | ALT) => KeyCode::Char(c.to_ascii_lowercase()),
        code => code,
    };
    let chord = (code, key.modifiers & (CTRL | ALT | SHIFT));
    BINDINGS.iter().find(|binding| binding.chords.contains(&chord)).map(|binding| binding.action)
}

/// The keys of `action`, as they are told.
pub fn keys(action: Action) -> &'static str {
    BINDINGS.iter().find(|binding| binding.action == action).map_or("", |binding| binding.keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let mut chords: Vec<Chord> = BINDINGS.iter().flat_map(|binding| binding.chords).copied().collect();
        let all = chords.len();
        chords.dedup();
        for (index, chord) in chords.iter().enumerate() {
            assert!(!chords[index + 1..].contains(chord), "{chord:?} is bound twice");
        }
        assert_eq!(all, chords.len());
    }

    #[test]
    fn keys_find_their_actions() {
        let press = |code, modifiers| action(KeyEvent::new(code, modifiers));
        assert_eq!(press(KeyCode::Enter, NONE), Some(Action::Enter));
        assert_eq!(press(KeyCode::Char('j'), CTRL), Some(Action::NewLine));
        assert_eq!(press(KeyCode::Char('C'), CTRL), Some(Action::Interrupt));
        assert_eq!(press(KeyCode::Char('c'), NONE), None);
        assert_eq!(press(KeyCode::Char('e'), CTRL), None, "the editor keeps its emacs keys");
    }
}
