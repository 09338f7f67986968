//! A burst of random keys, with pastes, clicks and sizes, while questions, prompts, code that waits for the person,
//! crashes and restarts come and go: it never ends or restarts the session, answers nobody, allows no code, opens no
//! gate, gives nothing back, and loses no character of a draft.

use std::sync::Arc;

use crossterm::event::{Event as Input, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::super::fixtures::{Story, client, info, ok, variable};
use super::fuzz::key_event;
use super::*;
use crate::domain::random::Random;
use crate::domain::{
    Author, Event as SessionEvent, GateChange, InputRequest, Inquiry, OutputChunk, Restart, Review, SnippetId, Status,
    Stream, Transcript, VariableKind,
};
use crate::tui::app::snapshot::DashboardSnapshot;
use crate::tui::input::keymap::{Action, WRITING};

/// Keys of a burst.
const KEYS: usize = 1_000;
/// The longest time between two keys of a burst, in milliseconds.
const MAX_GAP: usize = 30;

const PIECES: [&str; 9] = ["x = 1", "2", "yes", "print(x)\n", "def f():\n", "    ", "漢字", "'", "# note"];

/// A session as the dashboard sees it, and the dashboard.
struct Burst {
    view: View,
    random: Random,
    now: u64,
    next: u32,
    running: Option<SnippetId>,
    waiting: Vec<SnippetId>,
    prompts: u32,
    inquiries: u32,
    log: Vec<String>,
}

impl Burst {
    fn new(mut random: Random) -> Self {
        let mut story = Story::default();
        story.join(&client(1, "claude"), NOW);
        story.variables(vec![variable("x", VariableKind::Data, "int", "", "1")]);
        for n in 0..random.below(6) {
            let author = if n % 2 == 0 { Author::You } else { client(1, "claude") };
            story.ran(&author, &format!("f({n})"), "out\n", ok(1));
        }
        let next = story.next;
        let mut view = story.view();
        view.composer.editor.use_vi(random.below(6) == 0);
        Self {
            view,
            random,
            now: NOW,
            next,
            running: None,
            waiting: Vec::new(),
            prompts: 0,
            inquiries: 0,
            log: Vec::new(),
        }
    }

    fn apply(&mut self, event: &SessionEvent) {
        self.view.composer.replies.clock = self.now;
        self.view.apply(event);
    }

    fn submit(&mut self, author: Author, code: &str) {
        self.next += 1;
        let snippet = SnippetId(self.next);
        self.apply(&SessionEvent::Submitted { snippet, author, code: code.into(), call: None, at: self.now });
        self.waiting.push(snippet);
        self.start();
    }

    /// A client sends code that waits for the person.
    fn ask_to_run(&mut self, author: Author) {
        self.next += 1;
        let (snippet, at) = (SnippetId(self.next), self.now);
        let code = "import os\nos.remove('data.csv')\n".repeat(1 + self.random.below(30)).into();
        self.apply(&SessionEvent::Submitted { snippet, author, code, call: None, at });
        let review = Review { at, is_held: self.random.below(4) == 0, decision: None };
        self.apply(&SessionEvent::Review { snippet, review: review.into(), code: None });
    }

    fn start(&mut self) {
        if self.running.is_none() && !self.waiting.is_empty() {
            let snippet = self.waiting.remove(0);
            self.running = Some(snippet);
            self.apply(&SessionEvent::Started { snippet, at: self.now });
        }
    }

    fn finish(&mut self, status: Status) {
        let Some(snippet) = self.running.take() else { return };
        let mut outcome = ok(5);
        outcome.status = status;
        self.apply(&SessionEvent::Finished { snippet, outcome: outcome.into(), at: self.now });
        self.start();
    }

    /// The process dies, and another one takes over with the draft.
    fn crash(&mut self) {
        let snapshot = serde_json::to_string(&DashboardSnapshot::of(&self.view)).unwrap();
        self.waiting.clear();
        self.finish(Status::Error);
        let pending: Vec<SnippetId> = self.view.transcript.pending().map(|waiting| waiting.id).collect();
        for snippet in pending {
            let outcome = crate::domain::Outcome { status: Status::Cancelled, ..ok(0) };
            self.apply(&SessionEvent::Finished { snippet, outcome: outcome.into(), at: self.now });
        }
        let mut transcript: Transcript = std::mem::take(&mut self.view.transcript);
        transcript.apply(&SessionEvent::Restarted { restart: Restart::default().into(), at: self.now });
        let variables = [variable("x", VariableKind::Data, "int", "", "1")];
        let table = crate::domain::VariableTable { total: 1, rows: variables.into(), ..Default::default() };
        transcript.apply(&SessionEvent::Variables(table.into()));
        let uses_vi = self.view.composer.editor.vi.is_some();
        self.view = View::new(info(), None, transcript);
        self.view.composer.editor.use_vi(uses_vi);
        self.view.composer.replies.clock = self.now;
        serde_json::from_str::<DashboardSnapshot>(&snapshot).unwrap().restore(&mut self.view);
        self.begin();
    }

    /// A process knows a burst by its first keys.
    fn begin(&mut self) {
        for _ in 0..6 {
            self.now += 10;
            self.view.on_terminal(&Input::Key(KeyEvent::new(KeyCode::F(5), KeyModifiers::NONE)), self.now);
        }
    }

    /// Something happens in the session.
    fn happen(&mut self) -> &'static str {
        let claude = client(1, "claude");
        let is_asked = self.view.transcript.running().is_some_and(|running| running.input.is_some());
        let at_risk = self.view.transcript.risks().next().map(|(id, risk)| (id, risk.number));
        match self.random.below(17) {
            15 if self.running.is_some() && self.view.transcript.risks().count() < 3 => {
                self.prompts += 1;
                let (number, at, target) = (self.prompts, self.now, "data.csv".into());
                let kind = crate::domain::RiskKind::Delete;
                let request = crate::domain::RiskRequest { number, kind, target, line: Some(1), at };
                let snippet = self.running.unwrap_or(SnippetId(0));
                self.apply(&SessionEvent::RiskAsked { snippet, request: request.into() });
                "a risk"
            }
            16 if let Some((snippet, number)) = at_risk => {
                self.apply(&SessionEvent::RiskWithdrawn { snippet, number });
                "a risk is gone"
            }
            12 | 13 if self.view.transcript.pending().count() < 4 => {
                self.ask_to_run(claude);
                "code waits"
            }
            14 if let Some(waiting) = self.view.transcript.pending().map(|waiting| waiting.id).last() => {
                self.waiting.retain(|snippet| *snippet != waiting);
                let outcome = crate::domain::Outcome { status: Status::Cancelled, ..ok(0) };
                self.apply(&SessionEvent::Finished { snippet: waiting, outcome: outcome.into(), at: self.now });
                "code that waited is taken back"
            }
            0 | 1 if self.view.transcript.inquiries().len() < 3 => {
                self.inquiries += 1;
                let choices = (0..self.random.below(4)).map(|n| format!("choice {n}").into()).collect();
                let text = "Which rows shall I use?\n".repeat(1 + self.random.below(30)).into();
                let inquiry = Inquiry { number: self.inquiries, by: claude, text, choices, at: self.now };
                self.apply(&SessionEvent::Inquired(Arc::new(inquiry)));
                "a question"
            }
            2 if !self.view.transcript.inquiries().is_empty() => {
                let count = self.view.transcript.inquiries().len();
                let number = self.view.transcript.inquiries()[self.random.below(count)].number;
                self.apply(&SessionEvent::InquiryEnded { number });
                "a question is taken back"
            }
            3 => {
                self.submit(claude, "g(1)");
                "a client runs"
            }
            4..=6 if self.running.is_some() && !is_asked => {
                self.prompts += 1;
                let (number, at) = (self.prompts, self.now);
                let prompt = self.random.one(&["name?", "(Pdb)", ""]).into();
                let hidden = self.random.below(4) == 0;
                let request = InputRequest { number, prompt, hidden, at, until: at + 300_000 }.into();
                let snippet = self.running.unwrap_or(SnippetId(0));
                self.apply(&SessionEvent::InputRequested { snippet, request });
                "a prompt"
            }
            7 if is_asked => {
                let (snippet, at) = (self.running.unwrap_or(SnippetId(0)), self.now);
                let event = match self.random.below(2) {
                    0 => SessionEvent::InputWithdrawn { snippet, at },
                    _ => SessionEvent::InputAnswered { snippet, by: claude, text: Some("a".into()), at },
                };
                self.apply(&event);
                "a prompt ends"
            }
            8 => {
                self.finish(Status::Ok);
                "an end"
            }
            9 => {
                let chunk = OutputChunk::of(Stream::Stdout, "more\n");
                self.apply(&SessionEvent::Output { snippet: self.running, chunk, at: self.now });
                "output"
            }
            10 if self.random.below(4) == 0 => {
                self.crash();
                "a crash"
            }
            _ => "nothing",
        }
    }

    fn mouse(&mut self) -> Input {
        let kind = self.random.one(&[
            MouseEventKind::ScrollDown,
            MouseEventKind::ScrollUp,
            MouseEventKind::Down(MouseButton::Left),
            MouseEventKind::Drag(MouseButton::Left),
            MouseEventKind::Up(MouseButton::Left),
        ]);
        let (column, row) = (self.random.below(120) as u16, self.random.below(40) as u16);
        Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
    }

    /// A key of the burst. Control keys come as often as text.
    fn key(&mut self) -> KeyEvent {
        let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let ctrl = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        let shift = |code| KeyEvent::new(code, KeyModifiers::SHIFT);
        match self.random.below(22) {
            20 => self.random.one(&[shift(KeyCode::F(4)), plain(KeyCode::F(4))]),
            21 => plain(KeyCode::Char(self.random.one(&['L', 'u', 'm', 'd', 'i', 'h', 'F']))),
            19 => self.random.one(&[plain(KeyCode::F(11)), shift(KeyCode::F(11))]),
            16 => plain(KeyCode::F(10)),
            17 => self.random.one(&[shift(KeyCode::F(10)), plain(KeyCode::F(10))]),
            18 => plain(KeyCode::Char(self.random.one(&['y', 'a', 'c', 'n', 'e']))),
            0 | 1 => plain(KeyCode::Enter),
            2 => plain(KeyCode::Esc),
            3 => ctrl('d'),
            4 => plain(KeyCode::F(8)),
            5 => plain(self.random.one(&[KeyCode::Up, KeyCode::Down])),
            6 => plain(KeyCode::Char(self.random.one(&['s', 'x', '1', '2', 'y', 'é']))),
            _ => key_event(&mut self.random),
        }
    }

    /// Does what the session would do for an effect. A burst must have none of the dangerous effects.
    fn perform(&mut self, effect: Option<Effect>, before: &str) {
        match effect {
            Some(Effect::Submit(code)) => {
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                let is_draft = words(&code) == words(before);
                let ran = |entry: &crate::domain::Entry| matches!(entry, crate::domain::Entry::Snippet(snippet) if *snippet.code == *code);
                assert!(is_draft || self.view.transcript.entries().iter().any(ran), "{code:?} ran: {self:?}");
                self.submit(Author::You, &code);
            }
            Some(Effect::Interrupt | Effect::StopForTakeover(_)) => self.finish(Status::Interrupted),
            Some(Effect::ChangeGate(GateChange::TakeOver)) => {
                let mut gate = crate::domain::Gate::clone(&self.view.transcript.gate());
                gate.change(GateChange::TakeOver);
                self.apply(&SessionEvent::GateChanged { gate: gate.into(), at: self.now });
            }
            // Holding more back does no harm. A burst must show nothing that was private.
            Some(Effect::ChangeGate(GateChange::Lock(_) | GateChange::HideName(_) | GateChange::HideSnippet(_))) => {}
            Some(
                effect @ (Effect::Quit
                | Effect::SaveAndQuit
                | Effect::Restart
                | Effect::SaveAndRestart
                | Effect::Answer { .. }
                | Effect::Reply { .. }
                | Effect::Decide { .. }
                | Effect::DecideRisk { .. }
                | Effect::ChangeGate(_)
                | Effect::Note(_)),
            ) => panic!("{effect:?}: {self:?}"),
            Some(_) | None => {}
        }
    }

    fn step(&mut self) {
        let before = self.view.composer.editor.code();
        // What keys have confirmed takes effect after a rest.
        let due = self.view.on_time(self.now);
        self.perform(due, &before);
        let gap = self.random.below(MAX_GAP + 1) as u64;
        let what = match self.random.below(10) {
            0 | 1 => self.happen().to_owned(),
            2 => {
                let input = match self.random.below(4) {
                    0 => {
                        self.now += gap;
                        self.mouse()
                    }
                    1 => Input::Resize(80, 24),
                    2 => Input::FocusLost,
                    _ => Input::FocusGained,
                };
                let effect = self.view.on_terminal(&input, self.now);
                self.perform(effect, &before);
                format!("{input:?}")
            }
            _ => String::new(),
        };
        if !what.is_empty() {
            self.log.push(what);
            assert_eq!(self.view.composer.editor.code(), before, "the draft changed: {self:?}");
            return;
        }
        self.now += gap;
        if self.random.below(12) == 0 {
            let text = self.random.text(&PIECES, 3);
            self.log.push(format!("paste {text:?}"));
            let is_selected = self.view.composer.editor.marked().is_some();
            let effect = self.view.on_terminal(&Input::Paste(text), self.now);
            self.perform(effect, &before);
            assert!(is_selected || self.keeps(&before), "a paste lost text of {before:?}: {self:?}");
            return;
        }
        let key = self.key();
        if key.kind != KeyEventKind::Release {
            self.press(key, &before);
        }
    }

    fn press(&mut self, key: KeyEvent, before: &str) {
        self.log.push(format!("{:?} {:?} at {}", key.code, key.modifiers, self.now));
        let action = self.view.keys.find(key, &WRITING);
        let is_draft = self.view.layers.is_empty()
            && self.view.viewport.selected.is_none()
            && self.view.open_reply(self.now).is_none();
        let is_text = key.modifiers.is_empty() && matches!(key.code, KeyCode::Char(_));
        let is_free = self.view.composer.editor.marked().is_none() && self.view.composer.editor.vi.is_none();
        let effect = self.view.on_terminal(&Input::Key(key), self.now);
        let ran = matches!(effect, Some(Effect::Submit(_)));
        self.perform(effect, before);
        let after = self.view.composer.editor.code();
        if after == before || ran {
            assert!(!(is_draft && is_text && is_free) || ran || is_invisible(key), "the text is lost: {self:?}");
        } else if is_draft && (is_text || action == Some(Action::NewLine) || action == Some(Action::Enter)) {
            assert!(!is_free || self.keeps(before), "text is lost: {self:?}");
        } else if is_draft && (action.is_none() || matches!(action, Some(Action::QuitOrDelete | Action::Redo))) {
            // Keys that delete.
        } else if !matches!(action, Some(Action::Undo | Action::Redo)) && self.view.composer.editor.vi.is_none() {
            // Whatever else replaces the draft, such as an earlier input, is taken back by one undo.
            self.view.composer.editor.undo();
            let undone = self.view.composer.editor.code();
            self.view.composer.editor.redo();
            assert!(undone == before || self.keeps(before), "{undone:?} is not {before:?}: {self:?}");
        }
    }

    /// Whether the draft still has all that it had before, apart from its indentation.
    fn keeps(&self, before: &str) -> bool {
        let after = self.view.composer.editor.code();
        let mut rest = after.chars();
        before.chars().filter(|c| !c.is_whitespace()).all(|c| rest.any(|other| other == c))
    }
}

/// Text that has no cell of its own may not be taken.
fn is_invisible(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char(c) if c.is_control() || "\u{301}\u{200d}\u{202e}".contains(c))
}

impl std::fmt::Debug for Burst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = self.log.iter().rev().take(25).rev();
        let lines: Vec<&str> = last.map(String::as_str).collect();
        write!(f, "draft {:?} after\n{}", self.view.composer.editor.code(), lines.join("\n"))
    }
}

fn burst(seed: u64, rounds: u64) {
    for random in Random::rounds(seed, rounds) {
        let mut burst = Burst::new(random);
        burst.begin();
        for step in 0..KEYS {
            burst.step();
            if step % 16 == 0 {
                let (width, height) = burst.random.one(&[(40, 12), (80, 24), (120, 40)]);
                text(&mut burst.view, width, height);
            }
        }
    }
}

#[test]
fn a_burst_of_keys_does_no_harm() {
    burst(12, 12);
}

#[test]
#[ignore = "takes a minute; tests/long runs it"]
fn many_bursts_of_keys_do_no_harm() {
    burst(2_012, 200);
}
