//! The tools as clients see them: names, descriptions made for models, arguments, schemas.

use std::sync::{Arc, LazyLock};

use rmcp::handler::server::tool::{schema_for_input, schema_for_output};
use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::de::value::MapDeserializer;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::ask_human::{AskArguments, AskResult};
use super::read_output::{OutputPage, ReadArguments};
use super::session_history::{History, HistoryArguments};
use crate::domain::Aspect;
use crate::mcp::results::inspection::InspectReport;
use crate::mcp::results::report::RunReport;
use crate::mcp::results::variables::VariableList;

pub const RUN: &str = "run_python_code";
pub const RESET: &str = "reset_python_environment";
pub const LIST: &str = "list_defined_variables";
pub const INSPECT: &str = "inspect_variable";
pub const WAIT: &str = "wait_for_snippet";
pub const ANSWER: &str = "answer_input";
pub const INTERRUPT: &str = "interrupt_snippet";
pub const READ: &str = "read_output";
pub const HISTORY: &str = "session_history";
pub const ASK: &str = "ask_human";

/// How long a call waits unless told otherwise: under every client's own limit.
pub const DEFAULT_WAIT_S: f64 = 45.0;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunArguments {
    /// Python source, one line or many. The value of a last expression is returned; top-level await works, and so do
    /// `!command`, `%pip install x`, `%time x` and `x?` as in notebooks.
    pub code: String,
    /// Interrupt the code when it has run for this many seconds. No limit unless given.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_s: Option<f64>,
    /// Seconds to wait for the end, 45 by default. It only ends the waiting: the code goes on, the answer has status
    /// "running" and the output so far, and `wait_for_snippet` goes on waiting. 0 returns at once.
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
    /// What the code is for, in a few words: the person sees it above the code.
    pub title: Option<String>,
}

