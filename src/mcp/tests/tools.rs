//! The list of tools, tools other than the one that runs code, and their errors.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::support::{ERAS, Era, Rig, connect, text, variable};
use crate::domain::{Author, InputAnswer, SnippetId, Status, VariableKind};
use crate::mcp::Backend;
use crate::session::{ResponseKind, RunOptions};

#[tokio::test]
async fn the_tools_are_listed_with_descriptions_schemas_and_hints() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let id = client.request("tools/list", json!({})).await;
        let listed = serde_json::to_string_pretty(&client.result(id).await["tools"]).unwrap();
        insta::assert_snapshot!("tools_list", listed);
    }
}

#[tokio::test]
async fn the_icon_is_a_valid_uri() {
    let rig = Rig::new();
    let mut client = rig.connect(Era::Legacy);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "strict", "version": "1"}}});
    client.line(&hello.to_string()).await;
    let answer = client.answer(1).await;
    let icon = answer["result"]["serverInfo"]["icons"][0]["src"].as_str().unwrap();
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    assert!(icon.starts_with("data:image/svg+xml") && icon.chars().all(is_legal), "{icon}");
}

#[tokio::test]
async fn a_client_that_drops_text_beside_structured_content_gets_only_text() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "claude-code").await;
        let id = client.request("tools/list", json!({})).await;
        let tools = client.result(id).await;
        assert!(tools["tools"].as_array().unwrap().iter().all(|tool| tool.get("outputSchema").is_none()));
        let result = client.run("value 2").await;
        assert!(result.get("structuredContent").is_none() && text(&result).starts_with("Result: 2"), "{result}");
        let result = client.call("list_defined_variables", json!({})).await;
        assert!(result.get("structuredContent").is_none(), "{result}");
        let result = client.run("flood and fail").await;
        let shown = text(&result);
        assert!(shown.chars().count() < 10_000, "an error that is too long is cut by this client");
        assert!(shown.starts_with("first\n") && shown.contains("\nValueError: bad\n"), "{shown}");
    }
}

#[tokio::test]
async fn a_reset_says_what_remains() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let result = client.call("reset_python_environment", json!({"random_string": "x"})).await;
        let (sentence, rest) = text(&result).split_once('\n').unwrap();
        assert_eq!(sentence, "Python environment has been reset. All variables and imports cleared.");
        assert_eq!(rest, "Not undone: 1 thread still runs");
        assert_eq!(result["structuredContent"]["cleared"], 2);
    }
}

#[tokio::test]
async fn variables_are_listed_as_they_are_now() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let result = client.call("list_defined_variables", json!({})).await;
        assert_eq!(text(&result), "No variables or functions are currently defined.");
        {
            let mut table = rig.table.lock().unwrap();
            table.rows = [variable("f", VariableKind::Function, ""), variable("x", VariableKind::Data, "3")].into();
            table.total = 2;
        }
        let result = client.call("list_defined_variables", json!({})).await;
        let expected = "=== Currently Defined Variables and Functions ===\n\nFunction: f()\nVariable: x (int) = 3";
        assert_eq!(text(&result), expected);
        assert_eq!(result["structuredContent"]["variables"][1]["preview"], "3");
        let result = client.call("list_defined_variables", json!({"filter": "F"})).await;
        assert_eq!(result["structuredContent"]["matching"], 1);
    }
}

#[tokio::test]
async fn an_interrupt_without_a_number_stops_only_own_code() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let result = client.call("interrupt_snippet", json!({})).await;
        assert_eq!(text(&result), "Nothing is running.");

        client.call("run_python_code", json!({"code": "sleep", "wait_s": 0})).await;
        let result = client.call("interrupt_snippet", json!({})).await;
        assert_eq!(text(&result), "Snippet 1 has ended: interrupted.");
        let result = client.call("interrupt_snippet", json!({"snippet": 1})).await;
        assert_eq!(text(&result), "Snippet 1 had already ended (interrupted).");

        rig.session.submit(Author::You, "sleep".into(), RunOptions::default()).await.unwrap();
        let result = client.call("interrupt_snippet", json!({})).await;
        assert!(text(&result).starts_with("Error: the running snippet 2 is by the person, not yours."), "{result}");
        assert_eq!(rig.snippet(2).await.status, Status::Running);
        let result = client.call("interrupt_snippet", json!({"snippet": 2})).await;
        assert_eq!(result["structuredContent"]["ended"], true, "{result}");
        assert_eq!(rig.ended(2).await.outcome.as_ref().unwrap().stopped_by.as_deref(), Some("\"tester\""));
    }
}

