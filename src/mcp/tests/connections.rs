//! Connections: the names of clients, the socket, protocol versions, and the client of rmcp.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, ClientConfig, Implementation};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::support::{Era, Rig, TEST_TIMEOUT, connect_narrow, no_terminals, one, text};
use crate::mcp::{serve_connection, serve_socket};

#[tokio::test]
async fn a_client_joins_with_its_first_request() {
    let rig = Rig::new();
    let probe = rig.connect(Era::Legacy);
    let mut nameless = rig.client(Era::Legacy, "\u{1b}[2J").await;
    let mut legacy = rig.client(Era::Legacy, "cursor").await;
    let mut modern = rig.client(Era::Modern, "cursor").await;
    let spoof = rig.client(Era::Modern, "You").await;
    assert_eq!(rig.names().await, ["client", "cursor", "cursor 2", "client \"You\""]);
    assert_eq!(rig.transcript().await.clients()[0].pid, Some(42));
    for client in [&mut nameless, &mut legacy, &mut modern] {
        client.run("echo").await;
    }
    let transcript = rig.transcript().await;
    let authors = (1..=3).map(|id| transcript.snippet(crate::domain::SnippetId(id)).unwrap().author.name().to_owned());
    assert_eq!(authors.collect::<Vec<_>>(), ["client", "cursor", "cursor 2"]);
    drop((probe, nameless, legacy, modern, spoof));
    rig.until("all left", |t| t.clients().is_empty()).await;
}

#[tokio::test]
async fn a_client_that_gives_another_name_is_renamed() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Modern, "early").await;
    client.introduce("late").await;
    assert_eq!(rig.names().await, ["late"]);
}

#[tokio::test]
async fn the_socket_serves_several_clients_until_it_is_stopped() {
    let rig = Rig::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = tokio::spawn(serve_socket(one(listener), rig.session.clone(), no_terminals(), rig.stop.clone()));
    let mut bad = UnixStream::connect(&path).await.unwrap();
    bad.write_all(b"\xff\xff garbage \n{\n").await.unwrap();
    let mut clients = Vec::new();
    for n in 0..3 {
        let (reader, mut writer) = UnixStream::connect(&path).await.unwrap().into_split();
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": format!("c{n}"), "version": "1"},
        }});
        writer.write_all(format!("{hello}\n").as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reader).lines();
        let line = tokio::time::timeout(TEST_TIMEOUT, lines.next_line()).await.unwrap().unwrap().unwrap();
        assert!(line.contains(r#""protocolVersion":"2024-11-05""#), "{line}");
        clients.push((lines, writer));
    }
    assert_eq!(rig.names().await, ["c0", "c1", "c2"]);
    let transcript = rig.transcript().await;
    assert_eq!(transcript.clients()[0].pid, Some(std::process::id()));
    drop(bad);
    drop(clients.pop());
    rig.until("one left", |t| t.clients().len() == 2).await;
    rig.stop.cancel();
    tokio::time::timeout(TEST_TIMEOUT, server).await.expect("the server did not stop").unwrap();
    let end = tokio::time::timeout(TEST_TIMEOUT, clients[0].0.next_line()).await.unwrap();
    assert!(matches!(end, Ok(None)), "connections are closed: {end:?}");
}

#[tokio::test]
async fn every_protocol_version_with_a_handshake_is_served() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "1999-01-01"] {
        let rig = Rig::new();
        let mut client = rig.connect(Era::Legacy);
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"},
        }});
        client.line(&hello.to_string()).await;
        let answer = client.answer(1).await;
        let expected = if version > "2024" && version < "2026" { version } else { "2025-11-25" };
        assert_eq!(answer["result"]["protocolVersion"], expected);
        assert!(answer["result"]["instructions"].as_str().unwrap().contains("share with a person"));
        let result = client.run("value 2").await;
        assert!(text(&result).starts_with("Result: 2"));
    }
}

#[tokio::test]
async fn the_rmcp_client_is_served() {
    let rig = Rig::new();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (reader, writer) = tokio::io::split(theirs);
    tokio::spawn(serve_connection(reader, writer, rig.backend(), None, rig.stop.clone()));
    let mut info = ClientConfig::default();
    info.client_info = Implementation::new("rmcp", "1");
    let client = info.serve(ours).await.unwrap();
    let tools = client.list_all_tools().await.unwrap();
    assert!(tools.iter().any(|tool| tool.name == "read_output"));
    let arguments = json!({"code": "value 2"}).as_object().cloned().unwrap();
    let result =
        client.call_tool(CallToolRequestParams::new("run_python_code").with_arguments(arguments)).await.unwrap();
    assert!(result.content[0].as_text().unwrap().text.starts_with("Result: 2"), "{result:?}");
    assert_eq!(result.structured_content, None, "for a client that is not known");
    assert_eq!(rig.names().await, ["rmcp"]);
    client.cancel().await.unwrap();
    rig.until("it left", |t| t.clients().is_empty()).await;
}

#[tokio::test]
async fn requests_of_a_client_that_does_not_read_are_not_read() {
    let rig = Rig::new();
    let mut client = connect_narrow(&rig);
    client.introduce("deaf").await;
    let mut ids = Vec::new();
    // Each answer has some 10 kB. All together exceed the limit of the bytes that may wait.
    while ids.len() < 10_000 {
        // The last request is only written in part.
        match tokio::time::timeout(Duration::from_millis(500), client.request("tools/list", json!({}))).await {
            Ok(id) => ids.push(id),
            Err(_) => break,
        }
    }
    assert!(ids.len() < 10_000, "all requests were read, and every answer was kept");
    // When the client reads at last, no answer is lost.
    for id in ids {
        assert!(client.answer(id).await["result"]["tools"].is_array());
    }
}
