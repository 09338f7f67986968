//! Code of clients that waits for the person: the dock, the keys that decide, and what keeps other keys from deciding.

use super::*;
use crate::domain::{ClientId, Event as SessionEvent, Gate, GateChange, GateMode, SnippetId, VariableKind, Verdict};
use crate::tui::fixtures::{Story, client, pending, story, variable};
use crate::tui::layers::Layer;

const CODE: &str = "import shutil\nshutil.rmtree(\"build\")\ndf = df.dropna()";
/// The time from which keys decide about what was there at the start.
const CALM: u64 = 60_000;

fn asked(code: &str) -> View {
    let mut story = story();
    pending(&mut story, &client(1, "claude-code"), code, false);
    story.apply(&SessionEvent::GateChanged { gate: Gate::new(GateMode::Ask).into(), at: NOW });
    story.view()
}

fn at(view: &mut View, code: KeyCode, now: u64) -> Option<Effect> {
    view.on_terminal(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), NOW + now)
}

/// Turns to the dock so long before the drawing that its keys decide.
fn turn_long_ago(view: &mut View) {
    view.on_terminal(&Event::Key(KeyEvent::new(KeyCode::F(10), KeyModifiers::NONE)), NOW - 10_000);
}

fn decided(snippet: u32, verdict: Verdict) -> Effect {
    Effect::Decide { snippet: SnippetId(snippet), verdict }
}

fn ends(view: &mut View, snippet: u32) {
    let outcome = crate::tui::fixtures::ok(1).into();
    view.apply(&SessionEvent::Finished { snippet: SnippetId(snippet), outcome, at: NOW });
}

#[test]
fn the_dock_shows_the_code_and_what_it_would_touch() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = asked(CODE);
        insta::assert_snapshot!(format!("dock_{name}"), text(&mut view, width, height));
        turn_long_ago(&mut view);
        insta::assert_snapshot!(format!("dock_with_keys_{name}"), text(&mut view, width, height));
    }
}

#[test]
fn long_code_scrolls_to_its_end() {
    let code: Vec<String> = (0..200).map(|n| format!("x{n} = {n}")).collect();
    let mut view = asked(&code.join("\n"));
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("x0 = 0") && screen.contains("lines below"), "{screen}");
    turn_long_ago(&mut view);
    for _ in 0..60 {
        key(&mut view, KeyCode::PageDown);
        text(&mut view, 80, 24);
    }
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("x199 = 199") && screen.contains("lines above"), "{screen}");
    assert!(screen.contains("y run"), "the keys stay in sight: {screen}");
}

#[test]
fn the_dock_has_no_keys_until_the_person_turns_to_it() {
    let mut view = asked(CODE);
    text(&mut view, 80, 24);
    for (n, c) in "y = n".chars().enumerate() {
        assert_eq!(at(&mut view, KeyCode::Char(c), CALM + 400 * n as u64), None);
    }
    assert_eq!(view.composer.editor.code(), "y = n", "the draft gets all that is typed");
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 5_000), Some(Effect::Submit("y = n".into())));
    typed(&mut view, "draft");
    at(&mut view, KeyCode::F(10), CALM + 6_000);
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 7_000), None, "Enter decides nothing");
    assert_eq!(at(&mut view, KeyCode::Char('y'), CALM + 8_000), Some(decided(16, Verdict::Run(None))));
    at(&mut view, KeyCode::Esc, CALM + 9_000);
    at(&mut view, KeyCode::Char('!'), CALM + 9_001);
    assert_eq!(view.composer.editor.code(), "draft!");
}

