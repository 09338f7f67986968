//! Taking over: the key works wherever the person is, and hasty presses give nothing back.

use super::*;
use crate::domain::{Event as SessionEvent, Gate, GateChange, SnippetId};
use crate::tui::fixtures::{Story, client, story};

fn taken(mut story: Story) -> Story {
    let mut gate = Gate::default();
    gate.change(GateChange::TakeOver);
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    story
}

fn shift_f11(view: &mut View) -> Option<Effect> {
    view.on_terminal(&Event::Key(KeyEvent::new(KeyCode::F(11), KeyModifiers::SHIFT)), NOW + 10_000)
}

#[test]
fn it_works_wherever_the_person_is() {
    let opened = [KeyCode::F(1), KeyCode::F(2), KeyCode::F(3), KeyCode::F(4), KeyCode::F(6), KeyCode::F(9)];
    for open in opened {
        let mut view = story().view();
        view.composer.editor.paste("draft");
        text(&mut view, 120, 40);
        key(&mut view, open);
        let took = key(&mut view, KeyCode::F(11));
        assert_eq!(took, Some(Effect::ChangeGate(GateChange::TakeOver)), "{open:?}");
        assert_eq!(view.composer.editor.code(), "draft");
    }
}

#[test]
fn a_second_press_stops_the_code_of_a_client_and_no_other() {
    let mut running = story();
    let id = running.start(&client(1, "claude-code"), "while True: pass");
    let mut view = taken(running).view();
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        insta::assert_snapshot!(format!("taken_over_{name}"), text(&mut view, width, height));
    }
    assert_eq!(key(&mut view, KeyCode::F(11)), Some(Effect::StopForTakeover(id)));
    let mut own = story();
    own.start(&crate::domain::Author::You, "while True: pass");
    let mut view = taken(own).view();
    assert_eq!(key(&mut view, KeyCode::F(11)), None);
    assert!(text(&mut view, 120, 40).contains("is your own code; Ctrl-C interrupts it"));
}

#[test]
fn presses_in_haste_give_nothing_back() {
    let mut idle = story();
    idle.finish(SnippetId(15), crate::tui::fixtures::ok(1));
    let mut view = taken(idle).view();
    for _ in 0..10 {
        assert_eq!(key(&mut view, KeyCode::F(11)), None);
    }
    assert!(text(&mut view, 120, 40).contains("nothing runs; Shift-F11 gives back"));
    assert_eq!(shift_f11(&mut view), Some(Effect::ChangeGate(GateChange::GiveBack)));
    let mut view = story().view();
    assert_eq!(shift_f11(&mut view), None, "nothing was taken");
}
