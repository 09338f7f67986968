//! What one client may take of a session, and what it is told when that is not enough for it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::support::{ERAS, Era, PATIENCE, Rig, one, text};
use crate::mcp::bridge_protocol::REFUSED;
use crate::mcp::server::serve::{serve, serve_socket};
use crate::mcp::transport::lines::LineTransport;
use crate::mcp::transport::malformed;
use crate::session::discovery::socket;

const HELLO: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"late","version":"1"}}}"#,
    "\n"
);

#[tokio::test]
async fn ten_thousand_calls_in_one_breath_are_all_answered() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "eager").await;
    let (mut asked, mut answered) = (Vec::new(), 0);
    for _ in 0..10_000 {
        asked.push(client.start("run_python_code", json!({"code": "echo x"})).await);
        if asked.len() == 500 {
            for id in asked.drain(..) {
                answered += usize::from(client.result(id).await["isError"] != true);
            }
        }
    }
    assert_eq!(answered, 10_000, "nothing is refused to a client that only is quick");
}

#[tokio::test]
async fn a_client_with_too_much_in_the_queue_is_refused_and_can_still_clear_it() {
    for era in ERAS {
        let rig = Rig::new();
        let mut greedy = rig.client(era, "greedy").await;
        let mut modest = rig.client(era, "modest").await;
        greedy.start("run_python_code", json!({"code": "sleep"})).await;
        rig.until("it runs", |t| t.running().is_some()).await;
        // Each is answered at once, and waits in the queue all the same.
        for _ in 0..1_000 {
            let id = greedy.start("run_python_code", json!({"code": "echo", "wait_s": 0})).await;
            assert_eq!(greedy.result(id).await["isError"], false);
        }
        let id = greedy.start("run_python_code", json!({"code": "echo", "wait_s": 0})).await;
        let refused = greedy.result(id).await;
        assert_eq!(refused["isError"], true);
        assert!(text(&refused).starts_with("Error: 1000 snippets with 4.0 kB of code from here wait"), "{refused}");
        assert!(text(&refused).contains("Nothing was run"), "{refused}");
        let id = modest.start("run_python_code", json!({"code": "echo", "wait_s": 0})).await;
        assert_eq!(modest.result(id).await["isError"], false, "others are not concerned");
        rig.release(1);
        rig.until("the queue is empty", |t| t.queue().is_empty()).await;
        assert!(text(&greedy.run("echo on").await).starts_with("on\n"));
    }
}

#[tokio::test]
async fn too_many_open_calls_are_refused_but_not_the_one_that_helps() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "stuck").await;
        let mut asked = Vec::new();
        for _ in 0..1_010 {
            asked.push(client.start("run_python_code", json!({"code": "sleep", "wait_s": 600})).await);
        }
        for id in asked.drain(1_000..) {
            let refused = client.result(id).await;
            assert_eq!(refused["isError"], true);
            assert_eq!(refused.get("resultType").is_some(), era == Era::Modern, "{refused}");
            assert!(text(&refused).contains("too many of your calls wait"), "{refused}");
        }
        let id = client.start("interrupt_snippet", json!({})).await;
        assert!(text(&client.result(id).await).contains("Snippet 1 has ended"));
        assert_eq!(client.result(asked[0]).await["structuredContent"]["status"], "interrupted");
    }
}

#[tokio::test]
async fn of_connections_each_process_has_its_share_and_is_told_when_it_is_used_up() {
    let rig = Rig::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sock");
    let server = tokio::spawn(serve_socket(one(socket::listen(&path).unwrap()), rig.session.clone(), rig.stop.clone()));
    let mut held = Vec::new();
    for _ in 0..256 {
        held.push(UnixStream::connect(&path).await.unwrap());
    }
    let mut line = String::new();
    let refused = UnixStream::connect(&path).await.unwrap();
    tokio::time::timeout(PATIENCE, BufReader::new(refused).read_to_string(&mut line)).await.unwrap().unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(REFUSED)));
    assert!(answer["error"]["message"].as_str().unwrap().contains("256 connections"), "{answer}");
    assert_eq!(line, malformed::refusal(answer["error"]["message"].as_str().unwrap()) + "\n");

    // Whoever leaves makes room.
    drop(held.pop());
    let answered = async {
        loop {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            // It may be hung up on before it has said a word.
            let _ = stream.write_all(HELLO.as_bytes()).await;
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).await.is_ok() && line.contains("\"result\"") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("room again");
    rig.stop.cancel();
    tokio::time::timeout(PATIENCE, server).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_never_says_hello_is_dropped_and_who_does_may_be_silent() {
    let rig = Rig::new();
    let by = tokio::time::Instant::now() + Duration::from_secs(2);
    let mut connections = Vec::new();
    for line in [HELLO, "{\"jsonrpc\":", ""] {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (reader, writer) = tokio::io::split(theirs);
        let gone = CancellationToken::new();
        let transport = LineTransport::new(reader, writer, gone.clone()).with_first_request_by(by);
        let served = tokio::spawn(serve(transport, gone, rig.backend(), None, rig.stop.clone()));
        let (reader, mut writer) = tokio::io::split(ours);
        writer.write_all(line.as_bytes()).await.unwrap();
        connections.push((BufReader::new(reader), writer, served));
    }
    for (reader, _, served) in &mut connections[1..] {
        let mut said = String::new();
        tokio::time::timeout(PATIENCE, reader.read_to_string(&mut said)).await.expect("it was dropped").unwrap();
        assert_eq!(said, "");
        served.await.unwrap();
    }
    assert!(tokio::time::Instant::now() >= by);
    let (reader, writer, _) = &mut connections[0];
    writer.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n").await.unwrap();
    let mut answers = String::new();
    for _ in 0..2 {
        tokio::time::timeout(PATIENCE, reader.read_line(&mut answers)).await.unwrap().unwrap();
    }
    assert!(answers.contains("\"id\":2"), "{answers}");
}

/// A small generator: the same bytes in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

#[tokio::test]
async fn whatever_bytes_come_the_connection_stands_and_the_session_is_unharmed() {
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
    let mut dice = Dice(42);
    for round in 0..2_000 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=dice.below(6) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes[at] = dice.below(256) as u8,
                1 => drop(bytes.drain(at..(at + dice.below(30)).min(bytes.len()))),
                2 => drop(bytes.splice(at..at, pieces[dice.below(pieces.len())].iter().copied())),
                _ => bytes.extend_from_within(at..),
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        bytes.push(b'\n');
        client.bytes(&bytes).await;
        if round % 100 == 99 {
            // A number that no mutation is likely to have made.
            let id = 1_000_000 + round;
            client.line(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string()).await;
            client.answer(id).await;
        }
    }
    let mut other = rig.client(Era::Modern, "other").await;
    assert!(text(&other.run("echo on").await).starts_with("on\n"));
}
