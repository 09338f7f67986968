//! A last filter for messages to a client: it shows characters that a model would read and a person would not see. Most
//! texts went through the filter before they were cut. This covers all others.

use std::borrow::Cow;
use std::io;

use rmcp::model::ServerJsonRpcMessage;
use serde_json::Value;

use crate::domain::terminal_text::with_invisible_shown;

/// Members that the client chose and compares. No model reads them.
const CHOSEN_BY_CLIENT: [&str; 3] = ["progressToken", "requestId", "uri"];

/// A message as a line of JSON, without the newline.
pub fn to_line(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let line = serde_json::to_string(message)?;
    // JSON has ASCII between its strings, so each string has the same neighbours here as alone.
    if matches!(with_invisible_shown(&line), Cow::Borrowed(_)) {
        return Ok(line.into_bytes());
    }
    let mut message: Value = serde_json::from_str(&line)?;
    for part in ["result", "error", "params"] {
        if let Some(part) = message.get_mut(part) {
            show_invisible(part);
        }
    }
    Ok(serde_json::to_vec(&message)?)
}

fn show_invisible(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(shown) = with_invisible_shown(text) {
                *text = shown;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(show_invisible),
        Value::Object(fields) => {
            let hidden: Vec<String> =
                fields.keys().filter(|key| matches!(with_invisible_shown(key), Cow::Owned(_))).cloned().collect();
            for key in hidden {
                if let Some(value) = fields.remove(&key) {
                    fields.insert(with_invisible_shown(&key).into_owned(), value);
                }
            }
            fields
                .iter_mut()
                .filter(|(key, _)| !CHOSEN_BY_CLIENT.contains(&key.as_str()))
                .for_each(|(_, value)| show_invisible(value));
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
    fn invisible_characters_are_shown_except_in_what_the_client_chose() {
        let text = json!({"type": "text", "text": "a\u{e0041} می\u{200c}خواهم"});
        let answer = json!({"jsonrpc": "2.0", "id": "i\u{200b}d", "result": {"content": [text], "isError": false,
            "structuredContent": {"k\u{200b}": ["\u{202e}", 1.5]}}});
        let sent_answer = sent(answer);
        assert_eq!(sent_answer["id"], "i\u{200b}d");
        assert_eq!(sent_answer["result"]["content"][0]["text"], "a⟨U+E0041⟩ می\u{200c}خواهم");
        assert_eq!(sent_answer["result"]["structuredContent"], json!({"k⟨U+200B⟩": ["⟨U+202E⟩", 1.5]}));
        let progress = json!({"progressToken": "t\u{feff}", "progress": 1.0, "message": "\u{feff}"});
        let sent_progress = sent(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}));
        assert_eq!(
            (&sent_progress["params"]["progressToken"], &sent_progress["params"]["message"]),
            (&json!("t\u{feff}"), &json!("⟨U+FEFF⟩"))
        );
    }
}
