//! Resources, prompts, completion, subscriptions, log messages, and the summary of the session.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::support::{Client, ERAS, Era, Rig, connect, text, variable};
use crate::domain::{Author, ClientId, GateChange, GateMode, VariableKind, VariableTable};
use crate::mcp::Backend;
use crate::session::RunOptions;

async fn ask(client: &mut Client, method: &str, params: Value) -> Value {
    let id = client.request(method, params).await;
    client.answer(id).await
}

async fn read(client: &mut Client, uri: &str) -> String {
    let answer = ask(client, "resources/read", json!({"uri": uri})).await;
    answer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{uri}: {answer}")).to_owned()
}

fn names(rig: &Rig, rows: Vec<crate::domain::Variable>) {
    *rig.table.lock().unwrap() = VariableTable { total: rows.len(), rows: rows.into(), ..VariableTable::default() };
}

/// The next notification of any kind.
async fn notified(client: &mut Client) -> Value {
    loop {
        let message = client.message().await;
        if message.get("id").is_none() {
            return message;
        }
    }
}

#[tokio::test]
async fn resources_are_listed_page_by_page_and_read() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        for n in 1..=120 {
            rig.session.submit(Author::You, format!("value {n}").into(), RunOptions::default()).await.unwrap();
        }
        rig.ended(120).await;
        let (mut uris, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
            let page = ask(&mut client, "resources/list", params).await["result"].clone();
            uris.extend(page["resources"].as_array().unwrap().iter().map(|r| r["uri"].as_str().unwrap().to_owned()));
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(
            uris[..4],
            ["fourhands://session", "fourhands://transcript", "fourhands://variables", "fourhands://snippet/120"]
        );
        assert_eq!((uris.len(), uris.last().unwrap().as_str()), (123, "fourhands://snippet/1"));
        let bad = ask(&mut client, "resources/list", json!({"cursor": "x"})).await;
        assert_eq!(bad["error"]["code"], -32602, "{bad}");
        let templates = ask(&mut client, "resources/templates/list", json!({})).await;
        assert_eq!(templates["result"]["resourceTemplates"][0]["uriTemplate"], "fourhands://snippet/{snippet}");

        let snippet = read(&mut client, "fourhands://snippet/7").await;
        assert!(snippet.starts_with("Snippet 7 by the person:\n\nvalue 7\n\nResult: 7\n"), "{snippet}");
        let page = read(&mut client, "fourhands://transcript?since=0").await;
        assert!(
            page.starts_with("[snippet 1 by the person") && page.ends_with("(fourhands://transcript?since=100)"),
            "{page}"
        );
        for missing in
            ["fourhands://snippet/999", "fourhands://snippet/7/figure/1", "fourhands://nothing", "file:///etc/passwd"]
        {
            let answer = ask(&mut client, "resources/read", json!({"uri": missing})).await;
            let code = if era == Era::Legacy { -32002 } else { -32602 };
            assert_eq!(answer["error"]["code"], code, "{answer}");
            assert_eq!(answer["error"]["data"]["uri"], missing);
        }
        names(&rig, vec![variable("x", VariableKind::Data, "3")]);
        assert!(read(&mut client, "fourhands://variables").await.ends_with("Variable: x (int) = 3"));
        assert!(read(&mut client, "fourhands://variable/x").await.starts_with("x: list, 120"));
        assert!(read(&mut client, "fourhands://variable/missing").await.contains("is not defined"));
    }
}

#[tokio::test]
async fn a_long_output_is_read_in_pages() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    client.run("flood").await;
    let output = read(&mut client, "fourhands://snippet/1/output").await;
    assert!(output.starts_with("first\n"), "{}", &output[..50]);
    let rest = read(&mut client, "fourhands://snippet/1/output?offset=6").await;
    assert!(rest.starts_with('é'));
    let listed = ask(&mut client, "resources/list", json!({})).await.to_string();
    assert!(listed.contains("fourhands://snippet/1/output"), "a long output is listed: {listed}");
}

