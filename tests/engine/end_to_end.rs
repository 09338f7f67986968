//! A person at the dashboard and a client behind the bridge, in one namespace.

use std::path::Path;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, chosen_pythons};
use serde_json::Value;

/// A client that runs code through the bridge and returns the structured result.
type Run<'a> = &'a mut dyn FnMut(&str) -> Value;

fn do_the_job(home: &Home, terminal: &mut Terminal, client: &str, run: Run<'_>) {
    std::fs::write(home.work().join("sales.csv"), "region,revenue\nnorth,10.5\nsouth,4\nnorth,2\n").unwrap();

    let read = run("import csv\n\
         with open('sales.csv', newline='') as file:\n    rows = list(csv.DictReader(file))\n\
         total = sum(float(row['revenue']) for row in rows)\n\
         print(len(rows), 'rows read')\n\
         total");
    assert_eq!(read["status"], "ok", "{read}");
    assert_eq!(read["result"], "16.5");
    assert_eq!(read["stdout"], "3 rows read\n");

    // The person sees the author, the code, the result and the new names.
    let code = "with open('sales.csv', newline='') as file:";
    terminal.wait_for("the client's snippet and its variables", |screen| {
        ["3 rows read", "16.5", "rows", "total", client, code, "list", "float"].iter().all(|text| screen.contains(text))
    });

    // The person uses the client's names, in several lines.
    terminal.send("by_region = {}\r");
    terminal.wait_for_text("3 you");
    terminal.send("for row in rows:\r");
    terminal.wait_for_text("▎ for row in rows:");
    terminal.send("by_region.setdefault(row['region'], []).append(float(row['revenue']))\r");
    terminal.wait_for_text("▎     by_region.setdefault");
    terminal.send("\r");
    terminal.wait_for_text("4 you");
    terminal.send("by_region\r");
    terminal.wait_for_text("{'north': [10.5, 2.0], 'south': [4.0]}");

    let answer = run("max(by_region, key=lambda region: sum(by_region[region])), total");
    assert_eq!(answer["result"], "('north', 16.5)", "{answer}");
    terminal.wait_for_text("('north', 16.5)");
}

fn open_dashboard(home: &Home, python: &Path) -> Terminal {
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for_text("variables");
    terminal
}

fn leave(mut terminal: Terminal) {
    let status = terminal.quit();
    assert!(status.success(), "the dashboard ended with {status:?}");
    assert!(!terminal.is_alternate(), "the alternate screen was left behind");
}

#[test]
fn a_person_and_a_client_share_one_namespace() {
    for (python, era) in chosen_pythons().iter().zip([Era::Legacy, Era::Modern].into_iter().cycle()) {
        let home = Home::new();
        let mut terminal = open_dashboard(&home, python);
        let mut bridge = home.fourhands();
        bridge.arg("bridge");
        let mut client = Client::start(bridge, "raw-client", era);
        do_the_job(&home, &mut terminal, "raw-client", &mut |code| client.run(code));
        drop(client);
        leave(terminal);
    }
}
