//! Servers that run Python for models, side by side: the same client, the same machine, one block of calls of each in turn.
//!
//! `tests/compare/install && cargo bench --bench compare` prints the table, and writes the charts to `assets/`. `-- --table`
//! leaves out the charts, and a word measures only the servers whose names contain the word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark can only stop")]

mod chart;
mod measure;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use chart::{Chart, Line};
use measure::{Figures, Growth};
use server::{COMMON, INTERPRETER, REPL, SESSIONS, Server, Tools};
use support::terminal::Terminal;
use support::{Home, children, python, wait_until};

/// How often each server gets a block of calls.
const BLOCKS: usize = 8;

/// A server that can be started.
struct Contestant {
    name: &'static str,
    tools: &'static Tools,
    command: fn(&Place) -> Command,
    /// The command whose cold start is measured, where another one is used for the rest.
    cold: Option<fn(&Place) -> Command>,
}

/// Where the servers are, and the session that the bridge leads to.
struct Place {
    home: Home,
    folder: PathBuf,
}

const OURS: &str = "fourhands, dashboard open";

const CONTESTANTS: &[Contestant] = &[
    Contestant {
        name: "floor: exec loop",
        tools: &COMMON,
        command: |place| script(place, None, "floor.py"),
        cold: None,
    },
    Contestant { name: OURS, tools: &COMMON, command: bridge, cold: Some(alone) },
    Contestant {
        name: "three tools, fastmcp",
        tools: &COMMON,
        command: |place| script(place, Some("fastmcp"), "three_tools.py"),
        cold: None,
    },
    Contestant {
        name: "posit-mcp-repl",
        tools: &REPL,
        command: |place| {
            let mut command = installed(place, "posit-mcp-repl", "mcp-repl");
            command.args(["--interpreter", "python", "--sandbox", "danger-full-access"]);
            command
        },
        cold: None,
    },
    Contestant {
        name: "mcp-python-repl",
        tools: &SESSIONS,
        command: |place| installed(place, "mcp-python-repl", "mcp-python-repl"),
        cold: None,
    },
    Contestant {
        name: "mcp-python-interpreter",
        tools: &INTERPRETER,
        command: |place| {
            let mut command = installed(place, "mcp-python-interpreter", "mcp-python-interpreter");
            command.arg("--dir").arg(place.home.work());
            command
        },
        cold: None,
    },
    Contestant {
        name: "ipykernel",
        tools: &INTERPRETER,
        command: |place| script(place, Some("ipykernel"), "kernel.py"),
        cold: None,
    },
];

fn script(place: &Place, environment: Option<&str>, file: &str) -> Command {
    let python = environment.map_or_else(python, |name| place.folder.join(name).join("bin/python"));
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compare").join(file)).current_dir(place.home.work());
    command
}

fn installed(place: &Place, environment: &str, program: &str) -> Command {
    let bin = place.folder.join(environment).join("bin");
    let mut command = Command::new(bin.join(program));
    // Some start the `python` on PATH.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", bin.display())).current_dir(place.home.work());
    command
}

fn bridge(place: &Place) -> Command {
    let mut command = place.home.fourhands();
    command.args(["bridge", "--session", "compare"]);
    command
}

fn alone(place: &Place) -> Command {
    let mut command = place.home.fourhands();
    command.args(["serve", "--stdio", "--python"]).arg(python());
    command
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let place = Place { home: Home::new(), folder: Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare") };
    assert!(place.folder.exists(), "run tests/compare/install first");
    let is_wanted = |contestant: &&Contestant| wanted.as_ref().is_none_or(|word| contestant.name.contains(word));
    let contestants: Vec<_> = CONTESTANTS.iter().filter(is_wanted).collect();

    let arguments = ["--session", "compare", "--python", &python().display().to_string()];
    let terminal = Terminal::start(&place.home, &arguments, 40, 120);
    terminal.wait_for_text("variables");
    let session = wait_until("the session process", || children(terminal.pid()).first().copied());
    let mut servers: Vec<Server> = Vec::new();
    for contestant in &contestants {
        eprintln!("starting {}", contestant.name);
        let mut server = Server::start(contestant.name, contestant.tools, (contestant.command)(&place));
        if contestant.name == OURS {
            server.helpers = vec![terminal.pid(), session];
        }
        servers.push(server);
    }

    let mut figures: Vec<Figures> = servers.iter_mut().map(Figures::begin).collect();
    for block in 1..=BLOCKS {
        eprintln!("block {block} of {BLOCKS}");
        for (server, figures) in servers.iter_mut().zip(&mut figures) {
            figures.add_block(server);
        }
    }
    for (contestant, figures) in contestants.iter().zip(&mut figures) {
        let start = contestant.cold.unwrap_or(contestant.command);
        figures.add_cold_starts(|| Server::start(contestant.name, contestant.tools, start(&place)));
    }
    measure::print_table(&mut figures);

    if wanted.is_some() || std::env::args().any(|argument| argument == "--table") {
        return;
    }
    // The others slow down the machine no longer, and the slowest of them would take hours.
    servers.truncate(3);
    let connect = |of: &Contestant| Server::start(of.name, of.tools, (of.command)(&place));
    let growth: Vec<Growth> = servers
        .into_iter()
        .zip(&contestants)
        .map(|(server, contestant)| Growth::measure(server, || connect(contestant)))
        .collect();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let lines = |points: fn(&Growth) -> &Vec<(f64, f64)>| -> Vec<Line> {
        growth.iter().map(|growth| Line { name: growth.name, points: points(growth).clone() }).collect()
    };
    for (file, chart) in [
        (
            "latency-by-calls.svg",
            Chart { title: "A call of 1+1", x: "calls made before", y: "µs, median", lines: lines(|g| &g.latency) },
        ),
        (
            "memory-by-calls.svg",
            Chart { title: "Memory", x: "calls made before", y: "kB of all processes", lines: lines(|g| &g.memory) },
        ),
        (
            "latency-by-variables.svg",
            Chart { title: "A call of 1+1", x: "variables held", y: "µs, median", lines: lines(|g| &g.by_variables) },
        ),
        (
            "memory-by-clients.svg",
            Chart {
                title: "Memory",
                x: "clients connected",
                y: "kB of all processes",
                lines: lines(|g| &g.by_clients),
            },
        ),
    ] {
        std::fs::write(assets.join(file), chart.svg()).unwrap();
        println!("wrote assets/{file}");
    }
}
