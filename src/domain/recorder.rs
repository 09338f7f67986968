//! The flight recorder: a piece of memory that the guardian shares with the session process and reads after its death.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::SnippetId;
use super::keepsake::Keepsake;
use super::output::floor_char_boundary;

/// Lines kept of a stack.
const LINES: usize = 30;
/// Characters kept of a line.
const COLUMNS: usize = 300;
/// What faulthandler writes at the top of the stack of a process that dies.
const FATAL: &str = "Fatal Python error";
const FRAME: &str = "  File \"";
const SNIPPET_FRAME: &str = "  File \"<snippet ";
/// Where the engine itself is called from.
const OWN_FRAME: &str = "  File \"<string>\"";

/// User code can write here as well, so nothing that is read is relied on.
#[repr(C)]
#[derive(Debug)]
pub struct Recorder {
    phase: AtomicU32,
    /// 0 for none.
    running: AtomicU32,
    /// The one with the highest number that ever ran, in the processes before as well.
    last: AtomicU32,
    author_length: AtomicU32,
    author: [AtomicU8; 244],
    keepsake: Keepsake,
    lost: Lost,
    /// Text that faulthandler has written through a descriptor, ended by a zero.
    stacks: [AtomicU8; 64 << 10],
}

/// What could not be recorded and is in no file, not even as a number: it outlives the process.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Lost {
    events: AtomicU64,
    snippets: AtomicU64,
}

/// How much could not be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    pub events: u64,
    /// Of which this many were submissions.
    pub snippets: u64,
}

impl Lost {
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

/// What is known of the end of a session process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeathReport {
    /// Snippets have run, and nobody had asked the process to end.
    pub at_work: bool,
    /// What ran, and its author.
    pub running: Option<(SnippetId, String)>,
    /// Python's stack at a fatal fault, innermost frame first.
    pub stack: Vec<String>,
}

impl Recorder {
    /// Where faulthandler has to write.
    pub const STACKS: usize = std::mem::offset_of!(Self, stacks);

    /// Says that `snippet` is the next to run.
    pub fn runs(&self, snippet: SnippetId, author: &str) {
        let length = floor_char_boundary(author, self.author.len().min(author.len()));
        for (place, byte) in self.author.iter().zip(author[..length].bytes()) {
            place.store(byte, Ordering::Relaxed);
        }
        self.author_length.store(length as u32, Ordering::Relaxed);
        self.phase.store(AT_WORK, Ordering::Relaxed);
        self.goes_on_after(snippet);
        self.running.store(snippet.0, Ordering::Release);
    }

    /// Says that `snippet` has run before.
    pub fn goes_on_after(&self, snippet: SnippetId) {
        self.last.store(snippet.0, Ordering::Relaxed);
    }

    /// The last snippet that ran; 0 if none did.
    #[must_use]
    pub fn last(&self) -> SnippetId {
        SnippetId(self.last.load(Ordering::Relaxed))
    }

    /// Says that no snippet runs.
    pub fn rests(&self) {
        self.running.store(0, Ordering::Release);
    }

    /// Says that the process ends because it was asked to.
    pub fn ends(&self) {
        self.phase.store(ENDING, Ordering::Relaxed);
    }

    /// What the dashboard wants back after a crash.
    pub fn keepsake(&self) -> &Keepsake {
        &self.keepsake
    }

    /// What would be lost with this process.
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    pub fn has_stacks(&self) -> bool {
        self.stacks[0].load(Ordering::Relaxed) != 0
    }

    pub fn clear_stacks(&self) {
        for place in self.stacks.iter().take_while(|place| place.load(Ordering::Relaxed) != 0) {
            place.store(0, Ordering::Relaxed);
        }
    }

    /// All that faulthandler has written since they were cleared.
    #[must_use]
    pub fn stacks(&self) -> String {
        let bytes = self.stacks.iter().map(|place| place.load(Ordering::Relaxed));
        String::from_utf8_lossy(&bytes.take_while(|byte| *byte != 0).collect::<Vec<_>>()).into_owned()
    }

    #[must_use]
    pub fn last_words(&self) -> DeathReport {
        let running = self.running.load(Ordering::Acquire);
        let length = (self.author_length.load(Ordering::Relaxed) as usize).min(self.author.len());
        let author: Vec<u8> = self.author[..length].iter().map(|place| place.load(Ordering::Relaxed)).collect();
        let stacks = self.stacks();
        DeathReport {
            at_work: self.phase.load(Ordering::Relaxed) == AT_WORK,
            running: (running != 0).then(|| (SnippetId(running), printable(&String::from_utf8_lossy(&author)))),
            // One that died before may have been a child.
            stack: stacks.rfind(FATAL).map(|start| frames(&stacks[start..])).unwrap_or_default(),
        }
    }
}

