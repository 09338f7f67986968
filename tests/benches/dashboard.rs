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

#[divan::bench(args = [20, 2_000])]
fn typing(bencher: Bencher, lines: usize) {
    let mut view = story().view();
    let code: Vec<_> = (0..lines).map(|n| format!("value_{n} = compute(\"{n}\", [1, 2, 3])  # note")).collect();
    view.on_terminal(&Event::Paste(code.join("\n")), NOW);
    frame(&mut view);
    bencher.bench_local(|| {
        press(&mut view, KeyCode::Char('x'), KeyModifiers::NONE);
        press(&mut view, KeyCode::Backspace, KeyModifiers::NONE);
        frame(&mut view)
    });
}