#[tokio::test]
async fn a_request_for_input_ends_the_wait_and_is_answered_by_client_or_person() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let result = client.run("ask name? ").await;
        let structured = &result["structuredContent"];
        assert_eq!(
            (&structured["status"], &structured["input_prompt"]),
            (&json!("waiting_for_input"), &json!("name?"))
        );
        assert!(text(&result).contains("[snippet 1: waiting for input, prompt \"name?\"]"), "{result}");
        let second = client.call("wait_for_snippet", json!({"snippet": 1})).await;
        assert_eq!(second["structuredContent"]["status"], "waiting_for_input");
        let refused = client.call("answer_input", json!({"snippet": 1, "text": "two\nlines"})).await;
        assert!(text(&refused).contains("one line at a time"), "{refused}");
        let result = client.call("answer_input", json!({"snippet": 1, "text": "Ada"})).await;
        assert_eq!(result["structuredContent"]["stdout"], "got Ada\n", "{result}");
        for (snippet, why) in [(1, "is not waiting for input; it is ok"), (9, "there is no snippet 9")] {
            let refused = client.call("answer_input", json!({"snippet": snippet, "text": "x"})).await;
            assert!(refused["isError"] == true && text(&refused).contains(why), "{refused}");
        }

        let result = client.run("secret key? ").await;
        assert_eq!(result["structuredContent"]["status"], "error", "nobody could type a password: {result}");

        // Only the person may enter a password. A call that waits for it does not return at once.
        rig.session.dashboard_opened();
        let result = client.run("secret key? ").await;
        assert!(text(&result).contains("Only the person can type"), "{result}");
        let refused = client.call("answer_input", json!({"snippet": 3, "text": "guess"})).await;
        assert!(refused["isError"] == true && text(&refused).contains("Only the person can type"), "{refused}");
        let waiting = client.start("wait_for_snippet", json!({"snippet": 3})).await;
        let answer = InputAnswer::Line("pass".to_owned());
        rig.session.answer_input(SnippetId(3), None, answer, Author::You).await.unwrap();
        let result = client.result(waiting).await;
        assert_eq!(result["structuredContent"]["stdout"], "key? \ngot pass\n", "only the code tells it: {result}");
    }
}

#[tokio::test]
async fn a_call_behind_a_prompt_of_the_same_client_is_answered_at_once() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        client.run("ask name? ").await;
        let result = client.call("run_python_code", json!({"code": "echo next", "wait_s": 600})).await;
        assert_eq!(result["structuredContent"]["status"], "queued", "{result}");
        for part in ["Your snippet 1 waits for input", "answer_input with snippet=1", "wait_for_snippet with snippet=2"]
        {
            assert!(text(&result).contains(part), "{part}: {result}");
        }
        client.call("answer_input", json!({"snippet": 1, "text": "Ada"})).await;
        let result = client.call("wait_for_snippet", json!({"snippet": 2})).await;
        assert_eq!(result["structuredContent"]["stdout"], "next\n", "{result}");
    }
}

#[tokio::test]
async fn a_request_for_input_without_an_answer_times_out() {
    let rig = Rig::with_input_limit(Duration::from_secs(1));
    let mut client = rig.client(Era::Legacy, "tester").await;
    let result = client.run("ask name? ").await;
    assert_eq!(result["structuredContent"]["status"], "waiting_for_input");
    assert_eq!(rig.ended(1).await.status, Status::Error);
    assert!(rig.snippet(1).await.input.is_none());
    let late = client.call("answer_input", json!({"snippet": 1, "text": "late"})).await;
    assert!(text(&late).contains("is not waiting for input"), "{late}");
}

#[tokio::test]
async fn code_that_catches_an_interrupt_needs_a_second_call() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    client.call("run_python_code", json!({"code": "stubborn", "wait_s": 0})).await;
    let result = client.call("interrupt_snippet", json!({})).await;
    assert_eq!(result["structuredContent"]["ended"], false);
    assert!(text(&result).contains("Call interrupt_snippet again"), "{result}");
    let result = client.call("interrupt_snippet", json!({})).await;
    assert_eq!(result["structuredContent"]["ended"], true);
}

