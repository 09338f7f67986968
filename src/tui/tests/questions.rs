//! Questions of clients to the person, above the line for the reply.

use std::sync::Arc;

use super::*;
use crate::domain::{Author, Event as SessionEvent, InputRequest};
use crate::tui::fixtures::{Story, client};

fn idle() -> View {
    Story::default().view()
}

fn inquiry(view: &mut View, number: u32, at: u64) {
    let choices = vec!["all of it".into(), "the last year".into()];
    let text = "Which rows shall I use?".into();
    let by = client(1, "claude");
    view.apply(&SessionEvent::Inquired(Arc::new(crate::domain::Inquiry { number, by, text, choices, at })));
}

fn at(view: &mut View, code: KeyCode, now: u64) -> Option<Effect> {
    view.on_terminal(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), now)
}

#[test]
fn a_question_of_a_client_is_answered_by_number_or_words() {
    let mut view = idle();
    inquiry(&mut view, 1, 1_000);
    let screen = text(&mut view, 80, 24);
    for part in ["claude asks you", "Which rows shall I use?", "1 all of it", "2 the last year"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert_eq!(at(&mut view, KeyCode::Char('2'), 5_000), None);
    let answer = at(&mut view, KeyCode::Enter, 5_001);
    assert_eq!(answer, Some(Effect::Reply { inquiry: 1, text: Some("the last year".into()) }));
    view.apply(&SessionEvent::InquiryEnded { number: 1 });
    assert!(!text(&mut view, 80, 24).contains("asks you"));

    inquiry(&mut view, 2, 10_000);
    assert_eq!(at(&mut view, KeyCode::Enter, 20_000), None, "nothing is no answer");
    for c in "3 rows".chars() {
        at(&mut view, KeyCode::Char(c), 20_000);
    }
    let answer = at(&mut view, KeyCode::Enter, 20_000);
    assert_eq!(answer, Some(Effect::Reply { inquiry: 2, text: Some("3 rows".into()) }));
    view.apply(&SessionEvent::InquiryEnded { number: 2 });
    inquiry(&mut view, 3, 30_000);
    let decline = Event::Key(KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL));
    assert_eq!(view.on_terminal(&decline, 40_000), Some(Effect::Reply { inquiry: 3, text: None }));
}

#[test]
fn a_question_never_takes_the_keys_from_one_who_types() {
    let mut view = idle();
    at(&mut view, KeyCode::Char('x'), 1_000);
    inquiry(&mut view, 1, 1_100);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("claude asks: Which rows shall I use? (Esc to answer)"), "{screen}");
    assert!(!screen.contains("all of it"), "the draft keeps its place: {screen}");
    // Even long after the last key, keys go to an unfinished draft.
    at(&mut view, KeyCode::Char('y'), 60_000);
    assert_eq!(view.composer.editor.code(), "xy");
    assert_eq!(at(&mut view, KeyCode::Enter, 60_001), Some(Effect::Submit("xy".into())), "and it can be run");
    at(&mut view, KeyCode::Char('z'), 60_500);
    assert_eq!(view.composer.editor.code(), "z", "nor do keys that follow at once answer");
    at(&mut view, KeyCode::Esc, 61_000);
    at(&mut view, KeyCode::Char('1'), 61_001);
    assert_eq!(view.composer.editor.code(), "z", "Esc takes it up beside a draft");
    at(&mut view, KeyCode::Esc, 61_002);
    at(&mut view, KeyCode::Char('w'), 61_003);
    assert_eq!(view.composer.editor.code(), "zw", "and leaves it for later");
    at(&mut view, KeyCode::Esc, 61_004);
    let answer = at(&mut view, KeyCode::Enter, 61_005);
    assert_eq!(answer, Some(Effect::Reply { inquiry: 1, text: Some("all of it".into()) }), "what was typed is kept");
    assert_eq!(view.composer.editor.code(), "zw");
}

#[test]
fn a_second_question_waits_and_code_that_asks_goes_first() {
    let mut story = Story::default();
    let running = story.start(&Author::You, "input()");
    let mut view = story.view();
    inquiry(&mut view, 1, 1_000);
    inquiry(&mut view, 2, 1_000);
    assert!(text(&mut view, 80, 24).contains("claude asks you, 1 question after it"));
    let request = InputRequest { number: 9, prompt: "name?".into(), hidden: false, at: 2_000, until: 9_000 };
    view.apply(&SessionEvent::InputRequested { snippet: running, request: Arc::new(request) });
    at(&mut view, KeyCode::Char('a'), 5_000);
    let answer = at(&mut view, KeyCode::Enter, 5_000);
    assert!(matches!(answer, Some(Effect::Answer { number: 9, .. })), "{answer:?}");
    view.apply(&SessionEvent::InputAnswered { snippet: running, by: Author::You, text: None, at: 5_000 });
    view.apply(&SessionEvent::InquiryEnded { number: 1 });
    at(&mut view, KeyCode::Char('2'), 9_000);
    let answer = at(&mut view, KeyCode::Enter, 9_000);
    assert_eq!(answer, Some(Effect::Reply { inquiry: 2, text: Some("the last year".into()) }));
}
