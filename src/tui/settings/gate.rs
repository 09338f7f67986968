//! The section `[gate]`: whether code of clients waits for the person.

use toml::Spanned;
use toml::de::DeValue;

use super::reader::Reader;
use super::{GateSettings, meant};
use crate::domain::{GateMode, Unattended};

const KEYS: [&str; 2] = ["mode", "unattended"];

pub fn gate(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut GateSettings) {
    for (key, span, value) in reader.table(value, "a section: [gate]") {
        match key {
            "mode" => choice(reader, value, &GateMode::ALL.map(GateMode::name), |name| {
                GateMode::of(name).map(|mode| settings.mode = mode)
            }),
            "unattended" => choice(reader, value, &Unattended::ALL.map(Unattended::name), |name| {
                Unattended::of(name).map(|unattended| settings.unattended = unattended)
            }),
            _ => {
                let hint = meant(key, KEYS.into_iter());
                reader.wrong(&span, format!("there is no `{key}` in [gate]{hint}"));
            }
        }
    }
}

/// Reads one of some names.
fn choice(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, names: &[&str], set: impl FnOnce(&str) -> Option<()>) {
    let Some(name) = value.get_ref().as_str() else {
        return reader.expected(value, &format!("one of {}", names.join(", ")));
    };
    if set(name).is_none() {
        let hint = meant(name, names.iter().copied());
        reader.wrong(&value.span(), format!("`{name}` is none of {}{hint}", names.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{GateMode, Unattended};
    use crate::tui::settings::parse;

    #[test]
    fn the_section_is_read_and_what_is_wrong_is_told_by_place() {
        let (settings, problems) = parse("[gate]\nmode = \"ask\"\nunattended = \"deny\"\n");
        assert_eq!(problems, []);
        assert_eq!((settings.gate.mode, settings.gate.unattended), (GateMode::Ask, Unattended::Deny));
        let (settings, problems) = parse("[gate]\nmode = \"aks\"\nunattended = 1\nmod = \"ask\"\n");
        let reported: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            reported,
            [
                "line 2, column 8: `aks` is none of watch, ask, hold; did you mean `ask`?",
                "line 3, column 14: expected one of wait, allow, deny, found an integer",
                "line 4, column 1: there is no `mod` in [gate]; did you mean `mode`?",
            ]
        );
        assert_eq!(settings.gate.mode, GateMode::Watch);
    }
}
