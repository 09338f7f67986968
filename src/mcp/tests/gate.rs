//! The gate: code that waits for the person, and what clients are told of the decisions.

use serde_json::{Value, json};

use super::support::{Client, ERAS, Era, Rig, text};
use crate::domain::{Author, GateChange, GateMode, SafePoint, SnippetId, Transcript, Unattended, Verdict};
use crate::session::{RunOptions, Startup};

fn asking() -> Rig {
    let rig = Rig::new();
    rig.session.dashboard_opened();
    rig.session.change_gate(GateChange::All(GateMode::Ask));
    rig
}

/// Sends code that waits, and returns the call.
async fn sends(rig: &Rig, client: &mut Client, code: &str, snippet: u32) -> i64 {
    let call = client.start("run_python_code", json!({"code": code})).await;
    rig.until("the snippet waits", |transcript| is_pending(transcript, snippet)).await;
    call
}

fn is_pending(transcript: &Transcript, snippet: u32) -> bool {
    transcript.snippet(SnippetId(snippet)).is_some_and(crate::domain::Snippet::is_pending)
}

async fn decides(rig: &Rig, snippet: u32, verdict: Verdict) {
    rig.session.decide(SnippetId(snippet), verdict).await.unwrap();
}

fn status(result: &Value) -> &str {
    result["structuredContent"]["status"].as_str().unwrap()
}

#[tokio::test]
async fn code_runs_only_when_the_person_allows_it() {
    for era in ERAS {
        let rig = asking();
        let mut client = rig.client(era, "tester").await;
        let call = sends(&rig, &mut client, "echo hi", 1).await;
        let ticket = rig.session.submit(Author::You, "echo mine".into(), RunOptions::default()).await.unwrap();
        assert_eq!(ticket.id, SnippetId(2));
        rig.ended(2).await;
        assert!(is_pending(&rig.transcript().await, 1), "everything else goes on");
        decides(&rig, 1, Verdict::Run(None)).await;
        let result = client.result(call).await;
        let report = &result["structuredContent"];
        assert_eq!((status(&result), report["stdout"].as_str()), ("ok", Some("hi\n")), "{result}");
        assert_eq!(report["review"]["decision"], "allowed", "{result}");
        assert!(text(&result).contains("The person allowed this code; it waited "), "{result}");
        for (snippet, why) in [
            (1, "snippet 1 no longer waits for you"),
            (2, "snippet 2 did not wait for you"),
            (99, "there is no snippet 99"),
        ] {
            let refused = rig.session.decide(SnippetId(snippet), Verdict::Reject(None)).await;
            assert_eq!(refused.unwrap_err().to_string(), why, "a decision holds");
        }
    }
}

#[tokio::test]
async fn a_rejection_and_an_edit_are_told_with_reason_and_diff() {
    let rig = asking();
    let mut client = rig.client(Era::Modern, "tester").await;
    let call = sends(&rig, &mut client, "echo secret", 1).await;
    decides(&rig, 1, Verdict::Reject(Some("use the small table".into()))).await;
    let result = client.result(call).await;
    let review = &result["structuredContent"]["review"];
    assert_eq!((status(&result), result["isError"].as_bool()), ("rejected", Some(true)), "{result}");
    assert_eq!((&review["decision"], &review["reason"]), (&json!("rejected"), &json!("use the small table")));
    for part in ["[snippet 1: rejected by the person]", "nothing was run. Reason: use the small table"] {
        assert!(text(&result).contains(part), "{part}: {result}");
    }
    assert!(rig.transcript().await.snippet(SnippetId(1)).unwrap().started_at.is_none());

    let call = sends(&rig, &mut client, "echo one", 2).await;
    decides(&rig, 2, Verdict::Run(Some("echo two".into()))).await;
    let result = client.result(call).await;
    let report = &result["structuredContent"];
    assert_eq!((report["stdout"].as_str(), &report["review"]["decision"]), (Some("two\n"), &json!("edited")));
    assert!(text(&result).contains("-echo one\n+echo two"), "{result}");
    assert_eq!(&*rig.transcript().await.snippet(SnippetId(2)).unwrap().code, "echo two");
    let history = client.call("session_history", json!({})).await;
    assert!(text(&history).contains("rejected by the person; nothing was run"), "{history}");
}

