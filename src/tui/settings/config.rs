//! Parsing `config.toml`: the settings, and the problems with their lines and columns.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::{Reader, an, entries, place};
use super::{Problem, Settings, gate, keys, meant, sessions};
use crate::domain::retention::{self, RetentionLimits};
use crate::tui::images::terminal::WAYS;
use crate::tui::theme::{self, Name, Role};

const SECTIONS: [&str; 9] = ["bridge", "editor", "gate", "journal", "keys", "mouse", "session", "terminal", "theme"];

/// Parses the text of a file. A faulty setting is reported and keeps its default; all others hold.
pub fn parse(text: &str) -> (Settings, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut settings = Settings::default();
    let mut reader = Reader::new(text);
    for (key, span, value) in entries(table.get_ref()) {
        match key {
            "mouse" => reader.switch(value, &mut settings.mouse),
            "bridge" => sessions::bridge(&mut reader, value, &mut settings),
            "session" => sessions::session(&mut reader, value, &mut settings),
            "editor" => editor(&mut reader, value, &mut settings),
            "gate" => gate::gate(&mut reader, value, &mut settings.gate),
            "journal" => journal(&mut reader, value, &mut settings.journal),
            "terminal" => terminal(&mut reader, value, &mut settings),
            "theme" => theme(&mut reader, value, &mut settings),
            "keys" => keys::bind(&mut reader, value, &mut settings.keys),
            _ => reader.wrong(&span, format!("there is no setting `{key}`{}", meant(key, SECTIONS.into_iter()))),
        }
    }
    // Other problems in the lines of a syntax error only follow from it.
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| Problem {
            place: error.span().map(|span| place(text, span.start)),
            what: error.message().replace('\n', ", "),
        })
        .collect();
    let broken: Vec<usize> = problems.iter().filter_map(|problem| Some(problem.place?.0)).collect();
    problems.extend(
        reader.problems.into_iter().filter(|problem| !problem.place.is_some_and(|(line, _)| broken.contains(&line))),
    );
    problems.sort_by_key(|problem| problem.place);
    // The unreadable part could contain the limits of the journal.
    if let Some(error) = problems.iter().find(|_| !errors.is_empty()) {
        settings.journal.refuse(format!("config.toml cannot be read whole ({error})"));
    }
    (settings, problems)
}

fn editor(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
    for (key, span, value) in reader.table(value, "a section: [editor]") {
        match key {
            "vi" => reader.switch(value, &mut settings.vi),
            _ => reader.wrong(&span, format!("there is no `{key}` in [editor]{}", meant(key, ["vi"].into_iter()))),
        }
    }
}

fn journal(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, limits: &mut RetentionLimits) {
    let table = reader.table(value, "a section: [journal]");
    if value.get_ref().as_table().is_none() {
        limits.refuse("[journal] in config.toml is no section".to_owned());
    }
    for (key, span, value) in table {
        let number = || value.get_ref().as_integer().map(|number| number.as_str().to_owned());
        let text = value.get_ref().as_str().map(str::to_owned).or_else(number);
        match (key, text) {
            ("max", Some(text)) => match retention::size(&text) {
                Ok(bytes) => limits.bytes = bytes,
                Err(why) => refuse(reader, limits, &value.span(), &format!("max is {why}")),
            },
            ("days", Some(text)) => match retention::days(&text) {
                Ok(days) => limits.days = days,
                Err(why) => refuse(reader, limits, &value.span(), &format!("days is {why}")),
            },
            ("max" | "days", None) => {
                reader.expected(value, if key == "max" { "a size such as \"500MB\"" } else { "a number of days" });
                limits.refuse(format!("`{key}` in [journal] of config.toml is no such thing"));
            }
            _ => {
                let hint = meant(key, ["max", "days"].into_iter());
                refuse(reader, limits, &span, &format!("there is no `{key}` in [journal]{hint}"));
            }
        }
    }
}

/// Refuses all limits, so that nothing is removed against the person's intention.
fn refuse(reader: &mut Reader<'_>, limits: &mut RetentionLimits, at: &Range<usize>, why: &str) {
    let line = reader.line_of(at);
    limits.refuse(format!("config.toml, line {line}: {why}"));
    reader.wrong(at, why.to_owned());
}

