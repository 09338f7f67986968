//! Tests of the whole bridge, with in-memory streams as stdin and stdout, and real Unix sockets with scripted sessions.

#[path = "scripted.rs"]
mod scripted;

use std::path::Path;

use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::*;
use crate::domain::CallId;
use scripted::*;

#[tokio::test]
async fn a_bridge_serves_before_during_and_between_sessions() {
    let root = Root::new();
    let mut client = Client::start(root.finder(None));
    assert_eq!(client.shake_hands().await["result"]["serverInfo"]["name"], "offline");
    let list = client.ask(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await;
    assert_eq!(list["result"]["tools"][0]["name"], "offline");
    let refused = client.call(2, "run").await;
    assert_eq!(refused["result"]["isError"], true);
    assert!(text(&refused).contains("No fourhands session is running"), "{refused}");
    assert!(text(&refused).contains(root.folder("work").to_str().unwrap()), "{refused}");
    let uri = json!({"uri": "fourhands://variables"});
    client.ask(json!({"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": uri})).await;

    // The dashboard starts: the next call runs there, and it knows this client.
    let claim = root.claim("work", "work");
    let mut session = Session::start(claim.socket());
    assert_eq!(text(&client.call(4, "run").await), "ran");
    assert_eq!(session.sees("initialize").await["params"]["protocolVersion"], "2025-06-18");
    session.sees("notifications/initialized").await;
    assert_eq!(session.sees("resources/subscribe").await["params"], uri);

    // It dies while a call runs.
    client.send(json!({"jsonrpc": "2.0", "id": "five", "method": "tools/call", "params": {"name": "hang"}})).await;
    while session.sees("tools/call").await["params"]["name"] != "hang" {}
    session.kill().await;
    let name = claim.name().to_owned();
    drop(claim);
    let answer = client.next().await;
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!("five"), &json!(true)));
    assert!(text(&answer).contains("ended before"), "{answer}");
    assert!(text(&client.call(6, "run").await).contains("No fourhands session"));

    // And comes back.
    let claim = root.claim(&name, "work");
    let mut session = Session::start(claim.socket());
    assert_eq!(text(&client.call(7, "run").await), "ran");
    session.sees("initialize").await;
    assert_eq!(session.sees("resources/subscribe").await["params"], uri);
    assert!(client.close().await.is_empty());
}

#[tokio::test]
async fn an_idle_bridge_connects_by_itself_and_tells_the_client() {
    let root = Root::new();
    let mut client = Client::start(root.finder(None));
    client.shake_hands().await;
    client.ask(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await;
    let claim = root.claim("work", "work");
    let mut session = Session::start(claim.socket());
    assert_eq!(client.next().await["method"], "notifications/resources/list_changed");
    session.sees("initialize").await;
    client.close().await;
}

#[tokio::test]
async fn a_call_waits_for_a_session_that_is_starting() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let mut client = Client::start(root.finder(None));
    client.send(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "run"}})).await;
    // Nothing may come before the socket is there.
    assert!(timeout(Duration::from_millis(200), client.output.next_line()).await.is_err());
    let _session = Session::start(claim.socket());
    assert_eq!(text(&client.next().await), "ran");
    client.close().await;
}

#[tokio::test]
async fn the_stateless_era_needs_no_handshake_on_either_side() {
    let root = Root::new();
    let mut client = Client::start(root.finder(None));
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    let call = |id: u32, tool: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "_meta": meta}});
    assert_eq!(client.ask(call(1, "run")).await["result"]["isError"], true);
    let claim = root.claim("work", "work");
    let mut session = Session::start(claim.socket());
    assert_eq!(text(&client.ask(call(2, "run")).await), "ran");
    client.send(json!({"jsonrpc": "2.0", "id": 3, "method": "subscriptions/listen", "params": {"name": "hang", "_meta": meta}})).await;
    client.send(call(4, "hang")).await;
    let first = session.sees("tools/call").await;
    assert_eq!(first["params"]["name"], "run", "nothing was sent before it");
    session.sees("tools/call").await;
    session.kill().await;
    let answer = client.next().await;
    assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&json!(4), &json!("complete")));
    // Listening goes on with whoever is there.
    let mut session = Session::start(claim.socket());
    session.sees("subscriptions/listen").await;
    client.close().await;
}