#[test]
fn keys_in_the_first_moment_decide_nothing() {
    let mut view = asked(CODE);
    at(&mut view, KeyCode::F(10), CALM);
    assert_eq!(at(&mut view, KeyCode::Char('y'), CALM + 100), None);
    assert!(text(&mut view, 80, 24).contains("too soon to decide"));
    assert_eq!(at(&mut view, KeyCode::Char('y'), CALM + 399), None, "each such key begins the moment again");
    assert_eq!(at(&mut view, KeyCode::Char('y'), CALM + 700), Some(decided(16, Verdict::Run(None))));
    assert_eq!(at(&mut view, KeyCode::Char('y'), CALM + 1_100), None, "a second press meets nothing else");
    // Another snippet comes into sight.
    view.composer.replies.clock = NOW + CALM + 2_000;
    let mut other = Story::starting_at(17);
    pending(&mut other, &client(2, "cursor"), "x()", false);
    let submitted = SessionEvent::Submitted {
        snippet: SnippetId(17),
        author: client(2, "cursor"),
        code: "x()".into(),
        call: None,
        at: NOW,
    };
    view.apply(&submitted);
    let review = other.transcript.snippet(SnippetId(17)).unwrap().review.clone().unwrap();
    view.apply(&SessionEvent::Review { snippet: SnippetId(17), review, code: None });
    ends(&mut view, 16);
    assert_eq!(at(&mut view, KeyCode::Char('y'), CALM + 2_900), None);
    assert_eq!(at(&mut view, KeyCode::Char('y'), CALM + 3_900), Some(decided(17, Verdict::Run(None))));
}

#[test]
fn each_key_has_its_decision() {
    for (key, verdict) in [('y', Verdict::Run(None)), ('a', Verdict::AlwaysRunClient), ('c', Verdict::AlwaysRunCode)] {
        let mut view = asked(CODE);
        at(&mut view, KeyCode::F(10), CALM);
        assert_eq!(at(&mut view, KeyCode::Char(key), CALM + 1_000), Some(decided(16, verdict)));
    }
    let mut view = asked(CODE);
    at(&mut view, KeyCode::F(10), CALM);
    at(&mut view, KeyCode::Char('n'), CALM + 1_000);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("why 16 is rejected"), "{screen}");
    for c in "not yet".chars() {
        at(&mut view, KeyCode::Char(c), CALM + 2_000);
    }
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 2_001), Some(decided(16, Verdict::Reject(Some("not yet".into())))));
    let mut view = asked(CODE);
    at(&mut view, KeyCode::F(10), CALM);
    at(&mut view, KeyCode::Char('n'), CALM + 1_000);
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 1_100), None, "an Enter that follows at once");
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 2_000), Some(decided(16, Verdict::Reject(None))));
}

#[test]
fn code_that_waits_for_a_lock_alone_has_no_key_that_frees_its_client() {
    let mut story = story();
    pending(&mut story, &client(1, "claude-code"), "df = 1", false);
    let mut gate = Gate::new(GateMode::Watch);
    gate.change(GateChange::Lock("df".into()));
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let mut view = story.view();
    turn_long_ago(&mut view);
    let screen = text(&mut view, 120, 40);
    assert!(screen.contains("y run") && screen.contains("always this code"), "{screen}");
    assert!(!screen.contains("always claude-code"), "{screen}");
}

#[test]
fn code_is_edited_beside_the_draft() {
    let mut view = asked("x = 1");
    typed(&mut view, "my draft");
    at(&mut view, KeyCode::F(10), CALM);
    at(&mut view, KeyCode::Char('e'), CALM + 1_000);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("your edit of 16") && screen.contains("▎ x = 1"), "{screen}");
    assert!(!screen.contains("my draft"), "{screen}");
    at(&mut view, KeyCode::Char('0'), CALM + 2_000);
    view.on_terminal(&Event::Paste(" + y\n".into()), NOW + CALM + 2_100);
    at(&mut view, KeyCode::Backspace, CALM + 2_200);
    // The client takes its code back: the edit stays until the person drops it, and runs nothing.
    let mut late = view;
    let run = at(&mut late, KeyCode::Enter, CALM + 3_000);
    assert_eq!(run, Some(decided(16, Verdict::Run(Some("x = 10 + y".into())))));
    assert_eq!(late.composer.editor.code(), "my draft");

    let mut view = asked("x = 1");
    at(&mut view, KeyCode::F(10), CALM);
    at(&mut view, KeyCode::Char('e'), CALM + 1_000);
    ends(&mut view, 16);
    assert!(text(&mut view, 80, 24).contains("16 no longer waits (Esc drops this)"));
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 3_000), None);
    at(&mut view, KeyCode::Esc, CALM + 4_000);
    let screen = text(&mut view, 80, 24);
    assert!(!screen.contains("no longer waits") && view.layers.is_empty(), "{screen}");
}

