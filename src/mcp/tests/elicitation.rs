//! Asking the client's own user before a reset destroys what others made.

use serde_json::{Value, json};

use super::support::{Client, ERAS, Era, PATIENCE, Rig, text, variable};
use crate::domain::{Author, Entry, SnippetId, Variable, VariableKind};
use crate::session::RunOptions;

fn made_by(snippet: u32, name: &str, kind: VariableKind) -> Variable {
    Variable { set_by: Some(SnippetId(snippet)), ..variable(name, kind, "1") }
}

/// The person has made `df`; the client `own`.
async fn shared(era: Era, capabilities: Value) -> (Rig, Client) {
    let rig = Rig::new();
    let ticket = rig.session.submit(Author::You, "set df".into(), RunOptions::default()).await.unwrap();
    rig.ended(ticket.id.0).await;
    let client = declaring(&rig, era, "tester", capabilities).await;
    (rig, client)
}

async fn declaring(rig: &Rig, era: Era, name: &str, capabilities: Value) -> Client {
    let mut client = rig.connect(era);
    client.capabilities = capabilities;
    client.introduce(name).await;
    client
}

async fn with_variables(rig: &Rig, client: &mut Client) {
    client.run("set own").await;
    rig.defines(vec![
        made_by(1, "df", VariableKind::Data),
        made_by(1, "np", VariableKind::Module),
        made_by(2, "own", VariableKind::Data),
    ]);
    rig.until("the variables", |transcript| transcript.variables().rows.len() == 3).await;
}

async fn resets(rig: &Rig) -> usize {
    let transcript = rig.transcript().await;
    transcript.entries().iter().filter(|entry| matches!(entry, Entry::Reset { .. })).count()
}

/// The question that a reset is answered by, and the id to answer it by.
async fn question(client: &mut Client, era: Era, call: i64) -> (Value, Value) {
    if era == Era::Modern {
        let result = client.result(call).await;
        assert_eq!(result["resultType"], "input_required", "{result}");
        let asked = &result["inputRequests"]["confirm"];
        assert_eq!(asked["method"], "elicitation/create", "{result}");
        return (asked["params"].clone(), Value::Null);
    }
    let asked = client.message().await;
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    (asked["params"].clone(), asked["id"].clone())
}

/// Resets, answers the question, and tells what was asked and the result.
async fn reset(client: &mut Client, era: Era, answer: Value) -> (Value, Value) {
    let call = client.start("reset_python_environment", json!({})).await;
    let (asked, id) = question(client, era, call).await;
    let call = if era == Era::Modern {
        let params =
            json!({"name": "reset_python_environment", "arguments": {}, "inputResponses": {"confirm": answer}});
        client.request("tools/call", params).await
    } else {
        // Nobody waits for the user of another.
        let other = client.run("echo meanwhile").await;
        assert_eq!(other["structuredContent"]["status"], "ok", "{other}");
        client.line(&json!({"jsonrpc": "2.0", "id": id, "result": answer}).to_string()).await;
        call
    };
    (asked, client.result(call).await)
}

#[tokio::test]
async fn a_reset_that_costs_others_something_is_confirmed_first() {
    for era in ERAS {
        for capabilities in [json!({"elicitation": {}}), json!({"elicitation": {"form": {}, "url": {}}})] {
            let (rig, mut client) = shared(era, capabilities).await;
            with_variables(&rig, &mut client).await;
            for refusal in [json!({"action": "decline"}), json!({"action": "cancel"})] {
                let (asked, result) = reset(&mut client, era, refusal).await;
                let message = "Reset the shared Python session? It clears what others made: df by the person at the \
                    dashboard.";
                assert_eq!(asked["message"], message);
                assert_eq!(asked["requestedSchema"], json!({"type": "object", "properties": {}}), "nothing to fill in");
                assert!(result["isError"] == true && text(&result).ends_with("so nothing was reset."), "{result}");
                assert_eq!(resets(&rig).await, 0);
            }
            let (_, result) = reset(&mut client, era, json!({"action": "accept", "content": {}})).await;
            assert!(text(&result).starts_with("Python environment has been reset."), "{result}");
            assert_eq!((&result["structuredContent"]["done"], resets(&rig).await), (&json!(true), 1));
            let ran_between = result["content"].as_array().unwrap().len() == 2;
            assert_eq!(ran_between, era == Era::Legacy, "what ran before the reset after all is told: {result}");
        }
    }
}

