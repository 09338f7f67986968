//! Keys and their actions. One table defines the dispatch, the help, the palette, the status bar's hints and the
//! table in `assets/docs/keys.md`; `config.toml` may bind other keys.

mod actions;
mod chord;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use self::actions::{ACTIONS, Action, ActionRow, Context};
pub use self::chord::Chord;

impl Action {
    pub fn row(self) -> &'static ActionRow {
        // The table has one row for each action, in order.
        &ACTIONS[self as usize]
    }

    /// A key that no keyboard has. It means this action in each of the action's contexts, whatever is bound.
    pub fn press(self) -> KeyEvent {
        KeyEvent::new(KeyCode::F(FIRST_ACTION_KEY + self as u8), KeyModifiers::NONE)
    }

    /// Returns whether the action exists in a context, with or without a key.
    pub fn is_of(self, context: Context) -> bool {
        self.row().bindings.iter().any(|binding| binding.context == context)
    }

    pub fn named(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|row| row.name == name).map(|row| row.action)
    }
}

/// Whether the key is one that [`Action::press`] gives, and no key of the person.
pub fn stands_for_action(key: &KeyEvent) -> bool {
    matches!(key.code, KeyCode::F(FIRST_ACTION_KEY..))
}

/// The most keys of an action that the help shows.
const MAX_SHOWN_KEYS: usize = 2;

/// The first function key that stands for an action itself.
const FIRST_ACTION_KEY: u8 = 64;

/// The contexts while nothing covers the input, the nearest first.
pub const WRITING: [Context; 3] = [Context::Input, Context::Transcript, Context::Session];

/// The bound keys.
#[derive(Clone, Debug)]
pub struct Keymap {
    /// In the order in which hints show them.
    bound: Vec<(Context, Chord, Action)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let bindings = ACTIONS.iter().flat_map(|row| row.bindings.iter().map(move |binding| (row.action, binding)));
        let bound = bindings.flat_map(|(action, binding)| {
            let chords = binding.keys.split_whitespace().filter_map(|key| key.parse().ok());
            chords.map(move |chord| (binding.context, chord, action))
        });
        let mut all: Vec<(Context, Chord, Action)> = Vec::new();
        for one in bound {
            // Some chords can be written in several ways.
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Self { bound: all }
    }
}

impl Keymap {
    /// Returns the action of a key in these contexts, the nearest first. `None` leaves the key to the text field.
    pub fn find(&self, key: KeyEvent, contexts: &[Context]) -> Option<Action> {
        if let KeyCode::F(number @ FIRST_ACTION_KEY..) = key.code {
            let action = ACTIONS.get(usize::from(number - FIRST_ACTION_KEY))?.action;
            return contexts.iter().any(|context| action.is_of(*context)).then_some(action);
        }
        let chord = Chord::from(key);
        contexts.iter().find_map(|context| {
            let bound = self.bound.iter().find(|(place, bound, _)| place == context && *bound == chord);
            bound.map(|(.., action)| *action)
        })
    }

    /// Binds a key in a context, as the first key of its action there.
    pub fn bind(&mut self, chord: Chord, context: Context, action: Action) {
        self.unbind(chord, Some(context));
        let first = self.bound.iter().position(|(place, _, bound)| *place == context && *bound == action);
        self.bound.insert(first.unwrap_or(self.bound.len()), (context, chord, action));
    }

    /// Unbinds a key in a context, or in all. Returns `false` if the key was not bound there.
    pub fn unbind(&mut self, chord: Chord, context: Option<Context>) -> bool {
        let before = self.bound.len();
        self.bound.retain(|(place, bound, _)| *bound != chord || context.is_some_and(|context| context != *place));
        self.bound.len() < before
    }

    /// The keys of an action in a context, in the order of display.
    pub fn chords(&self, context: Context, action: Action) -> impl Iterator<Item = Chord> {
        self.bound
            .iter()
            .filter(move |(place, _, bound)| *place == context && *bound == action)
            .map(|(_, chord, _)| *chord)
    }

