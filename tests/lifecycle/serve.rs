//! A session without a dashboard: its log, its end, and that nothing around it can take it down.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc;

use crate::support::client::{Client, Era};
use crate::support::{Home, Server, python, signal, wait_until};
use nix::sys::signal::Signal;

fn client(home: &Home, name: &str) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    Client::start(bridge, name, Era::Legacy)
}

/// A session named after its folder, what it said up to where it listens, and the rest of its log.
fn serve(home: &Home) -> (Server, String, BufReader<ChildStdout>) {
    let mut command = home.fourhands();
    command.args(["serve", "--python"]).arg(python());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let server = Server { child, log: mpsc::channel().1 };
    let mut said = String::new();
    while !said.contains("listening on") {
        assert_ne!(log.read_line(&mut said).unwrap(), 0, "{said}");
    }
    (server, said, log)
}

#[test]
fn the_log_tells_what_happens_and_whom_to_end() {
    let home = Home::new();
    let (mut server, mut said, mut log) = serve(&home);
    assert!(said.starts_with("fourhands: session work with Python 3."), "named after its folder: {said}");
    let process = format!("process {};", server.child.id());
    assert!(said.contains(&process), "the one to end is {process} {said}");
    let (_, socket) = said.split_once("listening on ").unwrap();
    let socket = PathBuf::from(socket.split(',').next().unwrap());
    assert!(socket.exists());

    #[cfg(target_os = "linux")]
    {
        // The binary is mostly the engine, of which the guardian has made a copy for Python.
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let kilobytes = status.split_once("RssFile:").unwrap().1.split_whitespace().next().unwrap().parse::<u64>();
        let binary = std::fs::metadata(env!("CARGO_BIN_EXE_fourhands")).unwrap().len();
        assert!(kilobytes.unwrap() < binary / 1024 / 4, "it keeps no page of the engine: {status}");
    }

    let mut client = client(&home, "cautious");
    client.run("greeting = 'hello'");
    client.run("greeting / 2");
    client.close();
    while !said.contains("cautious left") {
        assert_ne!(log.read_line(&mut said).unwrap(), 0, "{said}");
    }
    assert!(server.terminate().success());
    log.read_to_string(&mut said).unwrap();
    for line in ["cautious", "1 cautious runs: greeting = 'hello'", "1 cautious: ok in", "2 cautious: TypeError: "] {
        assert!(said.contains(line), "{line:?} is missing in:\n{said}");
    }
    assert!(said.ends_with("the session has ended\n") && !said.contains('\x1b'), "{said}");
    assert!(!socket.exists(), "the socket was left behind");
}

#[test]
fn it_goes_on_when_nobody_reads_its_log() {
    let home = Home::new();
    let (mut server, _, log) = serve(&home);
    drop(log);
    let mut client = client(&home, "deaf");
    assert_eq!(client.run("6 * 7")["result"], "42");
    signal(server.child.id(), Signal::SIGINT);
    assert!(wait_until("the end", || server.child.try_wait().unwrap()).success());
}

#[test]
fn a_log_that_nobody_reads_holds_up_neither_the_session_nor_its_end() {
    let home = Home::new();
    let (mut server, _, mut log) = serve(&home);
    let mut client = client(&home, "busy");
    // More than a pipe takes, and more than is kept for one that reads later.
    for _ in 0..10 {
        client.run("raise ValueError('x' * 50_000)");
    }
    assert_eq!(client.run("6 * 7")["result"], "42");
    let mut said = String::new();
    while !said.contains("could not be written here)") {
        assert_ne!(log.read_line(&mut said).unwrap(), 0, "{said}");
    }
    for _ in 0..10 {
        client.run("raise ValueError('x' * 50_000)");
    }
    assert!(server.terminate().success(), "it ends although nobody reads");
}

#[test]
fn a_second_one_of_the_same_folder_is_refused_with_the_first_one_named() {
    let home = Home::new();
    let server = home.serve("work");
    for arguments in [&["serve"][..], &["serve", "--session", "work"]] {
        let output = home.fourhands().args(arguments).arg("--python").arg(python()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("pid {}", server.child.id())) && said.contains("--session NAME"), "{said}");
        assert!(said.contains("`fourhands bridge --session work`") && said.contains("`fourhands stop work`"), "{said}");
    }
}