/// The lines of a stack that faulthandler wrote, innermost first, as far as they are the user's business.
#[must_use]
pub fn frames(text: &str) -> Vec<String> {
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
        tell_repeated(&mut lines, &mut repeated);
        lines.push(printable(line));
    }
    tell_repeated(&mut lines, &mut repeated);
    if lines.len() > LINES {
        let left_out = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("  [{left_out} more lines]"));
    }
    lines
}

fn tell_repeated(lines: &mut Vec<String>, repeated: &mut usize) {
    match std::mem::take(repeated) {
        0 => {}
        times => lines.push(format!("  [the same {times} more times]")),
    }
}

fn printable(line: &str) -> String {
    line.chars().take(COLUMNS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[allow(clippy::large_stack_arrays, reason = "600 kB are not much for a test")]
    fn recorder() -> Recorder {
        Recorder {
            phase: AtomicU32::new(0),
            running: AtomicU32::new(0),
            last: AtomicU32::new(0),
            author_length: AtomicU32::new(0),
            author: [const { AtomicU8::new(0) }; 244],
            keepsake: Keepsake::empty(),
            lost: Lost::default(),
            stacks: [const { AtomicU8::new(0) }; 64 << 10],
        }
    }

    fn write(recorder: &Recorder, text: &str) {
        let end = recorder.stacks().len();
        for (place, byte) in recorder.stacks[end..].iter().zip(text.bytes()) {
            place.store(byte, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_ran_and_where_it_died() {
        let recorder = recorder();
        assert_eq!((recorder.last_words(), recorder.last()), (DeathReport::default(), SnippetId(0)));
        recorder.runs(SnippetId(3), "cla\x1b[31mude");
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
        let words = recorder.last_words();
        assert!(words.at_work);
        assert_eq!(words.running, Some((SnippetId(3), "cla\u{fffd}[31mude".to_owned())));
        let lines = [
            "/lib/ctypes.py\", line 5 in string_at",
            "<snippet 3>\", line 1 in f",
            "<snippet 3>\", line 2 in <module>",
        ];
        assert_eq!(words.stack, lines.map(|line| format!("  File \"{line}")));
        recorder.clear_stacks();
        recorder.rests();
        recorder.ends();
        assert_eq!((recorder.last_words(), recorder.last()), (DeathReport::default(), SnippetId(3)));
    }

    #[test]
    fn deep_stacks_are_short() {
        let same = "  File \"<snippet 1>\", line 1 in f\n".repeat(100);
        assert_eq!(frames(&same), ["  File \"<snippet 1>\", line 1 in f", "  [the same 99 more times]"]);
        let many: Vec<_> = (0..100).map(|n| format!("  File \"<snippet 1>\", line {n} in f")).collect();
        assert_eq!(frames(&many.join("\n")).len(), LINES + 1);
        assert_eq!(frames("  File \"/lib/threading.py\", line 1 in run\n").len(), 1);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let recorder = recorder();
        recorder.runs(SnippetId(1), &"漢".repeat(200));
        let (_, name) = recorder.last_words().running.unwrap();
        assert!(name.chars().all(|c| c == '漢') && name.len() > 200, "{name}");
    }

    /// User code can write there: it is read without harm, and nothing of it reaches a terminal.
    #[test]
    fn garbage_in_the_memory_is_read_without_harm() {
        let recorder = recorder();
        for mut random in Random::rounds(9, 300) {
            recorder.clear_stacks();
            for place in recorder.author.iter().chain(&recorder.stacks[..2_000]) {
                place.store(random.below(256) as u8, Ordering::Relaxed);
            }
            write(&recorder, "\nFatal Python error: x\n  File \"\u{1b}[2J\u{9b}<snippet 3>\", line 1 in f\n");
            for number in [&recorder.phase, &recorder.running, &recorder.author_length] {
                number.store(random.below(1 << 31) as u32, Ordering::Relaxed);
            }
            let words = recorder.last_words();
            let name = words.running.map(|(_, name)| name).unwrap_or_default();
            assert!(words.stack.iter().chain([&name]).all(|line| !line.contains(char::is_control)));
        }
    }
}