#[tokio::test]
async fn the_end_of_the_wait_is_not_the_end_of_the_question() {
    let rig = asking();
    let mut client = rig.client(Era::Legacy, "tester").await;
    let result = client.call("run_python_code", json!({"code": "echo hi", "wait_s": 0})).await;
    assert_eq!(
        (status(&result), &result["structuredContent"]["review"]["decision"]),
        ("waiting_for_person", &json!("waiting"))
    );
    assert!(text(&result).contains("the question stays open"), "{result}");
    let call = client.start("wait_for_snippet", json!({"snippet": 1})).await;
    decides(&rig, 1, Verdict::Run(None)).await;
    assert_eq!(status(&client.result(call).await), "ok");
    // The client takes its code back.
    client.call("run_python_code", json!({"code": "echo 2", "wait_s": 0})).await;
    client.call("interrupt_snippet", json!({"snippet": 2})).await;
    let result = client.call("wait_for_snippet", json!({"snippet": 2})).await;
    assert_eq!(status(&result), "cancelled", "{result}");
    // A rejection reaches the client with its next result, whichever that is, and stands in the next digest.
    client.call("run_python_code", json!({"code": "echo 3", "wait_s": 0})).await;
    decides(&rig, 3, Verdict::Reject(Some("not now".into()))).await;
    let told = "snippet 3 by you: rejected by the person (not now); nothing was run: echo 3";
    let listed = client.call("list_defined_variables", json!({})).await;
    assert!(listed.to_string().contains(told), "{listed}");
    let listed = client.call("list_defined_variables", json!({})).await;
    assert!(!listed.to_string().contains("rejected"), "once: {listed}");
    rig.session.change_gate(GateChange::All(GateMode::Watch));
    let since = client.run("echo 4").await["structuredContent"]["since_your_last_call"].clone();
    let event = &since["events"][0];
    assert_eq!((&event["text"], &event["status"]), (&json!(told), &json!("rejected")), "{since}");
    assert!(rig.transcript().await.pending().next().is_none());
}

#[tokio::test]
async fn always_is_for_a_client_or_for_one_code() {
    let rig = asking();
    let mut claude = rig.client(Era::Modern, "claude").await;
    let mut cursor = rig.client(Era::Modern, "cursor").await;
    let first = sends(&rig, &mut claude, "echo 1", 1).await;
    let second = sends(&rig, &mut claude, "echo 2", 2).await;
    let other = sends(&rig, &mut cursor, "echo 3", 3).await;
    decides(&rig, 1, Verdict::AlwaysRunClient).await;
    assert_eq!((status(&claude.result(first).await), status(&claude.result(second).await)), ("ok", "ok"));
    assert_eq!(status(&claude.run("echo 4").await), "ok", "it is not asked about any more");
    assert!(is_pending(&rig.transcript().await, 3), "others are");
    decides(&rig, 3, Verdict::AlwaysRunCode).await;
    assert_eq!(status(&cursor.result(other).await), "ok");
    assert_eq!(status(&cursor.run("echo 3").await), "ok");
    let different = sends(&rig, &mut cursor, "echo 3 ", 6).await;
    decides(&rig, 6, Verdict::Reject(None)).await;
    assert_eq!(status(&cursor.result(different).await), "rejected");
}

