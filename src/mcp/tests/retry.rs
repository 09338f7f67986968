//! Retries of calls without an answer, as a bridge sends them.

use serde_json::{Value, json};

use super::support::{Client, Era, Rig, text};
use crate::domain::CallId;

/// The session process of [`Rig`].
const PROCESS: u32 = 1;

fn name(number: u64) -> String {
    CallId { bridge: 5, number }.to_string()
}

fn request(id: &Value, method: &str, tool: &str, arguments: Value, more: Value) -> String {
    let mut params = more;
    params["name"] = tool.into();
    params["arguments"] = arguments;
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

async fn send(client: &mut Client, number: u64, tool: &str, arguments: Value) {
    client.line(&request(&name(number).into(), "tools/call", tool, arguments, json!({}))).await;
}

async fn ask(client: &mut Client, number: u64, tool: &str, arguments: Value, more: Value) {
    client.line(&request(&name(number).into(), "fourhands/again", tool, arguments, more)).await;
}

async fn answer(client: &mut Client, id: impl Into<Value>) -> Value {
    let id = id.into();
    loop {
        let message = client.message().await;
        if message["id"] == id {
            return message["result"].clone();
        }
    }
}

async fn retry(client: &mut Client, number: u64, tool: &str, arguments: Value, more: Value) -> Value {
    ask(client, number, tool, arguments, more).await;
    answer(client, name(number)).await
}

fn here() -> Value {
    json!({"fourhands/sent_to": {"process": PROCESS}})
}

#[tokio::test]
async fn a_call_that_is_sent_several_times_runs_once() {
    let rig = Rig::new();
    let (mut one, mut two) = (rig.client(Era::Legacy, "one").await, rig.client(Era::Legacy, "two").await);
    send(&mut one, 1, "run_python_code", json!({"code": "sleep"})).await;
    rig.until("it runs", |t| t.running().is_some()).await;
    // The same call comes by a second connection, and by the retry of a bridge.
    send(&mut two, 1, "run_python_code", json!({"code": "sleep"})).await;
    let mut three = rig.client(Era::Legacy, "three").await;
    ask(&mut three, 1, "run_python_code", json!({"code": "sleep"}), here()).await;
    rig.release(1);
    for client in [&mut one, &mut two, &mut three] {
        let result = answer(client, name(1)).await;
        assert_eq!(
            (&result["structuredContent"]["snippet"], &result["isError"]),
            (&json!(1), &json!(false)),
            "{result}"
        );
    }
    let result = retry(&mut two, 1, "run_python_code", json!({"code": "sleep"}), json!({})).await;
    assert_eq!(result["structuredContent"]["status"], "ok", "{result}");
    // A call that was not received is carried out now, once.
    for _ in 0..2 {
        let result = retry(&mut two, 2, "run_python_code", json!({"code": "echo now"}), here()).await;
        assert_eq!(result["structuredContent"]["stdout"], "now\n", "{result}");
    }
    assert_eq!(rig.transcript().await.entries().len(), 2);
}

#[tokio::test]
async fn a_call_of_unknown_state_is_not_run_and_not_said_to_be_repeatable() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "one").await;
    let elsewhere = json!({"fourhands/sent_to": {"session": "0123456789abcdef0123", "process": 2}});
    // Calls to another session, to an unknown one, and calls without a name.
    for (id, more) in [
        (json!(name(1)), elsewhere.clone()),
        (json!(name(2)), json!({})),
        (json!(7), json!({"fourhands/sent": 5})),
        (json!("seven"), here()),
    ] {
        let arguments = json!({"code": "echo x"});
        client.line(&request(&id, "fourhands/again", "run_python_code", arguments, more)).await;
        let result = answer(&mut client, id).await;
        assert_eq!(result["isError"], true);
        assert!(text(&result).contains("is unknown") && !text(&result).contains("may be repeated"), "{result}");
    }
    let arguments = json!({"snippet": 1, "text": "x"});
    let result = retry(&mut client, 3, "answer_input", arguments, elsewhere.clone()).await;
    assert!(text(&result).contains("It is unknown whether the line was entered"), "{result}");
    assert!(rig.transcript().await.entries().is_empty());
    // These may be repeated in any state.
    let result = retry(&mut client, 4, "list_defined_variables", json!({}), elsewhere.clone()).await;
    assert_eq!(result["isError"], false, "{result}");
    let result = retry(&mut client, 5, "reset_python_environment", json!({}), elsewhere).await;
    assert!(text(&result).contains("nothing is left to reset"), "{result}");
}

