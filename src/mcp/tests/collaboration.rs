//! Working together: what others did since the last call, history, notes, questions to the person.

use serde_json::{Value, json};

use super::support::{Client, ERAS, Era, Rig, text};
use crate::domain::{Author, Note, Transcript};
use crate::session::RunOptions;

async fn person_runs(rig: &Rig, code: &str) {
    let ticket = rig.session.submit(Author::You, code.into(), RunOptions::default()).await.unwrap();
    rig.ended(ticket.id.0).await;
}

fn person_notes(rig: &Rig, note: &str) {
    rig.session.note(Note { by: Author::You, text: note.into(), about: None, to: None, answers: None });
}

fn since(result: &Value) -> &Value {
    &result["structuredContent"]["since_your_last_call"]
}

fn event_texts(result: &Value) -> Vec<&str> {
    since(result)["events"].as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_result_has_the_activity_of_others_since_the_last_one() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let mut other = rig.client(Era::Legacy, "cursor").await;
        let first = client.run("echo 1").await;
        assert_eq!(since(&first), &Value::Null, "nothing happened: {first}");
        person_runs(&rig, "set df").await;
        other.run("fail").await;
        person_notes(&rig, "use the small table");
        let result = client.run("echo 2").await;
        let expected = [
            "snippet 2 by the person: ok in 12 ms; new df: set df",
            "snippet 3 by \"cursor\": error, ValueError (bad) in 12 ms: fail",
            "note from the person: use the small table",
        ];
        assert_eq!(event_texts(&result), expected, "{result}");
        assert_eq!(since(&result)["events"][1]["status"], "error");
        assert_eq!(since(&result)["events"][2]["kind"], "note");
        assert!(text(&result).contains("\n\nSince your last call:\n- snippet 2 by the person: ok"), "{result}");
        assert!(text(&result).ends_with("\n- note from the person: use the small table"), "{result}");
        let third = client.run("echo 3").await;
        assert_eq!(since(&third), &Value::Null, "reported once: {third}");
        rig.session.reset(Author::You).await.unwrap();
        let result = client.call("wait_for_snippet", json!({"snippet": 4})).await;
        assert_eq!(event_texts(&result), ["the person reset the environment: all earlier names are gone"]);
        let mine = other.run("echo mine").await;
        assert_eq!(event_texts(&mine).len(), 4, "each client by itself: {mine}");
    }
}

#[tokio::test]
async fn a_result_reports_the_end_of_own_code_that_was_not_waited_for() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "tester").await;
    client.call("run_python_code", json!({"code": "sleep", "wait_s": 0, "title": "a nap"})).await;
    rig.release(1);
    rig.ended(1).await;
    let result = client.run("echo 2").await;
    assert_eq!(event_texts(&result), ["snippet 1 by you: ok in 12 ms: a nap"]);
    let ids = [
        client.start("run_python_code", json!({"code": "echo 3"})).await,
        client.start("run_python_code", json!({"code": "echo 4"})).await,
    ];
    for id in ids {
        let result = client.result(id).await;
        assert_eq!(since(&result), &Value::Null, "the call had the result already: {result}");
    }
}

#[tokio::test]
async fn more_activity_than_fits_is_counted_and_a_new_client_is_pointed_to_the_history() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    client.run("echo").await;
    for n in 0..15 {
        person_runs(&rig, &format!("echo {n}")).await;
    }
    let result = client.run("echo").await;
    assert_eq!((since(&result)["more"].as_u64(), event_texts(&result).len()), (Some(5), 10), "{result}");
    assert!(text(&result).contains("- 5 earlier events: see session_history"), "{result}");
    let mut late = rig.client(Era::Modern, "late").await;
    let result = late.run("echo").await;
    assert!(event_texts(&result).is_empty() && since(&result)["more"] == 17, "{result}");
    assert!(text(&result).contains("- 17 events before your first call: see session_history"), "{result}");
}

#[tokio::test]
async fn the_history_has_authors_and_pages() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let nothing = client.call("session_history", json!({})).await;
        assert_eq!(nothing["structuredContent"]["entries"], json!([]));
        for n in 1..=5 {
            person_runs(&rig, &format!("value {n}")).await;
        }
        person_notes(&rig, "half way");
        client.call("run_python_code", json!({"code": "fail", "title": "a try"})).await;
        rig.session.reset(Author::You).await.unwrap();

        let last = client.call("session_history", json!({"limit": 3})).await;
        let kinds = |result: &Value| -> Vec<String> {
            let entries = result["structuredContent"]["entries"].as_array().unwrap().clone();
            entries.iter().map(|entry| format!("{}{}", entry["kind"].as_str().unwrap(), entry["snippet"])).collect()
        };
        assert_eq!(kinds(&last), ["notenull", "snippet6", "resetnull"]);
        assert_eq!(last["structuredContent"]["earlier"], 5);
        let six = &last["structuredContent"]["entries"][1];
        assert_eq!((&six["by"], &six["title"], &six["code"]), (&json!("you"), &json!("a try"), &json!("fail")));
        assert!(
            text(&last).contains("[snippet 6 by you, <1 min ago: error, ValueError (bad) in 12 ms]\n# a try\nfail\n")
        );

        let (mut seen, mut from) = (Vec::new(), Some(0));
        while let Some(since) = from {
            let page = client.call("session_history", json!({"since": since, "limit": 2})).await;
            seen.extend(kinds(&page));
            from = page["structuredContent"]["next_since"].as_u64();
        }
        let all = ["snippet1", "snippet2", "snippet3", "snippet4", "snippet5", "notenull", "snippet6", "resetnull"];
        assert_eq!(seen, all);
        let mine = client.call("session_history", json!({"author": "me"})).await;
        assert_eq!(kinds(&mine), ["snippet6"]);
        let theirs = client.call("session_history", json!({"author": "Person", "since": 4})).await;
        assert_eq!(kinds(&theirs), ["snippet5", "notenull", "resetnull"]);
        let named = client.call("session_history", json!({"author": "TESTER"})).await;
        assert_eq!(kinds(&named), ["snippet6"]);
        let bad = client.call("session_history", json!({"limit": 0})).await;
        assert_eq!(text(&bad), "Error: limit must be from 1 to 100, not 0.");
    }
}

