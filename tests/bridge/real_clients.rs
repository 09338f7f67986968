//! The clients that people use, each at a whole job: with a person at the dashboard, through the bridge, and across a
//! dashboard that is killed in mid-call.

use crate::support;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use crate::support::outside::{Outsider, packaged, pinned, script};
use crate::support::terminal::Terminal;
use crate::support::{BINARY, Home, children, pythons, signal, version, wait_until};
use nix::sys::signal::Signal;

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";
const VARIABLES: &str = "fourhands://variables";

/// What a client is, how it is started, and what it can do.
struct Kind {
    /// Which of the Pythons of the machine holds the session; they take turns.
    place: usize,
    /// The package, whose version stands in the file of pins.
    package: &'static str,
    pins: &'static str,
    script: &'static str,
    /// The mode that the script is given, if it knows several.
    mode: &'static str,
    protocol: &'static str,
    /// What it calls itself in the dashboard.
    name: &'static str,
    watches: bool,
}

const MCP_1: Kind = Kind {
    place: 0,
    package: "mcp",
    pins: "clients/mcp1.txt",
    script: "mcp1.py",
    mode: "",
    protocol: LEGACY,
    name: "mcp",
    watches: true,
};
const MCP_2: Kind = Kind { place: 1, pins: "clients/mcp2.txt", script: "mcp2.py", mode: "legacy", ..MCP_1 };
const FASTMCP: Kind =
    Kind { package: "fastmcp", script: "fastmcp_client.py", mode: "", protocol: MODERN, watches: false, ..MCP_2 };
const SDK_1: Kind = Kind {
    place: 2,
    package: "@modelcontextprotocol/sdk",
    pins: "package.json",
    script: "sdk1.mjs",
    name: "sdk1",
    ..MCP_1
};
const SDK_2: Kind = Kind {
    place: 3,
    package: "@modelcontextprotocol/client",
    script: "sdk2.mjs",
    mode: "legacy",
    name: "sdk2",
    ..SDK_1
};

#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn python_sdk_1() {
    job(&MCP_1);
}

#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn python_sdk_2_legacy() {
    job(&MCP_2);
}

#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn python_sdk_2_auto() {
    job(&Kind { place: 2, mode: "auto", protocol: MODERN, ..MCP_2 });
}

#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn fastmcp() {
    job(&FASTMCP);
}

#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn typescript_sdk_1() {
    job(&SDK_1);
}

#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn typescript_sdk_2_legacy() {
    job(&SDK_2);
}

#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn typescript_sdk_2_auto() {
    job(&Kind { place: 0, mode: "auto", protocol: MODERN, ..SDK_2 });
}

/// Runs the job with one client, and says so.
fn job(kind: &Kind) {
    let pythons = pythons();
    let python = &pythons[kind.place % pythons.len()];
    let started = Instant::now();
    let home = Home::new();
    let mut terminal = dashboard(&home, python);
    let mut command = script(&home, kind.pins, kind.script);
    command.args(Some(kind.mode).filter(|mode| !mode.is_empty()));
    let mut client = Outsider::start(command);
    assert_eq!(client.protocol, kind.protocol);

    lists(&mut client);
    runs(&mut client, &terminal, kind.name);
    hears_of_the_person(&mut client, &mut terminal, kind.watches);
    cancels(&mut client, &terminal);
    let terminal = outlives_the_dashboard(&mut client, terminal, &home, python, kind.watches);

    client.close();
    leave(terminal);
    let package = pinned(kind.pins, kind.package);
    let (protocol, held_by, took) = (kind.protocol, version(python), started.elapsed());
    println!("ok  {package} {} speaks {protocol}, session of Python {held_by}, {took:.0?}", kind.mode);
}

fn lists(client: &mut Outsider) {
    let tools = client.request("tools", serde_json::json!({}));
    for tool in ["run_python_code", "reset_python_environment", "list_defined_variables"] {
        assert!(tools.as_array().unwrap().iter().any(|listed| listed == tool), "{tool} is missing in {tools}");
    }
}

const FIGURE: &str = "import struct, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
class Figure:
    def _repr_png_(self):
        return (b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 30, 20, 8, 2, 0, 0, 0))
                + chunk(b'IDAT', zlib.compress((b'\\0' + bytes(90)) * 20)) + chunk(b'IEND', b''))
