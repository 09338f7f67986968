//! What is measured of each server.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::server::{Server, memory_of};

const WARM_UP: usize = 100;
/// Calls in each block, one after the other.
const SEQUENTIAL: usize = 200;
/// Calls that are sent before the first answer is read.
const PIPELINED: usize = 1_000;
/// Calls between two looks at the memory.
const REMEMBERED: u64 = 1_000;
const COLD_STARTS: usize = 5;
/// A server that needs longer for a call is asked less often.
const SLOW: Duration = Duration::from_millis(20);

/// The median of a call in µs, beyond which a million calls are not waited for.
const SLOW_CALL: f64 = 1_000.0;

const PRINTS: &str = "for n in range(100_000):\n    print('x')";
const LARGE: &str = "print('x' * 10_000_000)";
const MANY: &str = "globals().update({f'v{n}': n for n in range(1_000)})";
const FEWER: &str = "for n in range(1_000): del globals()[f'v{n}']";

/// The times of one server, in the order in which they were taken.
pub struct Figures {
    name: &'static str,
    is_slow: bool,
    calls: Vec<Duration>,
    /// Calls per second.
    pipelined: Vec<f64>,
    prints: Vec<Duration>,
    large: Vec<Duration>,
    listings: Vec<Duration>,
    cold: Vec<Duration>,
    /// In kB, before the first block.
    idle: u64,
    /// In kB for each 1 000 calls.
    kept: f64,
}

impl Figures {
    pub fn begin(server: &mut Server) -> Self {
        let idle = server.memory();
        assert!(server.run("1+1").contains('2'), "{} does not add", server.name);
        let is_slow = time(|| drop(server.run("1+1"))) > SLOW;
        let calls = if is_slow { 20 } else { REMEMBERED };
        for _ in 0..if is_slow { 3 } else { WARM_UP } {
            server.run("1+1");
        }
        let before = server.memory();
        for _ in 0..calls {
            server.run("1+1");
        }
        let kept = (server.memory() as f64 - before as f64) * 1_000.0 / calls as f64;
        Self {
            name: server.name,
            is_slow,
            calls: Vec::new(),
            pipelined: Vec::new(),
            prints: Vec::new(),
            large: Vec::new(),
            listings: Vec::new(),
            cold: Vec::new(),
            idle,
            kept,
        }
    }

    pub fn add_block(&mut self, server: &mut Server) {
        for _ in 0..if self.is_slow { 10 } else { SEQUENTIAL } {
            let line = server.call("1+1");
            self.calls.push(time(|| {
                server.write(&line);
                server.answer();
            }));
        }
        let count = if self.is_slow { 10 } else { PIPELINED };
        let lines: String = (0..count).map(|_| server.call("1+1")).collect();
        self.pipelined.push(count as f64 / time(|| server.pipeline(&lines, count)).as_secs_f64());
        self.prints.push(time(|| drop(server.run(PRINTS))));
        self.large.push(time(|| drop(server.run(LARGE))));
        if let Some(tool) = server.tools.list {
            server.run(MANY);
            let list = serde_json::json!({"name": tool, "arguments": {}});
            self.listings.push(time(|| drop(server.request("tools/call", &list))));
            server.run(FEWER);
        }
    }

    pub fn add_cold_starts(&mut self, start: impl Fn() -> Server) {
        for _ in 0..COLD_STARTS {
            let begun = Instant::now();
            let mut server = start();
            server.run("1+1");
            self.cold.push(begun.elapsed());
        }
    }
}

fn time(run: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

/// The time that the given share of `times` stays below.
fn quantile(times: &mut [Duration], share: f64) -> Option<Duration> {
    times.sort_unstable();
    times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1))).copied()
}

pub fn print_table(figures: &mut [Figures]) {
    let mut table = String::from(
        "| | call p50, ms | p99, ms | one after the other, 1/s | pipelined, 1/s | 100 000 prints, ms | 10 MB, ms | \
         1 000 variables, ms | idle, MB | kept by 1 000 calls, kB | cold start, ms |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for figures in figures {
        let average = figures.calls.iter().sum::<Duration>().as_secs_f64() / figures.calls.len() as f64;
        figures.pipelined.sort_by(f64::total_cmp);
        let ms = |times: &mut [Duration], share, digits| {
            quantile(times, share)
                .map_or_else(|| "-".to_owned(), |time| format!("{:.digits$}", time.as_secs_f64() * 1e3))
        };
        let _ = writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.0} | {} | {} | {} | {:.1} | {:.0} | {} |",
            figures.name,
            ms(&mut figures.calls, 0.5, 3),
            ms(&mut figures.calls, 0.99, 2),
            1.0 / average,
            figures.pipelined[figures.pipelined.len() / 2],
            ms(&mut figures.prints, 0.5, 0),
            ms(&mut figures.large, 0.5, 0),
            ms(&mut figures.listings, 0.5, 2),
            figures.idle as f64 / 1024.0,
            figures.kept,
            ms(&mut figures.cold, 0.5, 0),
        );
    }
    println!("{table}");
}

/// How the cost of a call grows.
pub struct Growth {
    pub name: &'static str,
    /// Calls made before, and the median time of a call in µs.
    pub latency: Vec<(f64, f64)>,
    /// Calls made before, and kB.
    pub memory: Vec<(f64, f64)>,
    /// Variables held, and the median time of a call in µs.
    pub by_variables: Vec<(f64, f64)>,
    /// Clients connected, and kB.
    pub by_clients: Vec<(f64, f64)>,
}

impl Growth {
    /// `connect` connects one more client.
    pub fn measure(mut server: Server, connect: impl Fn() -> Server) -> Self {
        let mut growth = Self {
            name: server.name,
            latency: Vec::new(),
            memory: Vec::new(),
            by_variables: Vec::new(),
            by_clients: Vec::new(),
        };
        let mut made = 0;
        for calls in [100, 1_000, 10_000, 100_000, 1_000_000] {
            // Some would need an hour for the last step.
            if calls == 1_000_000 && growth.latency.last().is_some_and(|(_, time)| *time > SLOW_CALL) {
                break;
            }
            eprintln!("{}: {calls} calls", server.name);
            while made < calls {
                let lines: String = (0..100).map(|_| server.call("1+1")).collect();
                server.pipeline(&lines, 100);
                made += 100;
            }
            growth.latency.push((f64::from(calls), median_call(&mut server)));
            growth.memory.push((f64::from(calls), server.memory() as f64));
        }
        for variables in [10, 100, 1_000, 10_000, 100_000] {
            server.run(&format!("globals().update({{f'v{{n}}': n for n in range({variables})}})"));
            growth.by_variables.push((f64::from(variables), median_call(&mut server)));
        }
        let mut servers = vec![server];
        for clients in [1, 3, 10, 30, 100] {
            while servers.len() < clients {
                servers.push(connect());
            }
            growth.by_clients.push((clients as f64, memory_of(&servers) as f64));
        }
        growth
    }
}

fn median_call(server: &mut Server) -> f64 {
    let mut times: Vec<Duration> = (0..101).map(|_| time(|| drop(server.run("1+1")))).collect();
    quantile(&mut times, 0.5).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