#[tokio::test]
async fn what_others_run_is_named_too() {
    for era in ERAS {
        let rig = Rig::new();
        let mut earlier = rig.client(Era::Legacy, "tester").await;
        earlier.run("set a").await;
        drop(earlier);
        rig.until("it has left", |transcript| transcript.clients().is_empty()).await;
        let mut client = declaring(&rig, era, "tester", json!({"elicitation": {}})).await;
        let mut cursor = rig.client(Era::Legacy, "cursor").await;
        rig.defines((1..9).map(|n| made_by(1, &format!("a{n}"), VariableKind::Data)).collect());
        for code in ["sleep", "echo 1", "echo 2"] {
            cursor.call("run_python_code", json!({"code": code, "wait_s": 0})).await;
        }
        let call = client.start("reset_python_environment", json!({"mode": "namespace"})).await;
        let (asked, _) = question(&mut client, era, call).await;
        let expected = "Reset the shared Python session? It clears what others made: a1, a2, a3, a4, a5 and 3 more by \
            an earlier \"tester\". Snippet 2 by \"cursor\" is running: what it makes is cleared at its end. In the queue by others: 2 \
            snippets, which run first, and what they make is cleared.";
        assert_eq!(asked["message"], expected);
        let call = client.start("reset_python_environment", json!({"mode": "restart"})).await;
        let (asked, _) = question(&mut client, era, call).await;
        let message = asked["message"].as_str().unwrap();
        assert!(message.starts_with("Restart Python in the shared Python session? It clears"), "{message}");
        assert!(message.ends_with("it is interrupted. In the queue by others: 2 snippets, which will not run."));
    }
}

#[tokio::test]
async fn nobody_needs_to_be_able_to_ask() {
    for era in ERAS {
        for capabilities in [json!({}), json!({"elicitation": {"url": {}}})] {
            let (rig, mut client) = shared(era, capabilities).await;
            with_variables(&rig, &mut client).await;
            let result = client.call("reset_python_environment", json!({})).await;
            assert_eq!((&result["structuredContent"]["done"], resets(&rig).await), (&json!(true), 1), "{result}");
        }
        // An answer that says nothing.
        for answer in [json!({"action": "maybe"}), json!({}), json!({"action": 7})] {
            let (rig, mut client) = shared(era, json!({"elicitation": {}})).await;
            with_variables(&rig, &mut client).await;
            let (_, result) = reset(&mut client, era, answer).await;
            assert_eq!((&result["structuredContent"]["done"], resets(&rig).await), (&json!(true), 1), "{result}");
        }
        // Nothing to lose but one's own.
        let (rig, mut client) = shared(era, json!({"elicitation": {}})).await;
        client.run("set own").await;
        rig.defines(vec![
            made_by(1, "np", VariableKind::Module),
            made_by(2, "own", VariableKind::Data),
            variable("x", VariableKind::Data, "1"),
        ]);
        let ids = [
            client.start("reset_python_environment", json!({})).await,
            client.start("run_python_code", json!({"code": "echo after"})).await,
        ];
        assert_eq!(client.result(ids[0]).await["structuredContent"]["done"], true);
        client.result(ids[1]).await;
        let transcript = rig.transcript().await;
        let order: Vec<bool> = transcript.entries().iter().map(|entry| matches!(entry, Entry::Reset { .. })).collect();
        assert_eq!(order, [false, false, true, false], "pipelined calls keep their order");
    }
    let (rig, mut client) = shared(Era::Legacy, json!({"elicitation": {}})).await;
    with_variables(&rig, &mut client).await;
    let call = client.start("reset_python_environment", json!({})).await;
    let (_, id) = question(&mut client, Era::Legacy, call).await;
    let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}});
    client.line(&error.to_string()).await;
    assert_eq!(client.result(call).await["structuredContent"]["done"], true);
}

#[tokio::test]
async fn whoever_leaves_or_gives_up_resets_nothing() {
    let (rig, mut client) = shared(Era::Legacy, json!({"elicitation": {}})).await;
    with_variables(&rig, &mut client).await;
    let call = client.start("reset_python_environment", json!({})).await;
    let (_, id) = question(&mut client, Era::Legacy, call).await;
    client.cancel(call).await;
    let told = client.message().await;
    assert_eq!((&told["method"], &told["params"]["requestId"]), (&json!("notifications/cancelled"), &id), "{told}");
    // A late answer is for nobody.
    client.line(&json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept"}}).to_string()).await;
    client.run("echo").await;
    let call = client.start("reset_python_environment", json!({})).await;
    question(&mut client, Era::Legacy, call).await;
    drop(client);
    let left = rig.until("nobody is there", |transcript| transcript.clients().is_empty());
    tokio::time::timeout(PATIENCE, left).await.unwrap();
    assert_eq!(resets(&rig).await, 0);
}
