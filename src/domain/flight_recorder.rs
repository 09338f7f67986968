//! The flight recorder: memory that the guardian shares with the session process and reads after its death.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::SnippetId;
use super::char_boundary::floor_char_boundary;
use super::crash_store::CrashStore;

/// Lines of a stack that a report has.
const MAX_STACK_LINES: usize = 30;
/// Characters of a line that a report has.
const MAX_LINE_CHARS: usize = 300;
/// The first line that faulthandler writes when a process dies.
const FATAL: &str = "Fatal Python error";
const FRAME: &str = "  File \"";
const SNIPPET_FRAME: &str = "  File \"<snippet ";
/// The frame that calls the engine.
const OWN_FRAME: &str = "  File \"<string>\"";

/// User code can write to this memory, so readers trust nothing in it.
#[repr(C)]
#[derive(Debug)]
pub struct FlightRecorder {
    phase: AtomicU32,
    /// The running snippet; 0 for none.
    running: AtomicU32,
    /// The highest number of a snippet that ever ran, in earlier processes as well.
    last: AtomicU32,
    author_length: AtomicU32,
    author: [AtomicU8; 244],
    crash_store: CrashStore,
    losses: SharedLosses,
    /// Text that faulthandler writes through a descriptor, ended by a zero.
    stacks: [AtomicU8; 64 << 10],
}

/// The number of events that are neither recorded nor counted in a file, for the processes that follow.
#[repr(C)]
#[derive(Debug, Default)]
pub struct SharedLosses {
    events: AtomicU64,
    snippets: AtomicU64,
}

/// A number of events that could not be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    pub events: u64,
    /// How many of the events were submissions.
    pub snippets: u64,
}

impl SharedLosses {
    #[must_use]
    pub const fn new() -> Self {
        Self { events: AtomicU64::new(0), snippets: AtomicU64::new(0) }
    }

    pub fn set(&self, losses: Losses) {
        self.events.store(losses.events, Ordering::Relaxed);
        self.snippets.store(losses.snippets, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> Losses {
        Losses { events: self.events.load(Ordering::Relaxed), snippets: self.snippets.load(Ordering::Relaxed) }
    }
}

impl Losses {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            events: self.events.saturating_add(other.events),
            snippets: self.snippets.saturating_add(other.snippets),
        }
    }

    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

const AT_WORK: u32 = 1;
const ENDING: u32 = 2;

/// What the recorder tells of the end of a session process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeathReport {
    /// Whether snippets had run, and nobody had asked the process to end.
    pub at_work: bool,
    /// The running snippet and its author.
    pub running: Option<(SnippetId, String)>,
    /// Python's stack at a fatal fault, innermost frame first.
    pub stack: Vec<String>,
}

impl FlightRecorder {
    /// The offset at which faulthandler writes.
    pub const STACKS: usize = std::mem::offset_of!(Self, stacks);

    /// Sets the snippet that runs next.
    pub fn set_running(&self, snippet: SnippetId, author: &str) {
        let length = floor_char_boundary(author, self.author.len().min(author.len()));
        for (cell, byte) in self.author.iter().zip(author[..length].bytes()) {
            cell.store(byte, Ordering::Relaxed);
        }
        self.author_length.store(length as u32, Ordering::Relaxed);
        self.phase.store(AT_WORK, Ordering::Relaxed);
        self.set_last_snippet(snippet);
        self.running.store(snippet.0, Ordering::Release);
    }

    /// Sets the last snippet that has run.
    pub fn set_last_snippet(&self, snippet: SnippetId) {
        self.last.store(snippet.0, Ordering::Relaxed);
    }

    /// Returns the last snippet that ran; 0 if none did.
    #[must_use]
    pub fn last_snippet(&self) -> SnippetId {
        SnippetId(self.last.load(Ordering::Relaxed))
    }

    /// Notes that no snippet runs.
    pub fn set_idle(&self) {
        self.running.store(0, Ordering::Release);
    }

    /// Notes that the process ends because it was asked to.
    pub fn set_ending(&self) {
        self.phase.store(ENDING, Ordering::Relaxed);
    }

    /// The state that the dashboard restores after a crash.
    pub fn crash_store(&self) -> &CrashStore {
        &self.crash_store
    }

    /// The losses that only this process knows of.
    pub fn losses(&self) -> &SharedLosses {
        &self.losses
    }

    pub fn has_stacks(&self) -> bool {
        self.stacks[0].load(Ordering::Relaxed) != 0
    }

    pub fn clear_stacks(&self) {
        for cell in self.stacks.iter().take_while(|cell| cell.load(Ordering::Relaxed) != 0) {
            cell.store(0, Ordering::Relaxed);
        }
    }

    /// Returns what faulthandler has written since the last clearing.
    #[must_use]
    pub fn stacks(&self) -> String {
        let bytes = self.stacks.iter().map(|cell| cell.load(Ordering::Relaxed));
        String::from_utf8_lossy(&bytes.take_while(|byte| *byte != 0).collect::<Vec<_>>()).into_owned()
    }

    #[must_use]
    pub fn death_report(&self) -> DeathReport {
        let running = self.running.load(Ordering::Acquire);
        let length = (self.author_length.load(Ordering::Relaxed) as usize).min(self.author.len());
        let author: Vec<u8> = self.author[..length].iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        let stacks = self.stacks();
        DeathReport {
            at_work: self.phase.load(Ordering::Relaxed) == AT_WORK,
            running: (running != 0).then(|| (SnippetId(running), printable(&String::from_utf8_lossy(&author)))),
            // An earlier report may be that of a child process.
            stack: stacks.rfind(FATAL).map(|start| user_frames(&stacks[start..])).unwrap_or_default(),
        }
    }
}