#[tokio::test]
async fn a_line_of_input_is_entered_once() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "one").await;
    for snippet in [1, 2] {
        let asks = client.run("ask name? ").await;
        assert_eq!(asks["structuredContent"]["snippet"], snippet, "{asks}");
        let arguments = json!({"snippet": snippet, "text": "x"});
        if snippet == 1 {
            send(&mut client, 1, "answer_input", arguments.clone()).await;
            assert_eq!(answer(&mut client, name(1)).await["structuredContent"]["status"], "ok");
            continue;
        }
        // The second request for input must not get the answer to the first.
        let result = retry(&mut client, 1, "answer_input", arguments.clone(), here()).await;
        assert!(text(&result).contains("had started"), "{result}");
        send(&mut client, 1, "answer_input", arguments.clone()).await;
        let result = answer(&mut client, name(1)).await;
        assert!(text(&result).contains("already received"), "{result}");
        assert!(rig.snippet(2).await.input.is_some());
        // A line that was not received is entered now.
        let result = retry(&mut client, 2, "answer_input", arguments, here()).await;
        assert_eq!(result["structuredContent"]["status"], "ok", "{result}");
    }
}

#[tokio::test]
async fn a_reset_is_done_once() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "one").await;
    send(&mut client, 1, "reset_python_environment", json!({})).await;
    assert_eq!(answer(&mut client, name(1)).await["structuredContent"]["done"], true);
    client.run("set x").await;
    let result = retry(&mut client, 1, "reset_python_environment", json!({}), here()).await;
    assert!(text(&result).contains("had started"), "{result}");
    let result = retry(&mut client, 2, "reset_python_environment", json!({}), here()).await;
    assert_eq!(result["structuredContent"]["done"], true, "{result}");
    let resets = |entry: &&crate::domain::Entry| matches!(entry, crate::domain::Entry::Reset { .. });
    assert_eq!(rig.transcript().await.entries().iter().filter(resets).count(), 2);
}

#[tokio::test]
async fn a_call_without_its_arguments_is_sent_again_only_if_it_has_not_begun() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "one").await;
    send(&mut client, 1, "run_python_code", json!({"code": "echo long"})).await;
    answer(&mut client, name(1)).await;
    let mut cut = here();
    cut["fourhands/kept"] = false.into();
    for (number, expected) in [(1, "long\n"), (2, "")] {
        let result = retry(&mut client, number, "run_python_code", Value::Null, cut.clone()).await;
        match expected {
            "" => assert!(
                text(&result).contains("Nothing was run") && text(&result).contains("send it again"),
                "{result}"
            ),
            out => assert_eq!(result["structuredContent"]["stdout"], out, "{result}"),
        }
    }
}

#[tokio::test]
async fn a_session_that_ends_says_how_far_each_call_came() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "one").await;
    send(&mut client, 1, "run_python_code", json!({"code": "stubborn"})).await;
    rig.until("it runs", |t| t.running().is_some_and(|snippet| !snippet.output.is_empty())).await;
    send(&mut client, 2, "run_python_code", json!({"code": "echo x"})).await;
    rig.until("it waits", |t| t.queue().len() == 1).await;
    rig.session.quit();
    let queued = answer(&mut client, name(2)).await["structuredContent"].clone();
    assert_eq!((&queued["status"], &queued["stopped_by"]), (&json!("cancelled"), &json!("the end of the session")));
    let ran = answer(&mut client, name(1)).await["structuredContent"].clone();
    assert_eq!((&ran["status"], &ran["stdout"]), (&json!("interrupted"), &json!("started\n")), "{ran}");
    send(&mut client, 3, "run_python_code", json!({"code": "echo x"})).await;
    let late = answer(&mut client, name(3)).await;
    assert!(text(&late).contains("Nothing was run, so this call may be repeated"), "{late}");
    let late = retry(&mut client, 4, "run_python_code", json!({"code": "echo x"}), here()).await;
    assert!(text(&late).contains("is unknown"), "nobody is there to say it: {late}");
}