#[tokio::test]
async fn the_summary_has_what_a_fresh_chat_must_know() {
    for era in ERAS {
        let rig = Rig::new();
        rig.session.dashboard_opened();
        let mut other = rig.client(Era::Legacy, "cursor").await;
        names(&rig, vec![variable("f", VariableKind::Function, ""), variable("x", VariableKind::Data, "3")]);
        other.run("fail").await;
        other.call("list_defined_variables", json!({})).await;
        rig.session.submit(Author::You, "sleep".into(), RunOptions::default()).await.unwrap();
        rig.until("it runs", |t| t.running().is_some()).await;
        let mut client = rig.client(era, "tester").await;
        let brief = read(&mut client, "fourhands://session").await;
        for part in [
            "Session \"test\", running for ",
            "Python 3.12.1 (/usr/bin/python3), started in /",
            "Here: the person at the dashboard; \"cursor\", 1 run; \"tester\" (you), 0 runs.",
            "Snippet 2 by the person is running: sleep; 0 queued.",
            "2 names defined:\n- x: int = 3\n- functions, classes, modules: f\n",
            "- snippet 1 by \"cursor\": error, ValueError (bad) in 12 ms: fail\n- snippet 2 by the person: running: sleep",
        ] {
            assert!(brief.contains(part), "{part:?} in {brief}");
        }
        let prompt = ask(&mut client, "prompts/get", json!({"name": "resume_session"})).await;
        let prompt_text = prompt["result"]["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(prompt_text.contains(&brief[60..]), "{prompt_text}");
    }
}

#[tokio::test]
async fn the_instructions_have_the_state_of_the_session() {
    let rig = Rig::new();
    rig.client(Era::Legacy, "tester").await.run("set df").await;
    let mut client = rig.connect(Era::Modern);
    let answer = ask(&mut client, "server/discover", json!({})).await;
    let instructions = answer["result"]["instructions"].as_str().unwrap();
    assert!(
        instructions.contains("\n\nNow: Session \"test\"") && instructions.contains("snippet 1 by \"tester\": ok"),
        "{instructions}"
    );
    assert!(instructions.len() < 2_000, "{}", instructions.len());
}

#[tokio::test]
async fn prompts_have_the_error_to_explain_and_the_history_to_hand_over() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let listed = ask(&mut client, "prompts/list", json!({})).await;
        let prompts = listed["result"]["prompts"].as_array().unwrap();
        assert_eq!(
            prompts.iter().map(|p| p["name"].as_str().unwrap()).collect::<Vec<_>>(),
            ["resume_session", "explain_last_error", "hand_over"]
        );
        let prompt_text = |answer: Value| {
            answer["result"]["messages"][0]["content"]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
        };
        let none = prompt_text(ask(&mut client, "prompts/get", json!({"name": "explain_last_error"})).await);
        assert_eq!(none, "Nothing has failed in the Python session so far.");
        client.run("fail").await;
        client.run("echo fine").await;
        let last = prompt_text(ask(&mut client, "prompts/get", json!({"name": "explain_last_error"})).await);
        assert!(
            last.contains("snippet 1 of") && last.contains("run by you") && last.contains("ValueError: bad"),
            "{last}"
        );
        let other =
            ask(&mut client, "prompts/get", json!({"name": "explain_last_error", "arguments": {"snippet": "2"}})).await;
        assert!(prompt_text(other).contains("echo fine"));
        let handed =
            ask(&mut client, "prompts/get", json!({"name": "hand_over", "arguments": {"focus": "plot"}})).await;
        assert!(prompt_text(handed).contains("The next task: plot."));
        for bad in [json!({"name": "nope"}), json!({"name": "explain_last_error", "arguments": {"snippet": "9"}})] {
            assert_eq!(ask(&mut client, "prompts/get", bad).await["error"]["code"], -32602);
        }
    }
}

#[tokio::test]
async fn arguments_of_templates_and_prompts_are_completed() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        names(
            &rig,
            vec![
                variable("Data", VariableKind::Data, "1"),
                variable("date", VariableKind::Data, "1"),
                variable("x", VariableKind::Data, "1"),
            ],
        );
        for n in 0..11 {
            client.run(if n == 3 { "fail" } else { "echo" }).await;
        }
        client.call("list_defined_variables", json!({})).await;
        let mut complete = async |reference: Value, name: &str, value: &str| {
            let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
            ask(&mut client, "completion/complete", params).await["result"]["completion"]["values"].clone()
        };
        let template = |uri: &str| json!({"type": "ref/resource", "uri": uri});
        assert_eq!(complete(template("fourhands://snippet/{snippet}"), "snippet", "1").await, json!(["11", "10", "1"]));
        assert_eq!(complete(template("fourhands://variable/{name}"), "name", "da").await, json!(["Data", "date"]));
        assert_eq!(
            complete(json!({"type": "ref/prompt", "name": "explain_last_error"}), "snippet", "").await,
            json!(["4"])
        );
        assert_eq!(complete(template("x"), "y", "").await, json!([]));
    }
}

