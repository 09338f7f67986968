//! Clients that ask for too much at once: the others are served as ever, and memory stays bounded.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::client::{Client, Era};
use crate::support::{Home, children};
use serde_json::{Value, json};

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
#[ignore = "takes minutes: tests/long runs it"]
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

/// Through the bridge, as clients really come: what is wrong is answered by its id, and what comes after it is served.
#[test]
#[ignore = "takes minutes: tests/long runs it"]
fn whatever_a_broken_client_sends_the_next_line_is_served() {
    let home = Home::new();
    let server = home.serve("patient");
    let session = children(server.child.id())[0];
    let mut bystander = bystander(&home);
    served(&mut bystander);
    let before = resident(session);
    let mut command = home.fourhands();
    command.args(["bridge", "--structured"]);
    let mut bridge = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = bridge.stdin.take().unwrap();
    let mut answers = BufReader::new(bridge.stdout.take().unwrap());
    let mut answer = |id: &Value| loop {
        let mut line = String::new();
        assert_ne!(answers.read_line(&mut line).unwrap(), 0, "hung up before the answer to {id}");
        let answer: Value = serde_json::from_str(&line).unwrap();
        if answer.get("method").is_none() && answer["id"] == *id {
            return answer;
        }
    };
    stdin.write_all(hello("broken").as_bytes()).unwrap();
    answer(&json!(0));
    let text = |answer: &Value| answer["result"]["structuredContent"]["result"].as_str().unwrap_or_default().to_owned();

    // Half a line, and the rest of it later.
    let half = call(1, "6 * 7");
    stdin.write_all(&half.as_bytes()[..30]).unwrap();
    stdin.flush().unwrap();
    served(&mut bystander);
    stdin.write_all(&half.as_bytes()[30..]).unwrap();
    assert_eq!(text(&answer(&json!(1))), "42");
    // A batch: each of its members.
    let batch = format!("[{},{}]\n", call(2, "1 + 1").trim_end(), call(3, "1 + 2").trim_end());
    stdin.write_all(batch.as_bytes()).unwrap();
    assert_eq!((text(&answer(&json!(2))), text(&answer(&json!(3)))), ("2".to_owned(), "3".to_owned()));
    // Neither UTF-8 nor JSON, but with an id; a lone half of a surrogate pair.
    let mut bytes = call(4, "'?'").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xFF;
    stdin.write_all(&bytes).unwrap();
    assert!(answer(&json!(4))["error"]["code"].is_i64());
    stdin.write_all(call(5, "len('?')").replace('?', "\\ud800").as_bytes()).unwrap();
    let lone = answer(&json!(5));
    assert!(lone["result"].is_object() || lone["error"].is_object(), "{lone}");
    stdin.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\n").unwrap();
    assert_eq!(answer(&json!(6))["error"]["code"], -32700);
    stdin
        .write_all(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"no_such\"}}\n")
        .unwrap();
    answer(&json!(7));
    // 50 MB of code, and more than a line may have.
    let huge = call(8, &format!("len('{}')", "x".repeat(50_000_000)));
    stdin.write_all(huge.as_bytes()).unwrap();
    let huge = answer(&json!(8));
    assert!(text(&huge) == "50000000" || huge["result"]["isError"] == true, "{}", &huge.to_string()[..300]);
    stdin.write_all(call(9, &"y".repeat(70 << 20)).as_bytes()).unwrap();
    assert!(answer(&json!(9))["error"]["message"].as_str().unwrap().contains("64 MiB"));
    stdin.write_all(call(10, "'still ' + 'here'").as_bytes()).unwrap();
    assert_eq!(text(&answer(&json!(10))), "'still here'");
    served(&mut bystander);
    let grown = [resident(session).saturating_sub(before), resident(bridge.id())];
    eprintln!("the session grew by {} MB, the bridge has {} MB", grown[0] >> 20, grown[1] >> 20);
    drop(stdin);
    assert!(bridge.wait().unwrap().success());
}
