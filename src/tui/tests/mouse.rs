use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use insta::assert_snapshot;

use super::*;
use crate::domain::VariableKind;
use crate::tui::fixtures::{Story, long_story, story, variable};
use crate::tui::transcript::viewport::Anchor;

const LEFT: MouseButton = MouseButton::Left;

/// The mouse at a place, at a time after [`NOW`].
fn mouse(view: &mut View, kind: MouseEventKind, (column, row): (u16, u16), after: u64) -> Option<Effect> {
    view.on_terminal(&Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }), NOW + after)
}

fn click(view: &mut View, place: (u16, u16), after: u64) {
    mouse(view, MouseEventKind::Down(LEFT), place, after);
    mouse(view, MouseEventKind::Up(LEFT), place, after);
}

/// The position of a text on a screen of 120x40.
fn find(view: &mut View, needle: &str) -> (u16, u16) {
    let screen = text(view, 120, 40);
    let found = screen.lines().enumerate().find_map(|(y, line)| Some((line.find(needle)?, y, line)));
    let (at, y, line) = found.unwrap_or_else(|| panic!("{needle:?} is not on the screen:\n{screen}"));
    (line[..at].chars().count() as u16, y as u16)
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut view = long_story(100).view();
    text(&mut view, 120, 40);
    mouse(&mut view, MouseEventKind::ScrollUp, (10, 10), 0);
    assert!(matches!(view.viewport.anchor, Anchor::At(_)));
    assert!(text(&mut view, 120, 40).contains("below"));
    mouse(&mut view, MouseEventKind::ScrollDown, (10, 10), 0);
    text(&mut view, 120, 40);
    assert_eq!(view.viewport.anchor, Anchor::Follow, "back at the end");
    let before = text(&mut view, 120, 40);
    mouse(&mut view, MouseEventKind::ScrollUp, (10, 37), 0);
    assert_eq!(text(&mut view, 120, 40), before, "a short input does not scroll");
    key(&mut view, KeyCode::F(1));
    let help = text(&mut view, 80, 24);
    mouse(&mut view, MouseEventKind::ScrollDown, (10, 10), 0);
    assert_ne!(text(&mut view, 80, 24), help);
    assert_eq!(view.viewport.anchor, Anchor::Follow, "not what lies beneath");
}

#[test]
fn a_click_selects_a_card_and_unfolds_at_the_mark() {
    let mut view = story().view();
    let failed = find(&mut view, "ValueError");
    click(&mut view, failed, 1_000);
    assert_eq!(view.viewport.selected, Some(2));
    assert!(!text(&mut view, 120, 40).contains("frame 5"));
    let mark = find(&mut view, "▸ traceback");
    click(&mut view, mark, 2_000);
    assert!(text(&mut view, 120, 40).contains("frame 5"), "{}", text(&mut view, 120, 40));
    let mark = find(&mut view, "▾ traceback");
    click(&mut view, mark, 3_000);
    assert!(!text(&mut view, 120, 40).contains("frame 5"));
    click(&mut view, (20, 37), 4_000);
    assert_eq!(view.viewport.selected, None, "the input takes the choice back");
}

#[test]
fn a_click_puts_the_cursor_and_a_drag_selects() {
    let mut view = Story::default().view();
    view.on_terminal(&Event::Paste("漢字 = alpha\nbeta".into()), NOW);
    let alpha = find(&mut view, "alpha");
    // Wide characters take two cells.
    let word = (alpha.0 + 2, alpha.1);
    click(&mut view, (word.0 + 2, word.1), 1_000);
    assert_eq!(view.composer.editor.cursor(), (0, 7));
    click(&mut view, (4, word.1 + 1), 2_000);
    assert_eq!(view.composer.editor.cursor(), (1, 0));
    click(&mut view, (119, word.1), 3_000);
    assert_eq!(view.composer.editor.cursor(), (0, 10), "beyond the end of the line");
    mouse(&mut view, MouseEventKind::Down(LEFT), (4, word.1 + 1), 4_000);
    mouse(&mut view, MouseEventKind::Drag(LEFT), (6, word.1 + 1), 4_100);
    mouse(&mut view, MouseEventKind::Up(LEFT), (6, word.1 + 1), 4_200);
    typed(&mut view, "B");
    assert_eq!(view.composer.editor.code(), "漢字 = alpha\nBta", "what is typed takes the place of what was selected");
    click(&mut view, (word.0 + 1, word.1), 5_000);
    click(&mut view, (word.0 + 1, word.1), 5_100);
    typed(&mut view, "x");
    assert_eq!(view.composer.editor.code(), "漢字 = x\nBta", "a double click selects the word");
}

