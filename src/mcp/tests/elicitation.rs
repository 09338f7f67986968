//! Confirmation of a reset by the user of the client.

use serde_json::{Value, json};

use super::support::{Client, ERAS, Era, Rig, TEST_TIMEOUT, text, variable};
use crate::domain::{Author, Entry, SnippetId, Variable, VariableKind};
use crate::session::RunOptions;

fn made_by(snippet: u32, name: &str, kind: VariableKind) -> Variable {
    Variable { set_by: Some(SnippetId(snippet)), ..variable(name, kind, "1") }
}

/// The person has defined `df`, and the client `own`.
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

/// The question in response to a reset, and the id for the answer.
async fn question(client: &mut Client, era: Era, call: i64) -> (Value, Value) {
    if era == Era::Modern {
        let result = client.result(call).await;
        assert_eq!(result["resultType"], "input_required", "{result}");
        let request = &result["inputRequests"]["confirm"];
        assert_eq!(request["method"], "elicitation/create", "{result}");
        return (request["params"].clone(), Value::Null);
    }
    let request = client.message().await;
    assert_eq!(request["method"], "elicitation/create", "{request}");
    (request["params"].clone(), request["id"].clone())
}

/// Calls reset and answers the question. Returns the question and the result.
async fn reset(client: &mut Client, era: Era, answer: Value) -> (Value, Value) {
    let call = client.start("reset_python_environment", json!({})).await;
    let (request, id) = question(client, era, call).await;
    let call = if era == Era::Modern {
        let params =
            json!({"name": "reset_python_environment", "arguments": {}, "inputResponses": {"confirm": answer}});
        client.request("tools/call", params).await
    } else {
        // Calls of others do not wait for the answer.
        let other = client.run("echo meanwhile").await;
        assert_eq!(other["structuredContent"]["status"], "ok", "{other}");
        client.line(&json!({"jsonrpc": "2.0", "id": id, "result": answer}).to_string()).await;
        call
    };
    (request, client.result(call).await)
}

#[tokio::test]
async fn a_reset_that_costs_others_something_is_confirmed_first() {
    for era in ERAS {
        for capabilities in [json!({"elicitation": {}}), json!({"elicitation": {"form": {}, "url": {}}})] {
            let (rig, mut client) = shared(era, capabilities).await;
            with_variables(&rig, &mut client).await;
            for refusal in [json!({"action": "decline"}), json!({"action": "cancel"})] {
                let (request, result) = reset(&mut client, era, refusal).await;
                let message = "Reset the shared Python session? It deletes variables of others: df by the person at the \
                    dashboard.";
                assert_eq!(request["message"], message);
                assert_eq!(
                    request["requestedSchema"],
                    json!({"type": "object", "properties": {}}),
                    "nothing to fill in"
                );
                assert!(result["isError"] == true && text(&result).ends_with("so nothing was reset."), "{result}");
                assert_eq!(resets(&rig).await, 0);
            }
            let (_, result) = reset(&mut client, era, json!({"action": "accept", "content": {}})).await;
            assert!(text(&result).starts_with("Python environment has been reset."), "{result}");
            assert_eq!((&result["structuredContent"]["done"], resets(&rig).await), (&json!(true), 1));
            let ran_between = result["content"].as_array().unwrap().len() == 2;
            assert_eq!(ran_between, era == Era::Legacy, "code that ran before the reset is reported: {result}");
        }
    }
}

#[tokio::test]
async fn the_question_names_snippets_of_others() {
    for era in ERAS {
        let rig = Rig::new();
        let mut earlier = rig.client(Era::Legacy, "claude").await;
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
        let (request, _) = question(&mut client, era, call).await;
        let expected = "Reset the shared Python session? It deletes variables of others: a1, a2, a3, a4, a5 and 3 more by \
            \"claude\". Snippet 2 by \"cursor\" is running: its variables are cleared when it ends. Queued \
            by others: 2 snippets, which run first; their variables are then cleared.";
        assert_eq!(request["message"], expected);
        let call = client.start("reset_python_environment", json!({"mode": "restart"})).await;
        let (request, _) = question(&mut client, era, call).await;
        let message = request["message"].as_str().unwrap();
        assert!(message.starts_with("Restart Python in the shared Python session? It deletes"), "{message}");
        assert!(message.ends_with("it is interrupted. Queued by others: 2 snippets, which will not run."));
    }
}

#[tokio::test]
async fn a_reset_needs_no_confirmation_if_the_client_cannot_ask() {
    for era in ERAS {
        for capabilities in [json!({}), json!({"elicitation": {"url": {}}})] {
            let (rig, mut client) = shared(era, capabilities).await;
            with_variables(&rig, &mut client).await;
            let result = client.call("reset_python_environment", json!({})).await;
            assert_eq!((&result["structuredContent"]["done"], resets(&rig).await), (&json!(true), 1), "{result}");
        }
        // An answer that is neither yes nor no.
        for answer in [json!({"action": "maybe"}), json!({}), json!({"action": 7})] {
            let (rig, mut client) = shared(era, json!({"elicitation": {}})).await;
            with_variables(&rig, &mut client).await;
            let (_, result) = reset(&mut client, era, answer).await;
            assert_eq!((&result["structuredContent"]["done"], resets(&rig).await), (&json!(true), 1), "{result}");
        }
        // Only names of the client itself would be lost.
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
async fn a_client_that_leaves_or_cancels_resets_nothing() {
    let (rig, mut client) = shared(Era::Legacy, json!({"elicitation": {}})).await;
    with_variables(&rig, &mut client).await;
    let call = client.start("reset_python_environment", json!({})).await;
    let (_, id) = question(&mut client, Era::Legacy, call).await;
    client.cancel(call).await;
    let cancelled = client.message().await;
    assert_eq!(
        (&cancelled["method"], &cancelled["params"]["requestId"]),
        (&json!("notifications/cancelled"), &id),
        "{cancelled}"
    );
    // A late answer has no effect.
    client.line(&json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept"}}).to_string()).await;
    client.run("echo").await;
    let call = client.start("reset_python_environment", json!({})).await;
    question(&mut client, Era::Legacy, call).await;
    drop(client);
    let left = rig.until("nobody is there", |transcript| transcript.clients().is_empty());
    tokio::time::timeout(TEST_TIMEOUT, left).await.unwrap();
    assert_eq!(resets(&rig).await, 0);
}