fn terminal(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
    for (key, span, value) in reader.table(value, "a section: [terminal]") {
        match key {
            "title" => reader.switch(value, &mut settings.osc.title),
            "progress" => reader.switch(value, &mut settings.osc.progress),
            "notices" => reader.switch(value, &mut settings.osc.notices),
            "figures" => match value.get_ref().as_str().map(|name| (name, WAYS.iter().find(|way| **way == name))) {
                Some((_, Some(way))) => settings.figures = way,
                Some((name, None)) => {
                    let hint = meant(name, WAYS.into_iter());
                    let what = format!("figures are not shown as `{name}`, only as {}{hint}", WAYS.join(", "));
                    reader.wrong(&value.span(), what);
                }
                None => reader.expected(value, &format!("one of {}", WAYS.join(", "))),
            },
            _ => {
                let hint = meant(key, ["title", "progress", "notices", "figures"].into_iter());
                reader.wrong(&span, format!("there is no `{key}` in [terminal]{hint}"));
            }
        }
    }
}

fn theme(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
    if value.get_ref().is_str() {
        return theme_name(reader, value, settings);
    }
    for (key, span, value) in reader.table(value, "the name of a theme, or a section: [theme]") {
        if key == "name" {
            theme_name(reader, value, settings);
            continue;
        }
        let known = || Role::names().chain([theme::DIM_NAME, "name"]);
        if !known().any(|name| name == key) {
            reader.wrong(&span, format!("`{key}` has no colour of its own{}", meant(key, known())));
            continue;
        }
        let number = || value.get_ref().as_integer().map(|number| number.as_str().to_owned());
        let written = value.get_ref().as_str().map(str::to_owned).or_else(number);
        if let Some(colour) = written.as_deref().and_then(theme::colour_named) {
            settings.theme.set(key, colour);
            continue;
        }
        let found = written.unwrap_or_else(|| an(value.get_ref().type_str()));
        let hint = meant(&found, theme::colour_names());
        let ways = "a name such as `bright-red`, a number from 0 to 255, or `#rrggbb`";
        reader.wrong(&value.span(), format!("`{found}` is no colour; write {ways}{hint}"));
    }
}