/// The session's name stays claimed while another process takes over.
#[tokio::test]
async fn the_next_process_is_asked_about_an_unanswered_call_and_the_client_gets_one_answer() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let mut session = Session::start(claim.socket());
    let mut client = Client::start(root.finder(None));
    client.shake_hands().await;
    client.send(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "hang"}})).await;
    let call = session.sees("tools/call").await;
    assert!(CallId::parse(call["id"].as_str().unwrap()).is_some(), "{call}");
    session.kill().await;
    client.send(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "run"}})).await;
    // Nothing before the next one is there.
    assert!(timeout(Duration::from_millis(200), client.output.next_line()).await.is_err());
    let mut session = Session::start(claim.socket());
    let question = session.sees(crate::mcp::bridge_protocol::RETRY).await;
    assert_eq!((&question["id"], &question["params"]["name"]), (&call["id"], &json!("hang")));
    assert_eq!(question["params"]["fourhands/sent_to"]["process"], std::process::id());
    session
        .say
        .send(json!({"jsonrpc": "2.0", "id": question["id"], "result": {"answered": true}}).to_string())
        .unwrap();
    let mut answers = Vec::new();
    while answers.len() < 2 {
        let message = client.next().await;
        answers.extend(message.get("id").cloned());
    }
    answers.sort_by_key(Value::as_u64);
    assert_eq!(answers, [1, 2]);
    assert!(client.close().await.is_empty());
}

#[tokio::test]
async fn requests_of_a_session_end_with_it_and_cancellations_reach_it() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let mut session = Session::start(claim.socket());
    let mut client = Client::start(root.finder(None));
    client.shake_hands().await;
    client.send(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "hang"}})).await;
    client.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}})).await;
    client.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})).await;
    let call = session.sees("tools/call").await;
    let cancelled = session.sees("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], call["id"], "what nobody asked is not passed on");

    session.say.send(r#"{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}"#.to_owned()).unwrap();
    let question = client.next().await;
    assert_eq!(question["method"], "elicitation/create");
    session.kill().await;
    let withdrawn = client.next().await;
    assert_eq!(withdrawn["method"], "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], question["id"]);
    client.close().await;
}

#[tokio::test]
async fn if_several_sessions_run_the_answer_lists_them() {
    let root = Root::new();
    let (_one, _two) = (root.claim("one", "a"), root.claim("two", "b"));
    let mut client = Client::start(root.finder(None));
    let answer = client.call(1, "run").await;
    for part in ["- one (", "- two (", "--session NAME", "FOURHANDS_SESSION"] {
        assert!(text(&answer).contains(part), "{answer}");
    }
    client.close().await;
    let mut client = Client::start(root.finder(Some("three")));
    let answer = client.call(1, "run").await;
    assert!(text(&answer).contains("\"three\"") && text(&answer).contains("fourhands --session three"), "{answer}");
    client.close().await;
}

#[tokio::test]
async fn piped_requests_are_answered_before_the_end() {
    let root = Root::new();
    let mut client = Client::start(root.finder(None));
    client.shake_hands().await;
    let input = client.input.as_mut().unwrap();
    // Without a line feed at its end.
    input.write_all(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await.unwrap();
    let rest = client.close().await;
    assert!(rest.len() == 1 && rest[0].contains("offline"), "{rest:?}");
}

#[tokio::test]
async fn a_running_call_does_not_keep_a_closed_bridge_alive() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let mut session = Session::start(claim.socket());
    let mut client = Client::start(root.finder(None));
    client.send(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "hang"}})).await;
    session.sees("tools/call").await;
    // Waits for the bridge's end.
    client.close().await;
}

