//! Sending to one client, notes to a name, and what is private: which keys ask for what.

use std::sync::Arc;

use super::*;
use crate::domain::{Event as SessionEvent, Gate, GateChange, SnippetId};
use crate::tui::fixtures::{Story, client, failed, story};
use crate::tui::layers::Layer;

fn sent(effect: Option<Effect>) -> (Arc<str>, Arc<str>) {
    match effect {
        Some(Effect::Send { to, text }) => (to, text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_card_goes_to_the_only_client_or_to_the_chosen_one() {
    let mut one = Story::default();
    one.join(&client(1, "claude"), NOW);
    one.ran(&client(1, "claude"), "f()", "", failed(1, "ValueError", "no", 5));
    let mut view = one.view();
    text(&mut view, 80, 24);
    view.viewport.selected = Some(0);
    let (to, card) = sent(key(&mut view, KeyCode::Char('>')));
    assert!(*to == *"claude" && card.contains("f()") && card.ends_with("ValueError: no"), "{card}");
    let (_, traceback) = sent(key(&mut view, KeyCode::Char('T')));
    assert!(traceback.starts_with("traceback of snippet 1 by \"claude\":"), "{traceback}");
    // With two, the person chooses.
    let mut view = story().view();
    text(&mut view, 80, 24);
    key(&mut view, KeyCode::F(4));
    view.variables.selected = Some("df".to_owned());
    assert_eq!(key(&mut view, KeyCode::Char('>')), None);
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let screen = text(&mut view, width, height);
        assert!(screen.contains(" send df to ") && screen.contains("› claude-code"), "{screen}");
    }
    key(&mut view, KeyCode::Down);
    let (to, variable) = sent(key(&mut view, KeyCode::Enter));
    assert!(*to == *"cursor" && variable.starts_with("variable df: DataFrame 48210×9"), "{variable}");
    assert!(text(&mut view, 120, 40).contains("sent df to cursor, with its next result"));
    // A client that the person has disconnected gets nothing.
    let mut story = story();
    let mut gate = Gate::default();
    gate.change(GateChange::SendAway("cursor".into()));
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let mut view = story.view();
    view.composer.editor.paste("x = 1");
    view.composer.editor.select_all();
    let (to, selection) = sent(press(&mut view, KeyCode::Char('n'), KeyModifiers::ALT));
    assert!(*to == *"claude-code" && selection.ends_with("x = 1"));
    assert_eq!(view.composer.editor.code(), "x = 1", "the draft stays");
}

#[test]
fn nothing_is_sent_where_there_is_nothing_or_nobody() {
    let mut view = story().view();
    assert_eq!(press(&mut view, KeyCode::Char('n'), KeyModifiers::ALT), None);
    assert!(view.notice.as_ref().is_some_and(|notice| notice.contains("a part of the input")));
    let mut view = Story::default().view();
    view.composer.editor.paste("x");
    view.composer.editor.select_all();
    assert_eq!(press(&mut view, KeyCode::Char('n'), KeyModifiers::ALT), None);
    assert!(view.notice.as_ref().is_some_and(|notice| notice.contains("no client is connected")));
}

#[test]
fn a_note_to_nobody_stays_in_the_input() {
    let mut view = story().view();
    view.composer.editor.paste("# to codex: look");
    assert_eq!(key(&mut view, KeyCode::Enter), None);
    assert_eq!(view.composer.editor.code(), "# to codex: look");
    let screen = text(&mut view, 120, 40);
    assert!(screen.contains("not sent: no single client is called codex; there are claude-code, cursor"), "{screen}");
    view.composer.editor.set("# to cursor: look");
    assert_eq!(key(&mut view, KeyCode::Enter), Some(Effect::Submit("# to cursor: look".into())));
}

#[test]
fn keys_mark_cards_and_variables_private_and_the_marks_show() {
    let mut view = story().view();
    text(&mut view, 120, 40);
    view.viewport.selected = Some(0);
    let hide = Effect::ChangeGate(GateChange::HideSnippet(SnippetId(12)));
    assert_eq!(key(&mut view, KeyCode::Char('p')), Some(hide));
    let mut story = story();
    let mut gate = Gate::default();
    gate.change(GateChange::HideSnippet(SnippetId(12)));
    gate.change(GateChange::HideName("df".into()));
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let mut view = story.view();
    let screen = text(&mut view, 120, 40);
    assert!(screen.contains("private: not shown to clients") && screen.contains("p df "), "{screen}");
    view.viewport.selected = Some(0);
    let show = Effect::ChangeGate(GateChange::ShowSnippet(SnippetId(12)));
    assert_eq!(key(&mut view, KeyCode::Char('p')), Some(show));
    view.viewport.selected = None;
    key(&mut view, KeyCode::F(4));
    view.variables.selected = Some("df".to_owned());
    assert_eq!(key(&mut view, KeyCode::Char('p')), Some(Effect::ChangeGate(GateChange::ShowName("df".into()))));
    assert!(!matches!(view.layers.top(), Some(Layer::Send(_))));
}
