//! Answers to lines that are not a message, with the reason. This is the slow path.

use rmcp::model::{ClientRequest, ErrorCode, GetMeta, JsonRpcRequest, RequestId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::units;
use crate::mcp::bridge_protocol::REFUSED;

/// A member that each request of the stateless era has.
const VERSION_KEY: &str = "\"io.modelcontextprotocol/protocolVersion\"";

/// An implementation-defined code: the client may ask again later.
const SERVER_BUSY: i32 = -32000;
const PARSE_ERROR: i32 = ErrorCode::PARSE_ERROR.0;
const INVALID_REQUEST: i32 = ErrorCode::INVALID_REQUEST.0;
const INVALID_PARAMS: i32 = ErrorCode::INVALID_PARAMS.0;
const METHOD_NOT_FOUND: i32 = ErrorCode::METHOD_NOT_FOUND.0;

/// A JSON-RPC error, without the newline.
pub fn error(id: &Value, code: i32, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }).to_string()
}

/// The line that refuses a connection. A bridge knows its code.
pub fn refusal(why: &str) -> String {
    error(&Value::Null, REFUSED, why)
}

/// The answer to a request of a client that has too many open. Models read results, and often do not read errors.
pub fn too_many(request: &JsonRpcRequest<ClientRequest>) -> String {
    let id = serde_json::to_value(&request.id).unwrap_or_default();
    let text = "Error: too many of your calls are already waiting for an answer. Nothing was run. Wait for some of \
        them, or stop them with interrupt_snippet, then call again.";
    if !matches!(request.request, ClientRequest::CallToolRequest(_)) {
        return error(&id, SERVER_BUSY, text);
    }
    tool_error(&id, request.request.get_meta().protocol_version().is_some(), text)
}

pub fn no_such_method(id: &Value, method: &str) -> String {
    error(id, METHOD_NOT_FOUND, &format!("Method not found: {method}"))
}

pub fn id_in_use(id: &RequestId) -> String {
    let text = "Invalid request: another request with this id has not been answered yet";
    error(&serde_json::to_value(id).unwrap_or_default(), INVALID_REQUEST, text)
}

/// The answer to a line that did not parse as a message; `None` where none is due (notifications, responses).
pub fn answer(line: &[u8], fault: &serde_json::Error) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let bad_utf8 = matches!(text, std::borrow::Cow::Owned(_));
    let (repaired, bad_escape) = replace_lone_surrogates(&text);
    let Ok(value) = serde_json::from_str::<Value>(&repaired) else {
        // The line has a number that no type can hold, such as 1e999, or that is not JSON, such as NaN of Python.
        if let Ok(RequestHead { id: Some(id), method: Some(method) }) = serde_json::from_str(&repaired)
            && method == "tools/call"
        {
            let text = format!("Error: the arguments cannot be read ({fault}). Nothing was run.");
            return Some(tool_error(&id, repaired.contains(VERSION_KEY), &text));
        }
        let mut ends = Ends::default();
        ends.push(line);
        return Some(error(&ends.id(), PARSE_ERROR, &format!("Parse error: this line is not JSON ({fault})")));
    };
    let Value::Object(message) = &value else {
        let wrong = if value.is_array() {
            "batches are not part of MCP, send each message on a line of its own"
        } else {
            "a message must be a JSON object"
        };
        return Some(error(&Value::Null, INVALID_REQUEST, &format!("Invalid request: {wrong}")));
    };
    let Some(id) = message.get("id") else {
        // A notification gets no answer.
        return (!message.contains_key("method"))
            .then(|| error(&Value::Null, INVALID_REQUEST, "Invalid request: neither a method nor an id"));
    };
    let method = match message.get("method") {
        Some(Value::String(method)) => method,
        Some(_) => return Some(error(id, INVALID_REQUEST, "Invalid request: the method must be a string")),
        // This is a response to a request that the server has not sent.
        None if message.contains_key("result") || message.contains_key("error") => return None,
        None => return Some(error(id, INVALID_REQUEST, "Invalid request: the method is missing")),
    };
    if bad_utf8 || bad_escape {
        let what = if bad_utf8 { "bytes that are not UTF-8" } else { "half of a surrogate pair (\\ud800 to \\udfff)" };
        let text = format!(
            "The message contains {what}, which Python source cannot contain; nothing was run. Send the whole \
             character, or write an escape inside a Python string, such as '\\ud83d'."
        );
        if method == "tools/call" {
            return Some(tool_error(id, repaired.contains(VERSION_KEY), &text));
        }
        return Some(error(id, INVALID_PARAMS, &text));
    }
    if !(id.is_string() || id.is_i64()) {
        return Some(error(id, INVALID_REQUEST, "Invalid request: the id must be a string or an integer"));
    }
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Some(error(id, INVALID_REQUEST, "Invalid request: \"jsonrpc\":\"2.0\" is missing"));
    }
    Some(error(id, INVALID_PARAMS, &format!("Invalid params for {method}: {fault}")))
}

/// The members of a request that an answer needs. serde skips the others, with their bad numbers.
#[derive(Deserialize)]
struct RequestHead {
    id: Option<Value>,
    method: Option<String>,
}