#[test]
fn the_divider_can_be_dragged() {
    let mut view = story().view();
    let before = find(&mut view, "│");
    mouse(&mut view, MouseEventKind::Down(LEFT), before, 1_000);
    mouse(&mut view, MouseEventKind::Drag(LEFT), (70, 12), 1_100);
    assert_eq!(find(&mut view, "│").0, 70);
    mouse(&mut view, MouseEventKind::Drag(LEFT), (2, 12), 1_200);
    assert_eq!(find(&mut view, "│").0, 50, "room is left for the transcript");
    mouse(&mut view, MouseEventKind::Up(LEFT), (2, 12), 1_300);
    mouse(&mut view, MouseEventKind::Drag(LEFT), (90, 12), 1_400);
    assert_eq!(find(&mut view, "│").0, 50, "it was let go");
    assert_eq!(view.viewport.selected, None);
}

#[test]
fn the_click_that_brings_the_terminal_back_does_nothing() {
    let mut view = story().view();
    let failed = find(&mut view, "ValueError");
    view.on_terminal(&Event::FocusLost, NOW);
    // Some terminals report the click before the focus.
    click(&mut view, failed, 500);
    view.on_terminal(&Event::FocusGained, NOW + 1_000);
    click(&mut view, failed, 1_010);
    assert_eq!(view.viewport.selected, None);
    click(&mut view, failed, 2_000);
    assert_eq!(view.viewport.selected, Some(2));
}

#[test]
fn the_mouse_can_be_left_to_the_terminal() {
    let mut view = story().view();
    assert_eq!(key(&mut view, KeyCode::F(12)), Some(Effect::Mouse(false)));
    assert!(text(&mut view, 120, 40).contains("F12 takes it back"));
    assert_eq!(key(&mut view, KeyCode::F(12)), Some(Effect::Mouse(true)));
}

#[test]
fn the_wheel_and_a_click_among_the_variables() {
    let mut story = Story::default();
    let name = |n: usize| variable(&format!("name_{n:02}"), VariableKind::Data, "int", "", "1");
    story.variables((0..60).map(name).collect());
    let mut view = story.view();
    assert_snapshot!("side_wide", text(&mut view, 120, 40));
    let place = find(&mut view, "name_00");
    mouse(&mut view, MouseEventKind::ScrollDown, place, 0);
    let scrolled = text(&mut view, 120, 40);
    assert!(
        !scrolled.contains("name_02") && scrolled.contains("name_03 ") && scrolled.contains("▴ 3 above, "),
        "{scrolled}"
    );
    assert_eq!(view.viewport.anchor, Anchor::Follow, "not the transcript");
    for _ in 0..99 {
        mouse(&mut view, MouseEventKind::ScrollDown, place, 0);
    }
    let end = text(&mut view, 120, 40);
    assert!(end.contains("name_59") && !end.contains(" more, F4"), "{end}");
    mouse(&mut view, MouseEventKind::ScrollUp, place, 0);
    assert!(!text(&mut view, 120, 40).contains("name_59"), "it turns around at once");

    let place = find(&mut view, "name_50");
    let request = mouse(&mut view, MouseEventKind::Down(LEFT), place, 1_000);
    let Some(Effect::Inspect { request, .. }) = request else { panic!("{request:?}") };
    assert_eq!(request.path, "name_50");
    assert!(text(&mut view, 120, 40).starts_with("╭─ name_50 ─"));
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty());

    for in_full in [false, true] {
        key(&mut view, KeyCode::F(4));
        text(&mut view, 120, 40);
        assert_eq!(view.layers.list().map(|list| list.in_full), Some(in_full));
        let place = find(&mut view, "name_50");
        let request = mouse(&mut view, MouseEventKind::Down(LEFT), place, 2_000);
        assert!(matches!(request, Some(Effect::Inspect { request, .. }) if request.path == "name_50"));
        assert_eq!(view.variables.selected.as_deref(), Some("name_50"));
        key(&mut view, KeyCode::Esc);
    }
}

#[test]
fn a_click_answers_nothing_and_runs_nothing() {
    let mut view = story().view();
    typed(&mut view, "x = 1");
    for y in 0..40 {
        for x in 0..120 {
            let effect = mouse(&mut view, MouseEventKind::Down(LEFT), (x, y), 1_000 + u64::from(y));
            assert!(matches!(effect, None | Some(Effect::Inspect { .. })), "at {x}, {y}: {effect:?}");
            view.layers.clear();
        }
    }
    assert_eq!(view.composer.editor.code(), "x = 1");
}