#[tokio::test]
async fn garbage_and_floods_do_no_harm() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let _session = Session::start(claim.socket());
    let mut client = Client::start(root.finder(None));
    for line in ["garbage", "", "[]", "{\"id\":", "\u{feff}{}", "[1,[2]]", "null", "\"text\""] {
        client.send_line(line).await;
    }
    let big = "x".repeat(20 << 20);
    let call = json!({"jsonrpc": "2.0", "id": "big", "method": "tools/call", "params": {"name": "run", "code": big}});
    assert_eq!(text(&client.ask(call).await), "ran");
    client.close().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_no_memory_without_limit() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let listener = UnixListener::bind(claim.socket()).unwrap();
    let mut client = Client::start(root.finder(None));
    let (mut session, _) = listener.accept().await.unwrap();
    let note = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": "x".repeat(10_000)});
    let note = format!("{note}\n");
    let mut sent = 0;
    while let Ok(written) = timeout(Duration::from_millis(500), session.write_all(note.as_bytes())).await {
        written.unwrap();
        sent += note.len();
        assert!(sent < 8 * MAX_UNWRITTEN, "the session is never stopped");
    }
    // It goes on as soon as the client reads.
    for _ in 0..sent / note.len() {
        assert_eq!(client.next().await["method"], "notifications/message");
    }
    client.close().await;
}

#[tokio::test]
async fn a_backend_that_hangs_up_at_once_leaves_the_offline_server_in_charge() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let listener = UnixListener::bind(claim.socket()).unwrap();
    let task = tokio::spawn(async move {
        let mut count = 0;
        while timeout(Duration::from_millis(1200), listener.accept()).await.is_ok() {
            count += 1;
        }
        count
    });
    let mut client = Client::start(root.finder(None));
    assert_eq!(client.shake_hands().await["result"]["serverInfo"]["name"], "offline");
    client.close().await;
    let count = task.await.unwrap();
    assert!(count < 10, "{count} connections");
}

#[tokio::test]
async fn a_suspended_session_does_not_block_the_start_of_a_client() {
    let root = Root::new();
    let claim = root.claim("stopped", "work");
    // Connections are accepted by the system, and nobody takes them.
    let stuck = UnixListener::bind(claim.socket()).unwrap();
    let mut client = Client::start(root.finder(None));
    assert_eq!(client.shake_hands().await["result"]["serverInfo"]["name"], "offline");
    let answer = client.call(1, "t").await.to_string();
    assert!(answer.contains("does not respond"), "{answer}");
    drop(stuck);
    let mut session = Session::start(claim.socket());
    session.sees("initialize").await;
    assert!(client.call(2, "t").await.to_string().contains("ran"));
    client.close().await;
}

#[tokio::test]
async fn a_session_that_refuses_connections_is_left_alone_and_the_caller_learns_why() {
    let root = Root::new();
    let claim = root.claim("work", "work");
    let listener = UnixListener::bind(claim.socket()).unwrap();
    let (knocked, mut knocks) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let refusal = json!({"jsonrpc": "2.0", "id": null, "error": {"code": crate::mcp::bridge_protocol::REFUSED, "message": "Full."}});
            let _ = stream.write_all(format!("{refusal}\n").as_bytes()).await;
            let _ = knocked.send(());
        }
    });
    let mut client = Client::start(root.finder(None));
    let answer = client.shake_hands().await;
    assert!(answer["result"].is_object(), "the client is not let down: {answer}");
    let answer = client.call(1, "t").await.to_string();
    assert!(answer.contains("refused the connection: Full."), "{answer}");
    let rest = client.close().await;
    assert!(rest.is_empty(), "nothing of it is passed on: {rest:?}");
    knocks.recv().await.unwrap();
    assert!(knocks.try_recv().is_err(), "it is not asked again and again");
}

#[tokio::test]
async fn a_real_server_accepts_the_renewed_handshake() {
    struct Bare;
    impl rmcp::ServerHandler for Bare {}
    let serve = |socket: &Path| {
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let server = rmcp::ServiceExt::serve(Bare, stream.into_split()).await.unwrap();
            server.waiting().await
        })
    };
    let root = Root::new();
    let claim = root.claim("work", "work");
    let first = serve(claim.socket());
    let mut client = Client::start(root.finder(None));
    client.shake_hands().await;
    let ping = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    assert_eq!(client.ask(ping(1)).await["result"], json!({}));
    first.abort();
    assert!(first.await.is_err());
    let _second = serve(claim.socket());
    // The first one takes a moment to hang up, and says so if it is asked meanwhile.
    let mut answer = client.ask(ping(2)).await;
    if answer["error"]["message"].as_str().is_some_and(|text| text.contains("ended before")) {
        answer = client.ask(ping(3)).await;
    }
    assert_eq!(answer["result"], json!({}), "{answer}");
    client.close().await;
}
