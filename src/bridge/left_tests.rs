//! Tests of what becomes of calls that a backend leaves without an answer, and of the names that requests go by.

use super::*;
use crate::bridge::requests::KEPT_LINE;
use crate::mcp::bridge_protocol::{HAS_ARGUMENTS, RETRY};

/// Calls as questions, the rest as it was, in the order of the client, and not for ever.
#[test]
fn what_a_session_left_is_asked_of_its_next_process() {
    let mut test = Test::default();
    test.0.joined(session(1));
    test.shake_hands();
    test.client(r#"{"id":9,"method":"tools/call","params":{"name":"run","arguments":{"code":"1"}}}"#);
    test.client(r#"{"id":"a","method":"tools/list"}"#);
    test.client(r#"{"id":1,"method":"tools/call","params":{ }}"#);
    test.client(&format!(r#"{{"id":2,"method":"tools/call","params":{{"code":"{}"}}}}"#, "x".repeat(KEPT_LINE)));
    test.client(r#"{"id":3,"method":"subscriptions/listen","params":{}}"#);
    let begun = concat!(
        r#"{"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"#,
        r#""resourceSubscriptions":["a"]},"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}"#
    );
    assert_eq!(test.backend(begun), [begun]);
    assert!(test.backend(r#"{"id":3,"result":{}}"#).is_empty(), "it goes on with the next");
    test.client(r#"{"id":4,"method":"tools/call","params":{}}"#);
    test.client(r#"{"method":"notifications/cancelled","params":{"requestId":4}}"#);
    test.0.parted("gone", "", false);
    assert!(test.told().is_empty());
    test.0.joined(session(2));
    let sent: Vec<Value> = test.sent().iter().map(|line| serde_json::from_str(line).unwrap()).skip(2).collect();
    let asked: Vec<_> = sent.iter().map(|line| (line["id"].clone(), line["method"].clone())).collect();
    let expected = [
        (9.into(), RETRY),
        ("a".into(), "tools/list"),
        (1.into(), RETRY),
        (2.into(), RETRY),
        (3.into(), "subscriptions/listen"),
    ];
    assert_eq!(asked, expected.map(|(id, method): (Value, &str)| (id, Value::from(method))));
    assert_eq!(sent[0]["params"]["arguments"]["code"], "1");
    assert_eq!(
        sent[2]["params"],
        json!({SENT_TO: {"session": "0123456789abcdef0123", "process": 1}, HAS_ARGUMENTS: true})
    );
    assert_eq!(sent[3]["params"][HAS_ARGUMENTS], false, "too long to be kept: {}", sent[3]);
    assert!(sent[3].to_string().len() < 500);
    take(&mut test.0.to_client);
    // For the client it never ended, and all that it is about may have changed.
    let told: Vec<Value> = test.backend(begun).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_three = |method: &str, mut params: Value| {
        params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": 3});
        json!({"jsonrpc": "2.0", "method": method, "params": params})
    };
    assert_eq!(told[0], of_three("notifications/tools/list_changed", json!({})));
    assert_eq!(told[1], of_three("notifications/resources/updated", json!({"uri": "a"})));
    assert_eq!(told.len(), 2);
    assert_eq!(test.backend(r#"{"id":"a","result":{}}"#).len(), 1);
    // The next processes die of it as well.
    for unread in [false, true, true] {
        test.0.parted("gone again", "", unread);
        assert!(test.told().is_empty());
        test.0.joined(session(3));
        test.sent();
        take(&mut test.0.to_client);
    }
    test.0.parted("gone again", "", false);
    let told = test.told();
    assert_eq!(told.iter().map(|answer| answer["id"].clone()).collect::<Vec<_>>(), [9, 1, 2]);
    let words = told[0]["result"]["content"][0]["text"].as_str().unwrap();
    assert!(words.starts_with("gone again") && words.contains("is not known"), "{words}");
    assert!(test.0.requests.kept() > 0);
    // Nobody is there any more: the offline server holds the subscription, until it fails as well.
    test.0.lost("gone for good", "", true);
    assert!(test.told().is_empty() && test.0.waits_for_another() && test.0.is_idle());
    test.0.joined(session(1));
    assert_eq!(test.sent().len(), 3, "initialize, initialized, listen");
    take(&mut test.0.to_client);
    test.0.lost("the offline server failed", "", false);
    assert_eq!(test.told()[0]["id"], 3);
    assert!(test.0.requests.kept() == 0 && !test.0.waits_for_another());
}

/// What a client may do with its ids: the same one for another call, at once after it has given up the first.
#[test]
fn an_id_that_is_used_again_is_of_the_second_call() {
    let mut test = Test::default();
    test.0.joined(session(1));
    let call = |code: &str| format!(r#"{{"id":7,"method":"tools/call","params":{{"name":"run","code":"{code}"}}}}"#);
    for _ in 0..60 {
        test.0.client_said(&Line::Whole(call("first").as_bytes()));
        test.0.client_said(&Line::Whole(call("twice").as_bytes()));
        let told = test.told();
        assert_eq!(told.len(), 1, "a second one while the first waits is refused: {told:?}");
        assert_eq!(told[0]["error"]["code"], INVALID_REQUEST);
        test.0.client_said(&Line::Whole(br#"{"method":"notifications/cancelled","params":{"requestId":7}}"#));
        test.0.client_said(&Line::Whole(call("second").as_bytes()));
        let sent: Vec<Value> =
            take(&mut test.0.to_backend).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(sent.len(), 3);
        assert_eq!(sent[1]["params"]["requestId"], sent[0]["id"]);
        assert_ne!(sent[2]["id"], sent[0]["id"]);
        // In either order, whatever the session says to the first is for nobody.
        for at in [0, 2] {
            let answer = json!({"jsonrpc": "2.0", "id": sent[at]["id"], "result": {"to": at}}).to_string();
            test.0.backend_said(&Line::Whole(answer.as_bytes()));
        }
        let told = test.told();
        assert_eq!((told.len(), &told[0]["id"], &told[0]["result"]["to"]), (1, &json!(7), &json!(2)), "{told:?}");
    }
}

/// How far a line came on its way out decides what its caller hears, and what the next session is asked.
#[test]
fn a_line_that_never_left_is_known_not_to_have_run() {
    let call = r#"{"id":1,"method":"tools/call","params":{"name":"run_python_code","arguments":{"code":"1"}}}"#;
    let text_of = |told: &[Value]| told[0]["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    for written in [false, true] {
        let mut test = Test::default();
        test.0.joined(session(1));
        test.0.client_said(&Line::Whole(call.as_bytes()));
        if written {
            let mut one_byte = Sink(Vec::new());
            let _ = test.0.to_backend.write_to(&mut one_byte).now_or_never();
        }
        test.0.parted("It ended.", "", false);
        assert!(test.told().is_empty());
        test.0.joined(session(2));
        test.0.is_deaf();
        test.0.parted("It ended.", "", false);
        test.0.joined(session(3));
        let sent = test.sent();
        assert_eq!(sent[0].contains(RETRY), written, "{sent:?}");
        test.0.turned_away("Full.", "");
        let told = test.told();
        let words = text_of(&told);
        assert_eq!(words.contains("Nothing was run"), !written, "{words}");
        assert_eq!(words.contains("is not known"), written, "{words}");
    }
    // The server in this process carries nothing out.
    let mut test = Test::default();
    test.0.joined(None);
    test.client(call);
    test.0.lost("A session took over.", "", true);
    assert!(text_of(&test.told()).contains("Nothing was run"));
}

#[test]
fn a_session_that_knows_no_such_question_leaves_the_end_unknown() {
    let mut test = Test::default();
    test.0.joined(session(1));
    test.client(r#"{"id":1,"method":"tools/call","params":{"name":"run_python_code","arguments":{"code":"1"}}}"#);
    test.0.parted("It ended.", "", false);
    test.0.joined(session(2));
    let sent = test.sent();
    assert!(sent[0].contains(RETRY));
    let told = test.backend(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#);
    let told: Value = serde_json::from_str(&told[0]).unwrap();
    assert_eq!((&told["id"], &told["result"]["isError"]), (&json!(1), &json!(true)));
    assert!(told["result"]["content"][0]["text"].as_str().unwrap().contains("is not known"), "{told}");
}

/// Sent to several, only what they share says where it may have run.
#[test]
fn a_call_that_two_sessions_may_have_read_is_of_neither() {
    let other = Some(SentTo { session: SessionId::parse("0123456789abcdef9999"), process: Some(3) });
    let mut test = Test::default();
    test.0.joined(session(1));
    test.client(r#"{"id":1,"method":"tools/call","params":{"name":"run_python_code","arguments":{"code":"1"}}}"#);
    for (next, expected) in [
        (session(2), json!({"session": "0123456789abcdef0123", "process": 1})),
        (other, json!({"session": "0123456789abcdef0123"})),
    ] {
        test.0.parted("It ended.", "", true);
        test.0.joined(next);
        let sent: Value = serde_json::from_str(&test.sent()[0]).unwrap();
        assert_eq!(sent["params"][SENT_TO], expected);
    }
    test.0.parted("It ended.", "", true);
    test.0.joined(session(2));
    let sent: Value = serde_json::from_str(&test.sent()[0]).unwrap();
    assert_eq!(sent["params"][SENT_TO], json!({}));
}