#[tokio::test]
async fn params_of_a_wrong_shape_are_refused_with_what_was_expected() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        for (method, params) in [
            ("resources/read", json!({})),
            ("prompts/get", json!({"name": 5})),
            ("completion/complete", json!({"ref": {"type": "x"}, "argument": {}})),
            ("resources/subscribe", json!({"uri": 5})),
        ] {
            let answer = ask(&mut client, method, params).await;
            if method == "resources/subscribe" && era == Era::Modern {
                assert_eq!(answer["error"]["code"], -32601, "this era has no such method: {answer}");
                continue;
            }
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
            assert!(answer["error"]["message"].as_str().unwrap().contains("nvalid params for"), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_client_with_a_handshake_is_notified_of_its_subscriptions() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    let mut other = rig.client(Era::Modern, "other").await;
    for uri in ["fourhands://variable/x", "fourhands://snippet/1/output"] {
        assert_eq!(ask(&mut client, "resources/subscribe", json!({"uri": uri})).await["result"], json!({}));
    }
    let bad = ask(&mut client, "resources/subscribe", json!({"uri": "fourhands://nothing"})).await;
    assert_eq!(bad["error"]["code"], -32002, "{bad}");
    other.run("echo 1").await;
    let message = notified(&mut client).await;
    assert_eq!(message["method"], "notifications/resources/updated");
    assert_eq!(message["params"]["uri"], "fourhands://snippet/1/output");
    names(&rig, vec![variable("x", VariableKind::Data, "3"), variable("y", VariableKind::Data, "3")]);
    other.call("list_defined_variables", json!({})).await;
    assert_eq!(notified(&mut client).await["params"]["uri"], "fourhands://variable/x");
    // Another variable changes, then the list is requested: the first notification is about the list.
    ask(&mut client, "resources/unsubscribe", json!({"uri": "fourhands://snippet/1/output"})).await;
    names(&rig, vec![variable("x", VariableKind::Data, "3"), variable("y", VariableKind::Data, "4")]);
    other.call("list_defined_variables", json!({})).await;
    ask(&mut client, "resources/list", json!({})).await;
    other.run("echo 2").await;
    assert_eq!(notified(&mut client).await["method"], "notifications/resources/list_changed");
}

#[tokio::test]
async fn subscriptions_of_a_client_that_the_person_disconnects_end() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    ask(&mut client, "resources/subscribe", json!({"uri": "fourhands://session"})).await;
    rig.session.change_gate(GateChange::SendAway("tester".into()));
    rig.until("the client is away", |transcript| !transcript.gate().away.is_empty()).await;
    let refused = ask(&mut client, "resources/subscribe", json!({"uri": "fourhands://transcript"})).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("disconnected you"), "{refused}");
    let argument = json!({"name": "name", "value": ""});
    let reference = json!({"type": "ref/resource", "uri": "fourhands://variable/{name}"});
    let request = json!({"ref": reference, "argument": argument});
    let refused = ask(&mut client, "completion/complete", request).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("disconnected you"), "{refused}");
    let ticket = rig.session.submit(Author::You, "echo 1".into(), RunOptions::default()).await.unwrap();
    rig.ended(ticket.id.0).await;
    rig.session.change_gate(GateChange::LetIn("tester".into()));
    rig.until("the client is let in", |transcript| transcript.gate().away.is_empty()).await;
    ask(&mut client, "resources/subscribe", json!({"uri": "fourhands://snippet/2/output"})).await;
    rig.session.submit(Author::You, "echo 2".into(), RunOptions::default()).await.unwrap();
    let message = notified(&mut client).await;
    assert_eq!(message["params"]["uri"], "fourhands://snippet/2/output", "nothing of the time before: {message}");
}

