//! The tools, one file for each, and the list of them. Everything that the server knows of a tool comes from this list.

mod answer_input;
mod ask_human;
mod inspect_variable;
mod interrupt_snippet;
mod list_defined_variables;
mod read_output;
mod reset_impact;
mod reset_python_environment;
mod rewind_session;
mod run_python_code;
mod session_history;
mod wait_for_snippet;

use std::sync::LazyLock;

use rmcp::model::Tool as Listing;

use super::bridge_protocol::ResultForm;
use super::calls::lost_call::LostCallTexts;
use super::calls::registered::RegisteredTool;
use super::calls::tool::CallEffect;
use crate::domain::CallState;

/// In the order in which clients see them.
static TOOLS: LazyLock<Vec<RegisteredTool>> = LazyLock::new(|| {
    vec![
        RegisteredTool::of::<run_python_code::RunPythonCode>(),
        RegisteredTool::of::<reset_python_environment::ResetPythonEnvironment>(),
        RegisteredTool::of::<rewind_session::RewindSession>(),
        RegisteredTool::of::<list_defined_variables::ListDefinedVariables>(),
        RegisteredTool::of::<inspect_variable::InspectVariable>(),
        RegisteredTool::of::<wait_for_snippet::WaitForSnippet>(),
        RegisteredTool::of::<read_output::ReadOutput>(),
        RegisteredTool::of::<answer_input::AnswerInput>(),
        RegisteredTool::of::<interrupt_snippet::InterruptSnippet>(),
        RegisteredTool::of::<session_history::SessionHistory>(),
        RegisteredTool::of::<ask_human::AskHuman>(),
    ]
});

pub fn get(name: &str) -> Option<&'static RegisteredTool> {
    TOOLS.iter().find(|tool| tool.name() == name)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(RegisteredTool::name)
}

/// The names of the tools that only read.
pub fn reading_tools() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().filter(|tool| tool.effect == CallEffect::Reads).map(RegisteredTool::name)
}

/// The tools as `tools/list` shows them. A client that gets no structured results gets no output schemas.
pub fn listings(form: ResultForm) -> Vec<Listing> {
    let mut listings: Vec<Listing> = TOOLS.iter().map(|tool| tool.listing.clone()).collect();
    if form != ResultForm::Structured {
        for listing in &mut listings {
            listing.output_schema = None;
        }
    }
    listings
}

