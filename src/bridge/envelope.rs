//! The envelope of a JSON-RPC message: the members that the bridge reads, and the few messages that it writes itself.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;

use super::lines::Line;
use crate::mcp::bridge_protocol::{
    HAS_ARGUMENTS, RECONNECTED, REFUSED, RESULTS, RETRY, RequestedForm, ResultForm, SENT_TO,
};
use crate::session::SentTo;

/// The version of MCP, which each request of the stateless era has.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// The id of the request that opened a subscription.
const SUBSCRIPTION_KEY: &str = "io.modelcontextprotocol/subscriptionId";

/// JSON-RPC error codes.
pub const PARSE_ERROR: i32 = -32700;
pub const INVALID_REQUEST: i32 = -32600;
/// Implementation-defined: no session answered.
pub const NO_SESSION: i32 = -32000;

/// Longest line that may be a refusal, in bytes.
const MAX_REFUSAL: usize = 4096;

#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "requestId")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    notifications: Option<&'a RawValue>,
}

/// The subject of a subscription.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SubscriptionFilter<'a> {
    resources_list_changed: bool,
    #[serde(borrow)]
    resource_subscriptions: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct SubscriptionMeta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/subscriptionId")]
    id: &'a RawValue,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<IgnoredAny>,
}

impl<'a> Envelope<'a> {
    pub fn parse(line: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line)
    }

    /// Returns the method; `None` for an answer, and an unknown method for a value that is no string.
    pub fn method(&self) -> Option<Cow<'a, str>> {
        let raw = self.method?.get();
        Some(match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
            _ => Cow::Owned(serde_json::from_str(raw).unwrap_or_default()),
        })
    }

    fn params(&self) -> Params<'a> {
        // serde would accept an array as the members.
        let object = self.params.map(RawValue::get).filter(|params| params.starts_with('{'));
        object.and_then(|params| serde_json::from_str(params).ok()).unwrap_or_default()
    }

    /// Returns `params.requestId` of `notifications/cancelled`.
    pub fn request_id(&self) -> Option<&'a RawValue> {
        self.params().request_id
    }

    /// Returns `params.uri` of a subscription, in one form for each URI.
    pub fn uri(&self) -> Option<String> {
        self.params().uri.map(key)
    }

    /// Returns the id of the request that opened the subscription to which a notification belongs.
    pub fn subscription(&self) -> Option<&'a RawValue> {
        let meta = self.params.filter(|params| params.get().contains(SUBSCRIPTION_KEY)).and(self.params().meta)?;
        serde_json::from_str::<SubscriptionMeta<'a>>(meta.get()).ok().map(|subscription| subscription.id)
    }

    /// Returns the tool of a call.
    pub fn tool(&self) -> Option<String> {
        self.params().name.and_then(|name| serde_json::from_str(name.get()).ok())
    }

    /// Returns notifications that all resources have changed, from the notification that a subscription has begun.
    /// There are none for tools and prompts: these are the same as before, and some clients hang on such a
    /// notification.
    pub fn changes(&self) -> Vec<String> {
        let params = self.params();
        let filter =
            params.notifications.and_then(|filter| serde_json::from_str::<SubscriptionFilter<'_>>(filter.get()).ok());
        let Some((meta, filter)) = params.meta.zip(filter) else { return Vec::new() };
        let notification = |method: &str, uri: &str| {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{{uri}"_meta":{meta}}}}}"#)
        };
        let list = filter.resources_list_changed.then(|| notification("resources/list_changed", ""));
        let uris = filter.resource_subscriptions.iter();
        list.into_iter().chain(uris.map(|uri| notification("resources/updated", &format!(r#""uri":{uri},"#)))).collect()
    }

    /// Turns a tool call into a request that asks what became of the call. `is_kept` says that the arguments are there.
    pub fn outcome_question(&self, sent_to: &SentTo, is_kept: bool) -> Option<String> {
        let (id, params) = (self.id?, self.params?);
        let members = params.get().strip_prefix('{')?;
        let comma = if members.trim_ascii_start().starts_with('}') { "" } else { "," };
        let sent_to = json!(sent_to);
        Some(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{RETRY}","params":{{"{SENT_TO}":{sent_to},"{HAS_ARGUMENTS}":{is_kept}{comma}{members}}}"#
        ))
    }

    /// Returns a tool call with that id and without its arguments, enough to ask what became of it.
    pub fn without_arguments(&self, id: &str) -> String {
        let Params { name, meta, .. } = self.params();
        let members = [("name", name), ("_meta", meta)].into_iter();
        let members: Vec<String> = members.filter_map(|(key, value)| Some(format!(r#""{key}":{}"#, value?))).collect();
        let params = members.join(",");
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{{params}}}}}"#)
    }

    /// Returns whether a request is of the stateless era.
    pub fn is_modern(&self) -> bool {
        // Avoids parsing most `params`, which do not contain the key.
        self.params.is_some_and(|params| params.get().contains(VERSION_KEY) || params.get().contains("\\/"))
            && self
                .params()
                .meta
                .is_some_and(|meta| serde_json::from_str::<Meta>(meta.get()).is_ok_and(|meta| meta.version.is_some()))
    }
}

/// Returns an id in one form, since a string may be escaped in several ways. `1` and `"1"` differ.
pub fn key(id: &RawValue) -> String {
    let raw = id.get();
    if raw.contains('\\')
        && let Ok(text) = serde_json::from_str::<String>(raw)
    {
        return json!(text).to_string();
    }
    raw.to_owned()
}

/// Returns whether MCP allows this id. Servers drop requests with other ids without an answer.
pub fn is_legal_id(id: &RawValue) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(#[allow(dead_code, reason = "only its shape counts")] i64),
        Text(#[allow(dead_code, reason = "only its shape counts")] String),
    }
    serde_json::from_str::<Id>(id.get()).is_ok()
}

/// Replaces `part`, which must be a slice of `line`.
pub fn splice<'a>(line: &'a [u8], part: &RawValue, with: &'a str) -> [&'a [u8]; 3] {
    let start = part.get().as_ptr().addr().wrapping_sub(line.as_ptr().addr());
    let end = start.saturating_add(part.get().len());
    match (line.get(..start), line.get(end..)) {
        (Some(before), Some(after)) => [before, with.as_bytes(), after],
        _ => [line, b"", b""],
    }
}

