//! Limits for one client: the queue, open calls, connections, and the time to the first request.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::support::{ERAS, Era, Rig, TEST_TIMEOUT, no_terminals, one, text};
use crate::domain::random::Random;
use crate::mcp::bridge_protocol::REFUSED;
use crate::mcp::server::serve::{serve, serve_socket};
use crate::mcp::transport::client_state::ClientState;
use crate::mcp::transport::lines::LineTransport;
use crate::mcp::transport::malformed;
use crate::session::discovery::socket;

const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"late","version":"1"}}}"#,
    "\n"
);

#[tokio::test]
async fn thousands_of_calls_at_once_are_all_answered() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "eager").await;
    let (mut ids, mut answered) = (Vec::new(), 0);
    for _ in 0..3_000 {
        ids.push(client.start("run_python_code", json!({"code": "echo x"})).await);
        if ids.len() == 500 {
            for id in ids.drain(..) {
                answered += usize::from(client.result(id).await["isError"] != true);
            }
        }
    }
    assert_eq!(answered, 3_000, "nothing is refused to a client that only is quick");
}

#[tokio::test]
async fn a_client_with_a_full_queue_is_refused_and_can_still_interrupt() {
    for era in ERAS {
        let rig = Rig::new();
        let mut greedy = rig.client(era, "greedy").await;
        let mut modest = rig.client(era, "modest").await;
        greedy.start("run_python_code", json!({"code": "sleep"})).await;
        rig.until("it runs", |t| t.running().is_some()).await;
        // Each call is answered at once, and its snippet waits in the queue.
        for _ in 0..1_000 {
            let id = greedy.start("run_python_code", json!({"code": "echo", "wait_s": 0})).await;
            assert_eq!(greedy.result(id).await["isError"], false);
        }
        let id = greedy.start("run_python_code", json!({"code": "echo", "wait_s": 0})).await;
        let refused = greedy.result(id).await;
        assert_eq!(refused["isError"], true);
        assert!(
            text(&refused).starts_with("Error: 1000 of your snippets with 4.0 kB of code are already queued"),
            "{refused}"
        );
        assert!(text(&refused).contains("Nothing was run"), "{refused}");
        let id = modest.start("run_python_code", json!({"code": "echo", "wait_s": 0})).await;
        assert_eq!(modest.result(id).await["isError"], false, "others are not concerned");
        rig.release(1);
        rig.until("the queue is empty", |t| t.queue().is_empty()).await;
        assert!(text(&greedy.run("echo on").await).starts_with("on\n"));
    }
}

#[tokio::test]
async fn too_many_open_calls_are_refused_except_an_interrupt() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "stuck").await;
        let mut ids = Vec::new();
        for _ in 0..1_010 {
            ids.push(client.start("run_python_code", json!({"code": "sleep", "wait_s": 600})).await);
        }
        for id in ids.drain(1_000..) {
            let refused = client.result(id).await;
            assert_eq!(refused["isError"], true);
            assert_eq!(refused.get("resultType").is_some(), era == Era::Modern, "{refused}");
            assert!(text(&refused).contains("too many of your calls are already waiting"), "{refused}");
        }
        let id = client.start("interrupt_snippet", json!({})).await;
        assert!(text(&client.result(id).await).contains("Snippet 1 has ended"));
        assert_eq!(client.result(ids[0]).await["structuredContent"]["status"], "interrupted");
    }
}

#[tokio::test]
async fn a_process_with_too_many_connections_is_refused_with_the_reason() {
    let rig = Rig::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sock");
    let server = tokio::spawn(serve_socket(
        one(socket::listen(&path).unwrap()),
        rig.session.clone(),
        no_terminals(),
        rig.stop.clone(),
    ));
    let mut held = Vec::new();
    for _ in 0..256 {
        held.push(UnixStream::connect(&path).await.unwrap());
    }
    let mut line = String::new();
    let refused = UnixStream::connect(&path).await.unwrap();
    tokio::time::timeout(TEST_TIMEOUT, BufReader::new(refused).read_to_string(&mut line)).await.unwrap().unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(REFUSED)));
    assert!(answer["error"]["message"].as_str().unwrap().contains("256 connections"), "{answer}");
    assert_eq!(line, malformed::refusal(answer["error"]["message"].as_str().unwrap()) + "\n");

    // A connection that ends makes room for another.
    drop(held.pop());
    let answered = async {
        loop {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            // The server may close the stream before the request is written.
            let _ = stream.write_all(INITIALIZE.as_bytes()).await;
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).await.is_ok() && line.contains("\"result\"") {
                return;
            }
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, answered).await.expect("room again");
    rig.stop.cancel();
    tokio::time::timeout(TEST_TIMEOUT, server).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_without_a_request_is_dropped_and_a_silent_one_is_not() {
    let rig = Rig::new();
    let by = tokio::time::Instant::now() + Duration::from_secs(2);
    let mut connections = Vec::new();
    for line in [INITIALIZE, "{\"jsonrpc\":", ""] {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (reader, writer) = tokio::io::split(theirs);
        let client_state = ClientState::default();
        let transport = LineTransport::new(reader, writer, client_state.clone()).with_first_request_by(by);
        let served = tokio::spawn(serve(transport, client_state, rig.backend(), None, rig.stop.clone()));
        let (reader, mut writer) = tokio::io::split(ours);
        writer.write_all(line.as_bytes()).await.unwrap();
        connections.push((BufReader::new(reader), writer, served));
    }
    for (reader, _, served) in &mut connections[1..] {
        let mut received = String::new();
        tokio::time::timeout(TEST_TIMEOUT, reader.read_to_string(&mut received))
            .await
            .expect("it was dropped")
            .unwrap();
        assert_eq!(received, "");
        served.await.unwrap();
    }
    assert!(tokio::time::Instant::now() >= by);
    let (reader, writer, _) = &mut connections[0];
    writer.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n").await.unwrap();
    let mut answers = String::new();
    for _ in 0..2 {
        tokio::time::timeout(TEST_TIMEOUT, reader.read_line(&mut answers)).await.unwrap().unwrap();
    }
    assert!(answers.contains("\"id\":2"), "{answers}");
}

#[tokio::test]
async fn random_bytes_do_not_end_the_connection_or_harm_the_session() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "fuzzer").await;
    let call = json!({"name": "run_python_code", "arguments": {"code": "echo \u{e9}\u{1f600} \u{1b}", "wait_s": 1}});
    let good = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}).to_string();
    let pieces: [&[u8]; 12] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"\\",
        b"\\ud800",
        b"null",
        b"1e999",
        b"\xff\xfe",
        b"\"id\":",
        b"\"method\":\"initialize\"",
    ];
    let mut random = Random::new(42);
    for round in 0..2_000 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=random.below(6) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = random.below(256) as u8,
                1 => drop(bytes.drain(at..(at + random.below(30)).min(bytes.len()))),
                2 => drop(bytes.splice(at..at, pieces[random.below(pieces.len())].iter().copied())),
                _ => bytes.extend_from_within(at..),
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        bytes.push(b'\n');
        client.bytes(&bytes).await;
        if round % 100 == 99 {
            // An id that the random changes do not produce.
            let id = 1_000_000 + round;
            client.line(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string()).await;
            client.answer(id).await;
        }
    }
    let mut other = rig.client(Era::Modern, "other").await;
    assert!(text(&other.run("echo on").await).starts_with("on\n"));
}
