//! Locks on variables: the command in the input, the keys of the list and of the card, and the marks.

use super::*;
use crate::domain::{Event as SessionEvent, Gate, GateChange, SnippetId, UndoableNames, VariableChanges};
use crate::tui::fixtures::{client, ok, pending, story};

/// A session with `df` locked, which a snippet of a client has rebound all the same if `is_rebound`.
fn with_lock(is_rebound: bool) -> (View, SnippetId) {
    let mut story = story();
    let mut gate = Gate::default();
    gate.change(GateChange::Lock("df".into()));
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let df = || vec!["df".to_owned()];
    let changes = VariableChanges { changed: df(), rebound: df(), locked: df(), ..VariableChanges::default() };
    let changes = if is_rebound { changes } else { VariableChanges::default() };
    let outcome = crate::domain::Outcome { changes, ..ok(1) };
    let id = story.ran(&client(1, "claude-code"), "exec('df = 1')", "", outcome);
    if is_rebound {
        let undoable = UndoableNames::from([(id, vec!["df".into()])]);
        story.apply(&SessionEvent::Undoable(undoable.into()));
    }
    (story.view(), id)
}

fn typed(view: &mut View, line: &str) -> Option<Effect> {
    view.composer.editor.paste(line);
    key(view, KeyCode::Enter)
}

#[test]
fn a_command_locks_and_unlocks() {
    let mut view = story().view();
    assert_eq!(typed(&mut view, "/lock df"), Some(Effect::ChangeGate(GateChange::Lock("df".into()))));
    assert!(text(&mut view, 120, 40).contains("df is locked: code of clients that would rebind it waits for you"));
    assert_eq!(typed(&mut view, "/unlock df"), Some(Effect::ChangeGate(GateChange::Unlock("df".into()))));
    assert_eq!(typed(&mut view, "/lock df.x"), None, "nothing runs");
    assert!(text(&mut view, 120, 40).contains("/lock NAME locks a variable"));
}

#[test]
fn the_list_marks_locked_variables_and_puts_them_back() {
    let (mut view, _) = with_lock(false);
    let has = |screen: &str, mark: &str| screen.lines().any(|line| line.contains(&format!("{mark} df ")));
    assert!(has(&text(&mut view, 120, 40), "■"));
    let (mut view, id) = with_lock(true);
    assert!(has(&text(&mut view, 120, 40), "!"));
    key(&mut view, KeyCode::F(4));
    text(&mut view, 120, 40);
    view.variables.selected = Some("df".to_owned());
    assert!(text(&mut view, 120, 40).contains("u put back"));
    assert_eq!(key(&mut view, KeyCode::Char('u')), Some(Effect::PutBack { snippet: id, names: vec!["df".into()] }));
    assert_eq!(key(&mut view, KeyCode::Char('L')), Some(Effect::ChangeGate(GateChange::Unlock("df".into()))));
}

#[test]
fn the_card_says_what_was_rebound_and_puts_it_back() {
    let (mut view, id) = with_lock(true);
    let last = view.transcript.entries().len();
    assert!(text(&mut view, 120, 40).contains("rebound though locked: df"));
    view.viewport.selected = Some(last - 1);
    assert!(text(&mut view, 120, 40).contains("u put back"));
    assert_eq!(key(&mut view, KeyCode::Char('u')), Some(Effect::PutBack { snippet: id, names: vec!["df".into()] }));
}

#[test]
fn the_dock_says_which_names_are_locked() {
    let mut story = story();
    pending(&mut story, &client(1, "claude-code"), "df = df.dropna()", false);
    let mut gate = Gate::default();
    gate.change(GateChange::Lock("df".into()));
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    assert!(text(&mut story.view(), 120, 40).contains("(locked)"));
}
