//! The stack of layers: the topmost takes keys, pasted text and the wheel, however it was opened.

use crossterm::event::{MouseEvent, MouseEventKind};

use super::*;
use crate::tui::composer::editor::Editor;
use crate::tui::fixtures::{long_story, story};
use crate::tui::input::keymap::Action;
use crate::tui::transcript::viewport::Anchor;
use crate::tui::variables::grid::{GridPrompt, GridPromptKind};

/// The actions that open the layers.
const OPENERS: [Action; 8] = [
    Action::Help,
    Action::Variables,
    Action::Replay,
    Action::Export,
    Action::Find,
    Action::SearchHistory,
    Action::Output,
    Action::Palette,
];

fn open(view: &mut View, action: Action) {
    view.on_key(action.press(), NOW);
    text(view, 120, 40);
}

#[test]
fn ctrl_c_interrupts_over_every_layer_and_else_closes_the_topmost() {
    for action in OPENERS {
        let mut running = story().view();
        assert!(running.is_busy());
        text(&mut running, 120, 40);
        open(&mut running, action);
        assert_eq!(ctrl(&mut running, 'c'), Some(Effect::Interrupt), "{action:?}");

        let mut idle = long_story(3).view();
        typed(&mut idle, "draft");
        text(&mut idle, 120, 40);
        open(&mut idle, action);
        let opened = idle.layers.iter().len();
        assert_eq!(opened, 1, "{action:?}");
        assert_eq!(ctrl(&mut idle, 'c'), None, "{action:?}");
        assert!(idle.layers.is_empty(), "{action:?}");
        assert_eq!(idle.composer.editor.code(), "draft", "{action:?}");
    }
}

#[test]
fn ctrl_c_interrupts_while_the_pager_asks_and_else_leaves_the_question_first() {
    let mut running = story().view();
    text(&mut running, 120, 40);
    open(&mut running, Action::Output);
    typed(&mut running, "/epoch");
    assert_eq!(ctrl(&mut running, 'c'), Some(Effect::Interrupt));
    assert!(running.layers.pager().unwrap().is_asking());

    let mut idle = long_story(3).view();
    text(&mut idle, 120, 40);
    open(&mut idle, Action::Output);
    typed(&mut idle, "/:");
    assert_eq!(idle.layers.pager().unwrap().asking.as_ref().unwrap().code(), ":", "a letter is text here");
    assert_eq!(ctrl(&mut idle, 'c'), None);
    assert!(!idle.layers.pager().unwrap().is_asking());
    assert_eq!(ctrl(&mut idle, 'c'), None);
    assert!(idle.layers.is_empty());
}

#[test]
fn ctrl_c_leaves_the_line_within_a_box_before_the_box() {
    let mut help = long_story(3).view();
    text(&mut help, 120, 40);
    open(&mut help, Action::Help);
    typed(&mut help, "/copy");
    assert_eq!(ctrl(&mut help, 'c'), None);
    assert!(!text(&mut help, 120, 40).contains("/copy"));
    assert_eq!(help.layers.iter().len(), 1, "the help stays");
    assert_eq!(ctrl(&mut help, 'c'), None);
    assert!(help.layers.is_empty());

    let mut inspector = long_story(3).view();
    text(&mut inspector, 120, 40);
    inspector.open_inspector("df".into());
    let prompt = GridPrompt { asks: GridPromptKind::Filter, editor: Editor::with_text("price > 3") };
    inspector.variables.inspector.as_mut().unwrap().prompt = Some(prompt);
    assert_eq!(ctrl(&mut inspector, 'c'), None);
    assert!(!inspector.variables.is_asking());
    assert_eq!(inspector.layers.iter().len(), 1, "the inspector stays");
    assert_eq!(ctrl(&mut inspector, 'c'), None);
    assert!(inspector.layers.is_empty());
}

#[test]
fn the_wheel_moves_the_palette_and_not_what_lies_beneath() {
    let mut view = long_story(100).view();
    text(&mut view, 120, 40);
    open(&mut view, Action::Palette);
    let before = text(&mut view, 120, 40);
    let wheel = MouseEvent { kind: MouseEventKind::ScrollDown, column: 60, row: 20, modifiers: KeyModifiers::NONE };
    view.on_terminal(&Event::Mouse(wheel), NOW);
    assert_ne!(text(&mut view, 120, 40), before, "the selection moves");
    let up = MouseEvent { kind: MouseEventKind::ScrollUp, ..wheel };
    for _ in 0..50 {
        view.on_terminal(&Event::Mouse(up), NOW);
    }
    assert_eq!(text(&mut view, 120, 40), before);
    assert_eq!(view.viewport.anchor, Anchor::Follow);
}

#[test]
fn the_search_of_earlier_inputs_is_seen_over_the_drawer() {
    let mut view = story().view();
    open(&mut view, Action::Variables);
    open(&mut view, Action::Variables);
    key(&mut view, KeyCode::Tab);
    open(&mut view, Action::SearchHistory);
    view.on_terminal(&Event::Paste("zzz".into()), NOW);
    let screen = text(&mut view, 120, 40);
    assert!(screen.contains("zzz"), "{screen}");
    assert!(view.composer.editor.is_empty());
    key(&mut view, KeyCode::Esc);
    assert_eq!(view.layers.iter().len(), 1, "the drawer stays");
}

#[test]
fn pasted_text_goes_to_the_topmost_layer() {
    for (action, code) in [
        (Action::Help, "x = 1"),
        (Action::Replay, "x = 1"),
        (Action::Variables, "x = 1"),
        (Action::Export, ""),
        (Action::Find, ""),
        (Action::SearchHistory, ""),
        (Action::Output, ""),
        (Action::Palette, ""),
    ] {
        let mut view = long_story(3).view();
        text(&mut view, 120, 40);
        open(&mut view, action);
        view.on_terminal(&Event::Paste("x = 1".into()), NOW);
        assert_eq!(view.composer.editor.code(), code, "{action:?}");
    }
}
