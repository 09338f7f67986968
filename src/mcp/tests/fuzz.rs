//! Random bytes to the server: the next valid request is answered.

use std::time::{Duration, Instant};

use serde_json::json;

use super::support::{ERAS, Rig};
use crate::domain::random::Random;

/// Rounds for half a second, or for `FOURHANDS_FUZZ_SECONDS`. The printed `FOURHANDS_FUZZ_SEED` repeats them.
pub(crate) fn rounds(what: &str) -> impl Iterator<Item = Random> {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let limit = number("FOURHANDS_FUZZ_SECONDS").map_or(Duration::from_millis(500), Duration::from_secs);
    let seed = number("FOURHANDS_FUZZ_SEED")
        .unwrap_or_else(|| std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs());
    println!("{what}: FOURHANDS_FUZZ_SEED={seed} for {limit:?}");
    let started = Instant::now();
    let mut made = 0;
    std::iter::from_fn(move || {
        if started.elapsed() > limit {
            println!("{what}: {made} rounds");
            return None;
        }
        made += 1;
        Some(Random::new(seed.wrapping_add(made)))
    })
}

/// The messages that are corrupted.
pub(crate) const MESSAGES: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"tools/call","params":{"name":"run_python_code","arguments":{"code":"echo \ud83d\ude00"},"_meta":{"progressToken":"fuzz"}}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"tools/call","params":{"name":"wait_for_snippet","arguments":{"snippet":1,"wait_s":0}}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"resources/read","params":{"uri":"fourhands://variables"}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"resources/subscribe","params":{"uri":"fourhands://session"}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"prompts/get","params":{"name":"resume_session"}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"fourhands://variable/{name}"},"argument":{"name":"name","value":"a"}}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","method":"ping"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"fuzz","reason":"\u0000"}}"#,
    r#"{"jsonrpc":"2.0","id":"fuzz","result":{"action":"accept","content":{}}}"#,
    r#"[{"jsonrpc":"2.0","id":"fuzz","method":"ping"},{"jsonrpc":"2.0","id":"fuzz","method":"tools/list"}]"#,
];

/// Corrupted messages, some without a newline at the end.
pub(crate) fn corrupted_lines(random: &mut Random, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        let mut line = random.one(MESSAGES).as_bytes().to_vec();
        if random.below(4) > 0 {
            random.spoil(&mut line);
        }
        bytes.extend(line);
        bytes.extend(random.one(&[&b"\n"[..], b"\n", b"\n", b"\r\n", b"\n\n", b""]));
    }
    bytes
}

#[tokio::test]
async fn fuzz_the_socket() {
    for (mut random, era) in rounds("the socket's input").zip(ERAS.into_iter().cycle()) {
        let rig = Rig::new();
        let mut client = rig.client(era, "tester").await;
        for _ in 0..10 {
            client.bytes(&corrupted_lines(&mut random, 20)).await;
            // The newline ends a line that is not complete.
            client.line("").await;
            let id = client.request("resources/read", json!({"uri": "fourhands://session"})).await;
            let answer = client.answer(id).await;
            assert!(answer["result"]["contents"][0]["text"].is_string(), "{answer}");
        }
    }
}