#[test]
fn the_dock_goes_when_nothing_waits() {
    let mut view = asked(CODE);
    at(&mut view, KeyCode::F(10), CALM);
    assert!(matches!(view.layers.top(), Some(Layer::Review)));
    ends(&mut view, 16);
    assert!(view.layers.is_empty());
    at(&mut view, KeyCode::F(10), CALM + 1_000);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("no code waits for you"), "{screen}");
}

#[test]
fn clicks_and_pastes_decide_nothing() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut view = asked(CODE);
    text(&mut view, 80, 24);
    at(&mut view, KeyCode::F(10), CALM);
    text(&mut view, 80, 24);
    for row in 0..23 {
        for column in (0..80).step_by(3) {
            let kind = MouseEventKind::Down(MouseButton::Left);
            let click = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
            let effect = view.on_terminal(&Event::Mouse(click), NOW + CALM + 10_000);
            assert!(!matches!(effect, Some(Effect::Decide { .. })), "{row} {column}");
        }
    }
    assert_eq!(view.on_terminal(&Event::Paste("y\n".into()), NOW + CALM + 20_000), None);
    assert!(view.composer.editor.is_empty());
}

#[test]
fn the_gate_is_chosen_from_a_menu_for_all_or_for_one() {
    let mut view = asked(CODE);
    let shift_f10 = KeyEvent::new(KeyCode::F(10), KeyModifiers::SHIFT);
    view.on_terminal(&Event::Key(shift_f10), NOW + CALM);
    insta::assert_snapshot!("gate_menu", text(&mut view, 80, 24));
    // The selected row is whole on a narrow screen.
    for (key, mode) in [
        (KeyCode::Up, GateMode::AskAtRisk),
        (KeyCode::Up, GateMode::Watch),
        (KeyCode::Down, GateMode::AskAtRisk),
        (KeyCode::Down, GateMode::Ask),
    ] {
        at(&mut view, key, CALM + 10);
        let small = text(&mut view, 40, 12);
        let selected: Vec<&str> = small.lines().skip_while(|line| !line.contains('›')).collect();
        let is_whole = mode.meaning().split(' ').all(|word| selected.iter().any(|line| line.contains(word)));
        assert!(is_whole && selected[0].contains(mode.name()), "{mode:?}: {small}");
    }
    at(&mut view, KeyCode::Down, CALM + 100);
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 200), None, "too soon");
    let effect = at(&mut view, KeyCode::Enter, CALM + 1_000);
    assert_eq!(effect, Some(Effect::ChangeGate(GateChange::All(GateMode::Hold))));
    view.on_terminal(&Event::Key(shift_f10), NOW + CALM + 2_000);
    for _ in 0..5 {
        at(&mut view, KeyCode::Down, CALM + 2_100);
    }
    let effect = at(&mut view, KeyCode::Enter, CALM + 3_000);
    let own = GateChange::Client("claude-code".into(), Some(GateMode::Ask));
    assert_eq!(effect, Some(Effect::ChangeGate(own)));
}

#[test]
fn what_is_always_allowed_is_taken_back_from_the_menu() {
    let mut story = story();
    let mut gate = Gate::new(GateMode::Ask);
    gate.allow("df.head()".into());
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let mut view = story.view();
    view.on_terminal(&Event::Key(KeyEvent::new(KeyCode::F(10), KeyModifiers::SHIFT)), NOW + CALM);
    let screen = text(&mut view, 120, 40);
    assert!(screen.contains("✕ ask again: this may always run: df.head()"), "{screen}");
    for _ in 0..30 {
        at(&mut view, KeyCode::Down, CALM + 100);
    }
    let effect = at(&mut view, KeyCode::Enter, CALM + 3_000);
    assert_eq!(effect, Some(Effect::ChangeGate(GateChange::AskAgainAboutCode("df.head()".into()))));
}