/// The text for the caller of a tool whose call has no answer: what happened, what is known of the call, and what to
/// do. Only a call that has not begun is said to be repeatable.
#[must_use]
pub fn lost_call_text(tool: &str, state: CallState, what: &str, advice: &str) -> String {
    let texts = get(tool).map_or(LostCallTexts::CHANGES, |tool| tool.lost);
    texts.text(state, what, advice)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::interrupt_snippet::InterruptSnippet;
    use super::reset_python_environment::ResetPythonEnvironment;
    use super::run_python_code::RunPythonCode;
    use super::wait_for_snippet::WaitForSnippet;
    use super::*;
    use crate::mcp::calls::arguments::parse;
    use crate::mcp::calls::tool::Tool;

    const STATES: [CallState; 5] =
        [CallState::NotReceived, CallState::Queued, CallState::Begun, CallState::Ended, CallState::Unknown];

    #[test]
    fn every_tool_is_described_and_listed_in_the_page() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/docs/tools.md");
        let page = std::fs::read_to_string(page).unwrap();
        for tool in TOOLS.iter() {
            let (name, listing) = (tool.name(), &tool.listing);
            assert!(listing.title.as_ref().is_some_and(|title| !title.is_empty()), "{name} has no title");
            assert!(listing.description.as_ref().is_some_and(|text| text.len() > 40), "{name} has no description");
            let properties = listing.input_schema["properties"].as_object().unwrap();
            for (argument, schema) in properties {
                assert!(schema["description"].is_string(), "{argument} of {name} has no description");
            }
            assert!(listing.output_schema.as_ref().is_some_and(|schema| schema["properties"].is_object()), "{name}");
            let annotations = listing.annotations.as_ref().unwrap();
            assert_eq!(annotations.read_only_hint, Some(tool.effect == CallEffect::Reads), "{name}");
            assert!(annotations.destructive_hint.is_some() && annotations.idempotent_hint.is_some(), "{name}");
            assert!(annotations.open_world_hint.is_some(), "{name}");
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("the page's table of tools lacks {name}"));
            for argument in properties.keys() {
                assert!(row.contains(&format!("`{argument}`")), "the page lacks {argument} of {name}");
            }
            assert_eq!(names().filter(|other| *other == name).count(), 1, "{name} is there twice");
        }
    }

    #[test]
    fn schemas_are_plain_enough_for_every_client() {
        for listing in listings(ResultForm::Structured) {
            let text = serde_json::to_string(&listing).unwrap();
            assert!(!text.contains("\"format\""), "{text}");
            assert!(!text.contains("$ref") && !text.contains("\\n"), "{text}");
            assert!(!text.contains("\"type\":[") && !text.contains("\"type\":null"), "{text}");
            let input = serde_json::to_string(&listing.input_schema).unwrap();
            assert!(!input.contains("null"), "{input}");
            // google-genai cannot convert it.
            assert!(!input.contains("additionalProperties"), "{input}");
            assert_eq!(listing.input_schema["type"], "object");
            assert!(listing.input_schema["properties"].is_object());
            assert_eq!(listing.output_schema.unwrap()["type"], "object");
        }
        assert_eq!(get(RunPythonCode::NAME).unwrap().listing.input_schema["required"], json!(["code"]));
        assert!(listings(ResultForm::Text).iter().all(|listing| listing.output_schema.is_none()));
    }

    /// The error for arguments that are wrong.
    fn error<T: Tool>(arguments: &Value) -> String {
        parse::<T::Arguments>(T::NAME, arguments.as_object().cloned()).err().unwrap()
    }

    #[test]
    fn bad_arguments_are_answered_with_what_was_expected() {
        let text = error::<RunPythonCode>(&json!({"code": "1", "timeout": 5}));
        assert!(text.contains("unknown field `timeout`"), "{text}");
        assert!(text.contains("code (string, required), timeout_s (number, optional)"), "{text}");
        let text = error::<RunPythonCode>(&Value::Null);
        assert!(text.contains("missing field `code`"), "{text}");
        let text = error::<RunPythonCode>(&json!({"code": "1", "title": null, "wait_s": "5 s"}));
        assert!(text.contains("wait_s: invalid type: string \"5 s\", expected a number. "), "{text}");
        let text = error::<ResetPythonEnvironment>(&json!({"mode": "all"}));
        assert!(text.contains("mode: unknown variant `all`, expected `namespace` or `restart`"), "{text}");
        let given = json!({"snippet": 3.0}).as_object().cloned();
        assert_eq!(parse::<wait_for_snippet::WaitArguments>(WaitForSnippet::NAME, given).unwrap().snippet, 3);
        for bad in [json!(1.5), json!(-1), Value::Null] {
            let text = error::<WaitForSnippet>(&json!({"snippet": bad}));
            assert!(text.contains("expected the number of a snippet"), "{text}");
        }
        let none = parse::<interrupt_snippet::InterruptArguments>(InterruptSnippet::NAME, None).unwrap();
        assert_eq!(none.snippet, None);
        let made_up = json!({"random_string": "x"}).as_object().cloned();
        let reset = parse::<reset_python_environment::ResetArguments>(ResetPythonEnvironment::NAME, made_up);
        assert!(reset.is_ok());
    }

    #[test]
    fn only_a_call_that_has_not_begun_is_said_to_be_repeatable() {
        for tool in names().chain(["another"]) {
            for state in STATES {
                let text = lost_call_text(tool, state, "What.", "Advice.");
                assert!(text.starts_with("What. ") && text.ends_with(" Advice."), "{text}");
                let reads = get(tool).is_some_and(|tool| tool.effect == CallEffect::Reads);
                let is_repeatable = text.contains("may be repeated");
                assert!(!is_repeatable || state.may_be_repeated() || reads, "{tool} {state:?}: {text}");
                let nothing_was_done = text.contains("Nothing was") || text.contains("was not asked");
                assert!(!nothing_was_done || state.may_be_repeated(), "{tool} {state:?}: {text}");
            }
        }
    }
}