Figure()";

/// A value, an error, a figure; and the person sees whose they are.
fn runs(client: &mut Outsider, terminal: &Terminal, name: &str) {
    let value = client.run("print('half of it')\nanswer = 21\nanswer * 2");
    let structured = &value["structured"];
    assert_eq!(
        (&value["is_error"], &structured["status"], &structured["result"]),
        (&false.into(), &"ok".into(), &"42".into())
    );
    assert_eq!(structured["stdout"], "half of it\n", "{value}");
    assert!(value["text"].as_str().unwrap().contains("42"), "{value}");
    terminal.wait_for("the client's snippet on the screen", |screen| {
        [name, "answer * 2", "half of it", "42"].iter().all(|text| screen.contains(text))
    });

    let error = client.run("answer / 0");
    assert_eq!((&error["is_error"], &error["structured"]["returncode"]), (&true.into(), &1.into()), "{error}");
    assert!(error["text"].as_str().unwrap().contains("ZeroDivisionError"), "{error}");
    terminal.wait_for_text("ZeroDivisionError");

    let figure = client.run(FIGURE);
    let images = figure["images"].as_array().unwrap();
    assert!(images.len() == 1 && images[0].as_str().unwrap().starts_with("iVBORw0KGgo"), "{figure}");
}

/// What the person runs is told with the next result, and at once to a client that watches.
fn hears_of_the_person(client: &mut Outsider, terminal: &mut Terminal, watches: bool) {
    if watches {
        client.request("watch", serde_json::json!({"uri": VARIABLES}));
        client.forget_updates();
    }
    terminal.send("by_hand = 'made by the person'\r");
    terminal.wait_for_text("by_hand");
    if watches {
        client.update_of(VARIABLES);
    }
    wait_until("the variable", || {
        let read = client.request("read", serde_json::json!({"uri": VARIABLES}));
        read.as_str().unwrap().contains("made by the person").then_some(())
    });
    let told = client.run("by_hand.upper()");
    assert_eq!(told["structured"]["result"], "'MADE BY THE PERSON'");
    assert!(told["text"].as_str().unwrap().contains("by_hand = "), "{told}");
}

/// Progress tells what the code writes; a call that is given up stops its code.
fn cancels(client: &mut Outsider, terminal: &Terminal) {
    let call = client.start_code("import time\nfor i in range(10_000):\n    print('round', i)\n    time.sleep(0.01)");
    client.progress_of(call, "round ");
    client.ask("cancel", serde_json::json!({"of": call}));
    assert_eq!(client.answer(call), Err("cancelled".to_owned()));
    terminal.wait_for_text("(cancelled the call)");
    assert_eq!(client.run("answer")["structured"]["result"], "21");
}

/// First Python is killed, which the guardian starts again; then both are, and the person starts the dashboard again.
fn outlives_the_dashboard(
    client: &mut Outsider,
    terminal: Terminal,
    home: &Home,
    python: &Path,
    watches: bool,
) -> Terminal {
    let session = children(terminal.pid())[0];
    let lost = killed_in_mid_call(client, &terminal, "first", &[session]);
    assert!(lost.contains("Python was killed by SIGKILL"), "{lost}");
    terminal.wait_for_text("a new Python has taken over");
    assert_eq!(client.run("answer = 5; answer")["structured"]["result"], "5", "after a crash of Python");

    let session = children(terminal.pid())[0];
    let lost = killed_in_mid_call(client, &terminal, "second", &[terminal.pid(), session]);
    // A session that outlives its guardian for a moment answers what it still can.
    let answers = ["ended before this call was answered", "interrupted by the end of the session"];
    assert!(answers.iter().any(|answer| lost.contains(answer)), "{lost}");
    drop(terminal);
    let offline = client.run("1 + 1");
    let text = offline["text"].as_str().unwrap();
    assert!(offline["is_error"] == true && text.contains("Nothing was run") && text.contains("fourhands"), "{text}");

    let mut terminal = dashboard(home, python);
    assert_eq!(client.run("back = 6 * 7; back")["structured"]["result"], "42", "after a new start of the dashboard");
    terminal.wait_for_text("back = 6 * 7");
    if watches {
        client.forget_updates();
        terminal.send("again = 1\r");
        client.update_of(VARIABLES);
    }
    terminal
}