/// Finds the id in the beginning and the end of a line that cannot be parsed.
pub fn find_id(head: &[u8], tail: &[u8]) -> Option<String> {
    id_at_head(&String::from_utf8_lossy(head)).or_else(|| id_at_tail(&String::from_utf8_lossy(tail)))
}

/// Reads members until the text breaks off.
fn id_at_head(text: &str) -> Option<String> {
    struct First<'s>(&'s mut Option<String>);
    impl<'de> Visitor<'de> for First<'_> {
        type Value = ();
        fn expecting(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
            out.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(name) = map.next_key::<String>()? {
                if name == "id" {
                    *self.0 = map.next_value::<Option<&'de RawValue>>()?.map(key);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }
    let mut found = None;
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(First(&mut found));
    found
}

/// Finds the last `"id":` that begins the end of the outermost object. Within a string, its quotes would be escaped.
fn id_at_tail(text: &str) -> Option<String> {
    let ends = text.rmatch_indices("\"id\"").filter(|(at, _)| !text[..*at].ends_with('\\')).take(8);
    for (at, _) in ends {
        let rest = format!("{{{}", &text[at..]);
        if let Ok(Envelope { id: Some(id), .. }) = serde_json::from_str(&rest) {
            return Some(key(id));
        }
    }
    None
}

/// Returns why the session refuses the connection, if the line says so.
pub fn refusal(line: &Line<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        error: Refusal,
    }
    #[derive(Deserialize)]
    struct Refusal {
        code: i32,
        message: String,
    }
    let Line::Whole(line) = line else { return None };
    // A long first answer is no refusal, so it is not parsed.
    if line.len() > MAX_REFUSAL {
        return None;
    }
    let Answer { error: Refusal { code, message } } = serde_json::from_slice(line).ok()?;
    (code == REFUSED).then_some(message)
}

/// Returns the id of the request that opened the subscription, from the answer that ends it.
pub fn ended_subscription(line: &[u8]) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        result: Ended<'a>,
    }
    #[derive(Deserialize)]
    struct Ended<'a> {
        #[serde(borrow, rename = "_meta")]
        meta: SubscriptionMeta<'a>,
    }
    serde_json::from_slice::<Answer<'_>>(line).ok().map(|answer| answer.result.meta.id)
}

/// Returns whether a message without a method is an answer.
pub fn is_answer(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        // `null` is a result too.
        #[serde(default, deserialize_with = "present")]
        result: bool,
        #[serde(default, deserialize_with = "present")]
        error: bool,
    }
    fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| true)
    }
    serde_json::from_slice::<Answer>(line).is_ok_and(|answer| answer.result || answer.error)
}

/// Returns whether an answer is an error.
pub fn is_error(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        error: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Answer>(line).is_ok_and(|answer| answer.error.is_some())
}

/// Returns an error answer. `id` is JSON.
pub fn error(id: &str, code: i32, message: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{}}}"#, json!({"code": code, "message": message}))
}

/// Returns the failure of a tool: a result, because models often do not read errors.
pub fn tool_failure(id: &str, modern: bool, text: &str) -> String {
    let mut result = json!({"content": [{"type": "text", "text": text}], "isError": true});
    if modern {
        result["resultType"] = "complete".into();
    }
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub fn notification(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#)
}

/// Returns the notification that asks for a form of results.
pub fn results(form: ResultForm) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{RESULTS}","params":{}}}"#, json!(RequestedForm { form }))
}

