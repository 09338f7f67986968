//! What the recording of effects costs: loops of calls that raise audit events, in a session and in the same Python
//! alone, in turns. For each loop the least of several times counts.
//!
//! `cargo bench --bench effects`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark has nothing better to do than to stop")]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::Command;

use support::client::{Client, Era};
use support::{Home, pythons};

const ROUNDS: usize = 9;

/// Prints a line for each loop: its name and its least time in seconds.
const LOOPS: &str = "
import importlib, json, os, socket, time
open('data', 'w').write('x')
def opens():
    for _ in range(3000): open('data').close()
def writes():
    for _ in range(2000): open('data', 'w').close()
def imports():
    for _ in range(200): importlib.reload(json)
def evals():
    for _ in range(20000): eval('1 + 1')
def sockets():
    for _ in range(5000): socket.socket().close()
class A: x = 1
def attributes():
    a = A()
    for _ in range(200000): a.x
for work in opens, writes, imports, evals, sockets, attributes:
    least = 1e9
    for _ in range(5):
        began = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - began)
    print(work.__name__, least)
";

fn main() {
    let home = Home::new();
    let python = pythons().into_iter().next().expect("a Python");
    let _server = home.serve_with("bench", &python);
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "bench"]);
    let mut client = Client::start(bridge, "bench", Era::Legacy);
    let mut least: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let alone = Command::new(&python).args(["-X", "utf8", "-c", LOOPS]).current_dir(home.work()).output().unwrap();
        let alone = String::from_utf8(alone.stdout).unwrap();
        let session = client.run(LOOPS)["stdout"].as_str().unwrap().to_owned();
        for (index, output) in [alone, session].iter().enumerate() {
            for line in output.lines() {
                let (name, seconds) = line.split_once(' ').unwrap();
                let known = least.entry(name.to_owned()).or_insert([f64::MAX; 2]);
                known[index] = known[index].min(seconds.parse().unwrap());
            }
        }
    }
    println!("{:<12} {:>10} {:>10} {:>8}", "loop", "alone", "session", "ratio");
    for (name, [alone, session]) in least {
        println!("{name:<12} {:>7.2} ms {:>7.2} ms {:>8.3}", alone * 1e3, session * 1e3, session / alone);
    }
}
