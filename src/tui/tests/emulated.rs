//! A terminal emulator shows exactly the cells that were drawn, whatever the text: no text breaks a row, moves the
//! cursor or passes for something else.

use std::io::{self, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};

use super::super::fixtures::{Story, client, failed, ok, variable};
use super::*;
use crate::domain::random::Random;
use crate::domain::{Author, Event as SessionEvent, OutputChunk, Stream, VariableKind};
use crate::tui::terminal::ambiguous_width::AmbiguousWidth;

/// Text of every kind that has broken a terminal.
const PIECES: [&str; 34] = [
    "plain words",
    "x = [i for i in y]",
    "\n",
    "\n\n",
    "\t",
    "漢字かな",
    "ｶﾞ",
    "e\u{301}",
    "a\u{300}\u{301}\u{302}\u{303}",
    "👩‍👩‍👧",
    "👍🏽",
    "❤\u{fe0f}",
    "🇫🇷",
    "\u{200d}",
    "\u{200b}",
    "\u{ad}",
    "\u{202e}txt.exe",
    "\u{2066}a\u{2069}",
    "\u{feff}",
    "שלום",
    "\r",
    "\r\n",
    "\u{8}",
    "\u{7}",
    "\u{0}",
    "\u{7f}",
    "\u{1b}[2J\u{1b}[1;1H",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}Pq#0~~\u{1b}\\",
    "\u{1b}[?1049l",
    "\u{9b}2J",
    "\u{fffd}\u{e000}",
];

/// Columns beside the screen for text that runs over: vt100 does not know the sequence that turns line wrapping off.
const BESIDE: u16 = 100;

#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn random_view(random: &mut Random) -> View {
    let mut story = Story::default();
    let text = |random: &mut Random, max_pieces: usize| random.text(&PIECES, max_pieces);
    let name = text(random, 3);
    let client = client(1, &name);
    story.join(&client, NOW);
    for _ in 0..3 {
        let author = if random.below(2) == 0 { Author::You } else { client.clone() };
        let (code, message) = (text(random, 12), text(random, 6));
        let mut outcome = if random.below(2) == 0 { ok(3) } else { failed(3, &message, &message, 5) };
        outcome.result = Some(text(random, 12));
        story.ran(&author, &code, &text(random, 30), outcome);
    }
    let rows = (0..4)
        .map(|_| variable(&text(random, 3), VariableKind::Data, &text(random, 3), &text(random, 2), &text(random, 5)));
    let rows = rows.collect();
    story.variables(rows);
    let mut view = story.view();
    view.info.name = text(random, 3);
    view.info.cwd = text(random, 4).into();
    view.on_terminal(&Event::Paste(text(random, 10)), NOW);
    view.notice = (random.below(2) == 0).then(|| text(random, 5));
    view
}

/// Text of uncertain width, and text that vt100 cannot decode: the test only checks that such text does no harm.
fn is_uncertain(symbol: &str) -> bool {
    symbol.chars().count() > 1
        || symbol
            .chars()
            .any(|c| c >= '\u{1f000}' || c == char::REPLACEMENT_CHARACTER || ('\u{e000}'..='\u{f8ff}').contains(&c))
}

#[test]
fn a_terminal_shows_what_was_drawn() {
    for mut random in Random::rounds(11, 20) {
        let (width, height) = (40 + random.below(120) as u16, 12 + random.below(40) as u16);
        let area = Rect::new(0, 0, width, height);
        let bytes = Bytes::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let mut terminal = Terminal::with_options(CrosstermBackend::new(bytes.clone()), options).unwrap();
        let cells = |count| NonZero::new(count).unwrap();
        let mut emulated = vt100::Parser::new(cells(height), cells(width + BESIDE), 0);
        let mut uncertain = AmbiguousWidth::default();
        let mut view = random_view(&mut random);
        // Every frame must overwrite the one before.
        for frame in 0..3 {
            let mut drawn = Buffer::empty(area);
            terminal
                .draw(|frame| {
                    view.prepare(area);
                    super::super::draw(&view, NOW, frame.buffer_mut());
                    uncertain.mark(frame.buffer_mut());
                    drawn = frame.buffer_mut().clone();
                })
                .unwrap();
            emulated.process(&std::mem::take(&mut *bytes.0.lock().unwrap()));
            compare(&drawn, emulated.screen(), &format!("frame {frame}"));
            match random.below(3) {
                0 => {
                    let chunk = OutputChunk::of(Stream::Stderr, random.text(&PIECES, 40));
                    view.apply(&SessionEvent::Output { snippet: None, chunk, at: NOW });
                }
                1 => drop(key(&mut view, KeyCode::F(1 + random.below(12) as u8))),
                _ => drop(view.on_terminal(&Event::Paste(random.text(&PIECES, 20)), NOW)),
            }
        }
    }
}

fn compare(drawn: &Buffer, screen: &vt100::Screen, what: &str) {
    let width = drawn.area.width;
    for (y, row) in drawn.content.chunks(width.into()).enumerate() {
        for cell in row {
            let control = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!cell.symbol().contains(control), "{:?} in {what}", cell.symbol());
        }
        if row.iter().any(|cell| is_uncertain(cell.symbol())) {
            continue;
        }
        let mut x = 0;
        while x < row.len() {
            let symbol = row[x].symbol();
            let shown = screen.cell(y as u16, x as u16).map_or("", vt100::Cell::contents);
            let shown = if shown.is_empty() { " " } else { shown };
            let symbols: Vec<&str> = row[..=x].iter().map(ratatui::buffer::Cell::symbol).collect();
            assert_eq!(shown, symbol, "at {x}, {y} in {what}, after {symbols:?}");
            x += crate::tui::text::width(symbol).max(1);
        }
    }
}
