//! The player of the piece: takes one step after the other, and heeds the person between them.

use std::io;
use std::process::Child;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{self, DemoClient, Gone};
use super::script::{self, Answer, Ending, ScriptStep};

/// How long a person may read before the piece goes on.
const PAUSE: Duration = Duration::from_millis(3_500);
/// After the piece, the client looks up so often.
const REST: Duration = Duration::from_secs(3_600);
/// How long a question waits for the person, in seconds.
const ASK_TIMEOUT: u32 = 40;

/// The client, until this is dropped.
#[derive(Debug)]
pub struct Player {
    bridge: Child,
    playing: Option<JoinHandle<()>>,
}

impl Player {
    pub fn start(is_fast: bool) -> io::Result<Self> {
        let (bridge, client) = client::start()?;
        let mut performance = Performance { client, is_fast, notes: 0, seen: 0, news: None };
        let playing = thread::Builder::new().name("demo".to_owned()).spawn(move || {
            // The end of the bridge is the end of the piece.
            let _ = performance.play();
        })?;
        Ok(Self { bridge, playing: Some(playing) })
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.bridge.kill();
        // The guardian may have waited for it already.
        let _ = self.bridge.wait();
        if let Some(playing) = self.playing.take() {
            let _ = playing.join();
        }
    }
}

struct Performance {
    client: DemoClient,
    is_fast: bool,
    /// Notes of the person so far.
    notes: usize,
    /// The last snippet of the person that the client knows.
    seen: u64,
    /// A snippet of the person to mention with the next one.
    news: Option<u64>,
}

impl Performance {
    /// Plays, and stays connected until the bridge ends.
    fn play(&mut self) -> Result<(), Gone> {
        self.client.connect()?;
        let ending = self.perform()?;
        self.run("The end", &script::closing(ending))?;
        loop {
            self.client.has_news = false;
            self.client.wait(REST)?;
        }
    }

    fn perform(&mut self) -> Result<Ending, Gone> {
        for step in script::OPENING {
            if !self.step(step)? {
                return Ok(Ending::Disturbed);
            }
        }
        let answer = self.ask()?;
        if !self.step(&script::after(answer))? {
            return Ok(Ending::Disturbed);
        }
        self.pause()?;
        let found = self.run(script::SEARCH.title, script::SEARCH.code)?;
        let plot = if found["result"] == "True" { &script::FIGURE } else { &script::TEXT_CHART };
        for step in [plot, &script::SLOW] {
            if !self.step(step)? {
                return Ok(Ending::Disturbed);
            }
        }
        Ok(Ending::Whole)
    }

    /// Returns whether the piece can go on.
    fn step(&mut self, step: &ScriptStep) -> Result<bool, Gone> {
        self.pause()?;
        let report = self.run(step.title, step.code)?;
        Ok(step.ends.iter().any(|status| report["status"] == *status))
    }

    /// Runs code to its end, which may be long in coming: the person may hold it back.
    fn run(&mut self, title: &str, code: &str) -> Result<Value, Gone> {
        let greeting = self.news.take().map(|id| format!("# I see that you ran snippet {id}.\n")).unwrap_or_default();
        let code = format!("{greeting}{}", code.trim_end());
        let mut result = self.client.call("run_python_code", &json!({"code": code, "title": title}))?;
        loop {
            let report = result["structuredContent"].clone();
            let has_ended = !["queued", "running", "waiting_for_person", "waiting_for_input"]
                .iter()
                .any(|status| report["status"] == *status);
            if has_ended {
                return Ok(report);
            }
            result = self.client.call("wait_for_snippet", &json!({"snippet": report["snippet"]}))?;
        }
    }

    fn ask(&mut self) -> Result<Answer, Gone> {
        self.pause()?;
        let question = json!({"question": script::QUESTION, "choices": script::CHOICES, "wait_s": ASK_TIMEOUT});
        let answer = self.client.call("ask_human", &question)?["structuredContent"].clone();
        Ok(match (answer["choice"].as_u64(), answer["answered"].as_bool()) {
            (Some(1), _) => Answer::LeaveOut,
            (Some(_), _) => Answer::Keep,
            (None, Some(true)) => Answer::Words,
            _ => Answer::Nobody,
        })
    }

    /// Waits for as long as a person reads, or until they write a note.
    fn pause(&mut self) -> Result<(), Gone> {
        let deadline = Instant::now() + if self.is_fast { Duration::ZERO } else { PAUSE };
        let notes = self.notes;
        loop {
            self.client.wait(deadline.saturating_duration_since(Instant::now()))?;
            if std::mem::take(&mut self.client.has_news) {
                self.read_news()?;
            }
            if self.notes > notes || Instant::now() >= deadline {
                return Ok(());
            }
        }
    }

    /// Reads what the person did.
    fn read_news(&mut self) -> Result<(), Gone> {
        let history = self.client.call("session_history", &json!({"author": "person", "limit": 100}))?;
        let entries = history["structuredContent"]["entries"].as_array().cloned().unwrap_or_default();
        // An answer to a question is a note as well, with another text.
        let is_note = |entry: &&Value| entry["text"].as_str().is_some_and(|text| text.starts_with("note from"));
        self.notes = entries.iter().filter(is_note).count();
        if let Some(last) =
            entries.iter().rev().find_map(|entry| entry["snippet"].as_u64()).filter(|id| *id > self.seen)
        {
            (self.seen, self.news) = (last, Some(last));
        }
        Ok(())
    }
}