#[tokio::test]
async fn wrong_arguments_are_results_and_unknown_tools_are_protocol_errors() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let id = client.start("no_such_tool", json!({})).await;
        let answer = client.answer(id).await;
        assert_eq!(answer["error"]["code"], -32602);
        assert!(answer["error"]["message"].as_str().unwrap().contains("run_python_code"), "{answer}");
        let id = client.request("no/such/method", json!({})).await;
        assert_eq!(client.answer(id).await["error"]["code"], -32601);
        for method in ["ping", "logging/setLevel", "resources/subscribe", "subscriptions/listen"] {
            let is_modern = method == "subscriptions/listen";
            let id = client.request(method, json!({"level": "debug", "uri": "fourhands://session"})).await;
            if is_modern != (era == Era::Modern) {
                assert_eq!(client.answer(id).await["error"]["code"], -32601, "{method} in {era:?}");
            }
        }
        for params in [json!({}), json!({"name": 5}), json!({"name": "run_python_code", "arguments": "echo"})] {
            let id = client.request("tools/call", params).await;
            let answer = client.answer(id).await;
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
        }
        for arguments in [json!({}), json!({"code": 5}), json!({"code": "echo", "timeout": 3})] {
            let result = client.call("run_python_code", arguments).await;
            assert_eq!(result["isError"], true);
            assert!(text(&result).contains("Expected: code (string, required)"), "{result}");
        }
        assert!(rig.transcript().await.entries().is_empty(), "nothing ran");
    }
}

#[tokio::test]
async fn without_a_session_the_same_tools_are_listed_and_say_what_to_do() {
    for era in ERAS {
        let backend = Backend::Offline(Arc::new(|| "Start fourhands first.".to_owned()));
        let mut offline = connect(backend, era, CancellationToken::new());
        offline.introduce("tester").await;
        let id = offline.request("tools/list", json!({})).await;
        let listed = offline.result(id).await;
        let rig = Rig::new();
        let mut live = rig.client(era, "tester").await;
        let id = live.request("tools/list", json!({})).await;
        assert_eq!(listed, live.result(id).await);
        let result = offline.run("echo").await;
        assert_eq!((text(&result), &result["isError"]), ("Start fourhands first.", &json!(true)));
    }
}

#[tokio::test]
async fn a_panic_inside_is_answered() {
    for era in ERAS {
        let backend = Backend::Offline(Arc::new(|| panic!("a bug")));
        let mut client = connect(backend, era, CancellationToken::new());
        client.introduce("tester").await;
        for _ in 0..2 {
            let result = client.run("echo").await;
            assert_eq!(result["isError"], true);
            assert!(text(&result).starts_with("Internal error: a bug in fourhands"), "{result}");
        }
    }
}

#[tokio::test]
async fn a_value_is_inspected_by_pages() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let items = client.call("inspect_variable", json!({"name": "xs", "what": "items", "page": 2})).await;
        let structured = &items["structuredContent"];
        assert_eq!(
            (&structured["type"], &structured["page"], &structured["has_more"]),
            (&json!("list"), &json!(2), &json!(true))
        );
        assert_eq!(structured["tables"][0]["rows"][3], json!(["3", "int", "6"]));
        let shown = text(&items);
        assert!(shown.starts_with("xs: list, 120, 1.0 kB\n") && shown.contains("items 1 to 50 of 120:\n"), "{shown}");
        assert!(shown.ends_with("[next: page 3; other views: overview, repr]"), "{shown}");
        for (arguments, expected) in [
            (json!({"name": "missing"}), "Error: the name 'missing' is not defined; did you mean x?"),
            (json!({"name": "hangs", "what": "repr"}), "took longer than 5 s and was stopped; its attributes"),
            (json!({"name": "x", "what": "everything"}), "unknown variant `everything`"),
            (json!({"name": "x", "page": 0}), "page must be 1 or more"),
            (json!({}), "missing field `name`"),
        ] {
            let result = client.call("inspect_variable", arguments).await;
            assert!(result["isError"] == true && text(&result).contains(expected), "{result}");
        }
    }
}

#[tokio::test]
async fn while_code_runs_an_inspection_says_what_is_known_of_the_value() {
    let rig = Rig::new();
    rig.table.lock().unwrap().rows = [variable("x", VariableKind::Data, "7")].into();
    let mut client = rig.client(ERAS[0], "tester").await;
    client.call("list_defined_variables", json!({})).await;
    client.call("run_python_code", json!({"code": "sleep", "wait_s": 0})).await;
    let result = client.call("inspect_variable", json!({"name": "x.y"})).await;
    let shown = text(&result);
    assert!(
        shown.contains("Python runs snippet 1") && shown.contains("Before that snippet, x was int  = 7"),
        "{shown}"
    );
    rig.release(1);
    rig.ended(1).await;
    assert_ne!(client.call("inspect_variable", json!({"name": "x"})).await["isError"], true);
}

