//! The palette: every action by name.

use insta::assert_snapshot;

use super::*;
use crate::tui::fixtures::{Story, story};
use crate::tui::input::keymap::{ACTIONS, Action};

const F2: KeyCode = KeyCode::F(2);

#[test]
fn the_palette_at_each_size() {
    let mut view = story().view();
    key(&mut view, F2);
    assert_snapshot!("palette_wide", text(&mut view, 120, 40));
    typed(&mut view, "scr");
    assert_snapshot!("palette_medium", text(&mut view, 80, 24));
    assert_snapshot!("palette_compact", text(&mut view, 40, 12));
    for (width, height) in [(1, 1), (39, 11), (300, 100)] {
        screen(&mut view, width, height);
    }
    typed(&mut view, "qqqq");
    assert!(text(&mut view, 80, 24).contains("no such action"));
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.palette().is_none() && view.composer.editor.is_empty());
}

#[test]
fn every_action_is_in_it_with_its_key_or_the_reason() {
    let mut view = Story::default().view();
    let found = view.palette_matches("");
    for row in ACTIONS.iter().filter(|row| row.action != Action::Palette) {
        assert!(found.iter().any(|found| found.row.name == row.name), "{} is missing", row.name);
    }
    let first_refused = found.iter().position(|found| found.refused.is_some()).unwrap();
    assert!(found[first_refused..].iter().all(|found| found.refused.is_some()), "what can be done comes first");
    key(&mut view, F2);
    typed(&mut view, "interrupt");
    assert!(text(&mut view, 80, 24).contains("nothing is running"));
    assert_eq!(key(&mut view, KeyCode::Enter), None);
    let screen = text(&mut view, 80, 24);
    assert!(view.layers.palette().is_some() && screen.contains("not now: nothing is running"), "{screen}");
}

#[test]
fn what_is_chosen_is_done_and_comes_first_the_next_time() {
    let mut view = story().view();
    typed(&mut view, "draft");
    press(&mut view, KeyCode::Char('x'), KeyModifiers::ALT);
    typed(&mut view, "hel");
    key(&mut view, KeyCode::Enter);
    assert!(view.layers.palette().is_none() && text(&mut view, 120, 40).contains("─ help ─"));
    assert_eq!(view.composer.editor.code(), "draft", "nothing is typed behind it");
    // In the help, `:` opens the palette too.
    key(&mut view, KeyCode::Char(':'));
    assert_eq!(view.palette_matches("")[0].row.action, Action::Help);
    typed(&mut view, "close");
    key(&mut view, KeyCode::Enter);
    assert!(view.layers.is_empty());
    key(&mut view, F2);
    view.on_terminal(&Event::Paste("interrupt\n".into()), NOW);
    assert_eq!(key(&mut view, KeyCode::Enter), Some(Effect::Interrupt));
    typed(&mut view, ":");
    assert_eq!(view.composer.editor.code(), "draft:", "in the input it is text");
}

/// The titles that the palette offers for a query, in order.
fn offered(view: &View, query: &str) -> Vec<&'static str> {
    view.palette_matches(query).iter().map(|found| found.row.title).collect()
}

#[test]
fn whole_words_come_first_and_scattered_letters_are_dropped() {
    let mut view = story().view();
    text(&mut view, 120, 40);
    let saves = offered(&view, "save");
    assert!(saves[..2].iter().all(|title| title.starts_with("Save the ")), "{saves:?}");
    assert!(saves.iter().all(|title| !title.starts_with("Select")), "{saves:?}");
    assert_eq!(offered(&view, "theme"), [] as [&str; 0]);
    assert_eq!(offered(&view, "help")[0], "Help");
    assert_eq!(offered(&view, "red")[..2], ["Redo", "Redraw the screen"]);
    let copies = offered(&view, "copy");
    let first_other = copies.iter().position(|title| !title.starts_with("Copy")).unwrap_or(copies.len());
    assert!(first_other >= 5, "{copies:?}");
}

#[test]
fn an_action_of_cards_takes_the_last_card_when_none_is_selected() {
    let mut view = story().view();
    text(&mut view, 120, 40);
    key(&mut view, F2);
    typed(&mut view, "copy code");
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("last card"), "{screen}");
    let copied = key(&mut view, KeyCode::Enter);
    let Some(Effect::CopyPiece { text: copied, what }) = copied else { panic!("{copied:?}") };
    assert!(copied.starts_with("for epoch in range(40):") && what == "code of 15", "{what}");
    assert_eq!(view.composer.editor.code(), "");
    key(&mut view, F2);
    typed(&mut view, "save output");
    key(&mut view, KeyCode::Enter);
    assert!(view.layers.export().is_some());
    let empty = Story::default().view();
    assert!(empty.palette_matches("copy code")[0].refused.is_some(), "there is no card");
}

#[test]
fn words_of_other_tools_find_the_action() {
    let view = story().view();
    for (word, action) in [
        ("stop", Action::Interrupt),
        ("exit", Action::QuitOrDelete),
        ("pause", Action::Gate),
        ("clear", Action::Redraw),
    ] {
        assert!(view.palette_matches(word).iter().any(|found| found.row.action == action), "{word}");
    }
}

#[test]
fn over_the_whole_output_what_would_do_nothing_is_refused() {
    let mut view = story().view();
    text(&mut view, 120, 40);
    key(&mut view, KeyCode::F(6));
    assert!(view.layers.pager().is_some());
    key(&mut view, F2);
    for row in ACTIONS {
        let found = view.palette_matches("");
        let found = found.iter().find(|found| found.row.name == row.name);
        let refused = found.and_then(|found| found.refused.as_deref());
        if matches!(row.action, Action::Restart | Action::Export | Action::QuitOrDelete) {
            assert_eq!(refused, Some("close this first"), "{}", row.name);
        }
        if matches!(row.action, Action::Back | Action::Redraw | Action::Interrupt | Action::Help) {
            assert_eq!(refused, None, "{}", row.name);
        }
    }
}

#[test]
fn a_restart_is_asked_for_twice_in_the_palette_too() {
    let mut view = story().view();
    let mut restart = || {
        key(&mut view, F2);
        typed(&mut view, "restart losing");
        key(&mut view, KeyCode::Enter)
    };
    assert_eq!(restart(), None);
    assert_eq!(restart(), Some(Effect::Restart));
}
