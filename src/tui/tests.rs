//! Tests of screens and keys: everything that a person sees and does.

mod burst;
mod clients;
mod emulated;
mod export;
mod figures;
mod focus;
mod footer;
mod fuzz;
mod help;
mod inspector;
mod keys;
mod layers;
mod leaving;
mod line_numbers;
mod locks;
mod lookup;
mod mouse;
mod opening;
mod pager;
mod palette;
mod prompts;
mod questions;
mod readme;
mod replay;
mod review;
mod screens;
mod selection;
mod sending;
mod settings;
mod sideways;
mod styles;
mod takeover;
mod writing;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::fixtures::NOW;
use super::input::effect::Effect;
use super::view::View;

/// The screen of a view, and the position of the cursor.
fn screen(view: &mut View, width: u16, height: u16) -> (Buffer, Option<Position>) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut cursor = None;
    terminal
        .draw(|frame| {
            view.prepare(frame.area());
            cursor = super::draw(view, NOW, frame.buffer_mut());
        })
        .unwrap();
    (terminal.backend().buffer().clone(), cursor)
}

/// The screen as text, with `█` for a cursor on an empty cell.
fn text(view: &mut View, width: u16, height: u16) -> String {
    let (mut buffer, cursor) = screen(view, width, height);
    if let Some(cell) = cursor.and_then(|cursor| buffer.cell_mut(cursor))
        && cell.symbol() == " "
    {
        cell.set_symbol("█");
    }
    rows(&buffer).join("\n")
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    rows.map(|row| {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = super::text::width(cell.symbol()).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        line.trim_end().to_owned()
    })
    .collect()
}

/// Presses a key after a rest, so that keys at the same time are no burst.
fn press(view: &mut View, code: KeyCode, modifiers: KeyModifiers) -> Option<Effect> {
    view.composer.pace.rest();
    let effect = view.on_terminal(&Event::Key(KeyEvent::new(code, modifiers)), NOW);
    effect.or_else(|| view.on_time(NOW + 1_000))
}

fn key(view: &mut View, code: KeyCode) -> Option<Effect> {
    press(view, code, KeyModifiers::NONE)
}

fn ctrl(view: &mut View, c: char) -> Option<Effect> {
    press(view, KeyCode::Char(c), KeyModifiers::CONTROL)
}

/// Types text, with Enter for line ends. Returns the effect of the last Enter.
fn typed(view: &mut View, text: &str) -> Option<Effect> {
    let mut effect = None;
    for c in text.chars() {
        effect = key(view, if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) });
    }
    effect
}
