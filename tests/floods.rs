//! Clients that ask for too much at once: the others are served as ever, and memory stays bounded.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail like the test")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::client::{Client, Era};
use support::{Home, children};

/// What a session of this program and its Python may grow by under any of this.
const MOST: u64 = 192 << 20;

fn socket(home: &Home, name: &str) -> PathBuf {
    home.path().join(format!(".local/state/fourhands/sessions/{name}.sock"))
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn hello(name: &str) -> String {
    let params =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": name, "version": "1"}});
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    format!("{hello}\n{}\n", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
}

fn call(id: u64, code: &str) -> String {
    let arguments = json!({"name": "run_python_code", "arguments": {"code": code}});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": arguments}).to_string() + "\n"
}

fn bystander(home: &Home) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    Client::start(bridge, "bystander", Era::Modern)
}

/// Runs something for the one who did nothing wrong, and answers how long that took.
fn served(client: &mut Client) -> Duration {
    let begun = Instant::now();
    assert_eq!(client.run("6 * 7")["result"], "42");
    begun.elapsed()
}

#[test]
fn ten_thousand_calls_in_one_breath_and_two_hundred_connections_at_once() {
    let home = Home::new();
    let server = home.serve("flooded");
    let session = children(server.child.id())[0];
    let mut bystander = bystander(&home);
    served(&mut bystander);
    let before = resident(session);

    let mut crowd = Vec::new();
    for nth in 0..200 {
        let mut stream = UnixStream::connect(socket(&home, "flooded")).unwrap();
        // Every other one says hello, the rest half of a line.
        let said = hello(&format!("crowd {nth}"));
        let said = if nth % 2 == 0 { said.as_bytes() } else { &said.as_bytes()[..20] };
        stream.write_all(said).unwrap();
        crowd.push(stream);
    }
    let mut eager = UnixStream::connect(socket(&home, "flooded")).unwrap();
    let mut answers = BufReader::new(eager.try_clone().unwrap());
    eager.write_all(hello("eager").as_bytes()).unwrap();
    let writer = std::thread::spawn(move || {
        for id in 1..=10_000 {
            eager.write_all(call(id, "counted = globals().get('counted', 0) + 1").as_bytes()).unwrap();
        }
        eager
    });
    let slowest = (0..5).map(|_| served(&mut bystander)).max().unwrap();
    let mut line = String::new();
    let mut answered = 0;
    while answered <= 10_000 {
        line.clear();
        assert_ne!(answers.read_line(&mut line).unwrap(), 0, "hung up after {answered} answers");
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer["result"]["isError"] != true, "{answer}");
        answered += u64::from(answer.get("id").is_some());
    }
    assert_eq!(bystander.run("counted")["result"], "10000");
    let grown = resident(session).saturating_sub(before);
    eprintln!("the bystander waited {slowest:?} at most; the session grew by {} MB", grown >> 20);
    assert!(grown < MOST, "grew by {} MB", grown >> 20);
    drop((crowd, writer.join().unwrap()));
}

#[test]
fn a_client_that_never_reads_holds_up_only_itself() {
    let home = Home::new();
    let server = home.serve("deaf");
    let session = children(server.child.id())[0];
    let mut bystander = bystander(&home);
    served(&mut bystander);
    let before = resident(session);
    let mut deaf = UnixStream::connect(socket(&home, "deaf")).unwrap();
    deaf.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    deaf.write_all(hello("deaf").as_bytes()).unwrap();
    let list = json!({"jsonrpc": "2.0", "method": "tools/list", "id": 0}).to_string();
    let mut sent = 0;
    // Until nothing more is taken from it.
    let stuck = (1..1_000_000).any(|id| {
        sent = id;
        deaf.write_all((list.replace("\"id\":0", &format!("\"id\":{id}")) + "\n").as_bytes()).is_err()
    });
    let slowest = (0..5).map(|_| served(&mut bystander)).max().unwrap();
    let grown = resident(session).saturating_sub(before);
    eprintln!("stuck after {sent} requests; the bystander waited {slowest:?} at most; grown by {} MB", grown >> 20);
    assert!(stuck, "all was taken and no answer read");
    assert!(grown < MOST, "grew by {} MB", grown >> 20);
}
