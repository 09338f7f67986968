//! The box with the clients: what each key asks for, and when keys do nothing.

use std::sync::Arc;

use super::*;
use crate::domain::{Event as SessionEvent, Gate, GateChange, GateMode};
use crate::session::{CallAnswer, ClientCalls};
use crate::tui::fixtures::{Story, client, story};
use crate::tui::layers::Layer;

/// A view with the open box, whose keys decide from `NOW` on.
fn opened(change: Option<GateChange>) -> View {
    let mut story = story();
    story.join(&client(1, "claude-code"), NOW - 60_000);
    let mut gate = Gate::default();
    if let Some(change) = change {
        gate.change(change);
        story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    }
    let mut view = story.view();
    view.on_terminal(&Event::Key(KeyEvent::new(KeyCode::F(4), KeyModifiers::SHIFT)), NOW - 10_000);
    assert!(matches!(view.layers.top(), Some(Layer::Clients(_))));
    view
}

#[test]
fn each_key_asks_for_its_change() {
    let name: Arc<str> = "claude-code".into();
    let hold = GateChange::Client(name.clone(), Some(GateMode::Hold));
    for (before, pressed, change) in [
        (None, 'h', hold.clone()),
        (Some(hold), 'h', GateChange::Client(name.clone(), None)),
        (None, 'm', GateChange::Mute(name.clone())),
        (Some(GateChange::Mute(name.clone())), 'm', GateChange::Unmute(name.clone())),
        (None, 'd', GateChange::SendAway(name.clone())),
        (Some(GateChange::SendAway(name.clone())), 'i', GateChange::LetIn(name.clone())),
    ] {
        let mut view = opened(before);
        assert_eq!(key(&mut view, KeyCode::Char(pressed)), Some(Effect::ChangeGate(change)));
    }
    let mut view = opened(None);
    assert_eq!(key(&mut view, KeyCode::Char('i')), None);
    let mut view = opened(Some(GateChange::SendAway(name)));
    assert_eq!(key(&mut view, KeyCode::Char('d')), None, "it is disconnected already");
}

#[test]
fn a_key_right_after_the_box_has_opened_changes_nothing() {
    let mut view = story().view();
    for code in [KeyCode::F(4), KeyCode::Char('d'), KeyCode::Char('i'), KeyCode::Char('m')] {
        let modifiers = if code == KeyCode::F(4) { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
        assert_eq!(view.on_terminal(&Event::Key(KeyEvent::new(code, modifiers)), NOW), None);
    }
}

#[test]
fn the_box_shows_the_clients_and_the_calls_of_one() {
    let mut view = opened(Some(GateChange::Mute("claude-code".into())));
    let calls = Arc::new(ClientCalls::default());
    let answer = CallAnswer { snippet: None, bytes: 3_400, is_cut: true, error: None };
    calls.begin(client(1, "claude-code"), "list_defined_variables", NOW - 90_000).answered(answer.clone());
    let error = Some("NameError: name 'y' is not defined".to_owned());
    calls.begin(client(1, "claude-code"), "run_python_code", NOW - 5_000).answered(CallAnswer { error, ..answer });
    view.records.client_calls = Some(calls);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("› claude-code") && screen.contains("muted"), "{screen}");
    key(&mut view, KeyCode::Enter);
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let screen = text(&mut view, width, height);
        for part in ["claude-code · muted", "2 calls · 1 failed", "run_python_code"] {
            assert!(screen.contains(part), "{part}: {screen}");
        }
    }
    key(&mut view, KeyCode::Esc);
    assert!(text(&mut view, 80, 24).contains("› claude-code"), "back in the list");
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty());
}

#[test]
fn cards_of_a_muted_client_take_a_line_until_they_are_opened() {
    let mut story = story();
    story.ran(&client(1, "claude-code"), "print('needle')", "needle\n", crate::tui::fixtures::ok(1));
    let mut gate = Gate::default();
    gate.change(GateChange::Mute("claude-code".into()));
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let mut view = story.view();
    assert!(!text(&mut view, 120, 40).contains("needle"));
    view.on_terminal(&Event::Key(KeyEvent::new(KeyCode::Up, KeyModifiers::ALT)), NOW);
    key(&mut view, KeyCode::Char(' '));
    assert!(text(&mut view, 120, 40).contains("needle"));
}

#[test]
fn a_narrow_box_keeps_names_and_says_when_its_keys_do_nothing_yet() {
    let mut story = story();
    let mut gate = Gate::default();
    gate.change(GateChange::SendAway("experiments-agent".into()));
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let mut view = story.view();
    let open = Event::Key(KeyEvent::new(KeyCode::F(4), KeyModifiers::SHIFT));
    view.on_terminal(&open, NOW - 10_000);
    let screen = text(&mut view, 40, 12);
    assert!(screen.contains("experiments-"), "{screen}");
    assert!(screen.contains("disconnected by you") && !screen.contains("not here"), "{screen}");
    assert!(text(&mut view, 120, 40).contains("not here") && text(&mut view, 120, 40).contains("d disconnect"));
    let mut view = crate::tui::fixtures::story().view();
    view.on_terminal(&open, NOW);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("a moment") && !screen.contains("d disconnect"), "{screen}");
}

#[test]
fn the_list_tells_clients_that_have_left_from_none_at_all() {
    let mut view = Story::default().view();
    let shown = text(&mut view, 160, 40);
    assert!(shown.contains("none yet") && !shown.contains("none now"), "{shown}");
    let left = crate::domain::ClientId(1);
    let joined = SessionEvent::ClientJoined { client: left, name: "claude-code".into(), pid: None, at: NOW };
    for event in [joined, SessionEvent::ClientLeft { client: left, at: NOW }] {
        view.apply(&event);
    }
    let shown = text(&mut view, 160, 40);
    assert!(shown.contains("none now") && shown.contains("claude-code has left"), "{shown}");
}
