//! Tests of calls that a backend leaves without an answer, and of call ids.

use super::*;
use crate::bridge::requests::MAX_KEPT_LINE;
use crate::mcp::bridge_protocol::{HAS_ARGUMENTS, RETRY};

/// Calls become questions, other requests go unchanged, in the order of the client, and only a few times.
#[test]
fn requests_that_a_session_left_go_to_its_next_process() {
    let mut test = Test::default();
    test.0.backend_joined(session(1));
    test.shake_hands();
    test.client(r#"{"id":9,"method":"tools/call","params":{"name":"run","arguments":{"code":"1"}}}"#);
    test.client(r#"{"id":"a","method":"tools/list"}"#);
    test.client(r#"{"id":1,"method":"tools/call","params":{ }}"#);
    test.client(&format!(r#"{{"id":2,"method":"tools/call","params":{{"code":"{}"}}}}"#, "x".repeat(MAX_KEPT_LINE)));
    test.client(r#"{"id":3,"method":"subscriptions/listen","params":{}}"#);
    let begun = concat!(
        r#"{"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"resourcesListChanged":true,"#,
        r#""resourceSubscriptions":["a"]},"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}"#
    );
    assert_eq!(test.backend(begun), [begun]);
    assert!(test.backend(r#"{"id":3,"result":{}}"#).is_empty(), "it goes on with the next");
    test.client(r#"{"id":4,"method":"tools/call","params":{}}"#);
    test.client(r#"{"method":"notifications/cancelled","params":{"requestId":4}}"#);
    test.0.session_lost("gone", "", false);
    assert!(test.take_answers().is_empty());
    test.0.backend_joined(session(2));
    let sent: Vec<Value> = test.sent().iter().map(|line| serde_json::from_str(line).unwrap()).skip(2).collect();
    let methods: Vec<_> = sent.iter().map(|line| (line["id"].clone(), line["method"].clone())).collect();
    let expected = [
        (9.into(), RETRY),
        ("a".into(), "tools/list"),
        (1.into(), RETRY),
        (2.into(), RETRY),
        (3.into(), "subscriptions/listen"),
    ];
    assert_eq!(methods, expected.map(|(id, method): (Value, &str)| (id, Value::from(method))));
    assert_eq!(sent[0]["params"]["arguments"]["code"], "1");
    assert_eq!(
        sent[2]["params"],
        json!({SENT_TO: {"session": "0123456789abcdef0123", "process": 1}, HAS_ARGUMENTS: true})
    );
    assert_eq!(sent[3]["params"][HAS_ARGUMENTS], false, "too long to be kept: {}", sent[3]);
    assert!(sent[3].to_string().len() < 500);
    take(&mut test.0.to_client);
    // For the client it never ended, and all resources may have changed. The tools have not.
    let answers: Vec<Value> = test.backend(begun).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_three = |method: &str, mut params: Value| {
        params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": 3});
        json!({"jsonrpc": "2.0", "method": method, "params": params})
    };
    assert_eq!(answers[0], of_three("notifications/resources/list_changed", json!({})));
    assert_eq!(answers[1], of_three("notifications/resources/updated", json!({"uri": "a"})));
    assert_eq!(answers.len(), 2);
    assert_eq!(test.backend(r#"{"id":"a","result":{}}"#).len(), 1);
    // The next processes die of it as well.
    for unread in [false, true, true] {
        test.0.session_lost("gone again", "", unread);
        assert!(test.take_answers().is_empty());
        test.0.backend_joined(session(3));
        test.sent();
        take(&mut test.0.to_client);
    }
    test.0.session_lost("gone again", "", false);
    let answers = test.take_answers();
    assert_eq!(answers.iter().map(|answer| answer["id"].clone()).collect::<Vec<_>>(), [9, 1, 2]);
    let message = answers[0]["result"]["content"][0]["text"].as_str().unwrap();
    assert!(message.starts_with("gone again") && message.contains("is unknown"), "{message}");
    assert!(test.0.requests.kept_bytes() > 0);
    // Nobody is there any more: the offline server holds the subscription, until it fails as well.
    test.0.backend_lost("gone for good", "", true);
    assert!(test.take_answers().is_empty() && test.0.waits_for_another() && test.0.is_idle());
    test.0.backend_joined(session(1));
    assert_eq!(test.sent().len(), 3, "initialize, initialized, listen");
    take(&mut test.0.to_client);
    test.0.backend_lost("the offline server failed", "", false);
    assert_eq!(test.take_answers()[0]["id"], 3);
    assert!(test.0.requests.kept_bytes() == 0 && !test.0.waits_for_another());
}

/// A client may use an id once more as soon as it has cancelled the first call.
#[test]
fn a_reused_id_belongs_to_the_second_call() {
    let mut test = Test::default();
    test.0.backend_joined(session(1));
    let call = |code: &str| format!(r#"{{"id":7,"method":"tools/call","params":{{"name":"run","code":"{code}"}}}}"#);
    for _ in 0..60 {
        test.0.on_client_line(&Line::Whole(call("first").as_bytes()));
        test.0.on_client_line(&Line::Whole(call("twice").as_bytes()));
        let answers = test.take_answers();
        assert_eq!(answers.len(), 1, "a second one while the first waits is refused: {answers:?}");
        assert_eq!(answers[0]["error"]["code"], INVALID_REQUEST);
        test.0.on_client_line(&Line::Whole(br#"{"method":"notifications/cancelled","params":{"requestId":7}}"#));
        test.0.on_client_line(&Line::Whole(call("second").as_bytes()));
        let sent: Vec<Value> =
            take(&mut test.0.to_backend).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(sent.len(), 3);
        assert_eq!(sent[1]["params"]["requestId"], sent[0]["id"]);
        assert_ne!(sent[2]["id"], sent[0]["id"]);
        // In either order, whatever the session says to the first is for nobody.
        for at in [0, 2] {
            let answer = json!({"jsonrpc": "2.0", "id": sent[at]["id"], "result": {"to": at}}).to_string();
            test.0.on_backend_line(&Line::Whole(answer.as_bytes()));
        }
        let answers = test.take_answers();
        assert_eq!(
            (answers.len(), &answers[0]["id"], &answers[0]["result"]["to"]),
            (1, &json!(7), &json!(2)),
            "{answers:?}"
        );
    }
}

/// How much of a line was written decides the answer to its caller, and whether the next session is asked.
#[test]
fn a_call_that_was_not_written_is_known_not_to_have_run() {
    let call = r#"{"id":1,"method":"tools/call","params":{"name":"run_python_code","arguments":{"code":"1"}}}"#;
    let text_of = |answers: &[Value]| answers[0]["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    for written in [false, true] {
        let mut test = Test::default();
        test.0.backend_joined(session(1));
        test.0.on_client_line(&Line::Whole(call.as_bytes()));
        if written {
            let mut one_byte = Sink(Vec::new());
            let _ = test.0.to_backend.write_to(&mut one_byte).now_or_never();
        }
        test.0.session_lost("It ended.", "", false);
        assert!(test.take_answers().is_empty());
        test.0.backend_joined(session(2));
        test.0.backend_stopped_reading();
        test.0.session_lost("It ended.", "", false);
        test.0.backend_joined(session(3));
        let sent = test.sent();
        assert_eq!(sent[0].contains(RETRY), written, "{sent:?}");
        test.0.refused("Full.", "");
        let answers = test.take_answers();
        let message = text_of(&answers);
        assert_eq!(message.contains("Nothing was run"), !written, "{message}");
        assert_eq!(message.contains("is unknown"), written, "{message}");
    }
    // The server in this process carries nothing out.
    let mut test = Test::default();
    test.0.backend_joined(None);
    test.client(call);
    test.0.backend_lost("A session took over.", "", true);
    assert!(text_of(&test.take_answers()).contains("Nothing was run"));
}

#[test]
fn the_end_of_a_call_is_unknown_if_the_session_does_not_know_the_method() {
    let mut test = Test::default();
    test.0.backend_joined(session(1));
    test.client(r#"{"id":1,"method":"tools/call","params":{"name":"run_python_code","arguments":{"code":"1"}}}"#);
    test.0.session_lost("It ended.", "", false);
    test.0.backend_joined(session(2));
    let sent = test.sent();
    assert!(sent[0].contains(RETRY));
    let answers = test.backend(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#);
    let answers: Value = serde_json::from_str(&answers[0]).unwrap();
    assert_eq!((&answers["id"], &answers["result"]["isError"]), (&json!(1), &json!(true)));
    assert!(answers["result"]["content"][0]["text"].as_str().unwrap().contains("is unknown"), "{answers}");
}

/// If several sessions got the call, only facts that they share are passed on.
#[test]
fn the_recipient_of_a_call_that_two_sessions_may_have_read_has_only_shared_facts() {
    let other = Some(SentTo { session: SessionId::parse("0123456789abcdef9999"), process: Some(3) });
    let mut test = Test::default();
    test.0.backend_joined(session(1));
    test.client(r#"{"id":1,"method":"tools/call","params":{"name":"run_python_code","arguments":{"code":"1"}}}"#);
    for (next, expected) in [
        (session(2), json!({"session": "0123456789abcdef0123", "process": 1})),
        (other, json!({"session": "0123456789abcdef0123"})),
    ] {
        test.0.session_lost("It ended.", "", true);
        test.0.backend_joined(next);
        let sent: Value = serde_json::from_str(&test.sent()[0]).unwrap();
        assert_eq!(sent["params"][SENT_TO], expected);
    }
    test.0.session_lost("It ended.", "", true);
    test.0.backend_joined(session(2));
    let sent: Value = serde_json::from_str(&test.sent()[0]).unwrap();
    assert_eq!(sent["params"][SENT_TO], json!({}));
}