#[test]
fn a_client_that_comes_moves_no_other_row_under_the_cursor() {
    let mut story = story();
    let mut gate = Gate::new(GateMode::Ask);
    gate.allow("df.head()".into());
    story.apply(&SessionEvent::GateChanged { gate: gate.into(), at: NOW });
    let mut view = story.view();
    view.on_terminal(&Event::Key(KeyEvent::new(KeyCode::F(10), KeyModifiers::SHIFT)), NOW + CALM);
    for _ in 0..30 {
        at(&mut view, KeyCode::Down, CALM + 100);
    }
    view.apply(&SessionEvent::ClientJoined { client: ClientId(9), name: "aaa".into(), pid: None, at: NOW });
    let effect = at(&mut view, KeyCode::Enter, CALM + 3_000);
    assert_eq!(effect, Some(Effect::ChangeGate(GateChange::AskAgainAboutCode("df.head()".into()))));
    // A row that is gone changes nothing.
    view.on_terminal(&Event::Key(KeyEvent::new(KeyCode::F(10), KeyModifiers::SHIFT)), NOW + CALM + 4_000);
    for _ in 0..40 {
        at(&mut view, KeyCode::Down, CALM + 4_100);
    }
    view.apply(&SessionEvent::GateChanged { gate: Gate::new(GateMode::Ask).into(), at: NOW });
    assert_eq!(at(&mut view, KeyCode::Enter, CALM + 7_000), None);
}

#[test]
fn what_was_decided_stands_on_the_card() {
    use crate::domain::{Decision, Review};
    let mut story = Story::default();
    let claude = client(1, "claude");
    let edited = pending(&mut story, &claude, "x = 1", false);
    let decision = Decision { runs: true, reason: None, sent: Some("x = 1".into()), was_unattended: false, at: NOW };
    let review = Review { at: NOW, is_held: false, decision: Some(decision) };
    story.apply(&SessionEvent::Review { snippet: edited, review: review.into(), code: Some("x = 2".into()) });
    story.apply(&SessionEvent::Started { snippet: edited, at: NOW });
    story.finish(edited, crate::tui::fixtures::ok(1));
    let rejected = pending(&mut story, &claude, "y = 1", false);
    let reason = Some("not now".into());
    let decision = Decision { runs: false, reason, sent: None, was_unattended: false, at: NOW };
    let review = Review { at: NOW, is_held: false, decision: Some(decision) };
    story.apply(&SessionEvent::Review { snippet: rejected, review: review.into(), code: None });
    let mut outcome = crate::tui::fixtures::ok(0);
    (outcome.status, outcome.stopped_by) = (crate::domain::Status::Cancelled, Some("you".to_owned()));
    story.finish(rejected, outcome);
    let mut view = story.view();
    let screen = text(&mut view, 80, 24);
    for part in ["x = 2", "you edited this before it ran", "rejected by you: not now"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert!(!screen.contains("cancelled"), "{screen}");
    press(&mut view, KeyCode::F(5), KeyModifiers::SHIFT);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("-x = 1") && screen.contains("+x = 2"), "{screen}");
}

