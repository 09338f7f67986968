//! Keys and what they do. One table makes the dispatch, the help, the palette, the hints of the status bar, and the
//! README's table of keys; `config.toml` may bind other keys.

mod actions;
mod chord;

use crossterm::event::KeyEvent;

pub use actions::{ACTIONS, Action, Context, Row};
pub use chord::Chord;

impl Action {
    pub fn row(self) -> &'static Row {
        // One row for each, in order.
        &ACTIONS[self as usize]
    }

    /// Whether it has a place in that context, whatever its keys.
    pub fn is_of(self, context: Context) -> bool {
        self.row().bindings.iter().any(|binding| binding.context == context)
    }

    pub fn named(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|row| row.name == name).map(|row| row.action)
    }
}

/// Of the keys of an action, as many are told.
const TOLD: usize = 2;

/// Which keys do what.
#[derive(Clone, Debug)]
pub struct Keymap {
    /// In the order in which they are told.
    bound: Vec<(Context, Chord, Action)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let bindings = ACTIONS.iter().flat_map(|row| row.bindings.iter().map(move |binding| (row.action, binding)));
        let bound = bindings.flat_map(|(action, binding)| {
            let chords = binding.keys.split_whitespace().filter_map(|key| key.parse().ok());
            chords.map(move |chord| (binding.context, chord, action))
        });
        Self { bound: bound.collect() }
    }
}

impl Keymap {
    /// What a key means where these contexts hold, the nearest first. `None` leaves it to what is typed into.
    pub fn find(&self, key: KeyEvent, contexts: &[Context]) -> Option<Action> {
        let chord = Chord::from(key);
        contexts.iter().find_map(|context| {
            let bound = self.bound.iter().find(|(place, bound, _)| place == context && *bound == chord);
            bound.map(|(.., action)| *action)
        })
    }

    /// The keys of an action in a context, those to be told first.
    pub fn chords(&self, context: Context, action: Action) -> impl Iterator<Item = Chord> {
        self.bound
            .iter()
            .filter(move |(place, _, bound)| *place == context && *bound == action)
            .map(|(_, chord, _)| *chord)
    }

    /// The key to be told for an action; `None` if it has none.
    pub fn key(&self, action: Action) -> Option<Chord> {
        action.row().bindings.iter().find_map(|binding| self.chords(binding.context, action).next())
    }

    /// The key to be told for an action in a context.
    pub fn key_in(&self, context: Context, action: Action) -> Option<Chord> {
        self.chords(context, action).next()
    }

    /// What can be done in a context, line by line: keys, and what they do.
    pub fn lines(&self, context: Context) -> Vec<(String, &'static str)> {
        let mut lines: Vec<(Vec<String>, &str)> = Vec::new();
        for row in ACTIONS {
            for binding in row.bindings.iter().filter(|binding| binding.context == context) {
                let mut chords = self.chords(context, row.action).map(|chord| chord.to_string());
                match lines.last_mut() {
                    Some((keys, _)) if binding.help.is_empty() => {
                        keys.truncate(1);
                        keys.extend(chords.next());
                    }
                    _ if binding.help.is_empty() => {}
                    _ => lines.push((chords.take(TOLD).collect(), binding.help)),
                }
            }
        }
        let bound = lines.into_iter().filter(|(keys, _)| !keys.is_empty());
        bound.map(|(keys, help)| (keys.join(", "), help)).collect()
    }

    /// The key of an action within a sentence, or its title.
    pub fn told(&self, action: Action) -> String {
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
        for row in ACTIONS {
            assert_eq!(row.action.row().name, row.name);
            assert!(names.insert(row.name), "{} is there twice", row.name);
            assert!(row.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", row.name);
            for binding in row.bindings {
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