/// A tool result that is an error, because models read results and often do not read protocol errors.
fn tool_error(id: &Value, is_stateless: bool, text: &str) -> String {
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    if is_stateless {
        result["resultType"] = "complete".into();
    }
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

/// Replaces each of `\uD800` to `\uDFFF` that is not part of a pair by U+FFFD. Also returns whether there were any.
fn replace_lone_surrogates(text: &str) -> (String, bool) {
    let mut repaired = String::with_capacity(text.len());
    let mut found = false;
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        repaired.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match code_unit(rest) {
            Some(0xD800..=0xDBFF) if matches!(code_unit(&rest[6..]), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                found = true;
                repaired.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // The backslash and what it escapes.
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        repaired.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    repaired.push_str(rest);
    (repaired, found)
}

/// The value of a `\uXXXX` at the start of `text`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

/// The beginning and the end of a line that is too long to keep. One of them has the id.
#[derive(Default)]
pub struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
    total: u64,
}

impl Ends {
    const CAPACITY: usize = 1024;

    pub fn push(&mut self, part: &[u8]) {
        self.total += part.len() as u64;
        let room = (Self::CAPACITY - self.head.len()).min(part.len());
        self.head.extend_from_slice(&part[..room]);
        self.tail.extend_from_slice(&part[part.len().saturating_sub(Self::CAPACITY)..]);
        self.tail.drain(..self.tail.len().saturating_sub(Self::CAPACITY));
    }

    /// The id, which clients write before the params or at the end.
    fn id(&self) -> Value {
        let head = String::from_utf8_lossy(&self.head);
        let head = head.split("\"params\"").next().unwrap_or_default();
        let tail = String::from_utf8_lossy(&self.tail);
        let tail = tail.trim_end().strip_suffix('}').unwrap_or_default();
        id_after(head)
            .or_else(|| {
                let value = &tail[tail.rfind("\"id\"")?..];
                id_after(value).filter(|_| !value.contains(['{', '}', '[', ']', ',']))
            })
            .unwrap_or(Value::Null)
    }
}

fn id_after(text: &str) -> Option<Value> {
    let value = text[text.find("\"id\"")? + 4..].trim_start().strip_prefix(':')?;
    let id: Value = serde_json::Deserializer::from_str(value).into_iter().next()?.ok()?;
    (id.is_string() || id.is_number()).then_some(id)
}

pub fn too_long(ends: &Ends, limit: usize) -> String {
    if ends.total <= limit as u64 {
        let text = "Too many long messages at once. Nothing was run; send this one again later.";
        return error(&ends.id(), SERVER_BUSY, text);
    }
    let (size, limit) = (units::bytes(ends.total), units::bytes(limit as u64));
    let text = format!(
        "Invalid request: the message has {size}; the limit is {limit}. Write large data to a file and let the code \
         read it."
    );
    error(&ends.id(), INVALID_REQUEST, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(line: &str) -> Option<Value> {
        let fault = serde_json::from_str::<bool>("!").unwrap_err();
        answer(line.as_bytes(), &fault).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn only_lone_surrogates_are_replaced() {
        let (repaired, found) = replace_lone_surrogates(r#"a \ud83d\ude00 \\ud800 \n \ud800 \udc00\ud83d""#);
        assert!(found);
        assert_eq!(repaired, r#"a \ud83d\ude00 \\ud800 \n \ufffd \ufffd\ufffd""#);
        assert!(!replace_lone_surrogates(r"\\\\ud800 \ud83d\uDE00 \u12").1);
        assert_eq!(replace_lone_surrogates("é\\é\\").0, "é\\é\\");
    }

    #[test]
    fn an_invalid_line_is_answered_with_its_id_and_the_right_code() {
        let code = |line: &str| answered(line).map(|a| (a["id"].clone(), a["error"]["code"].clone()));
        assert_eq!(code("{oops"), Some((Value::Null, json!(-32700))));
        assert_eq!(code(r#"{"id":4,"method":"tools/call","params":{"x":NaN}}"#), Some((json!(4), json!(-32700))));
        let huge = answered(r#"{"id":4,"method":"tools/call","params":{"timeout_s":1e999}}"#).unwrap();
        assert_eq!((&huge["id"], &huge["result"]["isError"]), (&json!(4), &json!(true)));
        assert_eq!(code(r#"[{"id":1}]"#), Some((Value::Null, json!(-32600))));
        assert_eq!(code("7"), Some((Value::Null, json!(-32600))));
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":4,"method":7}"#), Some((json!(4), json!(-32600))));
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#), Some((json!(1.5), json!(-32600))));
        assert_eq!(code(r#"{"id":"a","method":"ping"}"#), Some((json!("a"), json!(-32600))));
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":3,"method":"x","p":"\ud800"}"#), Some((json!(3), json!(-32602))));
        assert_eq!(code(r#"{"jsonrpc":"2.0","method":"lsp/x"}"#), None);
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":3,"result":{}}"#), None);
    }

    #[test]
    fn a_long_line_is_answered_with_its_id_from_either_end() {
        let id = |head: &str, tail: &str| {
            let mut ends = Ends::default();
            ends.push(head.as_bytes());
            for _ in 0..10 {
                ends.push(&[b'x'; 500]);
            }
            ends.push(tail.as_bytes());
            let answer: Value = serde_json::from_str(&too_long(&ends, 100)).unwrap();
            answer["id"].clone()
        };
        assert_eq!(id(r#"{"jsonrpc":"2.0","id": 12,"method":"m","params":{"code":""#, r#""}}"#), json!(12));
        assert_eq!(
            id(r#"{"method":"m","params":{"id":"wrong","code":""#, r#""},"jsonrpc":"2.0","id":"a"}"#),
            json!("a")
        );
        assert_eq!(id(r#"{"method":"m","params":{"code":""#, r#"","id":4},"jsonrpc":"2.0"}"#), Value::Null);
    }
}