    /// The first key of an action; `None` if the action has no key.
    pub fn key(&self, action: Action) -> Option<Chord> {
        action.row().bindings.iter().find_map(|binding| self.chords(binding.context, action).next())
    }

    /// The first key of an action in a context.
    pub fn key_in(&self, context: Context, action: Action) -> Option<Chord> {
        self.chords(context, action).next()
    }

    /// The help of a context, line by line: keys, help text, and actions.
    pub fn lines(&self, context: Context) -> Vec<(String, &'static str, Vec<Action>)> {
        let mut lines: Vec<(Vec<String>, &str, Vec<Action>)> = Vec::new();
        for row in ACTIONS {
            for binding in row.bindings.iter().filter(|binding| binding.context == context) {
                let mut chords = self.chords(context, row.action).map(|chord| chord.to_string());
                match lines.last_mut() {
                    Some((keys, _, actions)) if binding.help.is_empty() => {
                        keys.truncate(1);
                        keys.extend(chords.next());
                        actions.push(row.action);
                    }
                    _ if binding.help.is_empty() => {}
                    _ => lines.push((chords.take(MAX_SHOWN_KEYS).collect(), binding.help, vec![row.action])),
                }
            }
        }
        let bound = lines.into_iter().filter(|(keys, ..)| !keys.is_empty());
        bound.map(|(keys, help, actions)| (keys.join(", "), help, actions)).collect()
    }

    /// Keys of a context with their meanings, such as `Enter takes it, Esc back`. Actions without a key are left out.
    pub fn hints(&self, context: Context, hints: &[(&[Action], &str)], between: &str) -> String {
        let texts = hints.iter().filter_map(|(actions, what)| {
            let keys = actions.iter().filter_map(|action| self.key_in(context, *action));
            let keys = keys.map(Chord::short).collect::<Vec<_>>().join(" ");
            (!keys.is_empty()).then(|| format!("{keys} {what}").trim_end().to_owned())
        });
        texts.collect::<Vec<_>>().join(between)
    }

    /// The key of an action for use in a sentence, or the action's title.
    pub fn key_hint(&self, action: Action) -> String {
        self.key(action).map_or_else(|| format!("“{}”", action.row().title), |key| key.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let keymap = Keymap::default();
        let mut names = HashSet::new();
        assert!(ACTIONS.len() <= usize::from(u8::MAX - FIRST_ACTION_KEY));
        for row in ACTIONS {
            assert_eq!(row.action.row().name, row.name);
            assert!(names.insert(row.name), "{} is there twice", row.name);
            assert!(row.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", row.name);
            for binding in row.bindings {
                assert_eq!(keymap.find(row.action.press(), &[binding.context]), Some(row.action));
                for key in binding.keys.split_whitespace() {
                    let chord: Chord = key.parse().unwrap_or_else(|()| panic!("{key} of {} is no key", row.name));
                    let found = keymap.find(chord.event(), &[binding.context]);
                    assert_eq!(found, Some(row.action), "{key} is bound twice in {:?}", binding.context);
                    let types = binding.context.is_typed_into() && chord.is_text();
                    assert!(!types, "{key} of {} could not be typed any more", row.name);
                }
            }
        }
    }

    #[test]
    fn the_nearest_context_wins() {
        let keymap = Keymap::default();
        let find = |key: &str, contexts: &[Context]| keymap.find(key.parse::<Chord>().unwrap().event(), contexts);
        let writing = [Context::Input, Context::Transcript, Context::Session];
        assert_eq!(find("enter", &writing), Some(Action::Enter));
        assert_eq!(find("ctrl-j", &writing), Some(Action::NewLine));
        assert_eq!(find("up", &[Context::Menu, Context::Input]), Some(Action::ItemUp));
        assert_eq!(find("c", &writing), None);
        assert_eq!(find("ctrl-e", &writing), None, "the editor keeps its emacs keys");
    }
}
