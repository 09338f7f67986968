//! Arguments of calls: parsing with errors that help a model, and the limits that several tools share.

use std::time::Duration;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::schema::input_schema;

/// How long a call waits by default. This is shorter than the limit of every client.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(45);
/// The largest number of seconds that an argument may have: a week.
const MAX_SECONDS: f64 = 604_800.0;

/// The arguments of a call, or the sentence that tells a model what the tool expects.
pub fn parse<A: DeserializeOwned + JsonSchema + 'static>(tool: &str, given: Option<JsonObject>) -> Result<A, String> {
    let given = adapted(given.unwrap_or_default(), &input_schema::<A>());
    deserialize::<A>(given.iter().map(|(name, value)| (name.as_str(), value))).map_err(|error| {
        let error = error.to_string();
        let name = wrong_argument::<A>(&given, &error).map(|name| format!("{name}: ")).unwrap_or_default();
        let error =
            error.replace("expected f64", "expected a number").replace("expected a sequence", "expected a list");
        let expected = describe(&input_schema::<A>());
        format!("Error: invalid arguments for {tool}: {name}{error}. Expected: {expected}. Nothing was run.")
    })
}

/// Adapts arguments as models send them to the types of the schema, where that cannot be misunderstood: numbers, truth
/// values and lists that are written as text, and text for nothing in the place of optional ones.
fn adapted(mut given: JsonObject, schema: &JsonObject) -> JsonObject {
    let Some(Value::Object(properties)) = schema.get("properties") else { return given };
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    given.retain(|name, value| {
        let property = properties.get(name);
        let kind = property.and_then(|property| property.get("type")).and_then(Value::as_str);
        let (Value::String(text), Some(kind)) = (&*value, kind) else { return true };
        // Any text may be meant where it is no choice.
        if kind == "string" && property.is_some_and(|property| property.get("enum").is_none()) {
            return true;
        }
        let text = text.trim();
        if matches!(text, "" | "null" | "None") && !is_required(name) {
            return false;
        }
        let written = match text {
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            text => serde_json::from_str(text),
        };
        let fits = |written: &Value| match kind {
            "number" | "integer" => written.is_number(),
            "boolean" => written.is_boolean(),
            "array" => written.is_array(),
            _ => false,
        };
        if let Some(written) = written.ok().filter(fits) {
            *value = written;
        }
        true
    });
    given
}

fn deserialize<'a, A: Deserialize<'a>>(
    given: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Result<A, serde_json::Error> {
    A::deserialize(MapDeserializer::new(given))
}

/// The argument that causes `error`, where serde does not name it.
fn wrong_argument<'a, A: Deserialize<'a>>(given: &'a JsonObject, error: &str) -> Option<&'a str> {
    if error.starts_with("missing field") || error.starts_with("unknown field") {
        return None;
    }
    let alone = |name: &'a String, value: &'a Value| deserialize::<A>(std::iter::once((name.as_str(), value)));
    let found = given.iter().find(|(name, value)| alone(name, value).is_err_and(|other| other.to_string() == error));
    found.map(|(name, _)| name.as_str())
}

/// The arguments of a schema in a line.
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

/// Deserializes the number of a snippet. `3.0` is an integer too, as in JSON schemas.
pub fn snippet_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    optional_snippet_number(deserializer)?
        .ok_or_else(|| Error::invalid_type(Unexpected::Unit, &"the number of a snippet"))
}

pub fn optional_snippet_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(given) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    if given.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&given) {
        return Ok(Some(given as u32));
    }
    Err(Error::invalid_value(Unexpected::Float(given), &"the number of a snippet"))
}

/// Deserializes any whole number, also one such as `3.0`.
pub fn optional_integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let Some(given) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    // A conversion to an integer saturates at its bounds, which no output reaches.
    let whole = if given.fract() == 0.0 { T::try_from(given as i64).ok() } else { None };
    whole
        .map(Some)
        .ok_or_else(|| Error::invalid_value(Unexpected::Float(given), &"a whole number in the allowed range"))
}

/// The value of the argument `wait_s`.
pub fn wait(wait_s: Option<f64>) -> Result<Duration, String> {
    match wait_s {
        None => Ok(DEFAULT_WAIT),
        Some(0.0) => Ok(Duration::ZERO),
        Some(seconds) => duration("wait_s", seconds, "0 or more"),
    }
}

/// The value of the argument `timeout_s`.
pub fn timeout(timeout_s: f64) -> Result<Duration, String> {
    duration("timeout_s", timeout_s, "more than 0")
}

fn duration(argument: &str, seconds: f64, least: &str) -> Result<Duration, String> {
    if seconds > 0.0 && seconds <= MAX_SECONDS {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(format!(
        "Error: {argument} must be {least} and at most {MAX_SECONDS} seconds, not {seconds:?}. Nothing was run."
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_as_models_write_them_are_taken_where_they_are_plain() {
        let schema = json!({
            "properties": {
                "code": {"type": "string"}, "wait_s": {"type": "number"}, "snippet": {"type": "integer"},
                "eof": {"type": "boolean"}, "choices": {"type": "array"}, "title": {"type": "string"},
                "what": {"type": "string", "enum": ["rows"]},
            },
            "required": ["code", "snippet"],
        });
        let adapt = |given: Value| {
            let (Value::Object(given), Value::Object(schema)) = (given, &schema) else { panic!() };
            Value::Object(adapted(given, schema))
        };
        let given = json!({
            "code": "30", "wait_s": " 30 ", "snippet": "1", "eof": "True", "choices": "[\"a\", \"b\"]", "title": "null",
        });
        let expected =
            json!({"code": "30", "wait_s": 30, "snippet": 1, "eof": true, "choices": ["a", "b"], "title": "null"});
        assert_eq!(adapt(given), expected);
        let nothing = json!({"code": "", "wait_s": "", "eof": "null", "choices": "", "what": ""});
        assert_eq!(adapt(nothing), json!({"code": ""}));
        for unclear in
            [json!({"snippet": ""}), json!({"snippet": "one"}), json!({"wait_s": "5 s"}), json!({"eof": "1"})]
        {
            assert_eq!(adapt(unclear.clone()), unclear);
        }
    }
}
