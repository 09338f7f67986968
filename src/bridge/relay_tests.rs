//! Tests of the relay.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::io::AsyncWrite;

use super::*;
use crate::domain::CallId;
use crate::domain::random::Random;
use crate::mcp::bridge_protocol::{RECONNECTED, SENT_TO};
use crate::session::SessionId;

#[path = "unanswered_tests.rs"]
mod unanswered;

struct Sink(Vec<u8>);

impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn take(outbox: &mut Outbox) -> Vec<String> {
    let mut sink = Sink(Vec::new());
    while !outbox.is_empty() {
        outbox.write_to(&mut sink).now_or_never().unwrap().unwrap();
    }
    String::from_utf8(sink.0).unwrap().lines().map(str::to_owned).collect()
}

/// The session process with that number.
#[allow(clippy::unnecessary_wraps, reason = "the type that `backend_joined` takes")]
fn session(process: u32) -> Option<SentTo> {
    Some(SentTo { session: SessionId::parse("0123456789abcdef0123"), process: Some(process) })
}

/// A relay, and the call ids of its requests with the client's ids.
#[derive(Default)]
struct Test(Relay, Vec<(String, String)>);

impl Test {
    /// Takes the lines for the backend, with the client's ids in the place of call ids.
    fn sent(&mut self) -> Vec<String> {
        for (number, pending) in &self.0.requests.pending {
            let known = (self.0.requests.call_id(*number), pending.id.to_string());
            if !self.1.contains(&known) {
                self.1.push(known);
            }
        }
        let plain = |line: String| self.1.iter().fold(line, |line, (name, id)| line.replace(name, id));
        take(&mut self.0.to_backend).into_iter().map(plain).collect()
    }

    /// Returns a line of the backend with call ids in the place of the client's ids.
    fn named(&self, line: &str) -> String {
        let named = |at: &str, line: String| {
            let Some(found) = line.rfind(at) else { return line };
            let start = found + at.len();
            let rest = &line[start..];
            let id = &rest[..rest.find([',', '}']).unwrap_or(rest.len())];
            let name = self.1.iter().rfind(|(_, known)| *known == id).map(|(name, _)| name.clone());
            name.map_or(line.clone(), |name| format!("{}{name}{}", &line[..start], &rest[id.len()..]))
        };
        let line = named("subscriptionId\":", line.to_owned());
        if line.contains("\"method\"") { line } else { named("\"id\":", line) }
    }

    /// Returns the lines that the backend gets for a line of the client.
    fn client(&mut self, line: &str) -> Vec<String> {
        self.0.on_client_line(&Line::Whole(line.as_bytes()));
        self.sent()
    }

    /// Returns the lines that the client gets for a line of the backend, which has the client's ids here.
    fn backend(&mut self, line: &str) -> Vec<String> {
        let line = self.named(line);
        self.0.on_backend_line(&Line::Whole(line.as_bytes()));
        take(&mut self.0.to_client)
    }

    fn take_answers(&mut self) -> Vec<Value> {
        take(&mut self.0.to_client).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn shake_hands(&mut self) {
        self.client(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#);
        self.backend(
            r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","serverInfo":{"version":"1"},"capabilities":{"tools":{"listChanged":true},"resources":{"listChanged":false}}}}"#,
        );
        self.client(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }
}

#[test]
fn lines_pass_unchanged_except_for_the_ids() {
    let mut test = Test::default();
    let call = r#"{ "params":{"code":"\ud800"},  "method":"tools/call","id":"five"}"#;
    assert_eq!(test.client(call), [call]);
    let answer = r#"{"id":"five", "result":{"n":1.0}}"#;
    assert_eq!(test.backend(answer), [answer]);
    assert!(test.0.is_idle());
    let progress = r#"{"method":"notifications/progress","params":{}}"#;
    assert_eq!(test.backend(progress), [progress]);
}

#[test]
fn a_line_that_cannot_be_passed_on_gets_an_error_with_its_id() {
    let mut test = Test::default();
    for (line, id, code) in [
        (&b"{\"id\":\"a\",\"method\":\"x\",\"params\":\"\xff\"}"[..], Value::from("a"), PARSE_ERROR),
        (b"garbage", Value::Null, PARSE_ERROR),
        (b"{\"id\":4,\"method\":", Value::from(4), PARSE_ERROR),
        (b"[]", Value::Null, INVALID_REQUEST),
        (b"[[1,\"tools/list\"]]", Value::Null, PARSE_ERROR),
        (b"{\"id\":1.5,\"method\":\"tools/list\"}", Value::from(1.5), INVALID_REQUEST),
    ] {
        test.0.on_client_line(&Line::Whole(line));
        let answers = test.take_answers();
        assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&id, &Value::from(code)), "{answers:?}");
    }
    test.0.on_client_line(&Line::TooLong { head: b"{\"method\":\"x".to_vec(), tail: b"xx\"},\"id\":9}" });
    assert_eq!(test.take_answers()[0]["id"], 9);
    // Errors without id, blank lines and empty objects have no answer.
    for line in [r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"m"}}"#, "  ", "{}"] {
        assert!(test.client(line).is_empty());
    }
    assert!(test.take_answers().is_empty() && test.sent().is_empty());
}

