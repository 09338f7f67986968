//! What a frame of the dashboard costs: `cargo bench --bench dashboard`. The budget is a millisecond for each.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use divan::Bencher;
use fourhands::tui::fixtures::{NOW, long_story, story, wordy_story};
use fourhands::tui::{View, draw};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SCREEN: Rect = Rect { x: 0, y: 0, width: 200, height: 50 };

fn main() {
    divan::main();
}

fn frame(view: &mut View) -> Buffer {
    let mut buffer = Buffer::empty(SCREEN);
    view.prepare(SCREEN);
    draw(view, NOW, &mut buffer);
    buffer
}

fn press(view: &mut View, code: KeyCode, modifiers: KeyModifiers) {
    view.on_terminal(&Event::Key(KeyEvent::new(code, modifiers)), NOW);
}

#[divan::bench]
fn full_screen(bencher: Bencher) {
    let mut view = long_story(1_000).view();
    bencher.bench_local(|| frame(&mut view));
}

#[divan::bench]
fn live_output(bencher: Bencher) {
    let mut view = story().view();
    bencher.bench_local(|| frame(&mut view));
}

/// Each frame somewhere else, so that every card in the window is measured again. A million lines of output in all.
#[divan::bench]
fn jump_in_100_000_cards(bencher: Bencher) {
    let mut view = wordy_story(100_000, 10).view();
    let mut place = 1_usize;
    bencher.bench_local(|| {
        place = (place * 48_271) % 99_991;
        view.jump(place);
        frame(&mut view)
    });
}

#[divan::bench]
fn page_up_in_100_000_cards(bencher: Bencher) {
    let mut view = wordy_story(100_000, 10).view();
    frame(&mut view);
    bencher.bench_local(|| {
        press(&mut view, KeyCode::PageUp, KeyModifiers::NONE);
        frame(&mut view)
    });
}

/// A view whose input has so many lines, with the cursor at the end.
fn with_input(lines: usize) -> View {
    let mut view = story().view();
    let code: Vec<_> = (0..lines).map(|n| format!("value_{n} = compute(\"{n}\", [1, 2, 3])  # note")).collect();
    view.on_terminal(&Event::Paste(code.join("\n")), NOW);
    frame(&mut view);
    view
}

#[divan::bench(args = [20, 2_000])]
fn typing(bencher: Bencher, lines: usize) {
    let mut view = with_input(lines);
    bencher.bench_local(|| {
        press(&mut view, KeyCode::Char('x'), KeyModifiers::NONE);
        press(&mut view, KeyCode::Backspace, KeyModifiers::NONE);
        frame(&mut view)
    });
}

/// A key in the middle of a long input, with its frame. Each key measures all lines, so a thousand lines cost about
/// half a millisecond; the budget is 16 ms at 10 000 lines.
#[divan::bench(args = [2_000, 10_000, 50_000])]
fn key_in_long_input(bencher: Bencher, lines: usize) {
    let mut view = with_input(lines);
    for _ in 0..lines / 2 {
        press(&mut view, KeyCode::Up, KeyModifiers::NONE);
    }
    let mut erases = false;
    bencher.bench_local(|| {
        press(&mut view, if erases { KeyCode::Backspace } else { KeyCode::Char('x') }, KeyModifiers::NONE);
        erases = !erases;
        frame(&mut view)
    });
}

/// Undo of the paste that made a long input, and redo: what setting the text once costs.
#[divan::bench(args = [2_000, 10_000, 50_000])]
fn undo_in_long_input(bencher: Bencher, lines: usize) {
    let mut view = with_input(lines);
    press(&mut view, KeyCode::Home, KeyModifiers::NONE);
    let mut undoes = true;
    bencher.bench_local(|| {
        press(&mut view, KeyCode::Char('_'), if undoes { KeyModifiers::CONTROL } else { KeyModifiers::ALT });
        undoes = !undoes;
        frame(&mut view)
    });
}
