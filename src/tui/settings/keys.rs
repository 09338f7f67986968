//! The section `[keys]`: chords for actions, in all contexts of the action or in the section of one context.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::meant;
use super::reader::{ConfigEntry, Reader};
use crate::tui::input::keymap::{ACTIONS, Action, Chord, Context, Keymap, WRITING};

/// The action name that unbinds a key.
const NONE: &str = "none";

/// A valid line of the section.
struct Bound {
    chord: Chord,
    /// `None` for all contexts of the action.
    context: Option<Context>,
    action: Option<Action>,
    at: Range<usize>,
}

pub fn bind(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, keymap: &mut Keymap) {
    let mut bindings = Vec::new();
    let mut sections = Vec::new();
    for entry in reader.table(value, "a section: [keys]") {
        // `end` is a key and not a section; `input` is a section and not a key.
        match Context::ALL.into_iter().find(|context| context.name() == entry.0) {
            Some(context) => sections.push((context, entry.2)),
            None if entry.2.get_ref().is_table() => {
                let known = Context::ALL.iter().map(|context| context.name());
                reader.wrong(&entry.1, format!("there is no section [keys.{}]{}", entry.0, meant(entry.0, known)));
            }
            None => bindings.extend(line(reader, entry, None)),
        }
    }
    // Sections of one context override the general lines.
    for (context, value) in sections {
        for entry in reader.table(value, "keys and actions, as in a section") {
            bindings.extend(line(reader, entry, Some(context)));
        }
    }
    for (index, bound) in bindings.iter().enumerate() {
        let same = |other: &&Bound| other.chord == bound.chord && other.context == bound.context;
        match bindings[..index].iter().find(same) {
            // Ctrl-_ and Ctrl-/ are the same key.
            Some(other) if other.action == bound.action => {}
            Some(other) => {
                let line = reader.line_of(&other.at);
                reader.wrong(&bound.at, format!("line {line} has another meaning for {} already", bound.chord));
            }
            None => apply(reader, bound, keymap),
        }
    }
    for bound in &bindings {
        report_hidden(reader, bound, keymap);
    }
}

fn line(reader: &mut Reader<'_>, (key, at, value): ConfigEntry<'_>, context: Option<Context>) -> Option<Bound> {
    let Ok(chord) = key.parse::<Chord>() else {
        reader.wrong(&at, format!("`{key}` is no key{}", meant_key(key)));
        return None;
    };
    let Some(name) = value.get_ref().as_str() else {
        reader.wrong(&value.span(), format!("`{key}` needs the name of an action, in quotes, or \"none\""));
        return None;
    };
    let action = Action::named(name);
    if action.is_none() && name != NONE {
        let known = ACTIONS.iter().map(|row| row.name).chain([NONE]);
        reader.wrong(&value.span(), format!("there is no action `{name}`{}", meant(name, known)));
        return None;
    }
    if let (Some(action), Some(context)) = (action, context)
        && !action.is_of(context)
    {
        let places: Vec<_> =
            action.row().bindings.iter().map(|binding| format!("[keys.{}]", binding.context.name())).collect();
        let what =
            format!("`{name}` has no meaning in [keys.{}]; it belongs into {}", context.name(), places.join(" or "));
        reader.wrong(&value.span(), what);
        return None;
    }
    Some(Bound { chord, context, action, at })
}

fn apply(reader: &mut Reader<'_>, bound: &Bound, keymap: &mut Keymap) {
    let Bound { chord, context, action, at } = bound;
    let Some(action) = action else {
        if !keymap.unbind(*chord, *context) {
            let place = context.map(|context| format!(" in [keys.{}]", context.name())).unwrap_or_default();
            reader.wrong(at, format!("{chord} is bound to no action{place}, so there is nothing to unbind"));
        }
        return;
    };
    let places = context
        .map_or_else(|| action.row().bindings.iter().map(|binding| binding.context).collect(), |context| vec![context]);
    let usable: Vec<Context> =
        places.iter().copied().filter(|place| !(chord.is_text() && place.is_typed_into())).collect();
    if usable.is_empty() {
        reader.wrong(
            at,
            format!("{chord} is text in the {}; a key for this needs Ctrl or Alt, or is F1 to F24", places[0].name()),
        );
    }
    for place in &usable {
        keymap.bind(*chord, *place, *action);
    }
    if context.is_none() && usable.iter().any(|place| WRITING.contains(place)) {
        // Without a context in the file, no nearer context may keep the key.
        for place in WRITING.iter().filter(|place| !usable.contains(place)) {
            keymap.unbind(*chord, Some(*place));
        }
    }
}

/// Reports a key that was bound in a wider context while a nearer one keeps it.
fn report_hidden(reader: &mut Reader<'_>, bound: &Bound, keymap: &Keymap) {
    let (Some(context), Some(action)) = (bound.context, bound.action) else { return };
    let Some(rank) = WRITING.iter().position(|place| *place == context) else { return };
    let nearer = WRITING[..rank].iter().find_map(|place| Some((place, keymap.find(bound.chord.event(), &[*place])?)));
    if let Some((place, nearer)) = nearer.filter(|(_, nearer)| *nearer != action) {
        let (chord, place, name) = (bound.chord, place.name(), nearer.row().name);
        let what =
            format!("{chord} never comes here: [keys.{place}] has it for `{name}`; unbind it there with \"none\"");
        reader.wrong(&bound.at, what);
    }
}

/// The nearest valid chord, piece by piece.
fn meant_key(key: &str) -> String {
    let nearest = |piece: &str, known: &mut dyn Iterator<Item = &'static str>| {
        let near = known.map(|name| (strsim::damerau_levenshtein(&piece.to_lowercase(), name), name)).min();
        near.filter(|(slips, name)| *slips <= name.len().max(4) / 2).map(|(_, name)| name.to_owned())
    };
    let mut pieces = key.split(['-', '+']).map(str::trim).filter(|piece| !piece.is_empty()).collect::<Vec<_>>();
    let last = pieces.pop().unwrap_or_default();
    let modifiers = pieces.iter().map(|piece| nearest(piece, &mut ["ctrl", "alt", "shift"].into_iter()));
    let last =
        if last.parse::<Chord>().is_ok() { Some(last.to_lowercase()) } else { nearest(last, &mut Chord::names()) };
    let chord: Option<Vec<String>> = modifiers.chain([last]).collect();
    chord.map(|pieces| format!("; did you mean `{}`?", pieces.join("-"))).unwrap_or_default()
}
