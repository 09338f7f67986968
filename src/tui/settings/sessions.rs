//! The sections `[session]` and `[bridge]`, which also hold for sessions without a dashboard.

use toml::Spanned;
use toml::de::DeValue;

use super::reader::Reader;
use super::{Settings, meant};

/// The value that stands for all names.
const ALL: &str = "all";

pub fn session(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
    for (key, span, value) in reader.table(value, "a section: [session]") {
        if key == "keep_processes" {
            reader.switch(value, &mut settings.keep_processes);
        } else if key == "safe_points" {
            match value.get_ref().as_str() {
                Some("auto") => settings.safe_points = true,
                Some("off") => settings.safe_points = false,
                _ => reader.expected(value, "\"auto\" or \"off\""),
            }
        } else {
            let hint = meant(key, ["keep_processes", "safe_points"].into_iter());
            reader.wrong(&span, format!("there is no `{key}` in [session]{hint}"));
        }
    }
}

pub fn bridge(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
    for (key, span, value) in reader.table(value, "a section: [bridge]") {
        if key == "keep_env" {
            keep_env(reader, value, settings);
        } else {
            let hint = meant(key, ["keep_env"].into_iter());
            reader.wrong(&span, format!("there is no `{key}` in [bridge]{hint}"));
        }
    }
}

fn keep_env(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
    if value.get_ref().as_str() == Some(ALL) {
        settings.keep_env = vec![ALL.to_owned()];
        return;
    }
    let Some(names) = value.get_ref().as_array() else {
        return reader.expected(value, "a list of names, such as [\"OPENAI_API_KEY\", \"AWS_*\"], or \"all\"");
    };
    for name in names {
        match name.get_ref().as_str() {
            Some(text) if is_name(text) => settings.keep_env.push(text.to_owned()),
            Some(text) => {
                let what = format!("`{text}` is no name of a variable; a `*` may stand at its end");
                reader.wrong(&name.span(), what);
            }
            None => reader.expected(name, "the name of a variable"),
        }
    }
}

fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('*').unwrap_or(text);
    !name.is_empty() && !name.contains(['*', '=', '\0']) && !name.chars().any(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use crate::tui::settings::parse;

    #[test]
    fn they_are_read_and_what_is_wrong_is_told_by_place() {
        let (settings, problems) =
            parse("[session]\nkeep_processes = true\n[bridge]\nkeep_env = [\"OPENAI_API_KEY\", \"AWS_*\"]\n");
        assert_eq!(problems, []);
        assert!(settings.keep_processes);
        assert_eq!(settings.keep_env, ["OPENAI_API_KEY", "AWS_*"]);
        assert_eq!(parse("[bridge]\nkeep_env = \"all\"").0.keep_env, ["all"]);
        let (settings, problems) = parse(
            "[session]\nkeep_procesess = true\nkeep_processes = 1\n[bridge]\nkeep_env = [\"A*B\", 3, \"C\"]\nkeepenv = 1\n\
             [bridg]\n",
        );
        let reported: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            reported,
            [
                "line 2, column 1: there is no `keep_procesess` in [session]; did you mean `keep_processes`?",
                "line 3, column 18: expected true or false, found an integer",
                "line 5, column 13: `A*B` is no name of a variable; a `*` may stand at its end",
                "line 5, column 20: expected the name of a variable, found an integer",
                "line 6, column 1: there is no `keepenv` in [bridge]; did you mean `keep_env`?",
                "line 7, column 2: there is no setting `bridg`; did you mean `bridge`?",
            ]
        );
        assert!(!settings.keep_processes);
        assert_eq!(settings.keep_env, ["C"], "the rest holds");
        let reported = parse("[bridge]\nkeep_env = \"OPENAI_API_KEY\"").1[0].to_string();
        assert!(reported.starts_with("line 2, column 12: expected a list of names"), "{reported}");
    }
}
