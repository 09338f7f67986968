//! The footer: hints that fit the place and the card, and that can be clicked.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::domain::{Author, Event as SessionEvent, Restart};
use crate::tui::fixtures::{Story, failed, ok, story};
use crate::tui::layers::Layer;

fn footer(view: &mut View, width: u16, height: u16) -> String {
    text(view, width, height).lines().last().unwrap_or_default().to_owned()
}

fn select_last(view: &mut View) {
    screen(view, 120, 40);
    press(view, KeyCode::Up, KeyModifiers::ALT);
}

fn click(view: &mut View, x: u16, y: u16) -> Option<Effect> {
    let kind = MouseEventKind::Down(MouseButton::Left);
    view.on_terminal(&Event::Mouse(MouseEvent { kind, column: x, row: y, modifiers: KeyModifiers::NONE }), NOW + 9_000)
}

/// Clicks a text of the last row.
fn click_hint(view: &mut View, hint: &str) -> Option<Effect> {
    let row = footer(view, 120, 40);
    let at = row.find(hint).unwrap_or_else(|| panic!("{hint:?} is not in {row:?}"));
    click(view, row[..at].chars().count() as u16 + 1, 39)
}

#[test]
fn help_and_actions_are_always_told_from_80_columns_on() {
    for width in [80, 100, 120, 200] {
        let mut view = story().view();
        let told = |view: &mut View, what: &str| {
            let row = footer(view, width, 24);
            assert!(row.contains("F1 help") && row.contains("F2 actions"), "{what} at {width}: {row}");
        };
        told(&mut view, "running");
        for notice in ["short", &"a long message that would take the whole row and more ".repeat(4)] {
            view.notice = Some(notice.to_owned());
            told(&mut view, notice);
        }
        let screen = text(&mut view, width, 24);
        assert!(screen.contains("a long message that would take the whole row"), "{screen}");
        view.notice = None;
        key(&mut view, KeyCode::F(4));
        told(&mut view, "variables");
        key(&mut view, KeyCode::Esc);
        select_last(&mut view);
        told(&mut view, "a card");
        typed(&mut view, "R");
        told(&mut view, "asked to run again");
        key(&mut view, KeyCode::Esc);
    }
}

#[test]
fn a_card_has_hints_only_for_what_it_has() {
    let mut story = Story::default();
    story.ran(&Author::You, "x = 1", "", ok(1));
    let mut view = story.view();
    select_last(&mut view);
    let plain = footer(&mut view, 120, 40);
    for absent in ["fold", "open", "copy", "received", "figure"] {
        assert!(!plain.contains(absent), "{absent}: {plain}");
    }
    assert!(plain.contains("R rerun") && plain.contains("e edit"), "{plain}");

    let mut story = Story::default();
    story.ran(&Author::You, "f()", &"line\n".repeat(50), failed(1, "ValueError", "no", 8));
    let mut view = story.view();
    select_last(&mut view);
    let folded = footer(&mut view, 120, 40);
    assert!(folded.contains("Space unfold") && folded.contains("Enter open") && folded.contains("y copy"), "{folded}");
    key(&mut view, KeyCode::Char(' '));
    let open = footer(&mut view, 120, 40);
    assert!(open.contains("Space fold") && !open.contains("unfold"), "{open}");

    let mut story = Story::default();
    story.ran(&Author::You, "x = 1", "", ok(1));
    let restart = Restart { resumed: true, ..Restart::default() };
    story.apply(&SessionEvent::Restarted { restart: restart.into(), at: NOW });
    let mut view = story.view();
    select_last(&mut view);
    let resumed = footer(&mut view, 120, 40);
    for absent in ["rerun", "edit", "copy", "open", "fold", "received"] {
        assert!(!resumed.contains(absent), "{absent}: {resumed}");
    }
    assert!(resumed.contains("F7 replay"), "{resumed}");
}