#[test]
fn a_batch_is_divided_into_its_members() {
    let mut test = Test::default();
    let sent = test.client(r#"[{"id":1,"method":"ping"},{"id":"1","method":"tools/list"}]"#);
    assert_eq!(sent, [r#"{"id":1,"method":"ping"}"#, r#"{"id":"1","method":"tools/list"}"#]);
    assert_eq!(test.0.requests.pending.len(), 2);
}

#[test]
fn pending_requests_are_answered_when_the_backend_ends() {
    let mut test = Test::default();
    test.client(r#"{"id":"five","method":"tools/call","params":{"name":"run"}}"#);
    test.client(
        r#"{"id":6,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
    );
    test.client(r#"{"id":7,"method":"resources/read"}"#);
    test.client(r#"{"id":8,"method":"tools/call"}"#);
    test.backend(r#"{"id":8,"result":{}}"#);
    test.client(r#"{"id":9,"method":"tools/call"}"#);
    test.client(r#"{"method":"notifications/cancelled","params":{"requestId":9}}"#);
    test.0.backend_lost("It is gone.", "Start it.", true);
    let answers = test.take_answers();
    let by_id = |id: Value| answers.iter().find(|answer| answer["id"] == id).cloned().unwrap_or_default();
    let five = by_id("five".into());
    assert_eq!(five["result"]["isError"], true);
    let words = five["result"]["content"][0]["text"].as_str().unwrap();
    assert!(words.starts_with("It is gone. ") && words.ends_with(" Start it."), "{words}");
    assert_eq!(five["result"].get("resultType"), None);
    assert_eq!(by_id(6.into())["result"]["resultType"], "complete");
    assert_eq!(by_id(7.into())["error"]["code"], NO_SESSION);
    assert_eq!(answers.len(), 3, "answered and cancelled requests get no answer: {answers:?}");
}

#[test]
fn a_new_backend_gets_the_state_of_the_old_one_unseen() {
    let mut test = Test::default();
    test.shake_hands();
    test.client(r#"{"id":1,"method":"logging/setLevel","params":{"level":"debug"}}"#);
    test.client(r#"{"id":2,"method":"resources/subscribe","params":{"uri":"a"}}"#);
    test.client(r#"{"id":3,"method":"resources/subscribe","params":{"uri":"b"}}"#);
    test.client(r#"{"id":4,"method":"resources/unsubscribe","params":{"uri":"a"}}"#);
    for id in 1..=4 {
        test.backend(&format!(r#"{{"id":{id},"result":{{}}}}"#));
    }
    test.0.backend_lost("gone", "", true);
    assert!(test.take_answers().is_empty());
    test.0.backend_joined(session(1));
    let sent = test.sent();
    let methods: Vec<_> =
        sent.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["method"].clone()).collect();
    assert_eq!(methods, ["initialize", "notifications/initialized", "logging/setLevel", "resources/subscribe"]);
    assert!(sent[0].contains("2025-06-18") && sent[3].contains(r#""uri":"b""#));
    // What it watches; the server had not announced that its resources change.
    let answers = test.take_answers();
    assert_eq!((answers.len(), &answers[0]["params"]["uri"]), (1, &Value::from("b")), "{answers:?}");
    for line in sent {
        if let Some(id) = serde_json::from_str::<Value>(&line).unwrap().get("id") {
            let result = r#"{"protocolVersion":"2025-06-18","serverInfo":{"version":"1"}}"#;
            assert!(test.backend(&format!(r#"{{"id":{id},"result":{result}}}"#)).is_empty());
        }
    }
    // A server of another version may have other tools.
    test.0.backend_lost("gone", "", true);
    test.0.backend_joined(session(2));
    let initialize: Value = serde_json::from_str(&test.sent()[0]).unwrap();
    let result = r#"{"protocolVersion":"2025-06-18","serverInfo":{"version":"2"}}"#;
    test.take_answers();
    let changed = test.backend(&format!(r#"{{"id":{},"result":{result}}}"#, initialize["id"]));
    assert_eq!(changed, [r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#]);
}

#[test]
fn an_unanswered_handshake_goes_to_the_next_backend() {
    let mut test = Test::default();
    let initialize = r#"{"id":0,"method":"initialize","params":{}}"#;
    test.client(initialize);
    test.0.backend_lost("gone", "", true);
    assert!(test.0.is_opening() && test.take_answers().is_empty());
    test.0.backend_joined(session(1));
    assert_eq!(test.sent(), [initialize]);
    test.0.backend_lost("gone", "", false);
    assert_eq!(test.take_answers()[0]["error"]["code"], NO_SESSION);
}

#[test]
fn a_cancellation_reaches_only_the_backend_that_has_the_request() {
    let mut test = Test::default();
    let cancel = r#"{"method":"notifications/cancelled","params":{"requestId":"\u0061"}}"#;
    test.client(r#"{"id":"a","method":"tools/call"}"#);
    test.0.backend_lost("gone", "", true);
    test.0.backend_joined(session(1));
    test.client(r#"{"id":"b","method":"tools/call"}"#);
    assert!(test.client(cancel).is_empty());
    test.client(r#"{"id":"a","method":"tools/call"}"#);
    assert_eq!(test.client(cancel), [cancel.replace("\\u0061", "a")]);
    // As the first line of a connection any notification would close it.
    test.0.backend_lost("gone", "", true);
    test.0.backend_joined(session(1));
    assert!(test.client(r#"{"method":"notifications/roots/list_changed"}"#).is_empty());
}

#[test]
fn a_message_with_only_an_id_gets_an_error() {
    let mut test = Test::default();
    assert!(test.client(r#"{"jsonrpc":"2.0","id":88,"params":{}}"#).is_empty());
    let answers = test.take_answers();
    assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&json!(88), &json!(INVALID_REQUEST)));
    // Answers to what nobody asked.
    for late in [r#"{"jsonrpc":"2.0","id":9,"result":null}"#, r#"{"jsonrpc":"2.0","id":9,"error":{"code":1}}"#] {
        assert!(test.client(late).is_empty());
        assert!(test.take_answers().is_empty());
    }
}

#[test]
fn a_request_of_the_backend_ends_with_it_and_a_late_answer_goes_nowhere() {
    let mut test = Test::default();
    let question = r#"{"id":0,"method":"elicitation/create","params":{}}"#;
    let id_of = |lines: &[String]| serde_json::from_str::<Value>(&lines[0]).unwrap()["id"].clone();
    let first = id_of(&test.backend(question));
    test.0.backend_lost("gone", "", true);
    let answers = test.take_answers();
    assert_eq!(
        (&answers[0]["method"], &answers[0]["params"]["requestId"]),
        (&"notifications/cancelled".into(), &first)
    );
    // The new backend asks under the same id.
    let second = id_of(&test.backend(question));
    assert_ne!(first, second);
    assert!(test.client(&format!(r#"{{"id":{first},"result":"late"}}"#)).is_empty());
    assert_eq!(test.client(&format!(r#"{{"id":{second},"result":"new"}}"#)), [r#"{"id":0,"result":"new"}"#]);
    let third = id_of(&test.backend(question));
    let withdrawn = test.backend(r#"{"method":"notifications/cancelled","params":{"requestId":0}}"#);
    assert!(withdrawn[0].contains(&third.to_string()));
}

/// Clients, sessions and their ends in any order: each request gets one answer, and nobody gets the answer of another.
#[test]
fn every_request_gets_one_answer_in_any_order_of_events() {
    for mut random in Random::rounds(3, 1_000) {
        let mut relay = Relay::default();
        let mut named = std::collections::BTreeSet::new();
        let mut asked: BTreeMap<u64, u32> = BTreeMap::new();
        let mut cancelled = Vec::new();
        // What this backend has to answer, and what it has asked.
        let (mut todo, mut questions): (Vec<Value>, Vec<(u64, Value)>) = (Vec::new(), Vec::new());
        let mut shown: Vec<(u64, Value)> = Vec::new();
        let (mut incarnation, mut next) = (0_u64, 1_u64);
        let mut alive = true;
        relay.backend_joined(session(1));
        for step in 0..=60 {
            match if step == 60 { 9 } else { random.below(9) } {
                0..=2 if alive => {
                    let method =
                        random.one(&["tools/call", "ping", "initialize", "server/discover", "subscriptions/listen"]);
                    let line = format!(
                        r#"{{"jsonrpc":"2.0","id":{next},"method":"{method}","params":{{"protocolVersion":"x"}}}}"#
                    );
                    relay.on_client_line(&Line::Whole(line.as_bytes()));
                    asked.insert(next, 0);
                    next += 1;
                }
                3 if next > 1 => {
                    let id = random.below(next as usize - 1) as u64 + 1;
                    let line = format!(
                        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
                    );
                    relay.on_client_line(&Line::Whole(line.as_bytes()));
                    cancelled.push(id);
                }
                // Answers in any order.
                4 | 5 if alive && !todo.is_empty() => {
                    let request = todo.swap_remove(random.below(todo.len()));
                    let line = json!({"jsonrpc": "2.0", "id": request["id"], "result": {"capabilities": {}, "for": incarnation}});
                    relay.on_backend_line(&Line::Whole(line.to_string().as_bytes()));
                }
                6 if alive => {
                    let line = json!({"jsonrpc": "2.0", "id": questions.len(), "method": "roots/list"});
                    relay.on_backend_line(&Line::Whole(line.to_string().as_bytes()));
                    questions.push((incarnation, line["id"].clone()));
                }
                // The client answers a question, perhaps one of a backend that is gone.
                7 if !shown.is_empty() => {
                    let (of, id) = shown.swap_remove(random.below(shown.len()));
                    let line = json!({"jsonrpc": "2.0", "id": id, "result": {"of": of}});
                    relay.on_client_line(&Line::Whole(line.to_string().as_bytes()));
                }
                8 => {
                    if alive {
                        relay.backend_lost("It has ended.", "", random.below(3) > 0);
                        (alive, incarnation) = (false, incarnation + 1);
                        todo.clear();
                        questions.clear();
                    } else {
                        relay.backend_joined(session(1));
                        alive = true;
                    }
                }
                9 => relay.backend_lost("It has ended.", "", false),
                _ => {}
            }
            for line in take(&mut relay.to_backend) {
                let message: Value = serde_json::from_str(&line).unwrap();
                match (message.get("method"), message.get("id")) {
                    (Some(_), Some(id)) => {
                        let name = id.as_str().and_then(CallId::parse);
                        named.extend(name);
                        assert!(name.is_some(), "it goes on under its own id: {line}");
                        todo.push(message);
                    }
                    (Some(method), None) if method == "notifications/cancelled" => {
                        let before = todo.len();
                        todo.retain(|request| request["id"] != message["params"]["requestId"]);
                        assert!(todo.len() < before, "it hits nothing of this backend: {line}");
                    }
                    (Some(_), None) => {}
                    (None, _) => {
                        assert_eq!(message["result"]["of"], incarnation, "of another backend: {line}");
                        assert!(questions.iter().any(|(_, id)| *id == message["id"]), "{line}");
                    }
                }
            }
            for line in take(&mut relay.to_client) {
                let message: Value = serde_json::from_str(&line).unwrap();
                match (message.get("method"), message.get("id")) {
                    (Some(_), Some(id)) => shown.push((incarnation, id.clone())),
                    (Some(_), None) => {}
                    (None, id) => {
                        let id = id.and_then(Value::as_u64).unwrap_or_else(|| panic!("nobody asked: {line}"));
                        *asked.get_mut(&id).unwrap_or_else(|| panic!("nobody asked: {line}")) += 1;
                    }
                }
            }
        }
        for (id, answers) in asked {
            assert!(answers == 1 || answers == 0 && cancelled.contains(&id), "{id} was answered {answers} times");
        }
    }
}

#[test]
fn a_session_learns_which_process_answered_before() {
    let moved = |lines: &[String]| lines.iter().filter(|line| line.contains(RECONNECTED)).count();
    for legacy in [true, false] {
        let mut test = Test::default();
        test.0.backend_joined(session(1));
        if legacy {
            test.shake_hands();
        }
        test.client(r#"{"id":1,"method":"tools/call","params":{"name":"run"}}"#);
        test.0.backend_lost("gone", "", true);
        test.0.backend_joined(None);
        test.client(r#"{"id":2,"method":"tools/call","params":{"name":"run"}}"#);
        test.backend(r#"{"id":2,"result":{}}"#);
        test.0.backend_joined(session(1));
        assert_eq!(moved(&test.sent()), 0, "none has answered yet");
        test.client(r#"{"id":3,"method":"tools/call","params":{"name":"run"}}"#);
        test.backend(r#"{"id":3,"result":{}}"#);
        test.0.backend_lost("gone", "", true);
        test.0.backend_joined(session(1));
        let lines = test.sent();
        assert_eq!(
            (moved(&lines), lines.last().unwrap().contains(RECONNECTED)),
            (1, true),
            "after the handshake: {lines:?}"
        );
        let line: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(line["params"][SENT_TO]["process"], 1);
        assert!(line["params"]["_meta"].is_object(), "{line}");
        test.take_answers();
        let answer = json!({"jsonrpc": "2.0", "id": line["id"], "error": {"code": -32601, "message": "unknown"}});
        assert!(test.backend(&answer.to_string()).is_empty(), "the client did not ask");
    }
}
