//! Running code: results, waiting, cancelling, progress.

use serde_json::{Value, json};

use super::support::{ERAS, Era, Rig, connect_from, text};
use crate::domain::{Author, Status};
use crate::session::RunOptions;

#[tokio::test]
async fn a_result_is_complete_as_text_and_as_structured_content() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let result = client.run("value 2").await;
        assert_eq!(text(&result), "Result: 2\n\n[snippet 1: ok, return code 0, 12 ms]");
        assert_eq!(result["isError"], false);
        let structured = &result["structuredContent"];
        let expected = json!({
            "snippet": 1, "status": "ok", "returncode": 0, "stdout": "", "stderr": "", "result": "2", "error": null,
            "elapsed_s": 0.012, "displays": [], "variables": {"added": [], "changed": [], "removed": []}, "truncated": false,
        });
        assert_eq!(structured, &expected);

        let result = client.run("both").await;
        assert!(text(&result).starts_with("out 1\nerr\nout 2\n\n["), "order kept, colours gone: {result}");
        assert_eq!(result["structuredContent"]["stdout"], "out 1\nout 2\n");
        assert_eq!(result["structuredContent"]["stderr"], "err\n");

        let result = client.run("nothing").await;
        assert!(text(&result).starts_with("(no output)\n\n[snippet 3: ok"), "{result}");
        let result = client.run("set df").await;
        assert!(text(&result).ends_with("\nNew names: df"), "{result}");

        let result = client.run("fail").await;
        assert_eq!(result["isError"], true);
        assert!(text(&result).starts_with("Traceback (most recent call last):\n"), "{result}");
        assert!(text(&result).contains("ValueError: bad\n\n[snippet 5: error, return code 1"), "{result}");
        assert_eq!(result["structuredContent"]["error"]["type"], "ValueError");
        assert_eq!(result["structuredContent"]["error"]["message"], "bad");
    }
}

#[tokio::test]
async fn empty_code_is_an_error_and_runs_nothing() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        for code in ["", " \n\t "] {
            let result = client.run(code).await;
            assert_eq!(result["isError"], true);
            assert_eq!(text(&result), "Error: Code cannot be empty");
        }
        assert!(rig.transcript().await.entries().is_empty());
    }
}

#[tokio::test]
async fn a_long_output_is_cut_in_the_middle() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    let result = client.run("flood").await;
    for shown in [text(&result), result["structuredContent"]["stdout"].as_str().unwrap()] {
        assert!(shown.starts_with("first\n") && shown.contains("\nlast\n"), "head and tail are kept");
        assert!(shown.contains(" characters left out here, and "), "the gap is told");
        assert!((39_000..41_000).contains(&shown.chars().count()), "{}", shown.chars().count());
    }
    assert!(text(&result).contains("The output was truncated; the code wrote 1.0 MB."));
    assert_eq!(result["structuredContent"]["truncated"], true);
    assert!(result["structuredContent"]["notice"].is_string());
}

#[tokio::test]
async fn a_call_stops_waiting_and_the_code_goes_on() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let result = client.call("run_python_code", json!({"code": "sleep", "wait_s": 0.05})).await;
        assert_eq!((&result["isError"], &result["structuredContent"]["status"]), (&json!(false), &json!("running")));
        assert_eq!(result["structuredContent"]["stdout"], "started\n");
        assert_eq!(result["structuredContent"]["returncode"], Value::Null);
        assert!(text(&result).starts_with("started\n\n[snippet 1: running for "), "{result}");
        assert!(text(&result).contains("Call wait_for_snippet with snippet=1"), "{result}");

        let queued = client.call("run_python_code", json!({"code": "echo hi", "wait_s": 0})).await;
        assert_eq!(queued["structuredContent"]["status"], "queued");
        assert!(text(&queued).contains("The snippet is queued behind snippet 1 by you (running)."), "{queued}");

        let waiting = client.start("wait_for_snippet", json!({"snippet": 2})).await;
        rig.release(1);
        let result = client.result(waiting).await;
        assert!(text(&result).starts_with("hi\n\n[snippet 2: ok"), "{result}");
        let second = client.call("wait_for_snippet", json!({"snippet": 1})).await;
        assert_eq!(second["structuredContent"]["status"], "ok");
        let unknown = client.call("wait_for_snippet", json!({"snippet": 99})).await;
        assert_eq!(text(&unknown), "Error: there is no snippet 99 in this session.");
    }
}

#[tokio::test]
async fn code_that_runs_longer_than_its_time_limit_is_interrupted() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "tester").await;
    let result = client.call("run_python_code", json!({"code": "sleep", "timeout_s": 0.05})).await;
    assert_eq!(result["isError"], true);
    assert_eq!(result["structuredContent"]["status"], "interrupted");
    assert_eq!(result["structuredContent"]["returncode"], 130);
    assert!(text(&result).contains("[snippet 1: interrupted by its time limit of 0.05 s, return code 130"), "{result}");
    for bad in [json!(0), json!(-1), json!(1e300)] {
        let result = client.call("run_python_code", json!({"code": "echo", "timeout_s": bad})).await;
        assert!(text(&result).starts_with("Error: timeout_s must be more than 0"), "{result}");
    }
}

