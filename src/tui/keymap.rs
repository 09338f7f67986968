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
    /// Choose what to run again.
    Replay,
    Suspend,
    Redraw,
    /// Take the mouse, or leave it to the terminal.
    Mouse,
    Help,
    Variables,
    /// Write the session to a file.
    Export,
    PageUp,
    PageDown,
    LineUp,
    LineDown,
    Top,
    Bottom,
    SelectUp,
    SelectDown,
    Fold,
    /// The whole output of a card, over the whole screen.
    Output,
    Back,
    /// Within the whole output.
    Search,
    SearchOn,
    SearchBack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Input,
    Session,
    Transcript,
    /// These hold while the whole output of a card is shown, and before all others.
    Output,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Input, Self::Session, Self::Transcript, Self::Output];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Session => "session",
            Self::Transcript => "transcript",
            Self::Output => "in the whole output",
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
    bind(Action::Replay, Group::Session, &[(KeyCode::F(7), NONE)], "F7", "replay what ran before Python began anew"),
    bind(Action::Restart, Group::Session, &[(KeyCode::F(8), NONE)], "F8", "restart Python, losing the variables"),
    bind(Action::Suspend, Group::Session, &[(KeyCode::Char('z'), CTRL)], "Ctrl-Z", "suspend; fg comes back"),
    bind(Action::Redraw, Group::Session, &[(KeyCode::Char('l'), CTRL)], "Ctrl-L", "draw the screen anew"),
    bind(Action::Mouse, Group::Session, &[(KeyCode::F(12), NONE)], "F12", "release the mouse, or take it back"),
    bind(Action::Help, Group::Session, &[(KeyCode::F(1), NONE)], "F1", "help"),
    bind(Action::Variables, Group::Session, &[(KeyCode::F(4), NONE)], "F4", "variables and clients in full"),
    bind(Action::Export, Group::Session, &[(KeyCode::F(9), NONE)], "F9", "write the session to a file"),
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
    bind(Action::Output, Group::Transcript, &[(KeyCode::F(6), NONE)], "F6", "the whole output of the card"),
    bind(Action::Back, Group::Transcript, &[(KeyCode::Esc, NONE)], "Esc", "close, deselect, follow"),
    bind(
        Action::LineUp,
        Group::Output,
        &[(KeyCode::Up, NONE), (KeyCode::Char('k'), NONE), (KeyCode::Up, CTRL)],
        "Up, Down",
        "a line; PageUp, PageDown: a page",
    ),
    bind(
        Action::LineDown,
        Group::Output,
        &[(KeyCode::Down, NONE), (KeyCode::Char('j'), NONE), (KeyCode::Down, CTRL), (KeyCode::Enter, NONE)],
        "",
        "",
    ),
    bind(Action::PageUp, Group::Output, &[(KeyCode::PageUp, NONE), (KeyCode::Char('b'), NONE)], "", ""),
    bind(Action::PageDown, Group::Output, &[(KeyCode::PageDown, NONE), (KeyCode::Char(' '), NONE)], "", ""),
    bind(
        Action::Top,
        Group::Output,
        &[(KeyCode::Home, NONE), (KeyCode::Char('g'), NONE), (KeyCode::Home, CTRL)],
        "Home, End",
        "beginning; end, which is followed",
    ),
    bind(
        Action::Bottom,
        Group::Output,
        &[
            (KeyCode::End, NONE),
            (KeyCode::Char('g'), SHIFT),
            (KeyCode::Char('G'), SHIFT),
            (KeyCode::Char('G'), NONE),
            (KeyCode::End, CTRL),
        ],
        "",
        "",
    ),
    bind(Action::Search, Group::Output, &[(KeyCode::Char('/'), NONE), (KeyCode::Char('f'), CTRL)], "/", "search"),
    bind(Action::SearchOn, Group::Output, &[(KeyCode::Char('n'), NONE)], "n, N", "the next place; the one before"),
    bind(
        Action::SearchBack,
        Group::Output,
        &[(KeyCode::Char('n'), SHIFT), (KeyCode::Char('N'), SHIFT), (KeyCode::Char('N'), NONE)],
        "",
        "",
    ),
    bind(
        Action::Back,
        Group::Output,
        &[(KeyCode::Esc, NONE), (KeyCode::Char('q'), NONE), (KeyCode::F(6), NONE)],
        "Esc, q",
        "back to the transcript",
    ),
];

/// What `key` means outside of the editor; `None` leaves it to the editor.
pub fn action(key: KeyEvent) -> Option<Action> {
    find(key, |group| group != Group::Output)
}

/// What `key` means while the whole output of a card is shown.
pub fn action_in_output(key: KeyEvent) -> Option<Action> {
    find(key, |group| group == Group::Output).or_else(|| find(key, |group| group == Group::Session))
}

fn find(key: KeyEvent, holds: impl Fn(Group) -> bool) -> Option<Action> {
    let code = match key.code {
        KeyCode::Char(c) if key.modifiers.intersects(CTRL | ALT) => KeyCode::Char(c.to_ascii_lowercase()),
        code => code,
    };
    let chord = (code, key.modifiers & (CTRL | ALT | SHIFT));
    let here = BINDINGS.iter().filter(|binding| holds(binding.group));
    here.into_iter().find(|binding| binding.chords.contains(&chord)).map(|binding| binding.action)
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
        for in_output in [false, true] {
            let here = BINDINGS.iter().filter(|binding| (binding.group == Group::Output) == in_output);
            let chords: Vec<Chord> = here.flat_map(|binding| binding.chords).copied().collect();
            for (index, chord) in chords.iter().enumerate() {
                assert!(!chords[index + 1..].contains(chord), "{chord:?} is bound twice");
            }
        }
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