fn theme_name(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
    let Some(name) = value.get_ref().as_str() else { return reader.expected(value, "the name of a theme") };
    if let Some((_, name)) = Name::ALL.iter().find(|(known, _)| *known == name) {
        settings.theme.name = *name;
    } else {
        let hint = meant(name, Name::ALL.iter().map(|(name, _)| *name));
        reader.wrong(&value.span(), format!("there is no theme `{name}`, only auto, dark, light and mono{hint}"));
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;
    use crate::tui::input::keymap::{Action, Chord, Context, Keymap, WRITING};
    use crate::tui::settings::OscSettings;
    use crate::tui::theme::Theme;

    fn reported(text: &str) -> Vec<String> {
        parse(text).1.iter().map(ToString::to_string).collect()
    }

    fn find(keymap: &Keymap, key: &str, contexts: &[Context]) -> Option<Action> {
        keymap.find(key.parse::<Chord>().unwrap().event(), contexts)
    }

    #[test]
    fn an_empty_file_and_a_full_one() {
        assert_eq!(reported(""), [] as [String; 0]);
        let (settings, problems) = parse(
            "mouse = false\n[editor]\nvi = true\n[terminal]\ntitle = false\nprogress = false\nnotices = false\nfigures = \"sixel\"\n[theme]\nname = \"light\"\nerror = \"#ff0000\"\nyou = 208\ndim = \"bright-black\"\n\
             [keys]\nf6 = \"none\"\nctrl-e = \"output\"\n[keys.output]\nx = \"back\"\n",
        );
        assert_eq!(problems, []);
        assert!(!settings.mouse && settings.vi);
        assert_eq!(settings.osc, OscSettings { title: false, progress: false, notices: false });
        assert_eq!((settings.figures, parse("").0.figures), ("sixel", "auto"));
        let mut theme = Theme::named(Name::Light);
        theme.set("error", Color::Rgb(255, 0, 0));
        theme.set("you", Color::Indexed(208));
        theme.set("dim", Color::DarkGray);
        assert_eq!(settings.theme, theme);
        let keys = &settings.keys;
        assert_eq!(find(keys, "f6", &WRITING), None);
        assert_eq!(find(keys, "f6", &[Context::Output]), None);
        assert_eq!(find(keys, "ctrl-e", &WRITING), Some(Action::Output));
        assert_eq!(keys.key_hint(Action::Output), "Ctrl-E");
        assert_eq!(find(keys, "x", &[Context::Output]), Some(Action::Back));
        assert_eq!(find(keys, "esc", &[Context::Output]), Some(Action::Back), "the other keys of it stay");
        assert_eq!(parse("theme = \"mono\"").0.theme.name, Name::Mono);
    }

    #[test]
    fn the_journal_is_never_emptied_by_a_slip() {
        let limits = |text: &str| parse(text).0.journal;
        let good = limits("[journal]\nmax = \"5GB\"\ndays = 7");
        assert_eq!(good, RetentionLimits { bytes: 5_000_000_000, days: 7, refused: None });
        assert_eq!(limits("[journal]\nmax = 0").bytes, 0);
        for (text, words) in [
            (
                "[journal]\nmax = 5",
                "line 2: max is \"5\", a number without a unit, which would be bytes; did you mean 5GB?",
            ),
            ("[journal]\ndays = 0", "line 2: days is \"0\""),
            ("[journal]\ndays = true", "`days`"),
            ("[journal]\nmaxx = \"5GB\"", "did you mean `max`?"),
            ("journal = 5", "no section"),
            ("[journal\nmax = \"5GB\"", "cannot be read whole"),
            ("[journal]\nmax = 5GB", "cannot be read whole"),
        ] {
            let found = limits(text);
            assert!(found.bytes > 0 && found.refused.as_ref().is_some_and(|why| why.contains(words)), "{found:?}");
            assert!(!reported(text).is_empty());
        }
    }

    #[test]
    fn a_key_that_is_taken_moves_from_all_places() {
        let (settings, problems) = parse("[keys]\ntab = \"help\"\n[keys.session]\nctrl-p = \"help\"");
        assert_eq!(find(&settings.keys, "tab", &WRITING), Some(Action::Help));
        assert_eq!(find(&settings.keys, "tab", &[Context::Completion]), Some(Action::Accept));
        let reported: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            reported,
            [
                "line 4, column 1: Ctrl-P never comes here: [keys.input] has it for `history-back`; unbind it there with \"none\""
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_place_and_the_rest_holds() {
        let text = "\
colour = 1
mouse = \"yes\"
[keys]
contrl-r = \"help\"
ctrl-t = \"hlep\"
x = \"help\"
ctrl-y = 3
C-t = \"quit\"
\"Ctrl-T\" = \"help\"
alt-f11 = \"none\"
[keys.outptu]
y = \"back\"
[keys.output]
z = \"run\"
[theme]
name = \"lihgt\"
eror = \"red\"
error = \"rde\"
ok = 256
[editor]
vim = true
[terminal]
titel = true
notices = 1
figures = \"kity\"
";
        let (settings, problems) = parse(text);
        let reported: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            reported,
            [
                "line 1, column 1: there is no setting `colour`",
                "line 2, column 9: expected true or false, found a string",
                "line 4, column 1: `contrl-r` is no key; did you mean `ctrl-r`?",
                "line 5, column 10: there is no action `hlep`; did you mean `help`?",
                "line 6, column 1: x is text in the session; a key for this needs Ctrl or Alt, or is F1 to F24",
                "line 7, column 10: `ctrl-y` needs the name of an action, in quotes, or \"none\"",
                "line 9, column 1: line 8 has another meaning for Ctrl-T already",
                "line 10, column 1: Alt-F11 is bound to no action, so there is nothing to unbind",
                "line 11, column 7: there is no section [keys.outptu]; did you mean `output`?",
                "line 14, column 5: `run` has no meaning in [keys.output]; it belongs into [keys.input]",
                "line 16, column 8: there is no theme `lihgt`, only auto, dark, light and mono; did you mean `light`?",
                "line 17, column 1: `eror` has no colour of its own; did you mean `error`?",
                "line 18, column 9: `rde` is no colour; write a name such as `bright-red`, a number from 0 to 255, or \
                 `#rrggbb`; did you mean `red`?",
                "line 19, column 6: `256` is no colour; write a name such as `bright-red`, a number from 0 to 255, or `#rrggbb`",
                "line 21, column 1: there is no `vim` in [editor]; did you mean `vi`?",
                "line 23, column 1: there is no `titel` in [terminal]; did you mean `title`?",
                "line 24, column 11: expected true or false, found an integer",
                "line 25, column 11: figures are not shown as `kity`, only as auto, blocks, kitty, sixel, iterm2, off; \
                 did you mean `kitty`?",
            ]
        );
        assert_eq!(find(&settings.keys, "ctrl-t", &WRITING), Some(Action::QuitOrDelete));
    }

    #[test]
    fn a_broken_line_loses_no_other() {
        let (settings, problems) =
            parse("[keys]\nctrl-t = help\nctrl-y = \"help\"\n[editor\nvi = true\nmouse = false\n");
        assert!(problems.iter().any(|problem| problem.place.is_some_and(|(line, _)| line == 2)), "{problems:?}");
        assert!(problems.iter().any(|problem| problem.place.is_some_and(|(line, _)| line == 4)), "{problems:?}");
        assert_eq!(find(&settings.keys, "ctrl-y", &WRITING), Some(Action::Help));
        assert!(!reported("x = \"\u{e4}\n").is_empty() && !reported("=\n").is_empty() && !reported("\u{0}").is_empty());
    }
}
