//! The mouse: wheel, clicks, drags.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use insta::assert_snapshot;

use super::*;
use crate::domain::{Aspect, Candidate, Completions, Insight, Inspection, TablePage, VariableKind};
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

#[test]
fn a_click_on_a_completion_inserts_it() {
    let mut view = story().view();
    typed(&mut view, "df.re");
    key(&mut view, KeyCode::Tab);
    let candidates = ["reindex", "rename", "replace"].map(|name| Candidate {
        text: name.into(),
        name: name.into(),
        kind: "method".into(),
    });
    let found = Completions { from: 3, candidates: candidates.into(), left_out: 0 };
    for asked in view.composer.completion.take_questions() {
        view.on_insight(asked.id, Some(Insight::Completions(found.clone())));
    }
    let place = find(&mut view, "reindex");
    mouse(&mut view, MouseEventKind::ScrollDown, place, 0);
    let chosen = |view: &View| view.composer.completion.popup.as_ref().and_then(|popup| popup.selected);
    assert_eq!(chosen(&view), Some(1), "the wheel moves in the list");
    let border = (place.0, place.1 - 1);
    click(&mut view, border, 1_000);
    assert_eq!(chosen(&view), Some(1), "the border is no candidate");
    let place = find(&mut view, "replace");
    click(&mut view, place, 2_000);
    assert_eq!(view.composer.editor.code(), "df.replace");
    assert!(view.composer.completion.popup.is_none());
}

#[test]
fn a_click_in_the_inspector_chooses_a_view_or_a_row() {
    let mut view = story().view();
    screen(&mut view, 120, 40);
    view.open_inspector("cfg".into());
    let row = |key: &str| vec![key.to_owned(), "dict".to_owned(), "{}".to_owned()];
    let answer = Inspection {
        path: "cfg".into(),
        type_name: "dict".into(),
        aspects: vec![Aspect::Overview, Aspect::Items, Aspect::Repr],
        tables: vec![TablePage {
            title: "items".into(),
            headers: ["key", "type", "value"].map(Into::into).into(),
            rows: vec![row("'first'"), row("'second'")],
            steps: vec!["['first']".into(), "['second']".into()],
            total: Some(2),
            ..TablePage::default()
        }],
        ..Inspection::default()
    };
    view.on_inspected(1, Ok(Box::new(answer.clone())), NOW);
    let second = find(&mut view, "'second'");
    click(&mut view, second, 1_000);
    assert_eq!(view.variables.inspector.as_ref().unwrap().grid.row, 1);
    let walked = mouse(&mut view, MouseEventKind::Down(LEFT), second, 1_200);
    assert!(matches!(walked, Some(Effect::Inspect { request, .. }) if request.path == "cfg['second']"));
    key(&mut view, KeyCode::Backspace);
    view.on_inspected(3, Ok(Box::new(answer.clone())), NOW);
    let tab = find(&mut view, "items  ");
    let shown = mouse(&mut view, MouseEventKind::Down(LEFT), tab, 3_000);
    assert!(matches!(shown, Some(Effect::Inspect { request, .. }) if request.aspect == Aspect::Items));
    view.on_inspected(4, Ok(Box::new(Inspection { aspect: Aspect::Items, ..answer })), NOW);
    let second = find(&mut view, "'second'");
    let walked = [5_000, 5_100].map(|after| mouse(&mut view, MouseEventKind::Down(LEFT), second, after));
    let [None, Some(Effect::Inspect { request, .. })] = walked else { panic!("{walked:?}") };
    assert_eq!(request.path, "cfg['second']");
}
