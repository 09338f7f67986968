//! The hand-over of calls from one session process to the next, as a model: real bridges (loop and relay), the real MCP
//! server and the real actor, on simulated connections, with a stand-in for Python, a journal in memory, and a scheduler
//! that chooses what happens next: which line arrives, where a process dies, who asks what, how much time passes.
//!
//! Each run is checked: one answer for each request, no effect twice, nothing told that is not so, and nothing waits for
//! ever. A seed gives the same run again, but for the order in which `tokio::select!` looks at branches that are ready at
//! the same time.
//!
//! ```text
//! FOURHANDS_MODEL_RUNS=100000 FOURHANDS_MODEL_SEED=1 cargo test --release --lib explores_the_hand_over -- --ignored --nocapture
//! ```
//!
//! `FOURHANDS_MODEL_SURVEY=1` counts all that is wrong, in place of ending with the first fault.

mod asks;
mod check;
mod claims;
mod client;
mod dice;
mod finish;
mod guardian;
mod life;
mod process;
mod python;
mod run;
mod wire;
mod world;

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use check::Kind;
use dice::{Dice, shrink};
use run::{Outcome, run};

/// Runs that a fault may take to become shorter.
const SHRINKS: usize = 2_000;

/// What came of many runs.
#[derive(Default)]
struct Survey {
    runs: u64,
    distinct: HashSet<u64>,
    /// Of each kind of fault, and of the first words of what was told: how often, and the first seed.
    faults: BTreeMap<(Kind, String), (u64, u64)>,
}

/// Runs the seeds from `first` on, on all cores; until the first fault, unless all are to be counted.
fn explore(first: u64, runs: u64, all: bool) -> Survey {
    let survey = Mutex::new(Survey::default());
    let next = AtomicU64::new(0);
    let hasher = RandomState::new();
    let work = || {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= runs || !all && !survey.lock().unwrap().faults.is_empty() {
                return;
            }
            let seed = first + nth;
            let Outcome { trace, violation, .. } = run(Dice::of_seed(seed));
            let mut survey = survey.lock().unwrap();
            survey.runs += 1;
            survey.distinct.insert(hasher.hash_one(&trace));
            if let Some(violation) = violation {
                let (count, least) = survey.faults.entry((violation.kind, violation.said)).or_insert((0, seed));
                (*count, *least) = (*count + 1, seed.min(*least));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    survey.into_inner().unwrap()
}

/// A run with that fault, as short as it gets, to be read.
fn explain(seed: u64, kind: Kind, said: &str) -> String {
    let is_it = |outcome: &Outcome| {
        outcome.violation.as_ref().is_some_and(|violation| violation.kind == kind && violation.said == said)
    };
    // Once more, for the order of what is ready at the same time is not the seed's.
    let Some(found) = (0..50).map(|_| run(Dice::of_seed(seed))).find(is_it) else {
        return format!("seed {seed}: {kind:?}; it did not happen again in 50 runs");
    };
    let list = shrink(found.drawn.clone(), SHRINKS, |list| is_it(&run(Dice::of_list(list.to_vec()))));
    let short = (0..50).map(|_| run(Dice::of_list(list.clone()))).find(is_it).unwrap_or(found);
    let steps: Vec<String> = short.trace.iter().map(|step| format!("  {step:?}")).collect();
    let violation = short.violation.map(|violation| violation.to_string()).unwrap_or_default();
    format!("seed {seed}: {violation}\n{}", steps.join("\n"))
}

fn check(first: u64, runs: u64) {
    let all = std::env::var_os("FOURHANDS_MODEL_SURVEY").is_some();
    let begun = std::time::Instant::now();
    let survey = explore(first, runs, all);
    eprintln!(
        "{} runs, {} of them distinct, in {:.1} s; seeds from {first}",
        survey.runs,
        survey.distinct.len(),
        begun.elapsed().as_secs_f64()
    );
    let told: Vec<String> = survey
        .faults
        .iter()
        .map(|((kind, said), (count, seed))| {
            format!("{kind:?} {said:?}: {count} times, first:\n{}", explain(*seed, *kind, said))
        })
        .collect();
    assert!(told.is_empty(), "\n{}", told.join("\n\n"));
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_hand_over_keeps_its_promises() {
    check(1, 500);
    // An id that was in use again when what had been cancelled was answered.
    check(11_526, 1);
    check(12_258, 1);
    check(29_544, 1);
}

#[test]
#[ignore = "takes minutes: FOURHANDS_MODEL_RUNS (100000) from FOURHANDS_MODEL_SEED (1) on"]
fn explores_the_hand_over() {
    check(number("FOURHANDS_MODEL_SEED").unwrap_or(1), number("FOURHANDS_MODEL_RUNS").unwrap_or(100_000));
}

/// Which of several branches that are ready `tokio::select!` takes is not the seed's: that may change a few runs.
#[test]
fn a_seed_gives_the_same_run_again() {
    let differ = (1..=100).filter(|seed| run(Dice::of_seed(*seed)).trace != run(Dice::of_seed(*seed)).trace).count();
    assert!(differ <= 15, "{differ} of 100 seeds");
}
