//! Lines that are not a valid message, or that rmcp would drop.

use serde_json::{Value, json};

use super::support::{ERAS, Era, Rig, connect_limited, text};

#[tokio::test]
async fn a_lone_surrogate_is_answered_with_the_id_of_its_request() {
    for era in ERAS {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        let meta = match era {
            Era::Legacy => String::new(),
            Era::Modern => concat!(
                r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
                r#""io.modelcontextprotocol/clientCapabilities":{}}"#
            )
            .to_owned(),
        };
        let call = |code: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{{"name":"run_python_code","arguments":{{"code":"{code}"}}{meta}}}}}"#
            )
        };
        client.line(&call(r"s = '\ud800'")).await;
        let result = client.result(77).await;
        assert_eq!(result["isError"], true);
        assert!(text(&result).contains("half of a surrogate pair"), "{result}");
        client.line(&call(r"echo \ud83d\ude00")).await;
        assert!(text(&client.result(77).await).starts_with("😀\n"), "whole pairs are characters");

        let mut bytes = call("s = '@'").into_bytes();
        let at = bytes.iter().position(|b| *b == b'@').unwrap();
        bytes.splice(at..=at, [0xff, 0xfe]);
        bytes.push(b'\n');
        client.bytes(&bytes).await;
        assert!(text(&client.result(77).await).contains("not UTF-8"));
    }
}

#[tokio::test]
async fn an_invalid_line_is_answered_and_the_connection_goes_on() {
    for era in ERAS {
        let rig = Rig::new();
        // Invalid lines before the first request do not end the connection either.
        let mut client = rig.connect(era);
        client.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        for introduced in [false, true] {
            for (line, code) in [("{oops", -32700), ("hello", -32700), ("[]", -32600), ("3", -32600)] {
                client.line(line).await;
                let answer = client.message().await;
                assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(code)), "{line}");
            }
            client.line("").await;
            client.line("  \r").await;
            if !introduced {
                client.introduce("tester").await;
            }
        }
        assert!(text(&client.run("echo on").await).starts_with("on\n"));
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_is_answered_with_its_id() {
    let rig = Rig::new();
    let mut client = connect_limited(&rig, 10_000);
    client.introduce("tester").await;
    let id = client.start("run_python_code", json!({"code": format!("echo {}", "x".repeat(100_000))})).await;
    let answer = client.answer(id).await;
    assert_eq!(answer["error"]["code"], -32600);
    assert!(answer["error"]["message"].as_str().unwrap().contains("100 kB"), "{answer}");
    assert!(text(&client.run("echo on").await).starts_with("on\n"));
}

#[tokio::test]
async fn a_second_request_with_an_open_id_is_refused() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    let call = |code: &str| {
        json!({"jsonrpc": "2.0", "id": "a", "method": "tools/call",
            "params": {"name": "run_python_code", "arguments": {"code": code}}})
        .to_string()
    };
    client.line(&call("sleep")).await;
    client.line(&call("echo 2")).await;
    assert_eq!(client.message().await["error"]["code"], -32600);
    rig.release(1);
    assert_eq!(client.message().await["result"]["structuredContent"]["status"], "ok");
    client.line(&call("echo 2")).await;
    assert_eq!(client.message().await["result"]["structuredContent"]["stdout"], "2\n", "an id is free once answered");
}

#[tokio::test]
async fn a_large_snippet_runs() {
    let rig = Rig::new();
    let mut client = rig.client(Era::Legacy, "tester").await;
    let result = client.run(&format!("value {}", "x".repeat(3 << 20))).await;
    assert_eq!(result["structuredContent"]["truncated"], true);
    assert!(text(&result).len() < 12_000);
}