#[tokio::test]
async fn the_note_of_an_interrupt_reaches_the_author_of_the_code() {
    let rig = Rig::new();
    let mut one = rig.client(Era::Legacy, "one").await;
    let mut two = rig.client(Era::Modern, "two").await;
    one.call("run_python_code", json!({"code": "sleep", "wait_s": 0})).await;
    let hit = two.call("interrupt_snippet", json!({"snippet": 1, "note": "the disk is full"})).await;
    assert_eq!(hit["structuredContent"]["ended"], true);
    let result = one.run("echo").await;
    let expected = [
        "snippet 1 by you: interrupted by \"two\" in 12 ms: sleep",
        "note from \"two\" on snippet 1: the disk is full",
    ];
    assert_eq!(event_texts(&result), expected);
    let miss = two.call("interrupt_snippet", json!({"snippet": 1, "note": "again"})).await;
    assert!(text(&miss).contains("had already ended"), "{miss}");
    assert_eq!(since(&one.run("echo").await), &Value::Null, "nothing was stopped, so nothing is reported");
}

async fn until_asked(rig: &Rig, count: usize) {
    rig.until("it was asked", |t| t.inquiries().len() == count).await;
}

fn first(transcript: &Transcript) -> u32 {
    transcript.inquiries()[0].number
}

async fn ask(client: &mut Client, question: &str) -> i64 {
    client.start("ask_human", json!({"question": question, "choices": ["all", "the last year"]})).await
}

#[tokio::test]
async fn a_question_is_answered_or_declined_by_the_person() {
    for era in ERAS {
        let rig = Rig::new();
        rig.session.dashboard_opened();
        let mut client = rig.client(era, "tester").await;
        let mut other = rig.client(era, "other").await;
        let (one, two) = (ask(&mut client, "Which?").await, ask(&mut client, "And then?").await);
        until_asked(&rig, 2).await;
        let inquiry = rig.transcript().await.inquiries()[0].clone();
        assert_eq!((&*inquiry.text, inquiry.by.name(), inquiry.choices.len()), ("Which?", "tester", 2));
        rig.session.reply(inquiry.number, inquiry.meant(" 2 "));
        let result = client.result(one).await;
        assert_eq!(text(&result), "The person answered: the last year");
        let told_by = &result["structuredContent"];
        assert_eq!((&told_by["choice"], &told_by["by"]), (&json!(2), &json!("the person")));
        rig.session.reply(first(&rig.transcript().await), None);
        let result = client.result(two).await;
        assert_eq!(result["structuredContent"]["answered"], false);
        assert!(text(&result).starts_with("The person declined to answer."), "{result}");
        let next = other.run("echo").await;
        let expected = [
            "the person answered \"tester\" (Which?): the last year",
            "the person declined to answer \"tester\" (And then?)",
        ];
        assert_eq!(event_texts(&next), expected);
        assert_eq!(since(&client.run("echo").await)["events"][0]["snippet"], 1, "the asker knows the answer");
    }
}

#[tokio::test]
async fn a_question_is_withdrawn_when_its_client_stops_waiting() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let alone = ask(&mut client, "Which?").await;
        let alone = client.result(alone).await;
        assert!(text(&alone).starts_with("Nobody can answer: this session has no dashboard."), "{alone}");
        assert_eq!((&alone["isError"], &alone["structuredContent"]["answered"]), (&json!(false), &json!(false)));

        rig.session.dashboard_opened();
        let late = client.call("ask_human", json!({"question": "Which?", "wait_s": 0.05})).await;
        assert!(text(&late).starts_with("The person did not answer within 0.05 s"), "{late}");
        until_asked(&rig, 0).await;
        let id = ask(&mut client, "Which?").await;
        until_asked(&rig, 1).await;
        client.cancel(id).await;
        until_asked(&rig, 0).await;
        ask(&mut client, "Which?").await;
        until_asked(&rig, 1).await;
        drop(client);
        until_asked(&rig, 0).await;
    }
}

#[tokio::test]
async fn the_number_of_questions_is_limited() {
    let rig = Rig::new();
    rig.session.dashboard_opened();
    let mut client = rig.client(Era::Legacy, "tester").await;
    for bad in [
        json!({"question": " "}),
        json!({"question": "?", "choices": vec!["x"; 10]}),
        json!({"question": "?".repeat(1001)}),
    ] {
        let result = client.call("ask_human", bad).await;
        assert!(text(&result).ends_with("Nothing was asked."), "{result}");
    }
    for _ in 0..5 {
        ask(&mut client, "Which?").await;
    }
    until_asked(&rig, 5).await;
    let result = ask(&mut client, "One more?").await;
    let result = client.result(result).await;
    assert_eq!(text(&result), "Error: too many questions are already waiting for the person. Nothing was asked.");
}