#[tokio::test]
async fn snippets_of_a_client_stay_in_their_order() {
    let rig = asking();
    let mut client = rig.client(Era::Modern, "tester").await;
    let first = sends(&rig, &mut client, "set a", 1).await;
    let second = sends(&rig, &mut client, "echo a", 2).await;
    decides(&rig, 2, Verdict::Run(None)).await;
    assert!(rig.transcript().await.snippet(SnippetId(2)).unwrap().started_at.is_none(), "it waits for the first");
    decides(&rig, 1, Verdict::Run(None)).await;
    assert_eq!(status(&client.result(first).await), "ok");
    assert_eq!(status(&client.result(second).await), "ok");
}

#[tokio::test]
async fn held_code_waits_without_a_question_and_never_runs_by_itself() {
    let rig = asking();
    let mut client = rig.client(Era::Modern, "tester").await;
    rig.session.change_gate(GateChange::All(GateMode::Hold));
    let call = sends(&rig, &mut client, "echo hi", 1).await;
    let is_held = |transcript: &Transcript| transcript.pending().next().unwrap().review.as_ref().unwrap().is_held;
    assert!(is_held(&rig.transcript().await));
    rig.session.change_gate(GateChange::All(GateMode::Watch));
    rig.until("the person is asked", |transcript| !is_held(transcript)).await;
    decides(&rig, 1, Verdict::Run(None)).await;
    assert_eq!(status(&client.result(call).await), "ok");
}

#[tokio::test]
async fn a_change_of_the_gate_is_told_with_the_next_result() {
    let rig = Rig::new();
    rig.session.dashboard_opened();
    let mut client = rig.client(Era::Modern, "tester").await;
    client.run("echo 1").await;
    rig.session.change_gate(GateChange::Client("somebody else".into(), Some(GateMode::Hold)));
    let result = client.run("echo 2").await;
    assert_eq!(result["structuredContent"]["since_your_last_call"], Value::Null, "not its own: {result}");
    rig.session.change_gate(GateChange::Client("tester".into(), Some(GateMode::Ask)));
    let call = sends(&rig, &mut client, "echo 3", 3).await;
    decides(&rig, 3, Verdict::Run(None)).await;
    let result = client.result(call).await;
    let event = &result["structuredContent"]["since_your_last_call"]["events"][0];
    assert_eq!(event["kind"], "gate", "{result}");
    assert!(event["text"].as_str().unwrap().starts_with("the person decides from now on"), "{result}");
}

#[tokio::test]
async fn a_client_whose_code_waits_neither_answers_prompts_nor_resets() {
    let rig = asking();
    let mut client = rig.client(Era::Modern, "tester").await;
    rig.session.submit(Author::You, "ask Name? ".into(), RunOptions::default()).await.unwrap();
    rig.until("the prompt", |transcript| transcript.running().is_some_and(|running| running.input.is_some())).await;
    let result = client.call("answer_input", json!({"snippet": 1, "text": "__import__('os')"})).await;
    assert!(text(&result).contains("only they answer prompts") && result["isError"] == true, "{result}");
    let result = client.call("reset_python_environment", json!({})).await;
    assert!(text(&result).contains("Nothing was reset") && result["isError"] == true, "{result}");
}

#[tokio::test]
async fn without_a_dashboard_a_setting_decides() {
    for (unattended, expected) in [(Unattended::Allow, "ok"), (Unattended::Deny, "rejected")] {
        let rig = Rig::starting(Startup {
            gate: Some(crate::domain::Gate::new(GateMode::Ask)),
            unattended,
            ..Startup::default()
        });
        let mut client = rig.client(Era::Modern, "tester").await;
        let result = client.run("echo hi").await;
        assert_eq!(status(&result), expected, "{result}");
        if unattended == Unattended::Deny {
            assert!(text(&result).contains("no dashboard is open"), "{result}");
        }
    }
}

#[tokio::test]
async fn what_waits_at_the_end_is_cancelled_and_told() {
    let rig = asking();
    let mut client = rig.client(Era::Modern, "tester").await;
    let call = sends(&rig, &mut client, "echo hi", 1).await;
    rig.session.quit();
    let result = client.result(call).await;
    assert_eq!(status(&result), "cancelled", "{result}");
    assert!(text(&result).contains("cancelled by the end of the session"), "{result}");
}

