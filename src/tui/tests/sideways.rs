//! Wide output: in cards, and in the pager.

use crossterm::event::{MouseEvent, MouseEventKind};
use insta::assert_snapshot;

use super::*;
use crate::domain::{Author, Outcome};
use crate::tui::fixtures::{Story, ok};
use crate::tui::layers::Layer;

/// A table as pandas prints it with `to_string()`: lines of one width.
fn table(rows: usize) -> String {
    let row = |row: usize| (0..40).map(|column| format!("{:>8}", row * 100 + column)).collect::<Vec<_>>().concat();
    (0..rows).map(row).collect::<Vec<_>>().join("\n") + "\n"
}

fn printed(output: &str) -> View {
    let mut story = Story::default();
    story.ran(&Author::You, "print(wide)", output, ok(5));
    let mut view = story.view();
    screen(&mut view, 80, 24);
    view
}

/// Whether a row has the mark of a line that goes on at the right.
fn goes_on(screen: &str) -> bool {
    screen.lines().any(|line| line.ends_with('›'))
}

fn wheel(view: &mut View, kind: MouseEventKind, modifiers: KeyModifiers) {
    view.on_terminal(&Event::Mouse(MouseEvent { kind, column: 10, row: 6, modifiers }), NOW);
}

#[test]
fn printed_tables_open_unwrapped_and_scroll_sideways() {
    let mut view = printed(&table(20));
    key(&mut view, KeyCode::F(6));
    assert_snapshot!("table", text(&mut view, 80, 24));
    let (right, left) = (KeyCode::Right, KeyCode::Left);
    key(&mut view, right);
    let scrolled = text(&mut view, 80, 24);
    assert!(scrolled.contains("from column 41") && scrolled.contains("     105     106"), "{scrolled}");
    for _ in 0..50 {
        key(&mut view, KeyCode::Char('l'));
        screen(&mut view, 80, 24);
    }
    let end = text(&mut view, 80, 24);
    assert!(end.lines().nth(3).unwrap().ends_with("239"), "the end of the line is in sight:\n{end}");
    key(&mut view, left);
    for _ in 0..50 {
        key(&mut view, KeyCode::Char('h'));
    }
    assert!(!text(&mut view, 80, 24).contains("from column"));
    typed(&mut view, "w");
    let wrapped = text(&mut view, 80, 24);
    assert!(wrapped.contains("w unwrap") && !wrapped.contains('›') && wrapped.contains("1939"), "{wrapped}");
    typed(&mut view, "w");
    typed(&mut view, "/1939\n");
    while view.search() {}
    let found = text(&mut view, 80, 24);
    assert!(found.contains("1939"), "what is found comes into sight:\n{found}");
    for (width, height) in [(40, 12), (1, 1), (300, 100)] {
        screen(&mut view, width, height);
        key(&mut view, right);
    }
}

#[test]
fn prose_opens_wrapped_and_right_unwraps_it() {
    let lines: Vec<String> = (3..200).map(|n| format!("{n} {}\n", "word ".repeat(n))).collect();
    let mut view = printed(&lines.concat());
    key(&mut view, KeyCode::F(6));
    assert!(text(&mut view, 80, 24).contains("w unwrap"));
    // The line at the top stays there.
    key(&mut view, KeyCode::Home);
    for _ in 0..30 {
        key(&mut view, KeyCode::Down);
    }
    screen(&mut view, 80, 24);
    let top = text(&mut view, 80, 24).lines().nth(1).unwrap().to_owned();
    typed(&mut view, "w");
    let unwrapped = text(&mut view, 80, 24);
    let line = unwrapped.lines().nth(1).unwrap().to_owned();
    assert!(line.ends_with('›'), "a mark says that the line goes on: {line}");
    typed(&mut view, "w");
    let again = text(&mut view, 80, 24);
    let number = line.split(' ').next().unwrap();
    assert!(again.lines().nth(1).unwrap().starts_with(&format!("{number} ")), "{top} {line} {again}");
    key(&mut view, KeyCode::Right);
    assert!(text(&mut view, 80, 24).contains("w wrap"));
}

#[test]
fn the_wheel_scrolls_sideways_over_the_output() {
    let mut view = printed(&table(20));
    key(&mut view, KeyCode::F(6));
    screen(&mut view, 80, 24);
    wheel(&mut view, MouseEventKind::ScrollRight, KeyModifiers::NONE);
    assert!(text(&mut view, 80, 24).contains("from column 9"));
    wheel(&mut view, MouseEventKind::ScrollUp, KeyModifiers::SHIFT);
    assert!(!text(&mut view, 80, 24).contains("from column"));
}

#[test]
fn a_card_unwraps_wide_output_and_scrolls_it() {
    let mut view = printed(&table(5));
    let wrapped = text(&mut view, 80, 24);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::Right);
    assert_snapshot!("card", text(&mut view, 80, 24));
    for _ in 0..30 {
        key(&mut view, KeyCode::Right);
    }
    let end = text(&mut view, 80, 24);
    assert!(end.contains("139") && !goes_on(&end), "{end}");
    for _ in 0..30 {
        key(&mut view, KeyCode::Left);
    }
    key(&mut view, KeyCode::Esc);
    assert_eq!(text(&mut view, 80, 24), wrapped, "and back");
    // The wheel needs no selection.
    wheel(&mut view, MouseEventKind::ScrollRight, KeyModifiers::NONE);
    assert!(goes_on(&text(&mut view, 80, 24)));
    assert_eq!(view.viewport.selected, None);
}

#[test]
fn narrow_output_does_not_move() {
    let mut view = printed("short\n");
    let before = text(&mut view, 80, 24);
    wheel(&mut view, MouseEventKind::ScrollRight, KeyModifiers::NONE);
    assert_eq!(text(&mut view, 80, 24), before);
}

#[test]
fn a_wide_value_scrolls_and_opens_too() {
    let mut story = Story::default();
    let value = format!("<{}>", (0..90).map(|n| n.to_string()).collect::<Vec<_>>().join(", "));
    story.ran(&Author::You, "value", "", Outcome { result: Some(value), ..ok(1) });
    let mut view = story.view();
    screen(&mut view, 80, 24);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    key(&mut view, KeyCode::Right);
    key(&mut view, KeyCode::Right);
    let moved = text(&mut view, 80, 24);
    assert!(!moved.contains("<0, 1, 2") && goes_on(&moved), "{moved}");
    key(&mut view, KeyCode::Enter);
    assert!(matches!(view.layers.top(), Some(Layer::Inspector { .. })), "a value is inspected");
}