/// Returns the lines of a stack by faulthandler that concern the user, innermost first.
#[must_use]
pub fn user_frames(text: &str) -> Vec<String> {
    let all: Vec<&str> = text.lines().filter(|line| line.starts_with(FRAME)).collect();
    let users = match all.iter().rposition(|line| line.starts_with(SNIPPET_FRAME)) {
        Some(outermost) => &all[..=outermost],
        None => &all[..],
    };
    let mut lines: Vec<String> = Vec::new();
    let mut repeated = 0;
    for (index, line) in users.iter().enumerate().filter(|(_, line)| !line.starts_with(OWN_FRAME)) {
        if index > 0 && users[index - 1] == *line {
            repeated += 1;
            continue;
        }
        push_repeated(&mut lines, &mut repeated);
        lines.push(printable(line));
    }
    push_repeated(&mut lines, &mut repeated);
    if lines.len() > MAX_STACK_LINES {
        let left_out = lines.len() - MAX_STACK_LINES;
        lines.truncate(MAX_STACK_LINES);
        lines.push(format!("  [{left_out} more lines]"));
    }
    lines
}

fn push_repeated(lines: &mut Vec<String>, repeated: &mut usize) {
    match std::mem::take(repeated) {
        0 => {}
        times => lines.push(format!("  [the same {times} more times]")),
    }
}

fn printable(line: &str) -> String {
    line.chars().take(MAX_LINE_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[allow(clippy::large_stack_arrays, reason = "600 kB are not much for a test")]
    fn recorder() -> FlightRecorder {
        FlightRecorder {
            phase: AtomicU32::new(0),
            running: AtomicU32::new(0),
            last: AtomicU32::new(0),
            author_length: AtomicU32::new(0),
            author: [const { AtomicU8::new(0) }; 244],
            crash_store: CrashStore::empty(),
            losses: SharedLosses::default(),
            stacks: [const { AtomicU8::new(0) }; 64 << 10],
        }
    }

    fn write(recorder: &FlightRecorder, text: &str) {
        let end = recorder.stacks().len();
        for (cell, byte) in recorder.stacks[end..].iter().zip(text.bytes()) {
            cell.store(byte, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_death_report_has_the_snippet_and_the_stack() {
        let recorder = recorder();
        assert_eq!((recorder.death_report(), recorder.last_snippet()), (DeathReport::default(), SnippetId(0)));
        recorder.set_running(SnippetId(3), "cla\x1b[31mude");
        write(
            &recorder,
            "Fatal Python error: Aborted\n\nStack (most recent call first):\n  File \"child.py\", line 1 in x\n",
        );
        write(
            &recorder,
            "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call first):\n  \
             File \"/lib/ctypes.py\", line 5 in string_at\n  File \"<snippet 3>\", line 1 in f\n  \
             File \"<snippet 3>\", line 2 in <module>\n  File \"<string>\", line 15 in start\n\n\
             Extension modules: numpy (total: 1)\n",
        );
        let report = recorder.death_report();
        assert!(report.at_work);
        assert_eq!(report.running, Some((SnippetId(3), "cla\u{fffd}[31mude".to_owned())));
        let lines = [
            "/lib/ctypes.py\", line 5 in string_at",
            "<snippet 3>\", line 1 in f",
            "<snippet 3>\", line 2 in <module>",
        ];
        assert_eq!(report.stack, lines.map(|line| format!("  File \"{line}")));
        recorder.clear_stacks();
        recorder.set_idle();
        recorder.set_ending();
        assert_eq!((recorder.death_report(), recorder.last_snippet()), (DeathReport::default(), SnippetId(3)));
    }

    #[test]
    fn deep_stacks_are_shortened() {
        let same = "  File \"<snippet 1>\", line 1 in f\n".repeat(100);
        assert_eq!(user_frames(&same), ["  File \"<snippet 1>\", line 1 in f", "  [the same 99 more times]"]);
        let many: Vec<_> = (0..100).map(|n| format!("  File \"<snippet 1>\", line {n} in f")).collect();
        assert_eq!(user_frames(&many.join("\n")).len(), MAX_STACK_LINES + 1);
        assert_eq!(user_frames("  File \"/lib/threading.py\", line 1 in run\n").len(), 1);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let recorder = recorder();
        recorder.set_running(SnippetId(1), &"漢".repeat(200));
        let (_, name) = recorder.death_report().running.unwrap();
        assert!(name.chars().all(|c| c == '漢') && name.len() > 200, "{name}");
    }

    /// User code can write to this memory: it is read without harm, and no control character in it reaches a terminal.
    #[test]
    fn garbage_in_the_memory_is_read_without_harm() {
        let recorder = recorder();
        for mut random in Random::rounds(9, 300) {
            recorder.clear_stacks();
            for cell in recorder.author.iter().chain(&recorder.stacks[..2_000]) {
                cell.store(random.below(256) as u8, Ordering::Relaxed);
            }
            write(&recorder, "\nFatal Python error: x\n  File \"\u{1b}[2J\u{9b}<snippet 3>\", line 1 in f\n");
            for number in [&recorder.phase, &recorder.running, &recorder.author_length] {
                number.store(random.below(1 << 31) as u32, Ordering::Relaxed);
            }
            let report = recorder.death_report();
            let name = report.running.map(|(_, name)| name).unwrap_or_default();
            assert!(report.stack.iter().chain([&name]).all(|line| !line.contains(char::is_control)));
        }
    }
}