#[tokio::test]
async fn a_time_limit_counts_from_the_beginning_of_the_code() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "tester").await;
    let result = client.call("run_python_code", json!({"code": "late", "timeout_s": 0.05})).await;
    let run = &result["structuredContent"];
    assert_eq!((&run["status"], &run["stdout"]), (&json!("interrupted"), &json!("started\n")), "{result}");
}

#[tokio::test]
async fn a_cancelled_call_interrupts_its_code_and_is_not_answered() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let running = client.start("run_python_code", json!({"code": "sleep"})).await;
        let waiting = client.start("run_python_code", json!({"code": "echo never"})).await;
        rig.until("both submitted", |t| t.queue().len() == 1).await;
        client.cancel(waiting).await;
        assert_eq!(rig.ended(2).await.status, Status::Cancelled, "removed from the queue");
        client.cancel(running).await;
        let ended = rig.ended(1).await;
        assert_eq!(ended.status, Status::Interrupted);
        assert_eq!(ended.outcome.as_ref().unwrap().stopped_by.as_deref(), Some("\"tester\" (cancelled the call)"));
        let ping = client.run("echo next").await;
        assert!(text(&ping).starts_with("next\n"), "the connection goes on, with no answer to what was cancelled");
    }
}

/// Some clients wait for 5 s only, and then cancel the call.
#[tokio::test]
async fn a_limit_of_the_client_itself_only_ends_the_wait() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        for (number, reason) in
            ["timed out after 5s", "McpError: MCP error -32001: Request timed out"].iter().enumerate()
        {
            let snippet = 2 * number as u32 + 1;
            let running = client.start("run_python_code", json!({"code": "sleep"})).await;
            rig.until("running", |t| t.running().is_some_and(|running| running.id.0 == snippet)).await;
            client.cancel_because(running, reason).await;
            let next = client.call("run_python_code", json!({"code": "echo next", "wait_s": 0})).await;
            assert!(text(&next).contains(&format!("behind snippet {snippet} by you (running)")), "{next}");
            assert_eq!(rig.snippet(snippet).await.status, Status::Running);
            rig.session.interrupt(Some(crate::domain::SnippetId(snippet)), "you").await.unwrap();
            let next = client.call("wait_for_snippet", json!({"snippet": snippet + 1})).await;
            assert!(text(&next).contains(&format!("- snippet {snippet} by you: interrupted")), "{next}");
        }
    }
}

/// Some clients connect anew for each call. Their limit of time ends the connection, too.
#[tokio::test]
async fn code_outlives_a_connection_whose_limit_is_over_and_the_next_one_learns_its_end() {
    for era in ERAS {
        let rig = Rig::new();
        let connect = || {
            let mut client = connect_from(rig.backend(), era, std::process::id(), rig.stop.clone());
            async move {
                client.introduce("per-call").await;
                client
            }
        };
        let all_left = || rig.until("it left", |t| t.clients().is_empty());
        let next = async || {
            let next = connect().await.call("run_python_code", json!({"code": "echo next"})).await;
            all_left().await;
            text(&next).to_owned()
        };
        let mut client = connect().await;
        let running = client.start("run_python_code", json!({"code": "sleep"})).await;
        rig.until("running", |t| t.running().is_some()).await;
        client.cancel_because(running, "timed out after 30s").await;
        drop(client);
        all_left().await;
        assert_eq!(rig.snippet(1).await.status, Status::Running);
        rig.release(1);
        rig.ended(1).await;
        let told = next().await;
        assert!(told.contains("Since your last call:\n- snippet 1 by you: ok"), "{told}");

        connect().await.call("run_python_code", json!({"code": "sleep", "wait_s": 0})).await;
        all_left().await;
        rig.release(3);
        rig.ended(3).await;
        let told = next().await;
        assert!(told.contains("- snippet 3 by you: ok"), "what it did not wait for: {told}");

        let mut client = connect().await;
        client.start("run_python_code", json!({"code": "sleep"})).await;
        rig.until("running", |t| t.running().is_some()).await;
        drop(client);
        all_left().await;
        assert_eq!(rig.snippet(5).await.status, Status::Running, "it has left before its call is over");
        let told = next().await;
        assert!(told.contains("Since your last call:\n- snippet 5 by you: interrupted"), "{told}");
    }
}