/// Without `deny_unknown_fields`: some clients send a made-up argument to a tool that needs none.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ResetArguments {
    /// "namespace" (the default) clears the names and keeps the process; "restart" ends the process, with its threads
    /// and loaded libraries, and starts a new one on the same session. Use "restart" after an update of an installed
    /// package, or when code can no longer be interrupted.
    #[serde(default)]
    pub mode: Option<ResetMode>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ResetMode {
    Namespace,
    Restart,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct ListArguments {
    /// Only names or types that contain this text, in upper or lower case.
    pub filter: Option<String>,
    /// To go on with a long list: the `next_cursor` of the part before, with the same filter.
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectArguments {
    /// A name, or attributes and literal indices from one: `df`, `df["price"]`, `model.layers[0]`, `numpy.linalg.svd`.
    pub name: String,
    /// What to look at; "overview" unless given. Which of the others a value has is told in the answer.
    pub what: Option<What>,
    /// Page of the text or table, from 1.
    #[serde(default, deserialize_with = "maybe_integer")]
    #[schemars(extend("minimum" = 1))]
    pub page: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum What {
    Overview,
    Columns,
    Rows,
    Stats,
    Items,
    Attributes,
    Repr,
    Doc,
    Source,
}

impl From<What> for Aspect {
    fn from(what: What) -> Self {
        match what {
            What::Overview => Self::Overview,
            What::Columns => Self::Columns,
            What::Rows => Self::Rows,
            What::Stats => Self::Stats,
            What::Items => Self::Items,
            What::Attributes => Self::Attributes,
            What::Repr => Self::Repr,
            What::Doc => Self::Doc,
            What::Source => Self::Source,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitArguments {
    /// Number of the snippet, from the result of `run_python_code`.
    #[serde(deserialize_with = "number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: u32,
    /// Seconds to wait for the end, 45 by default; 0 looks and returns at once.
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerArguments {
    /// Number of the snippet that waits for input.
    #[serde(deserialize_with = "number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: u32,
    /// The line to enter, without a newline; may be empty.
    pub text: String,
    /// True ends the input (Ctrl-D) in place of a line; `text` must be empty then.
    pub eof: Option<bool>,
    /// Seconds to wait for what comes of it, 45 by default; 0 returns at once.
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterruptArguments {
    /// Number of the snippet; without it, the snippet of yours that runs.
    #[serde(default, deserialize_with = "maybe_number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: Option<u32>,
    /// Why, in a sentence: the person sees it, and whoever sent the code is told with the next result.
    pub note: Option<String>,
}

/// `3.0` is an integer too, as JSON schemas have it.
pub(in crate::mcp) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    maybe_number(deserializer)?.ok_or_else(|| Error::invalid_type(Unexpected::Unit, &"the number of a snippet"))
}

pub(in crate::mcp) fn maybe_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(given) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    if given.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&given) {
        return Ok(Some(given as u32));
    }
    Err(Error::invalid_value(Unexpected::Float(given), &"the number of a snippet"))
}

/// The same for any whole number.
pub(in crate::mcp) fn maybe_integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let Some(given) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    // A conversion to an integer stops at its bounds, which no output reaches.
    let whole = if given.fract() == 0.0 { T::try_from(given as i64).ok() } else { None };
    whole.map(Some).ok_or_else(|| {
        Error::invalid_value(Unexpected::Float(given), &"a whole number that is not too large or too small")
    })
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ResetResult {
    /// False while the reset waits for a snippet to end; it is done after that without another call.
    pub done: bool,
    /// How many names were cleared; null where that is not known.
    pub cleared: Option<u32>,
    /// What a reset does not undo, in words.
    pub remains: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct InterruptResult {
    /// The snippet that was hit; null if there was nothing to interrupt.
    pub snippet: Option<u32>,
    /// Whether it has ended.
    pub ended: bool,
    pub message: String,
}

static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let hints = |read_only: bool, destructive: bool, idempotent: bool, open_world: bool| {
        ToolAnnotations::from_raw(None, Some(read_only), Some(destructive), Some(idempotent), Some(open_world))
    };
    vec![
        tool::<RunArguments, RunReport>(
            RUN,
            "Run Python code",
            "Runs Python code in a live session that you share with a person, who sees your code and its output on \
             their screen and works with the same variables. Names, imports and functions stay for later calls. \
             Returns what the code printed, the value of the last expression, and the traceback if it failed; figures \
             of matplotlib and pictures come as images, without being saved. Code runs one snippet at a time, in the order it came. Code that calls input() or breakpoint() is answered with \
             status \"waiting_for_input\"; see answer_input.",
            hints(false, true, false, true),
        ),
        tool::<ResetArguments, ResetResult>(
            RESET,
            "Reset the Python environment",
            "Clears all variables, functions and imports of the shared session, the person's as well. Working \
             directory, environment variables and builtins are as at the start again, and modules of the project are \
             imported afresh. The process stays, with its threads and with installed packages loaded; mode \"restart\" \
             replaces it by a new one.",
            hints(false, true, true, false),
        ),
        tool::<ListArguments, VariableList>(
            LIST,
            "List defined variables",
            "Lists the variables, functions, classes and modules of the shared session with type and a short value, \
             yours and the person's. Looking runs no code; names that start with an underscore are left out.",
            hints(true, false, true, false),
        ),
        tool::<InspectArguments, InspectReport>(
            INSPECT,
            "Inspect a variable",
            "Looks into one value of the shared session: type, size, documentation, signature, and by what it is: the \
             columns of a DataFrame with dtypes, nulls, unique values and range, and its first rows; statistics of an \
             array; items of a container; attributes of an object; source of a function or class. Pages through large \
             values without copying them. Leaves no trace in the session; code of the user runs only for \"repr\" and \
             properties in the path, for 5 s at most. While a snippet runs, it waits 2 s for its end.",
            hints(true, false, true, false),
        ),
        tool::<WaitArguments, RunReport>(
            WAIT,
            "Wait for a snippet",
            "Waits for a snippet that was still running or queued, and returns its result like run_python_code. For a \
             snippet that has ended it returns the result again. Never stops the code.",
            hints(true, false, true, false),
        ),
        tool::<ReadArguments, OutputPage>(
            READ,
            "Read the output of a snippet",
            "Reads what a snippet wrote, page by page or only the lines that match a regular expression: what a result \
             left out, or the output so far of a snippet that runs. Escape sequences are taken out and progress bars \
             shown in their last state. The whole output is kept, up to 256 MB a snippet.",
            hints(true, false, true, false),
        ),
        tool::<AnswerArguments, RunReport>(
            ANSWER,
            "Answer a prompt",
            "Enters one line for a snippet that waits for input (status \"waiting_for_input\": input(), sys.stdin, pdb), \
             then waits and returns its result like run_python_code: at its end, or when it asks again. The person can \
             answer as well, and only the person can answer hidden prompts (passwords).",
            hints(false, true, false, true),
        ),
        tool::<InterruptArguments, InterruptResult>(
            INTERRUPT,
            "Interrupt a snippet",
            "Raises KeyboardInterrupt in a running snippet, or takes a queued one out of the queue. Variables are kept. \
             If the code caught the first interrupt, call again: the second is forceful. A single long call into a C \
             library ends only when it returns; the answer then says where it is.",
            hints(false, true, false, false),
        ),
        tool::<HistoryArguments, History>(
            HISTORY,
            "Read the history of the session",
            "Tells what was run in the session so far, by whom, and how it ended: snippets with code and outcome, resets, \
             restarts, notes. The newest ones unless since is given; read_output and wait_for_snippet give the output and \
             the result of one.",
            hints(true, false, true, false),
        ),
        tool::<AskArguments, AskResult>(
            ASK,
            "Ask the person",
            "Puts a question to the person who shares this session, in their dashboard, and waits for the answer. For what \
             only they can know or decide: which data, whether to overwrite, a choice between ways. They may be away or \
             busy: go on without an answer where that is safe. Not for reports; those belong in your reply.",
            hints(false, false, false, true),
        ),
    ]
});

/// The tools; without output schemas for clients that get text alone.
pub fn list(text_only: bool) -> Vec<Tool> {
    let mut tools = TOOLS.clone();
    if text_only {
        for tool in &mut tools {
            tool.output_schema = None;
        }
    }
    tools
}

pub fn get(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

fn tool<I: JsonSchema + 'static, O: JsonSchema + 'static>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    annotations: ToolAnnotations,
) -> Tool {
    let mut input = schema_for_input::<I>().map(|schema| schema.as_ref().clone()).unwrap_or_default();
    tidy(&mut input, true);
    // Some model APIs refuse an object schema without it.
    input.entry("properties").or_insert_with(|| Value::Object(JsonObject::new()));
    let mut output = schema_for_output::<O>().as_ref().clone();
    tidy(&mut output, false);
    let mut meta = MetaObject::new();
    meta.0.insert("anthropic/maxResultSizeChars".to_owned(), 100_000.into());
    Tool::new(name, description, input)
        .with_title(title)
        .with_raw_output_schema(Arc::new(output))
        .with_annotations(annotations)
        .with_meta(meta)
}

/// Takes out `format` (validators in clients warn of `uint32` and `double`), and lists of types, which not every client
/// understands: of arguments the `null` that may stand for "not given" goes, of results it becomes an alternative.
fn tidy(schema: &mut JsonObject, input: bool) {
    schema.remove("format");
    if input && schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    let types = schema.get("type").and_then(Value::as_array);
    let is_nullable = types.is_some_and(|types| types.len() == 2 && types[1] == "null");
    if is_nullable {
        let one = types.map_or(Value::Null, |types| types[0].clone());
        schema.insert("type".to_owned(), one);
        if let Some(Value::Array(values)) = schema.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
    }
    for value in schema.values_mut() {
        match value {
            Value::Object(inner) => tidy(inner, input),
            Value::Array(list) => list.iter_mut().filter_map(Value::as_object_mut).for_each(|inner| tidy(inner, input)),
            _ => {}
        }
    }
    if is_nullable && !input {
        let description = schema.remove_entry("description");
        let alternatives = [Value::Object(std::mem::take(schema)), serde_json::json!({"type": "null"})];
        schema.extend(description);
        schema.insert("anyOf".to_owned(), alternatives.into_iter().collect());
    }
}

/// Whether calls of the tool change nothing, so that one may be made again whatever became of it.
pub fn only_reads(tool: &str) -> bool {
    matches!(tool, LIST | INSPECT | READ | WAIT | HISTORY)
}

/// The arguments of a call, or the sentence that tells a model what was expected.
pub fn arguments<T: for<'de> Deserialize<'de>>(tool: &str, given: Option<JsonObject>) -> Result<T, String> {
    let given = given.unwrap_or_default();
    read::<T>(given.iter().map(|(name, value)| (name.as_str(), value))).map_err(|fault| {
        let fault = fault.to_string();
        let name = culprit::<T>(&given, &fault).map(|name| format!("{name}: ")).unwrap_or_default();
        let fault =
            fault.replace("expected f64", "expected a number").replace("expected a sequence", "expected a list");
        let expected = get(tool).map(|tool| describe(&tool.input_schema)).unwrap_or_default();
        format!("Error: invalid arguments for {tool}: {name}{fault}. Expected: {expected}. Nothing was run.")
    })
}

fn read<'a, T: Deserialize<'a>>(given: impl Iterator<Item = (&'a str, &'a Value)>) -> Result<T, serde_json::Error> {
    T::deserialize(MapDeserializer::new(given))
}

/// The argument that `fault` is about, where serde does not say it.
fn culprit<'a, T: Deserialize<'a>>(given: &'a JsonObject, fault: &str) -> Option<&'a str> {
    if fault.starts_with("missing field") || fault.starts_with("unknown field") {
        return None;
    }
    let one = |name: &'a String, value: &'a Value| read::<T>(std::iter::once((name.as_str(), value)));
    let found = given.iter().find(|(name, value)| one(name, value).is_err_and(|other| other.to_string() == fault));
    found.map(|(name, _)| name.as_str())
}

fn describe(schema: &JsonObject) -> String {
    let required =
        |name: &str| schema.get("required").and_then(Value::as_array).is_some_and(|r| r.iter().any(|n| n == name));
    let Some(Value::Object(properties)) = schema.get("properties") else { return "no arguments".to_owned() };
    let one = |(name, property): (&String, &Value)| {
        let kind = property.get("type").and_then(Value::as_str).unwrap_or("any");
        format!("{name} ({kind}, {})", if required(name) { "required" } else { "optional" })
    };
    properties.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_plain_enough_for_every_client() {
        for tool in list(false) {
            let text = serde_json::to_string(&tool).unwrap();
            assert!(!text.contains("\"format\""), "{text}");
            assert!(!text.contains("$ref") && !text.contains("\\n"), "{text}");
            assert!(!text.contains("\"type\":[") && !text.contains("\"type\":null"), "{text}");
            let input = serde_json::to_string(&tool.input_schema).unwrap();
            assert!(!input.contains("null"), "{input}");
            assert_eq!(tool.input_schema["type"], "object");
            assert!(tool.input_schema["properties"].is_object());
            assert_eq!(tool.output_schema.unwrap()["type"], "object");
        }
        assert_eq!(get(RUN).unwrap().input_schema["required"], serde_json::json!(["code"]));
        assert!(list(true).iter().all(|tool| tool.output_schema.is_none()));
    }

    #[test]
    fn bad_arguments_are_answered_with_what_was_expected() {
        let given = |value: Value| value.as_object().cloned();
        let fault = arguments::<RunArguments>(RUN, given(serde_json::json!({"code": "1", "timeout": 5}))).unwrap_err();
        assert!(fault.contains("unknown field `timeout`"), "{fault}");
        assert!(fault.contains("code (string, required), timeout_s (number, optional)"), "{fault}");
        let fault = arguments::<RunArguments>(RUN, None).unwrap_err();
        assert!(fault.contains("missing field `code`"), "{fault}");
        let given_wrong = serde_json::json!({"code": "1", "title": null, "wait_s": "5"});
        let fault = arguments::<RunArguments>(RUN, given(given_wrong)).unwrap_err();
        assert!(fault.contains("wait_s: invalid type: string \"5\", expected a number. "), "{fault}");
        let fault = arguments::<ResetArguments>(RESET, given(serde_json::json!({"mode": "all"}))).unwrap_err();
        assert!(fault.contains("mode: unknown variant `all`, expected `namespace` or `restart`"), "{fault}");
        let snippet = |number: Value| arguments::<WaitArguments>(WAIT, given(serde_json::json!({"snippet": number})));
        assert_eq!(snippet(3.0.into()).unwrap().snippet, 3);
        for bad in [serde_json::json!(1.5), serde_json::json!(-1), Value::Null] {
            assert!(snippet(bad).unwrap_err().contains("expected the number of a snippet"));
        }
        assert_eq!(arguments::<InterruptArguments>(INTERRUPT, None).unwrap().snippet, None);
        assert!(arguments::<ResetArguments>(RESET, given(serde_json::json!({"random_string": "x"}))).is_ok());
    }
}