#[tokio::test]
async fn output_is_read_by_pages_and_by_matching_lines() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let run = client.run("flood and fail").await;
        let shown = text(&run);
        assert!(shown.contains("read_output with snippet=1, offset="), "{shown}");
        let notice = run["structuredContent"]["notice"].as_str().unwrap();
        assert!(notice.contains("read_output with snippet=1 "), "{notice}");

        let page = client.call("read_output", json!({"snippet": 1, "limit": 100})).await;
        let read = &page["structuredContent"];
        assert!(read["text"].as_str().unwrap().starts_with("first\n") && read["offset"] == 0, "{page}");
        let next = read["next_offset"].as_u64().unwrap();
        assert!(text(&page).contains(&format!("continues with offset={next}]")), "{page}");
        assert!(read["missing"].as_str().unwrap().contains("in the middle"), "{page}");
        let end = client.call("read_output", json!({"snippet": 1, "offset": -10})).await;
        assert_eq!(end["structuredContent"]["next_offset"], json!(null), "{end}");
        assert_eq!(end["structuredContent"]["running"], false);

        let found = client.call("read_output", json!({"snippet": 1, "grep": "^FIR|(?i)^firs"})).await;
        let first = json!([{"line": 1, "offset": 0, "text": "first"}]);
        assert_eq!(found["structuredContent"]["matches"], first, "{found}");
        assert!(text(&found).starts_with("1, 0: first\n"), "{found}");
        let none = client.call("read_output", json!({"snippet": 1, "stream": "stderr"})).await;
        assert!(text(&none).starts_with("(no output)\n"), "{none}");

        for (arguments, expected) in [
            (json!({}), "missing field `snippet`"),
            (json!({"snippet": 9}), "there is no snippet 9"),
            (json!({"snippet": 1, "grep": "(a"}), "not a valid regular expression"),
            (json!({"snippet": 1, "grep": "(a{1000}){1000}"}), "not a valid regular expression"),
            (json!({"snippet": 1, "limit": 0}), "limit must be"),
            (json!({"snippet": 1, "limit": 99_999}), "limit must be"),
            (json!({"snippet": 1, "offset": 1_u64 << 40}), "past the end"),
            (json!({"snippet": 1, "offset": 1.5}), "a whole number"),
            (json!({"snippet": 1, "stream": "both"}), "unknown variant"),
            (json!({"snippet": 1, "from": 0}), "unknown field"),
        ] {
            let refused = client.call("read_output", arguments).await;
            assert!(refused["isError"] == true && text(&refused).contains(expected), "{expected}: {refused}");
        }
    }
}

/// So the person can read what a model has read.
#[tokio::test]
async fn responses_are_kept_as_they_were_sent() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let first = client.call("run_python_code", json!({"code": "sleep", "wait_s": 0})).await;
        client.call("interrupt_snippet", json!({"snippet": 1})).await;
        let second = client.call("wait_for_snippet", json!({"snippet": 1})).await;
        let page = client.call("read_output", json!({"snippet": 1})).await;
        let recorded = rig.session.client_responses().of(SnippetId(1));
        assert_eq!(
            recorded.iter().map(|response| response.kind).collect::<Vec<_>>(),
            [ResponseKind::Result, ResponseKind::Result, ResponseKind::OutputPage]
        );
        assert_eq!((recorded[0].status, recorded[1].status), (Status::Running, Status::Interrupted));
        for (recorded, sent) in recorded.iter().zip([&first, &second, &page]) {
            assert_eq!((&*recorded.text, recorded.to.name()), (text(sent), "tester"));
            let structured = (recorded.structured.as_ref().unwrap().render)();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&structured).unwrap(), sent["structuredContent"]);
        }
        let mut claude = rig.client(era, "claude-code").await;
        let result = claude.run("flood and fail").await;
        let recorded = rig.session.client_responses().of(SnippetId(2)).remove(0);
        assert!(recorded.is_cut && recorded.written > 100_000 && recorded.structured.is_none(), "{recorded:?}");
        assert_eq!(recorded.text, text(&result));
    }
}