#[tokio::test]
async fn the_session_resource_tells_the_gate_and_what_waits() {
    let rig = Rig::new();
    rig.session.dashboard_opened();
    let mut client = rig.client(Era::Modern, "tester").await;
    let told = read(&mut client, "fourhands://session").await;
    assert!(told.contains("Gate: watch. Code of clients runs at once."), "{told}");
    for change in [GateChange::All(GateMode::Ask), GateChange::Lock("df".into()), GateChange::TakeOver] {
        rig.session.change_gate(change);
    }
    let other = Author::Client { id: ClientId(9), name: "cursor".into() };
    rig.session.submit(other, "echo 1".into(), RunOptions::default()).await.unwrap();
    let told = read(&mut client, "fourhands://session").await;
    for part in [
        "Gate: ask. Each snippet waits until the person allows it.",
        "The person has taken over",
        "Locked by the person: df.",
        "Waiting for the person's decision: snippet 1 by \"cursor\".",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn a_stateless_client_is_notified_while_it_listens() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "tester").await;
    let filter = json!({"resourcesListChanged": true, "resourceSubscriptions": ["fourhands://session"]});
    let id = client.request("subscriptions/listen", json!({"notifications": filter})).await;
    let acknowledged = notified(&mut client).await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
    // Events before the notifications have started may be missed, later ones may not.
    let mut seen = Vec::new();
    while seen.len() < 2 {
        rig.session.submit(Author::You, "echo".into(), RunOptions::default()).await.unwrap();
        let message = notified(&mut client).await;
        assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], id, "{message}");
        seen.push(message["method"].as_str().unwrap().to_owned());
    }
    seen.sort();
    assert_eq!(seen, ["notifications/resources/list_changed", "notifications/resources/updated"]);
    client.cancel(id).await;
    assert!(text(&client.run("echo next").await).starts_with("next\n"));
}

#[tokio::test]
async fn log_messages_have_the_requested_level_or_a_worse_one() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    rig.session.reset(Author::You).await.unwrap();
    assert_eq!(ask(&mut client, "logging/setLevel", json!({"level": "warning"})).await["result"], json!({}));
    rig.session.reset(Author::You).await.unwrap();
    rig.session.notice("the disk is full".to_owned());
    let message = notified(&mut client).await;
    assert_eq!((&message["method"], &message["params"]["level"]), (&json!("notifications/message"), &json!("warning")));
    assert_eq!(message["params"]["data"], "the disk is full");
    ask(&mut client, "logging/setLevel", json!({"level": "info"})).await;
    rig.session.reset(Author::You).await.unwrap();
    let message = notified(&mut client).await;
    assert_eq!(message["params"]["data"], "the person reset the environment: all names were cleared");
}

#[tokio::test]
async fn a_stateless_request_with_a_log_level_gets_log_messages() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "tester").await;
    client.run("echo").await;
    let run = |level: &str| {
        let meta = json!({"io.modelcontextprotocol/logLevel": level});
        json!({"name": "run_python_code", "arguments": {"code": "echo"}, "_meta": meta})
    };
    for (level, is_sent) in [("error", false), ("info", true)] {
        rig.session.reset(Author::You).await.unwrap();
        let id = client.request("tools/call", run(level)).await;
        let message = client.message().await;
        assert_eq!(message["method"] == "notifications/message", is_sent, "{message}");
        if is_sent {
            assert_eq!(message["params"]["level"], "notice");
            client.result(id).await;
        }
    }
}

#[tokio::test]
async fn without_a_session_resources_and_prompts_are_listed_and_say_so() {
    for era in ERAS {
        let say: Backend = Backend::Offline(Arc::new(|| "start fourhands first".to_owned()));
        let mut client = connect(say, era, CancellationToken::new());
        client.introduce("tester").await;
        let resources = ask(&mut client, "resources/list", json!({})).await;
        assert_eq!(resources["result"]["resources"].as_array().unwrap().len(), 3);
        let templates = ask(&mut client, "resources/templates/list", json!({})).await;
        assert_eq!(templates["result"]["resourceTemplates"].as_array().unwrap().len(), 6);
        let prompts = ask(&mut client, "prompts/list", json!({})).await;
        assert_eq!(prompts["result"]["prompts"].as_array().unwrap().len(), 3);
        assert_eq!(read(&mut client, "fourhands://session").await, "start fourhands first");
        let prompt = ask(&mut client, "prompts/get", json!({"name": "resume_session"})).await;
        assert_eq!(prompt["result"]["messages"][0]["content"]["text"], "start fourhands first");
        let reference = json!({"ref": {"type": "ref/resource", "uri": "fourhands://variable/{name}"}, "argument": {"name": "name", "value": ""}});
        let completed = ask(&mut client, "completion/complete", reference).await;
        assert_eq!(completed["result"]["completion"]["values"], json!([]));
        if era == Era::Legacy {
            let subscribed = ask(&mut client, "resources/subscribe", json!({"uri": "fourhands://session"})).await;
            assert_eq!(subscribed["result"], json!({}));
            let level = ask(&mut client, "logging/setLevel", json!({"level": "info"})).await;
            assert_eq!(level["result"], json!({}));
        }
    }
}