#[test]
fn hints_are_clicked_like_keys() {
    let mut view = story().view();
    click_hint(&mut view, "F1 help");
    assert!(matches!(view.layers.top(), Some(Layer::Help(_))));
    click_hint(&mut view, "Esc close");
    assert!(view.layers.is_empty());
    click_hint(&mut view, "F2 actions");
    assert!(view.layers.palette().is_some());
    key(&mut view, KeyCode::Esc);
    click_hint(&mut view, "F4 variables");
    assert!(view.has_list_focus());
    click_hint(&mut view, "Enter inspect");
    assert!(matches!(view.layers.top(), Some(Layer::Inspector { .. })));
    key(&mut view, KeyCode::Esc);
    click_hint(&mut view, "Tab input");
    assert!(!view.has_list_focus());

    select_last(&mut view);
    let open = view.viewport.unfolded.len();
    click_hint(&mut view, "Space unfold");
    assert_ne!(view.viewport.unfolded.len(), open);
    assert!(matches!(click_hint(&mut view, "y copy"), Some(Effect::CopyPiece { .. })));
    click_hint(&mut view, "Enter open");
    assert!(view.layers.pager().is_some());
    click_hint(&mut view, "F1 help");
    assert!(matches!(view.layers.top(), Some(Layer::Help(_))));
    key(&mut view, KeyCode::Esc);
    click_hint(&mut view, "Esc back");
    assert!(view.layers.is_empty());
    click_hint(&mut view, "Esc input");
    assert_eq!(view.viewport.selected, None);
    select_last(&mut view);
    key(&mut view, KeyCode::Tab);
    assert_eq!(view.viewport.selected, None, "Tab goes to the input too");
}

#[test]
fn a_click_never_interrupts_runs_or_quits() {
    let mut view = story().view();
    assert_eq!(click_hint(&mut view, "Ctrl-C interrupt"), None);
    select_last(&mut view);
    assert_eq!(click_hint(&mut view, "R rerun"), None);
    assert!(view.pending.run_again.is_some(), "it asks");
    screen(&mut view, 120, 40);
    for x in 0..120 {
        view.pending.run_again = Some(3);
        let effect = click(&mut view, x, 39);
        assert!(!matches!(effect, Some(Effect::Submit(_) | Effect::Quit | Effect::Interrupt)), "{effect:?}");
        view.layers.clear();
        view.viewport.selected = Some(3);
    }
    let mut idle = Story::default().view();
    assert!(footer(&mut idle, 120, 40).contains("Ctrl-D quit"));
    assert_eq!(click_hint(&mut idle, "Ctrl-D quit"), None);
}

#[test]
fn the_header_opens_the_facts_about_the_session() {
    let mut view = story().view();
    screen(&mut view, 120, 40);
    click(&mut view, 3, 0);
    assert!(text(&mut view, 120, 40).contains("fourhands bridge --session sales"));
}

#[test]
fn a_click_chooses_in_the_palette() {
    let mut view = story().view();
    screen(&mut view, 120, 40);
    key(&mut view, KeyCode::F(2));
    typed(&mut view, "help");
    let screen = text(&mut view, 120, 40);
    let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains("› Help")).unwrap();
    let x = line[..line.find("Help").unwrap()].chars().count() as u16;
    click(&mut view, x, y as u16);
    assert!(view.layers.palette().is_none() && view.layers.help().is_some());
    key(&mut view, KeyCode::F(2));
    click(&mut view, 0, 0);
    assert!(view.layers.palette().is_some(), "beside the list nothing is chosen");
}

#[test]
fn a_double_click_opens_what_enter_opens() {
    let mut story = Story::default();
    story.ran(&Author::You, "f()", "written here\n", ok(1));
    let mut view = story.view();
    let screen = text(&mut view, 120, 40);
    let y = screen.lines().position(|line| line.contains("written here")).unwrap() as u16;
    click(&mut view, 8, y);
    assert!(view.layers.is_empty() && view.viewport.selected == Some(0));
    click(&mut view, 8, y);
    assert!(view.layers.pager().is_some());
}

#[test]
fn a_click_takes_an_earlier_input_and_selects_what_to_replay() {
    let mut view = crate::tui::fixtures::long_story(6).view();
    screen(&mut view, 120, 40);
    ctrl(&mut view, 'r');
    let shown = text(&mut view, 120, 40);
    let y = shown.lines().position(|line| line.contains("x0 = [") && line.starts_with('│')).expect("x0 in the list");
    click(&mut view, 10, y as u16);
    assert!(view.layers.is_empty() && view.composer.editor.code().starts_with("x0 = ["), "{shown}");

    key(&mut view, KeyCode::F(7));
    let shown = text(&mut view, 120, 40);
    let (y, line) = shown.lines().enumerate().find(|(_, line)| line.contains("› ")).unwrap();
    let x = line[..line.find("› ").unwrap()].chars().count() as u16 + 3;
    assert_eq!(click(&mut view, x, y as u16 + 1), None, "a click begins nothing");
    assert!(text(&mut view, 120, 40).lines().nth(y + 1).unwrap().contains("› "), "{shown}");
}