/// Returns the request that says which process answered the client's last call. Understood in both eras.
pub fn moved(id: &str, last: &SentTo) -> String {
    let last = json!(last);
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{RECONNECTED}","params":{{"{SENT_TO}":{last},"_meta":{{"{VERSION_KEY}":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
}

/// `uri` is JSON.
pub fn updated(uri: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":{uri}}}}}"#)
}

pub fn cancelled(request_id: &str, reason: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{request_id},"reason":{}}}}}"#,
        json!(reason)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_parses_only_what_it_needs() {
        let line =
            br#"{"params":{"name":"t","arguments":{"code":"\ud800 \"id\":7"}},"method":"tools\/call","id":"\u0061"}"#;
        let envelope = Envelope::parse(line).unwrap();
        assert_eq!(envelope.method().as_deref(), Some("tools/call"));
        assert_eq!(key(envelope.id.unwrap()), r#""a""#);
        assert!(!envelope.is_modern());
        assert!(Envelope::parse(br#"{"id":1,"method":"m","params":[1,2]}"#).unwrap().uri().is_none());
    }

    #[test]
    fn the_version_key_decides_the_era() {
        let modern = |line: &str| Envelope::parse(line.as_bytes()).unwrap().is_modern();
        assert!(modern(r#"{"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#));
        assert!(modern(r#"{"params":{"_meta":{"io.modelcontextprotocol\/protocolVersion":"2026-07-28"}}}"#));
        assert!(!modern(r#"{"params":{"_meta":{"progressToken":1}}}"#));
        assert!(!modern(r#"{"params":{"a":{"_meta":{"io.modelcontextprotocol/protocolVersion":"x"}}}}"#));
    }

    #[test]
    fn an_id_is_replaced_in_place() {
        let line = br#"{"id": 7 ,"params":{"id":7}}"#;
        let envelope = Envelope::parse(line).unwrap();
        assert_eq!(splice(line, envelope.id.unwrap(), "\"b\"").concat(), br#"{"id": "b" ,"params":{"id":7}}"#);
    }

    #[test]
    fn the_id_of_a_cut_line_is_found() {
        let find = |head: &str, tail: &str| find_id(head.as_bytes(), tail.as_bytes());
        let head = r#"{"jsonrpc":"2.0","id":"five","method":"tools/call","params":{"code":"xxx"#;
        assert_eq!(find(head, "xxx").as_deref(), Some(r#""five""#));
        let head = r#"{"method":"tools/call","params":{"id":1,"code":"xxx"#;
        assert_eq!(find(head, r#"xxx \"id\":3"},"x":{"id":4}},"jsonrpc":"2.0","id":5}"#).as_deref(), Some("5"));
        assert_eq!(find(head, r#"xxx","x":{"id":4}},"jsonrpc":"2.0"}"#), None);
        assert_eq!(find("garbage", ""), None);
    }

    #[test]
    fn ids_that_servers_would_drop_are_illegal() {
        let legal = |id: &str| is_legal_id(&RawValue::from_string(id.to_owned()).unwrap());
        assert!(legal("0") && legal("-5") && legal("\"\"") && legal("\"five\""));
        assert!(!legal("1.5") && !legal("true") && !legal("{}") && !legal("18446744073709551616"));
        assert!(!legal(r#""\ud800""#));
    }

    /// Lines of a broken client: none makes the parser panic, and each part that it finds is part of the line.
    #[test]
    fn garbage_does_no_harm() {
        let good = r#"{"jsonrpc":"2.0","id":"\u0061","method":"tools\/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"x"},"requestId":7,"uri":"a"}}"#;
        let mut seed = 1_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let mut line = good.as_bytes().to_vec();
            for _ in 0..=next(5) {
                let at = next(line.len());
                let end = (at + next(25)).min(line.len());
                match next(4) {
                    0 => line[at] = next(256) as u8,
                    1 if end - at < line.len() => drop(line.drain(at..end)),
                    2 => line.insert(at, b"{}[]\",:\\\xff"[next(9)]),
                    _ => line.extend_from_within(at..end),
                }
            }
            let cut = next(line.len());
            let _ = find_id(&line[..cut], &line[cut..]);
            let _ = refusal(&Line::Whole(&line));
            let Ok(envelope) = Envelope::parse(&line) else { continue };
            let _ = (envelope.method(), envelope.is_modern(), envelope.uri(), envelope.request_id().map(key));
            if let Some(id) = envelope.id {
                let changed = splice(&line, id, "1").concat();
                assert_eq!(changed.len() + id.get().len(), line.len() + 1, "{}", String::from_utf8_lossy(&line));
                let _ = (is_legal_id(id), key(id));
            }
        }
    }
}
