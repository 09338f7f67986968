//! JSON schemas of arguments and results, made plain enough for every client.

use rmcp::handler::server::tool::{schema_for_input, schema_for_output};
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde_json::Value;

/// The schema of the arguments of a tool.
pub fn input_schema<A: JsonSchema + 'static>() -> JsonObject {
    let mut schema = schema_for_input::<A>().map(|schema| schema.as_ref().clone()).unwrap_or_default();
    simplify(&mut schema, Side::Input);
    // Some model APIs refuse an object schema without properties.
    schema.entry("properties").or_insert_with(|| Value::Object(JsonObject::new()));
    schema
}

/// The schema of the structured result of a tool.
pub fn output_schema<O: JsonSchema + 'static>() -> JsonObject {
    let mut schema = schema_for_output::<O>().as_ref().clone();
    simplify(&mut schema, Side::Output);
    schema
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Input,
    Output,
}

/// Removes `format`, because validators in clients warn of `uint32` and `double`. Removes lists of types, because some
/// clients do not understand them: an optional argument may be left out instead of `null`, and a result lists `null` as
/// an alternative.
fn simplify(schema: &mut JsonObject, side: Side) {
    schema.remove("format");
    if side == Side::Input {
        // google-genai refuses tools whose schemas have it. Unknown arguments are refused at the call.
        schema.remove("additionalProperties");
    }
    if side == Side::Input && schema.get("default") == Some(&Value::Null) {
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
            Value::Object(inner) => simplify(inner, side),
            Value::Array(list) => {
                list.iter_mut().filter_map(Value::as_object_mut).for_each(|inner| simplify(inner, side));
            }
            _ => {}
        }
    }
    if is_nullable && side == Side::Output {
        let description = schema.remove_entry("description");
        let alternatives = [Value::Object(std::mem::take(schema)), serde_json::json!({"type": "null"})];
        schema.extend(description);
        schema.insert("anyOf".to_owned(), alternatives.into_iter().collect());
    }
}