#[tokio::test]
async fn a_view_that_runs_code_is_no_way_around_the_gate() {
    for era in ERAS {
        let rig = asking();
        let mut client = rig.client(era, "tester").await;
        for (name, what) in [("x", "repr"), ("x.p", "overview"), ("x[0]", "items")] {
            let refused = client.call("inspect_variable", json!({"name": name, "what": what})).await;
            assert!(refused["isError"] == true && text(&refused).contains("gate"), "{name} {what}: {refused}");
        }
        let shown = client.call("inspect_variable", json!({"name": "x"})).await;
        assert_eq!(shown["isError"], false, "{shown}");
        let read = client.request("resources/read", json!({"uri": "fourhands://variable/x.p"})).await;
        assert!(client.answer(read).await["error"]["message"].as_str().unwrap().contains("gate"));
        rig.session.change_gate(GateChange::All(GateMode::Watch));
        let shown = client.call("inspect_variable", json!({"name": "x", "what": "repr"})).await;
        assert_eq!(shown["isError"], false, "{shown}");
    }
}

/// A session in which two snippets ran, with a safe point between them.
async fn with_safe_point() -> (Rig, Client) {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "tester").await;
    client.run("set x").await;
    client.run("set y").await;
    let point = SafePoint { since: SnippetId(1), snippet: SnippetId(1) };
    rig.session.set_safe_points([point].into()).await.unwrap();
    (rig, client)
}

#[tokio::test]
async fn a_rewind_by_a_client_needs_the_person_in_any_mode() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "tester").await;
    let result = client.call("rewind_session", json!({})).await;
    assert!(text(&result).contains("There is no safe point to go back to."), "{result}");
    assert_eq!(rig.transcript().await.entries().len(), 0, "nobody is asked in vain");

    let (rig, mut client) = with_safe_point().await;
    let result = client.call("rewind_session", json!({"before": 2})).await;
    assert!(text(&result).contains("only the person can allow a rewind, and there is no dashboard"), "{result}");
    rig.session.dashboard_opened();
    let call = client.start("rewind_session", json!({})).await;
    rig.until("the question", |transcript| is_pending(transcript, 4)).await;
    let asked = rig.snippet(4).await;
    assert_eq!((&*asked.code, asked.title.is_some()), ("%rewind 2", true));
    decides(&rig, 4, Verdict::Reject(Some("no".into()))).await;
    let result = client.result(call).await;
    assert!(text(&result).contains("did not agree. Nothing was taken back. Reason: no."), "{result}");
    assert!(!rig.session.is_restarting());

    let call = client.start("rewind_session", json!({"before": 2})).await;
    rig.until("the question", |transcript| is_pending(transcript, 5)).await;
    decides(&rig, 5, Verdict::Run(None)).await;
    let result = client.result(call).await;
    assert_eq!(result["structuredContent"]["done"], true, "{result}");
    assert!(text(&result).contains("What snippet 2 did to variables is taken back."), "{result}");
    assert!(rig.session.is_restarting());
}

#[tokio::test]
async fn the_person_rewinds_by_a_line() {
    let (rig, _client) = with_safe_point().await;
    for (line, expected) in
        [("%rewind 1", "There is no safe point right before snippet 1."), ("%rewind all", "%rewind 12")]
    {
        let ticket = rig.session.submit(Author::You, line.into(), RunOptions::default()).await.unwrap();
        let ended = ticket.done.await.unwrap();
        let error = ended.outcome.as_ref().unwrap().error.as_ref().unwrap();
        assert!(error.message.contains(expected), "{error:?}");
    }
    let ticket = rig.session.submit(Author::You, "%rewind".into(), RunOptions::default()).await.unwrap();
    let ended = ticket.done.await.unwrap();
    assert!(ended.output.text(None).starts_with("Python goes back to before snippet 2."), "{:?}", ended.output);
    assert!(rig.session.is_restarting());
}
