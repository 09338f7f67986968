//! The offers to clients beside running code, through the bridge and with the real session: the history, questions to
//! the person, resources that change, prompts, completion. Also while sessions are killed.

use crate::support;
use std::time::Instant;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, children, python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

fn client(home: &Home, name: &str, era: Era) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    Client::start(bridge, name, era)
}

fn dashboard(home: &Home) -> Terminal {
    let python = python();
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("ready") && screen.contains("▎"));
    terminal
}

/// Kills the session process of this guardian, and waits for the next one.
fn kill_session(guardian: u32) {
    let process = wait_until("the session process", || children(guardian).first().copied());
    signal(process, Signal::SIGKILL);
    wait_until("another one", || children(guardian).first().copied().filter(|next| *next != process));
}

fn result(answer: &Value) -> &Value {
    assert!(answer.get("error").is_none(), "{answer}");
    &answer["result"]
}

/// All text of a resource.
fn read(client: &mut Client, uri: &str) -> String {
    let answer = client.request("resources/read", json!({"uri": uri}));
    result(&answer)["contents"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn each_client_learns_what_the_other_did() {
    let home = Home::new();
    let _server = home.serve("shared");
    let mut one = client(&home, "one", Era::Legacy);
    let mut other = client(&home, "other", Era::Modern);
    let titled = json!({"code": "rows = [1, 2, 3]\nlen(rows)", "title": "Load the rows"});
    let run = one.call("run_python_code", titled);
    assert_eq!(run["structuredContent"]["variables"]["added"], json!(["rows"]));
    other.run("rows.append(4)\nprint('grown')");
    let since = one.run("1 / 0")["since_your_last_call"].clone();
    let event = &since["events"][0];
    assert_eq!(
        (&event["by"], &event["snippet"], &event["status"]),
        (&json!("other"), &json!(2), &json!("ok")),
        "{since}"
    );
    assert!(event["text"].as_str().unwrap().contains("rows.append(4)"), "{event}");
    let news = Client::text(&other.call("run_python_code", json!({"code": "rows"})));
    assert!(news.contains("Since your last call:") && news.contains("ZeroDivisionError"), "{news}");

    let history = other.call("session_history", json!({"limit": 3, "author": "one"}));
    let entries = history["structuredContent"]["entries"].as_array().unwrap();
    assert_eq!(entries.iter().map(|entry| entry["snippet"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((&entries[0]["title"], &entries[0]["result"]), (&json!("Load the rows"), &json!("3")));
    let text = Client::text(&history);
    assert!(text.contains("[snippet 3 by \"one\", ") && text.contains("# Load the rows"), "{text}");
}

/// The person leaves their draft for the question.
fn answer_with(dashboard: &mut Terminal, question: &str, keys: &str) {
    dashboard.wait_for("the question", |screen| screen.contains(question) && screen.contains("(Esc to answer)"));
    dashboard.send("\x1b");
    dashboard.wait_for_text("curious asks you");
    dashboard.send(keys);
}

#[test]
fn a_question_reaches_the_person_and_survives_the_death_of_python() {
    for era in ERAS {
        let home = Home::new();
        let mut dashboard = dashboard(&home);
        // A question leaves the keys to a draft.
        dashboard.send("draft");
        dashboard.wait_for_text("▎ draft");
        let mut client = client(&home, "curious", era);
        let ask = |question: &str| json!({"name": "ask_human", "arguments": {"question": question, "choices": ["all", "the last year"], "wait_s": 300}});
        let id = client.send("tools/call", ask("Which rows?"));
        answer_with(&mut dashboard, "Which rows?", "2\r");
        let answer = client.answer(id);
        let told = &result(&answer)["structuredContent"];
        assert_eq!((&told["answer"], &told["choice"]), (&json!("the last year"), &json!(2)), "{told}");

        let id = client.send("tools/call", ask("And the columns?"));
        dashboard.wait_for_text("And the columns?");
        kill_session(dashboard.pid());
        dashboard.wait_for_text("a new Python has taken over");
        answer_with(&mut dashboard, "And the columns?", "1\r");
        let answer = client.answer(id);
        assert_eq!(result(&answer)["structuredContent"]["answer"], "all", "{answer}");
        // Not a word more to either of them.
        assert_eq!(client.run("6 * 7")["result"], "42");
    }
}

#[test]
fn a_question_without_a_dashboard_says_that_nobody_is_there() {
    let home = Home::new();
    let _server = home.serve("alone");
    let mut client = client(&home, "curious", Era::Legacy);
    let told = client.call("ask_human", json!({"question": "Anybody?"}));
    assert_eq!((&told["isError"], &told["structuredContent"]["answered"]), (&json!(false), &json!(false)));
    assert!(Client::text(&told).starts_with("Nobody can answer"), "{told}");
}

/// Runs snippets until a notification has come.
fn hears(client: &mut Client, worker: &mut Client, method: &str, uri: Option<&str>) -> Value {
    let begun = Instant::now();
    loop {
        worker.run("seen = globals().get('seen', 0) + 1");
        let fits =
            |message: &Value| message["method"] == method && uri.is_none_or(|uri| message["params"]["uri"] == uri);
        // What a session that was killed had to say is of no use.
        if let Some(place) = client.notifications.iter().position(fits) {
            return client.notifications.remove(place);
        }
        client.request("tools/list", json!({}));
        assert!(begun.elapsed() < support::DEADLINE, "no {method} among {:?}", client.notifications);
    }
}

#[test]
fn subscriptions_outlive_the_session() {
    let home = Home::new();
    let dashboard = dashboard(&home);
    let mut worker = client(&home, "worker", Era::Legacy);
    let mut older = client(&home, "older", Era::Legacy);
    let mut newer = client(&home, "newer", Era::Modern);
    let subscribed = older.request("resources/subscribe", json!({"uri": "fourhands://variables"}));
    assert_eq!(*result(&subscribed), json!({}));
    older.request("resources/list", json!({}));
    let filter = json!({"resourcesListChanged": true, "resourceSubscriptions": ["fourhands://variables"]});
    let listen = newer.send("subscriptions/listen", json!({"notifications": filter}));
    newer.wait_for("the acknowledgement", |message| message["method"] == "notifications/subscriptions/acknowledged");
    for killed in [false, true] {
        if killed {
            for client in [&mut older, &mut newer] {
                client.notifications.clear();
            }
            kill_session(dashboard.pid());
            let method = "notifications/resources/list_changed";
            older.wait_for(method, |message| message["method"] == method);
            // The tools are the same, and some clients hang when they are told of a change.
            let is_of_tools = |message: &&Value| message["method"] == "notifications/tools/list_changed";
            assert_eq!(older.notifications.iter().filter(is_of_tools).count(), 0);
            // As clients do that are told so.
            older.request("resources/list", json!({}));
        }
        for client in [&mut older, &mut newer] {
            hears(client, &mut worker, "notifications/resources/updated", Some("fourhands://variables"));
            hears(client, &mut worker, "notifications/resources/list_changed", None);
        }
    }
    let is_theirs = |message: &Value| message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == listen;
    assert!(newer.notifications.iter().all(is_theirs), "{:?}", newer.notifications);
    let again = |message: &&Value| message["method"] == "notifications/subscriptions/acknowledged";
    assert_eq!(newer.notifications.iter().filter(again).count(), 0, "it has begun once");
    older.request("resources/unsubscribe", json!({"uri": "fourhands://variables"}));
}

#[test]
fn prompts_completion_and_all_pages_of_a_long_list() {
    let home = Home::new();
    let _server = home.serve("rich");
    for era in ERAS {
        let mut client = client(&home, "reader", era);
        client.run("for n in range(3_000): globals()[f'name_{n:04}'] = 'x' * 60\nlängst = 1\n1 / 0");
        let failed = client.run("len(name_0001)")["snippet"].as_u64().unwrap() - 1;

        let prompt = client.request("prompts/get", json!({"name": "explain_last_error"}));
        let text = result(&prompt)["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(text.contains("ZeroDivisionError") && text.contains("1 / 0"), "{text}");
        let reference = json!({"ref": {"type": "ref/prompt", "name": "explain_last_error"},
            "argument": {"name": "snippet", "value": ""}});
        let completed = client.request("completion/complete", reference);
        assert_eq!(result(&completed)["completion"]["values"][0], failed.to_string());
        let reference = json!({"ref": {"type": "ref/resource", "uri": "fourhands://variable/{name}"},
            "argument": {"name": "name", "value": "läng"}});
        let completed = client.request("completion/complete", reference);
        assert_eq!(result(&completed)["completion"]["values"], json!(["längst"]));

        let (mut names, mut pages, mut uri) = (Vec::new(), 0, "fourhands://variables".to_owned());
        loop {
            let text = read(&mut client, &uri);
            let of_line =
                |line: &str| line.strip_prefix("Variable: ").map(|rest| rest.split(' ').next().unwrap().to_owned());
            names.extend(text.lines().filter_map(of_line));
            pages += 1;
            match text.lines().last().and_then(|line| line.strip_prefix("(fourhands://")?.strip_suffix(')')) {
                Some(next) => uri = format!("fourhands://{next}"),
                None => break,
            }
        }
        names.dedup();
        assert_eq!((names.len(), names.last().unwrap().as_str()), (3_002, "name_2999"), "{names:?}");
        assert!(pages > 1, "{pages}");
        assert!(read(&mut client, "fourhands://session").contains("len(name_0001)"));
    }
}

#[test]
fn a_replay_says_what_it_repeats() {
    let home = Home::new();
    let mut server = home.serve("again");
    let mut first = client(&home, "first", Era::Legacy);
    first.run("x = 20");
    drop(first);
    assert!(server.terminate().success());
    let mut command = home.fourhands();
    command.args(["serve", "--resume", "again", "--replay", "--python"]).arg(python());
    let _server = Server::start(command);
    let mut client = client(&home, "second", Era::Modern);
    let mut told = Value::Null;
    wait_until("the replay", || {
        told = client.call("wait_for_snippet", json!({"snippet": 2}));
        (told["isError"] == false).then_some(())
    });
    assert_eq!(told["structuredContent"]["replay_of"], 1, "{told}");
    assert!(Client::text(&told).contains("[snippet 2, replay of 1: ok"), "{told}");
    let history = client.call("session_history", json!({}));
    assert!(Client::text(&history).contains("[snippet 2 by the person, replay of 1, "), "{history}");
}

#[test]
fn progress_tells_the_last_line_of_the_output() {
    let home = Home::new();
    let _server = home.serve("slow");
    for era in ERAS {
        let mut client = client(&home, "patient", era);
        let code = "import time\nprint('epoch 1')\nprint('epoch 2', flush=True)\ntime.sleep(2.5)";
        let params = json!({"name": "run_python_code", "arguments": {"code": code}, "_meta": {"progressToken": "p"}});
        let id = client.send("tools/call", params);
        let told = client.wait_for("progress", |message| message["params"]["message"] == "epoch 2");
        assert_eq!(
            (&told["method"], &told["params"]["progressToken"]),
            (&json!("notifications/progress"), &json!("p"))
        );
        assert_eq!(result(&client.answer(id))["isError"], false);
    }
}
