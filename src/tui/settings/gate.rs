//! The section `[gate]`: whether code of clients waits for the person.

use toml::Spanned;
use toml::de::DeValue;

use super::reader::Reader;
use super::{GateSettings, meant};
use crate::domain::{GateMode, RiskKind, RiskRule, RuleAnswer, Unattended};

const KEYS: [&str; 3] = ["mode", "unattended", "rules"];
const RULE_KEYS: [&str; 3] = ["event", "target", "answer"];

pub fn gate(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, settings: &mut GateSettings) {
    for (key, span, value) in reader.table(value, "a section: [gate]") {
        match key {
            "mode" => choice(reader, value, &GateMode::ALL.map(GateMode::name), |name| {
                GateMode::of(name).map(|mode| settings.mode = mode)
            }),
            "unattended" => choice(reader, value, &Unattended::ALL.map(Unattended::name), |name| {
                Unattended::of(name).map(|unattended| settings.unattended = unattended)
            }),
            "rules" => match value.get_ref().as_array() {
                Some(rules) => settings.rules.0.extend(rules.iter().filter_map(|value| rule(reader, value))),
                None => reader.expected(value, "a list of rules: [[gate.rules]]"),
            },
            _ => {
                let hint = meant(key, KEYS.into_iter());
                reader.wrong(&span, format!("there is no `{key}` in [gate]{hint}"));
            }
        }
    }
}

/// Reads a rule. A faulty one counts for nothing, so that a slip allows nothing.
fn rule(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Option<RiskRule> {
    let before = reader.problems.len();
    let (mut event, mut pattern, mut answer) = (None, None, None);
    for (key, span, value) in
        reader.table(value, "a rule such as { event = \"delete\", target = \"build/*\", answer = \"allow\" }")
    {
        match key {
            "event" => choice(reader, value, &RiskKind::ALL.map(RiskKind::name), |name| {
                RiskKind::of(name).map(|kind| event = Some(kind))
            }),
            "answer" => choice(reader, value, &RuleAnswer::ALL.map(RuleAnswer::name), |name| {
                RuleAnswer::of(name).map(|given| answer = Some(given))
            }),
            "target" => match value.get_ref().as_str() {
                Some(text) if text.trim().is_empty() => {
                    let text = "an empty target fits nothing; leave `target` out, which fits everything";
                    reader.wrong(&value.span(), text.to_owned());
                }
                Some(text) => pattern = Some(text.to_owned()),
                None => reader.expected(value, "a path, command or host, with * for any text"),
            },
            _ => {
                let hint = meant(key, RULE_KEYS.into_iter());
                reader.wrong(&span, format!("there is no `{key}` in a rule{hint}"));
            }
        }
    }
    if answer.is_none() && reader.problems.len() == before {
        reader.wrong(&value.span(), "the rule has no answer: allow, ask or deny".to_owned());
    }
    (reader.problems.len() == before).then_some(RiskRule { event, pattern, answer: answer? })
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
    use crate::domain::{GateMode, RiskKind, Unattended};
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
                "line 2, column 8: `aks` is none of watch, ask-at-risk, ask, hold; did you mean `ask`?",
                "line 3, column 14: expected one of wait, allow, deny, found an integer",
                "line 4, column 1: there is no `mod` in [gate]; did you mean `mode`?",
            ]
        );
        assert_eq!(settings.gate.mode, GateMode::Watch);
    }

    #[test]
    fn rules_are_read_and_a_faulty_one_allows_nothing() {
        let text = "[[gate.rules]]\nevent = \"delete\"\ntarget = \"build/*\"\nanswer = \"allow\"\n\
                    [[gate.rules]]\nanswer = \"deny\"\n\
                    [[gate.rules]]\nevent = \"delet\"\nanswer = \"allow\"\n\
                    [[gate.rules]]\nevent = \"start\"\ntraget = \"*\"\nanswer = \"allow\"\n";
        let (settings, problems) = parse(text);
        let kind = |event| (event, None);
        let read: Vec<_> = settings.gate.rules.0.iter().map(|rule| (rule.event, rule.pattern.as_deref())).collect();
        assert_eq!(read, [(Some(RiskKind::Delete), Some("build/*")), kind(None)]);
        let places: Vec<_> = problems.iter().map(|problem| problem.place).collect();
        assert_eq!(places, [Some((8, 9)), Some((12, 1))], "{problems:?}");
        let (settings, problems) = parse("[gate]\nrules = [{ target = \"\", answer = \"allow\" }]");
        assert_eq!((problems[0].place, settings.gate.rules.0.len()), (Some((2, 21)), 0), "{problems:?}");
        assert!(problems[0].what.contains("an empty target fits nothing"), "{problems:?}");
        let (_, problems) = parse("[gate]\nrules = [{ event = \"delete\" }]");
        assert!(problems[0].what.contains("no answer"), "{problems:?}");
    }
}
