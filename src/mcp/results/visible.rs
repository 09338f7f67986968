//! The last look at what goes to a client: no text that a model reads and a person would not see goes out, wherever it
//! comes from. Most texts have been made visible before they were cut; this is for all others.

use std::borrow::Cow;
use std::io;

use rmcp::model::ServerJsonRpcMessage;
use serde_json::Value;

use crate::domain::terminal_text::with_invisible_shown;

/// What the client chose itself and compares with: it is not read.
const CHOSEN: [&str; 3] = ["progressToken", "requestId", "uri"];

/// A message as a line of JSON, without its end.
pub fn to_line(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let line = serde_json::to_string(message)?;
    // JSON has ASCII between its texts, so that each has the same neighbours here as alone.
    if matches!(with_invisible_shown(&line), Cow::Borrowed(_)) {
        return Ok(line.into_bytes());
    }
    let mut message: Value = serde_json::from_str(&line)?;
    for part in ["result", "error", "params"] {
        if let Some(part) = message.get_mut(part) {
            show(part);
        }
    }
    Ok(serde_json::to_vec(&message)?)
}

fn show(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(shown) = with_invisible_shown(text) {
                *text = shown;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(show),
        Value::Object(fields) => {
            let hidden: Vec<String> =
                fields.keys().filter(|key| matches!(with_invisible_shown(key), Cow::Owned(_))).cloned().collect();
            for key in hidden {
                if let Some(value) = fields.remove(&key) {
                    fields.insert(with_invisible_shown(&key).into_owned(), value);
                }
            }
            fields.iter_mut().filter(|(key, _)| !CHOSEN.contains(&key.as_str())).for_each(|(_, value)| show(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(message: Value) -> Value {
        let message: ServerJsonRpcMessage = serde_json::from_value(message).unwrap();
        serde_json::from_slice(&to_line(&message).unwrap()).unwrap()
    }

    #[test]
    fn texts_are_shown_and_what_the_client_chose_is_left() {
        let text = json!({"type": "text", "text": "a\u{e0041} می\u{200c}خواهم"});
        let answer = json!({"jsonrpc": "2.0", "id": "i\u{200b}d", "result": {"content": [text], "isError": false,
            "structuredContent": {"k\u{200b}": ["\u{202e}", 1.5]}}});
        let sent_answer = sent(answer);
        assert_eq!(sent_answer["id"], "i\u{200b}d");
        assert_eq!(sent_answer["result"]["content"][0]["text"], "a⟨U+E0041⟩ می\u{200c}خواهم");
        assert_eq!(sent_answer["result"]["structuredContent"], json!({"k⟨U+200B⟩": ["⟨U+202E⟩", 1.5]}));
        let progress = json!({"progressToken": "t\u{feff}", "progress": 1.0, "message": "\u{feff}"});
        let told = sent(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}));
        assert_eq!(
            (&told["params"]["progressToken"], &told["params"]["message"]),
            (&json!("t\u{feff}"), &json!("⟨U+FEFF⟩"))
        );
    }
}
