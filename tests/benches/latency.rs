//! How long `1+1` takes, from a client's request to its answer: through the bridge and straight on the socket, with the
//! dashboard open, beside a bare Unix-socket ping-pong of the same sizes between two processes.
//!
//! `cargo bench --bench latency`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark has nothing better to do than to stop")]

#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::client::{Client, Era};
use support::terminal::Terminal;
use support::{Home, pythons, wait_until};

const WARM_UP: usize = 500;
const ROUNDS: usize = 5_000;

fn main() {
    // This very program is the other side of the ping-pong.
    if std::env::args().nth(1).as_deref() == Some("echo") {
        return echo();
    }
    let home = Home::new();
    let python = pythons().into_iter().next().expect("a Python");
    let terminal = Terminal::start(&home, &["--session", "bench", "--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for_text("variables");
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "bench"]);
    let mut client = Client::start(bridge, "bench", Era::Legacy);
    let request = |id: u64| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"run_python_code","arguments":{{"code":"1+1"}}}}}}"#
        )
    };
    client.run("1+1");

    let through_bridge = measure(|n| {
        client.send_line(&request(n as u64 + 1_000_000));
        client.next();
    });
    println!("{through_bridge}   run_python_code 1+1 through the bridge, dashboard open");

    let record = home.path().join(".local/state/fourhands/sessions/bench.sock");
    let stream = UnixStream::connect(record).expect("the session's socket");
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut answer = String::new();
    let hello = client.line(
        1,
        "initialize",
        serde_json::json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "direct", "version": "1"}}),
    );
    writeln!(stream, "{hello}").unwrap();
    lines.read_line(&mut answer).unwrap();
    let on_socket = measure(|n| {
        writeln!(stream, "{}", request(n as u64 + 2)).unwrap();
        answer.clear();
        lines.read_line(&mut answer).unwrap();
    });
    println!("{on_socket}   the same straight on the session's socket");
    drop(terminal);

    let place = home.path().join("echo.sock");
    let sizes = [request(1).len() + 1, answer.len()].map(|size| size.to_string());
    let mut other = Command::new(std::env::current_exe().unwrap())
        .arg("echo")
        .arg(&place)
        .args(&sizes)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut stream = wait_until("the echo", || UnixStream::connect(&place).ok());
    let question = vec![b'x'; request(1).len() + 1];
    let mut reply = vec![0; answer.len()];
    let floor = measure(|_| {
        stream.write_all(&question).unwrap();
        stream.read_exact(&mut reply).unwrap();
    });
    drop(stream);
    let _ = other.wait();
    println!("{floor}   bare Unix-socket ping-pong of the same sizes ({} and {} bytes)", sizes[0], sizes[1]);
}

fn echo() {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let size = |n: usize| arguments[n].parse::<usize>().unwrap();
    let (mut question, reply) = (vec![0; size(1)], vec![b'y'; size(2)]);
    let listener = UnixListener::bind(&arguments[0]).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    while stream.read_exact(&mut question).is_ok() && stream.write_all(&reply).is_ok() {}
}

struct Times(Vec<Duration>);

fn measure(mut round: impl FnMut(usize)) -> Times {
    let mut times = Vec::with_capacity(ROUNDS);
    for n in 0..WARM_UP + ROUNDS {
        let start = Instant::now();
        round(n);
        if n >= WARM_UP {
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    Times(times)
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |share: f64| self.0[(self.0.len() as f64 * share) as usize].as_secs_f64() * 1e6;
        write!(f, "p50 {:7.1} µs   p99 {:7.1} µs", at(0.5), at(0.99))
    }
}