#[test]
fn names_are_told_with_their_owners() {
    let mut story = Story::default();
    let claude = client(1, "claude");
    story.ran(&crate::domain::Author::You, "df = 1", "", crate::tui::fixtures::ok(1));
    let mut row = variable("df", VariableKind::Data, "int", "", "1");
    row.set_by = Some(SnippetId(1));
    story.variables(vec![row]);
    pending(&mut story, &claude, "del df\nexec(text)\n!git push", false);
    let screen = text(&mut story.view(), 120, 40);
    for part in ["deletes df (yours)", "runs text as code: exec", "processes: !git push"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
}

#[test]
fn a_risk_is_shown_at_its_line_and_answered() {
    use crate::domain::{RiskKind, RiskRequest, RiskVerdict};
    let risky = || {
        let mut story = Story::default();
        let claude = client(1, "claude");
        story.join(&claude, NOW);
        let code: Vec<String> = (1..=30).map(|n| format!("step({n})")).collect();
        let snippet = story.start(&claude, &code.join("\n"));
        let (kind, target) = (RiskKind::Delete, "data/raw.csv".into());
        let request = RiskRequest { number: 7, kind, target, line: Some(20), at: NOW - 3_000 };
        story.apply(&SessionEvent::RiskAsked { snippet, request: request.into() });
        story.view()
    };
    let mut view = risky();
    text(&mut view, 80, 24);
    turn_long_ago(&mut view);
    insta::assert_snapshot!("dock_risk", text(&mut view, 80, 24));
    let small = text(&mut view, 40, 12);
    assert!(small.contains("about to delete data/raw.csv") && small.contains("step(20)"), "{small}");
    for (key, verdict) in
        [('y', RiskVerdict::Allow), ('s', RiskVerdict::AllowInSnippet), ('a', RiskVerdict::AlwaysAllow)]
    {
        let mut view = risky();
        at(&mut view, KeyCode::F(10), CALM);
        assert_eq!(at(&mut view, KeyCode::Char(key), CALM + 100), None, "the first moment");
        let effect = at(&mut view, KeyCode::Char(key), CALM + 2_000);
        assert_eq!(effect, Some(Effect::DecideRisk { number: 7, verdict }));
    }
    for key in ['e', 'c'] {
        assert_eq!(at(&mut view, KeyCode::Char(key), CALM + 2_000), None, "there is nothing to edit any more");
    }
    at(&mut view, KeyCode::Char('n'), CALM + 4_000);
    typed(&mut view, "no");
    let effect = at(&mut view, KeyCode::Enter, CALM + 6_000);
    let verdict = RiskVerdict::Deny(Some("no".into()));
    assert_eq!(effect, Some(Effect::DecideRisk { number: 7, verdict }));
    at(&mut view, KeyCode::Char('d'), CALM + 8_000);
    let effect = at(&mut view, KeyCode::Enter, CALM + 9_000);
    let verdict = RiskVerdict::DenyInSnippet(None);
    assert_eq!(effect, Some(Effect::DecideRisk { number: 7, verdict }));
}

#[test]
fn a_risk_and_a_decision_are_on_the_card_at_once() {
    use crate::domain::{RiskAnswered, RiskKind, RiskRequest, RiskVerdict};
    let mut story = Story::default();
    let claude = client(1, "claude");
    story.join(&claude, NOW);
    let snippet = story.start(&claude, "clean()");
    let mut view = story.view();
    text(&mut view, 80, 24);
    let request: std::sync::Arc<RiskRequest> =
        RiskRequest { number: 7, kind: RiskKind::Rename, target: "a.csv to b.csv".into(), line: None, at: NOW }.into();
    view.apply(&SessionEvent::RiskAsked { snippet, request: request.clone() });
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("waits for you: about to rename a.csv to b.csv"), "{screen}");
    let answered = RiskAnswered { request, verdict: RiskVerdict::Allow, was_unattended: false, at: NOW };
    view.apply(&SessionEvent::RiskAnswered { snippet, answered: answered.into() });
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("rename a.csv to b.csv: allowed") && !screen.contains("waits for you"), "{screen}");
}

#[test]
fn what_was_written_at_the_dock_is_there_when_the_person_comes_back() {
    for (key, leave) in [('e', KeyCode::Esc), ('n', KeyCode::F(10))] {
        let mut view = asked("x = 1");
        at(&mut view, KeyCode::F(10), CALM);
        at(&mut view, KeyCode::Char(key), CALM + 1_000);
        typed(&mut view, "# long thoughts");
        at(&mut view, leave, CALM + 3_000);
        assert!(!text(&mut view, 80, 24).contains("long thoughts"));
        if !view.is_reviewing() {
            at(&mut view, KeyCode::F(10), CALM + 4_000);
        }
        at(&mut view, KeyCode::Char(key), CALM + 6_000);
        assert!(text(&mut view, 80, 24).contains("long thoughts"), "{key}");
    }
}
