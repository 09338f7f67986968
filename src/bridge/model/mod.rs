//! A model of the handover of calls from one session process to the next: real bridges (loop and relay), the real MCP
//! server and the real actor, on simulated connections, with a simulated Python and a journal in memory. A scheduler
//! chooses what happens next: which line arrives, where a process dies, which client asks what, how much time passes.
//!
//! Each run is checked: every request gets one answer, no effect happens twice, no answer is untrue, and nothing waits
//! for ever. A seed repeats its run, except for the order in which `tokio::select!` takes branches that are ready
//! together.
//!
//! ```text
//! FOURHANDS_MODEL_RUNS=100000 FOURHANDS_MODEL_SEED=1 \
//!     cargo test --release --lib explores_the_handover -- --ignored --nocapture
//! ```
//!
//! `FOURHANDS_MODEL_SURVEY=1` counts all violations instead of ending with the first one.

mod asks;
mod calls;
mod check;
mod claims;
mod client;
mod dice;
mod finish;
mod guardian;
mod life;
mod process;
mod python;
mod python_state;
mod run;
mod wire;
mod world;

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use check::ViolationKind;
use dice::{Dice, shrink};
use run::{RunReport, run};

/// Runs that the shortening of a run may take.
const MAX_SHRINK_RUNS: usize = 2_000;

/// The results of many runs.
#[derive(Default)]
struct Survey {
    runs: u64,
    distinct: HashSet<u64>,
    /// By kind and by the beginning of the answer: how often, and the first seed.
    violations: BTreeMap<(ViolationKind, String), (u64, u64)>,
}

/// Runs the seeds from `first` on, on all cores. Ends with the first violation unless `all` are counted.
fn explore(first: u64, runs: u64, all: bool) -> Survey {
    let survey = Mutex::new(Survey::default());
    let next = AtomicU64::new(0);
    let hasher = RandomState::new();
    let work = || {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= runs || !all && !survey.lock().violations.is_empty() {
                return;
            }
            let seed = first + nth;
            let RunReport { trace, violation, .. } = run(Dice::of_seed(seed));
            let mut survey = survey.lock();
            survey.runs += 1;
            survey.distinct.insert(hasher.hash_one(&trace));
            if let Some(violation) = violation {
                let (count, least) = survey.violations.entry((violation.kind, violation.answer)).or_insert((0, seed));
                (*count, *least) = (*count + 1, seed.min(*least));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    survey.into_inner()
}

/// Returns a readable run with that violation, as short as possible.
fn explain(seed: u64, kind: ViolationKind, answer: &str) -> String {
    let is_it = |outcome: &RunReport| {
        outcome.violation.as_ref().is_some_and(|violation| violation.kind == kind && violation.answer == answer)
    };
    // Repeated, because the seed does not decide the order of branches that are ready together.
    let Some(found) = (0..50).map(|_| run(Dice::of_seed(seed))).find(is_it) else {
        return format!("seed {seed}: {kind:?}; it did not happen again in 50 runs");
    };
    let list = shrink(found.drawn.clone(), MAX_SHRINK_RUNS, |list| is_it(&run(Dice::of_list(list.to_vec()))));
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
    let reports: Vec<String> = survey
        .violations
        .iter()
        .map(|((kind, answer), (count, seed))| {
            format!("{kind:?} {answer:?}: {count} times, first:\n{}", explain(*seed, *kind, answer))
        })
        .collect();
    assert!(reports.is_empty(), "\n{}", reports.join("\n\n"));
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_handover_keeps_its_promises() {
    check(1, 200);
    // Seeds that once failed: an id was in use again when the cancelled call was answered.
    check(11_526, 1);
    check(12_258, 1);
    check(29_544, 1);
    // A listing waits for a Python that is deaf, until its time is up.
    check(63_855, 1);
}

#[test]
#[ignore = "takes minutes: FOURHANDS_MODEL_RUNS (100000) from FOURHANDS_MODEL_SEED (1) on"]
fn explores_the_handover() {
    check(number("FOURHANDS_MODEL_SEED").unwrap_or(1), number("FOURHANDS_MODEL_RUNS").unwrap_or(100_000));
}

/// The seed does not decide which ready branch `tokio::select!` takes, so a few runs may differ.
#[test]
fn a_seed_repeats_its_run() {
    let differ = (1..=40).filter(|seed| run(Dice::of_seed(*seed)).trace != run(Dice::of_seed(*seed)).trace).count();
    assert!(differ <= 8, "{differ} of 40 seeds");
}
