//! Keys, pastes, sizes and events in any order cause no panic, and the cursor stays on the screen.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyEventKind, KeyEventState, MouseButton, MouseEvent, MouseEventKind};

use super::super::fixtures::{Story, client, failed, ok, story, variable};
use super::*;
use crate::domain::random::Random;
use crate::domain::{
    Aspect, Display, Event, Form, InputRequest, InspectError, InspectRequest, Inspection, OutputChunk, SnippetId,
    Status, Stream, TablePage, Transcript, VariableKind, VariableTable,
};
use crate::tui::app::snapshot::DashboardSnapshot;
use crate::tui::variables::inspector::InspectResult;

const TEXTS: [&str; 24] = [
    "x",
    "def f(a, b):",
    "\n",
    "\n    return 1\n",
    "'''",
    "(",
    "漢字",
    "e\u{301}",
    "👩‍👩‍👧",
    "\t",
    "\r\n",
    "\u{1b}[31m",
    "\u{1b}]0;x\u{7}",
    "\u{202e}",
    "\u{0}",
    "%time x",
    "!ls",
    "x?",
    "a.b",
    "import os",
    "  ",
    "\u{9b}2J",
    "\u{feff}",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

pub(super) fn key_event(random: &mut Random) -> KeyEvent {
    let code = match random.below(26) {
        0 => KeyCode::Enter,
        1 => KeyCode::Esc,
        2 => KeyCode::Up,
        3 => KeyCode::Down,
        4 => KeyCode::Left,
        5 => KeyCode::Right,
        6 => KeyCode::PageUp,
        7 => KeyCode::PageDown,
        8 => KeyCode::Home,
        9 => KeyCode::End,
        10 => KeyCode::Tab,
        11 => KeyCode::BackTab,
        12 => KeyCode::Backspace,
        13 => KeyCode::Delete,
        14 | 15 => KeyCode::F(random.below(13) as u8),
        16 => KeyCode::Insert,
        17 => KeyCode::Null,
        18 => KeyCode::Char(random.one(&['漢', '\u{301}', '\u{200d}', '\u{7}', '\u{202e}', 'é'])),
        _ => KeyCode::Char((b' ' + random.below(95) as u8) as char),
    };
    let modifiers = KeyModifiers::from_bits_truncate(if random.below(3) == 0 { random.below(64) as u8 } else { 0 });
    let kind = random.one(&[KeyEventKind::Press, KeyEventKind::Press, KeyEventKind::Repeat, KeyEventKind::Release]);
    KeyEvent { code, modifiers, kind, state: KeyEventState::NONE }
}

fn input(random: &mut Random) -> Input {
    match random.below(14) {
        0 => Input::Paste(random.text(&TEXTS, 30)),
        1 => Input::Resize(random.below(300) as u16, random.below(100) as u16),
        2 => Input::FocusLost,
        3 => Input::Mouse(MouseEvent {
            kind: random.one(&[
                MouseEventKind::ScrollDown,
                MouseEventKind::ScrollUp,
                MouseEventKind::Down(MouseButton::Left),
                MouseEventKind::Down(MouseButton::Left),
                MouseEventKind::Drag(MouseButton::Left),
                MouseEventKind::Up(MouseButton::Left),
            ]),
            column: random.one(&[0, 3, 40, 79, 80, 81, 400]),
            row: random.below(40) as u16,
            modifiers: KeyModifiers::NONE,
        }),
        _ => Input::Key(key_event(random)),
    }
}

/// An event of the session, possibly one that cannot happen at this time.
fn event(random: &mut Random, next: &mut u32) -> Event {
    let snippet = SnippetId(random.below(*next as usize + 2) as u32);
    let at = NOW - random.below(100_000) as u64;
    let text = random.text(&TEXTS, 12);
    let author = if random.below(2) == 0 { crate::domain::Author::You } else { client(random.below(3) as u32, &text) };
    match random.below(14) {
        0 | 1 => {
            *next += 1;
            Event::Submitted { snippet: SnippetId(*next), author, code: text.into(), call: None, at }
        }
        2 => Event::Started { snippet, at },
        3 | 4 => {
            let snippet = (random.below(5) > 0).then_some(snippet);
            let stream = random.one(&[Stream::Stdout, Stream::Stderr]);
            let text = if random.below(8) == 0 { text.repeat(2_000) } else { text };
            Event::Output { snippet, chunk: OutputChunk::of(stream, &text), at }
        }
        5 => {
            let mut outcome = if random.below(2) == 0 { ok(12) } else { failed(3, &text, &text, random.below(30)) };
            outcome.result = (random.below(2) == 0).then(|| text.clone());
            outcome.status = random.one(&[Status::Ok, Status::Error, Status::Cancelled, Status::Interrupted]);
            outcome.elapsed = Duration::from_millis(random.below(1 << 40) as u64);
            Event::Finished { snippet, outcome: outcome.into(), at }
        }
        6 => {
            let rows: Vec<_> = (0..random.below(50))
                .map(|n| variable(&format!("v{n}{text}"), VariableKind::Data, &text, "3×4", &text))
                .collect();
            let total = rows.len() + random.below(3);
            Event::Variables(
                VariableTable { rows: rows.into(), total, taken_at: at, ..VariableTable::default() }.into(),
            )
        }
        7 => Event::ClientJoined { client: crate::domain::ClientId(snippet.0), name: text.into(), pid: None, at },
        8 => Event::ClientLeft { client: crate::domain::ClientId(snippet.0), at },
        9 => Event::Notice { text: text.into(), at },
        10 => {
            let (prompt, hidden) = (text.into(), random.below(2) == 0);
            Event::InputRequested {
                snippet,
                request: InputRequest { number: 1, prompt, hidden, at, until: NOW + 1_000 }.into(),
            }
        }
        11 => Event::InputWithdrawn { snippet, at },
        12 => {
            let form =
                Form::new(random.one(&["image/png", "text/html", "text/markdown", "x\u{1b}/y"]), text.into_bytes());
            let display = Display { after: random.below(100) as u64, id: None, forms: vec![form] };
            Event::Displayed { snippet, display: display.into(), replaces: random.below(2) == 0, at }
        }
        _ => Event::DisplaysCleared { snippet },
    }
}

/// An answer with random content.
fn inspection(random: &mut Random, request: &InspectRequest) -> InspectResult {
    if random.below(6) == 0 {
        return Err(InspectError::Refused(random.text(&TEXTS, 6)));
    }
    let mut texts = |max_count: usize| (0..random.below(max_count)).map(|_| random.text(&TEXTS, 6)).collect::<Vec<_>>();
    let (headers, dtypes, steps) = (texts(6), texts(6), texts(6));
    let rows = vec![texts(9), texts(9), texts(3)];
    let (notes, bases) = (texts(3), texts(3));
    let offset = random.one(&[0, 0, 1, 40, u64::MAX / 2]);
    let table = TablePage {
        title: request.aspect.word().to_owned(),
        headers,
        dtypes,
        steps,
        rows,
        offset,
        total: random.one(&[None, Some(0), Some(2), Some(9_000), Some(u64::MAX)]),
        has_more: random.below(2) == 0,
        first_column: random.one(&[0, 3, 1_000]),
        columns: random.one(&[None, Some(0), Some(70)]),
    };
    let tables = if random.below(8) == 0 { Vec::new() } else { vec![table.clone(), table] };
    let (aspects, path) = (Aspect::ALL.to_vec(), request.path.clone());
    let (aspect, page) = (request.aspect, request.page);
    Ok(Box::new(Inspection { path, aspect, page, bases, tables, notes, aspects, ..Inspection::default() }))
}

fn check(view: &mut View, random: &mut Random) {
    let (width, height) = match random.below(4) {
        0 => (random.below(25) as u16 + 1, random.below(12) as u16 + 1),
        1 => (random.below(300) as u16 + 1, random.below(80) as u16 + 1),
        _ => (100, 30),
    };
    let (buffer, cursor) = screen(view, width, height);
    if let Some(cursor) = cursor {
        assert!(cursor.x < width && cursor.y < height, "{cursor:?} in {width}×{height}");
    }
    for cell in &buffer.content {
        assert!(!cell.symbol().contains(|c: char| c.is_control() || c == '\u{202e}'), "{:?}", cell.symbol());
    }
}

#[test]
fn nothing_that_is_typed_or_happens_breaks_the_dashboard() {
    for mut random in Random::rounds(5, 20) {
        let mut view = if random.below(3) == 0 { Story::default().view() } else { story().view() };
        let mut next = view.transcript.entries().len() as u32 + 20;
        for _ in 0..120 {
            if random.below(3) == 0 {
                let event = event(&mut random, &mut next);
                view.apply(&event);
            } else {
                let effect = view.on_terminal(&input(&mut random), NOW + random.below(2_000) as u64);
                if let Some(Effect::Inspect { request, number }) = effect {
                    let answer = inspection(&mut random, &request);
                    view.on_inspected(number, answer, NOW);
                }
            }
            if random.below(4) == 0 {
                check(&mut view, &mut random);
            }
        }
        check(&mut view, &mut random);
        // The snapshot that the next process restores, sometimes damaged.
        let mut bytes = serde_json::to_vec(&DashboardSnapshot::of(&view)).unwrap();
        random.spoil(&mut bytes);
        if let Ok(snapshot) = serde_json::from_slice::<DashboardSnapshot>(&bytes) {
            snapshot.restore(&mut view);
            check(&mut view, &mut random);
        }
        view.replace(Transcript::default());
        check(&mut view, &mut random);
    }
}