#[tokio::test]
async fn a_result_says_that_the_person_stopped_the_code() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    let id = client.start("run_python_code", json!({"code": "sleep"})).await;
    rig.until("running", |t| t.running().is_some()).await;
    rig.session.interrupt(None, "you").await.unwrap();
    let result = client.result(id).await;
    assert_eq!(result["structuredContent"]["stopped_by"], "the person", "the reader would take \"you\" for itself");
    assert!(text(&result).contains("[snippet 1: interrupted by the person, return code 130"), "{result}");
}

#[tokio::test]
async fn a_cancelled_wait_does_not_stop_the_code() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    client.call("run_python_code", json!({"code": "sleep", "wait_s": 0})).await;
    let wait = client.start("wait_for_snippet", json!({"snippet": 1})).await;
    client.cancel(wait).await;
    let other = client.call("list_defined_variables", json!({})).await;
    assert!(text(&other).contains("snippet 1 is running"), "{other}");
    assert_eq!(rig.snippet(1).await.status, Status::Running);
}

#[tokio::test]
async fn the_code_of_a_client_that_disconnects_is_interrupted() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "gone").await;
        client.start("run_python_code", json!({"code": "stubborn"})).await;
        client.start("run_python_code", json!({"code": "echo never"})).await;
        rig.until("both submitted", |t| t.queue().len() == 1).await;
        drop(client);
        assert_eq!(rig.ended(2).await.status, Status::Cancelled);
        let ended = rig.ended(1).await;
        assert_eq!(ended.outcome.as_ref().unwrap().stopped_by.as_deref(), Some("\"gone\" (disconnected)"));
        rig.until("it left", |t| t.clients().is_empty()).await;
    }
}

#[tokio::test]
async fn requests_before_the_end_of_the_input_are_answered() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "pipe").await;
        let first = client.start("run_python_code", json!({"code": "echo 1"})).await;
        let second = client.start("run_python_code", json!({"code": "echo 2"})).await;
        client.finish().await;
        assert!(text(&client.result(first).await).starts_with("1\n"));
        assert!(text(&client.result(second).await).starts_with("2\n"));
    }
}

#[tokio::test]
async fn calls_that_arrive_together_run_in_their_order() {
    for era in ERAS {
        let rig = Rig::new();
        // Without an introduction: in the stateless era the client joins with its first call.
        let mut client = if era == Era::Legacy { rig.client(era, "burst").await } else { rig.connect(era) };
        client.asks_for_structured_results().await;
        let mut ids = Vec::new();
        for n in 0..10 {
            ids.push(client.start("run_python_code", json!({"code": format!("echo {n}")})).await);
        }
        for (n, id) in ids.into_iter().enumerate() {
            let result = client.result(id).await;
            assert_eq!(result["structuredContent"]["snippet"], n + 1);
            assert_eq!(result["structuredContent"]["stdout"], format!("{n}\n"));
        }
    }
}

#[tokio::test]
async fn a_queued_call_says_which_snippets_are_ahead() {
    let rig = Rig::new();
    rig.session.submit(Author::You, "sleep".into(), RunOptions::default()).await.unwrap();
    let mut first = rig.client(Era::Legacy, "first").await;
    let mut second = rig.client(Era::Modern, "second").await;
    let waiting = first.start("run_python_code", json!({"code": "echo a"})).await;
    rig.until("first is queued", |t| t.queue().len() == 1).await;
    let result = second.call("run_python_code", json!({"code": "echo b", "wait_s": 0})).await;
    let ahead = "The snippet is queued behind snippet 1 by the person (running) and snippet 2 by \"first\".";
    assert!(text(&result).contains(ahead), "{result}");
    rig.release(1);
    first.result(waiting).await;
    rig.ended(3).await;
}

#[tokio::test]
async fn progress_is_sent_before_the_result_and_grows() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let arguments =
            json!({"name": "run_python_code", "arguments": {"code": "sleep"}, "_meta": {"progressToken": "p"}});
        let id = client.request("tools/call", arguments).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            let message = client.message().await;
            assert_eq!(message["method"], "notifications/progress", "{message}");
            assert_eq!(message["params"]["progressToken"], "p");
            seen.push(message["params"]["progress"].as_f64().unwrap());
            assert_eq!(message["params"]["message"], "started");
        }
        assert!(seen[0] < seen[1], "{seen:?}");
        rig.release(1);
        let last = client.message().await;
        assert_eq!(last["id"], id, "the result is the last word: {last}");
    }
}

#[tokio::test]
async fn a_session_that_ends_answers_pending_calls() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    let id = client.start("run_python_code", json!({"code": "sleep"})).await;
    rig.until("running", |t| t.running().is_some()).await;
    rig.session.quit();
    let result = client.result(id).await;
    assert_eq!(result["structuredContent"]["stopped_by"], "the end of the session");
    let result = client.run("echo").await;
    assert!(text(&result).starts_with("The Python session has ended."), "{result}");
}