/// Kills the processes while a call runs. The call is answered as failed, with this text.
fn killed_in_mid_call(client: &mut Outsider, terminal: &Terminal, name: &str, pids: &[u32]) -> String {
    let call = client.start_code(&format!("import time; print('the ' + '{name}' + ' dies'); time.sleep(600)"));
    terminal.wait_for_text(&format!("the {name} dies"));
    for pid in pids {
        signal(*pid, Signal::SIGKILL);
    }
    let result = client.answer(call).expect("a result, which models read");
    assert_eq!(result["is_error"], true, "{result}");
    result["text"].as_str().unwrap().to_owned()
}

fn dashboard(home: &Home, python: &Path) -> Terminal {
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("ready") && screen.contains("▎"));
    terminal
}

fn leave(mut terminal: Terminal) {
    terminal.wait_for("an idle session", |screen| screen.contains("ready"));
    terminal.leave();
    let status = terminal.wait();
    assert!(status.success(), "the dashboard ended with {status:?}");
}

/// The inspector does one thing at a time, each with a bridge of its own.
#[test]
#[ignore = "needs the clients that tests/outside/install installs"]
fn inspector() {
    let started = Instant::now();
    let home = Home::new();
    let python = support::python();
    let mut terminal = dashboard(&home, &python);
    let run = ["--method", "tools/call", "--tool-name", "run_python_code", "--tool-arg"];
    for era in ["legacy", "modern"] {
        let inspect = |arguments: &[&str]| inspect(&home, era, arguments);
        // Strict: it also judges whether the schemas suit every client, and says nothing if they do.
        let listed = inspect(&["--method", "tools/list", "--strict"]);
        assert!(listed.status.success() && listed.stderr.is_empty(), "{listed:?}");
        let value = inspect(&[&run[..], &["code=shown = 6 * 7; shown"]].concat());
        assert_eq!(json(&value)["result"]["structuredContent"]["result"], "42");
        terminal.wait_for_text("shown = 6 * 7; shown");
        let error = inspect(&[&run[..], &["code=1 / 0"]].concat());
        assert!(!error.status.success() && json(&error)["result"]["isError"] == true, "{error:?}");
        let read = inspect(&["--method", "resources/read", "--uri", VARIABLES]);
        assert!(json(&read)["result"]["contents"][0]["text"].as_str().unwrap().contains("shown"), "{read:?}");
        let prompt = inspect(&["--method", "prompts/get", "--prompt-name", "resume_session"]);
        assert!(json(&prompt)["result"]["messages"][0]["content"]["text"].is_string(), "{prompt:?}");
        let load = ["--load", "--load-requests", "200", "--load-concurrency", "10"];
        let load = json(&inspect(&[&run[..], &["code=1+1"], &load].concat()))["result"].clone();
        assert_eq!((&load["ok"], &load["errors"]), (&200.into(), &0.into()), "{load}");
        // In mid-call, and then there is none; the next one finds the next dashboard.
        let session = children(terminal.pid())[0];
        let lost = std::thread::scope(|scope| {
            let call = scope.spawn(|| inspect(&[&run[..], &["code=import time; time.sleep(600)"]].concat()));
            terminal.wait_for_text("time.sleep(600)");
            for pid in [terminal.pid(), session] {
                signal(pid, Signal::SIGKILL);
            }
            call.join().unwrap()
        });
        assert!(String::from_utf8_lossy(&lost.stdout).contains("before this call was answered"), "{lost:?}");
        let offline = inspect(&[&run[..], &["code=1+1"]].concat());
        assert!(String::from_utf8_lossy(&offline.stdout).contains("Nothing was run"), "{offline:?}");
        terminal = dashboard(&home, &python);
    }
    leave(terminal);
    let package = pinned("package.json", "@modelcontextprotocol/inspector");
    println!("ok  {package} legacy and modern, {:.0?}", started.elapsed());
}

fn inspect(home: &Home, era: &str, arguments: &[&str]) -> Output {
    let mut command = packaged(home, "@modelcontextprotocol/inspector/clients/launcher/build/index.js");
    command.args(["--cli", "--format", "json", "--quiet", "--protocol-era", era, BINARY, "bridge"]).args(arguments);
    command.output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}
