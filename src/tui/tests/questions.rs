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
    view.composer.replies.clock = at;
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
    at(&mut view, KeyCode::Esc, 61_200);
    at(&mut view, KeyCode::Char('w'), 61_300);
    assert_eq!(view.composer.editor.code(), "zw", "and leaves it for later");
    at(&mut view, KeyCode::Esc, 61_400);
    let answer = at(&mut view, KeyCode::Enter, 61_500);
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
    view.composer.replies.clock = 5_010;
    view.apply(&SessionEvent::InputAnswered { snippet: running, by: Author::You, text: None, at: 5_000 });
    view.apply(&SessionEvent::InquiryEnded { number: 1 });
    at(&mut view, KeyCode::Char('2'), 9_000);
    let answer = at(&mut view, KeyCode::Enter, 9_000);
    assert_eq!(answer, Some(Effect::Reply { inquiry: 2, text: Some("the last year".into()) }));
}

fn chord(view: &mut View, code: KeyCode, modifiers: KeyModifiers, now: u64) -> Option<Effect> {
    view.on_terminal(&Event::Key(KeyEvent::new(code, modifiers)), now)
}

#[test]
fn in_its_first_second_a_question_takes_no_key_and_no_key_does_harm() {
    let keys = [
        (KeyCode::Char('d'), KeyModifiers::CONTROL),
        (KeyCode::Enter, KeyModifiers::NONE),
        (KeyCode::Up, KeyModifiers::NONE),
        (KeyCode::Char('p'), KeyModifiers::CONTROL),
        (KeyCode::Char('r'), KeyModifiers::CONTROL),
        (KeyCode::Down, KeyModifiers::NONE),
        (KeyCode::Tab, KeyModifiers::NONE),
        (KeyCode::Char('j'), KeyModifiers::CONTROL),
        (KeyCode::Char('_'), KeyModifiers::CONTROL),
        (KeyCode::Char('e'), KeyModifiers::ALT),
    ];
    for (code, modifiers) in keys {
        for now in [1_050, 1_500, 1_950] {
            let mut story = Story::default();
            story.ran(&Author::You, "x = df.val.sum()", "", crate::tui::fixtures::ok(1));
            let mut view = story.view();
            inquiry(&mut view, 1, 1_000);
            assert_eq!(chord(&mut view, code, modifiers, now), None, "{code} after {} ms", now - 1_000);
            assert!(view.composer.editor.is_empty() && view.layers.is_empty() && !view.pending.quit, "{code}");
            assert!(view.composer.open_reply(now).is_none());
            assert!(view.composer.open_reply(now + 1_000).is_some(), "then the question has the keys");
        }
    }
}

#[test]
fn an_answer_that_was_typed_too_early_is_not_run_as_python() {
    let mut view = idle();
    inquiry(&mut view, 1, 1_000);
    assert_eq!(at(&mut view, KeyCode::Char('2'), 1_500), None);
    assert_eq!(at(&mut view, KeyCode::Enter, 1_800), None);
    assert_eq!(view.composer.editor.code(), "2", "nothing is lost");
    assert_eq!(at(&mut view, KeyCode::Enter, 4_000), None, "later, the first Enter asks");
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("Enter again runs this as Python; Esc turns to claude"), "{screen}");
    assert_eq!(at(&mut view, KeyCode::Enter, 4_500), Some(Effect::Submit("2".into())));
}

#[test]
fn a_question_that_was_out_of_sight_waits_for_a_moment_too() {
    let mut view = idle();
    key(&mut view, KeyCode::F(1));
    inquiry(&mut view, 1, NOW);
    at(&mut view, KeyCode::Esc, NOW + 60_000);
    assert!(view.layers.is_empty());
    assert_eq!(chord(&mut view, KeyCode::Char('d'), KeyModifiers::CONTROL, NOW + 60_200), None);
    assert!(!view.pending.quit);
    // So does one that waited while the person looked at another window.
    let mut view = idle();
    view.on_terminal(&Event::FocusLost, NOW);
    inquiry(&mut view, 1, NOW);
    view.on_terminal(&Event::FocusGained, NOW + 60_000);
    assert_eq!(chord(&mut view, KeyCode::Char('d'), KeyModifiers::CONTROL, NOW + 60_200), None);
    assert!(!view.pending.quit);
}

#[test]
fn choices_are_taken_by_arrows_and_a_wrong_number_is_said() {
    let mut view = idle();
    inquiry(&mut view, 1, 1_000);
    text(&mut view, 80, 24);
    at(&mut view, KeyCode::Char('9'), 5_000);
    assert_eq!(at(&mut view, KeyCode::Enter, 5_100), None);
    assert!(text(&mut view, 80, 24).contains("1 to 2, or words"));
    assert_eq!(view.composer.replies.current().unwrap().line(), "9", "what was typed is kept");
    at(&mut view, KeyCode::Backspace, 5_200);
    assert!(!text(&mut view, 80, 24).contains("› 1"), "no choice is taken by default");
    assert_eq!(at(&mut view, KeyCode::Enter, 5_300), None);
    at(&mut view, KeyCode::Char('9'), 5_350);
    at(&mut view, KeyCode::Down, 5_400);
    assert_eq!(view.composer.replies.current().unwrap().line(), "", "the arrows take the place of a number");
    assert!(text(&mut view, 80, 24).contains("› 1 all of it"));
    at(&mut view, KeyCode::Up, 5_500);
    assert!(text(&mut view, 80, 24).contains("› 2 the last year"), "around the end");
    at(&mut view, KeyCode::Char('1'), 5_600);
    assert!(text(&mut view, 80, 24).contains("› 1 all of it"), "a typed number points too");
    at(&mut view, KeyCode::Backspace, 5_700);
    // A click points too, and takes nothing.
    let row = text(&mut view, 80, 24).lines().position(|row| row.contains("1 all of it")).unwrap() as u16;
    let kind = crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left);
    let click = crossterm::event::MouseEvent { kind, column: 8, row, modifiers: KeyModifiers::NONE };
    assert_eq!(view.on_terminal(&Event::Mouse(click), 5_750), None);
    assert!(text(&mut view, 80, 24).contains("› 1 all of it"));
    at(&mut view, KeyCode::Up, 5_800);
    let answer = at(&mut view, KeyCode::Enter, 5_900);
    assert_eq!(answer, Some(Effect::Reply { inquiry: 1, text: Some("the last year".into()) }));
}

/// A question of 27 lines with five choices.
fn long_question(view: &mut View) {
    let lines: Vec<String> = (1..=27).map(|n| format!("line {n} of the question")).collect();
    let choice = |n: u32| format!("choice {n} is explained in some more words than fit").into();
    let (text, choices) = (lines.join("\n").into(), (1..=5).map(choice).collect());
    let by = client(1, "claude");
    view.apply(&SessionEvent::Inquired(Arc::new(crate::domain::Inquiry { number: 1, by, text, choices, at: 1_000 })));
}

#[test]
fn a_long_question_scrolls_and_says_so() {
    for (width, height) in [(200, 60), (120, 40), (80, 24), (40, 12)] {
        let mut view = idle();
        long_question(&mut view);
        let mut now = 5_000;
        let mut seen = std::collections::BTreeSet::new();
        let mut screens = Vec::new();
        for _ in 0..40 {
            let screen = text(&mut view, width, height);
            for n in 1..=27 {
                if screen.contains(&format!("line {n} of")) {
                    seen.insert(n);
                }
            }
            screens.push(screen);
            now += 100;
            at(&mut view, KeyCode::PageUp, now);
        }
        let first = &screens[0];
        assert!(first.contains("than fit") || first.contains("words than"), "the end is shown first: {first}");
        if !first.contains("line 1 of") {
            assert!(first.contains("above, PageUp"), "{first}");
            assert!(screens.last().unwrap().contains("below, PageDown"), "{}", screens.last().unwrap());
        }
        assert_eq!(seen.len(), 27, "all of it can be read at {width}x{height}: {seen:?}");
        // Each choice is in sight when the arrows point to it.
        for n in 1..=5 {
            now += 100;
            at(&mut view, KeyCode::Down, now);
            let screen = text(&mut view, width, height);
            assert!(screen.contains(&format!("› {n} choice {n}")), "{n} at {width}x{height}: {screen}");
        }
    }
}

#[test]
fn a_long_question_wraps_at_words() {
    let mut view = idle();
    let text_of = "Shall I drop the rows of the hold-out set of last week, or fill them with the mean of their group?";
    let by = client(1, "claude");
    let inquiry = crate::domain::Inquiry { number: 1, by, text: text_of.into(), choices: Vec::new(), at: 1_000 };
    view.apply(&SessionEvent::Inquired(Arc::new(inquiry)));
    let screen = text(&mut view, 40, 12);
    let rows: Vec<&str> = screen.lines().filter_map(|row| row.trim().strip_prefix("▎ ")).collect();
    assert!(rows.join(" ").starts_with(text_of), "{screen}");
}

#[test]
fn an_answer_that_comes_too_late_becomes_a_note() {
    let mut view = idle();
    inquiry(&mut view, 1, 1_000);
    for c in "both".chars() {
        at(&mut view, KeyCode::Char(c), 5_000);
    }
    view.composer.replies.clock = 5_010;
    view.apply(&SessionEvent::InquiryEnded { number: 1 });
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("claude no longer waits: Which rows shall I use? (Esc drops it)"), "{screen}");
    at(&mut view, KeyCode::Char('!'), 5_020);
    let note = Effect::Note("late answer to claude (\"Which rows shall I use?\"): both!".into());
    assert_eq!(at(&mut view, KeyCode::Enter, 5_100), Some(note));
    assert!(view.composer.replies.current().is_none() && view.composer.editor.is_empty());

    // With nothing typed it goes, and the Enter that was on its way does nothing.
    inquiry(&mut view, 2, 10_000);
    at(&mut view, KeyCode::Down, 12_000);
    view.composer.replies.clock = 12_500;
    view.apply(&SessionEvent::InquiryEnded { number: 2 });
    assert_eq!(at(&mut view, KeyCode::Enter, 12_600), None);
    assert_eq!(chord(&mut view, KeyCode::Char('d'), KeyModifiers::CONTROL, 12_700), None);
    assert!(!view.pending.quit);
}

#[test]
fn an_answer_in_hand_is_not_pushed_aside_by_code_that_asks() {
    let mut story = Story::default();
    let running = story.start(&client(2, "codex"), "input()");
    let mut view = story.view();
    inquiry(&mut view, 1, 1_000);
    at(&mut view, KeyCode::Char('2'), 5_000);
    let request = InputRequest { number: 9, prompt: "name?".into(), hidden: false, at: 5_100, until: 9_000 };
    view.apply(&SessionEvent::InputRequested { snippet: running, request: Arc::new(request) });
    let answer = at(&mut view, KeyCode::Enter, 5_200);
    assert_eq!(answer, Some(Effect::Reply { inquiry: 1, text: Some("the last year".into()) }));
    assert!(text(&mut view, 80, 24).contains("codex (1) wants input: name?"), "then the code has its turn");
}

#[test]
fn a_declined_question_leaves_a_card() {
    let mut view = idle();
    let by = client(1, "claude");
    let text_of = "Which rows shall I use?".into();
    let inquiry = crate::domain::Inquiry { number: 1, by, text: text_of, choices: Vec::new(), at: 0 };
    let note = crate::domain::Note::declining(Arc::new(inquiry));
    view.apply(&SessionEvent::Noted { note: Arc::new(note), at: NOW });
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("you declined to answer claude") && screen.contains("Which rows"), "{screen}");
}

#[test]
fn a_new_process_protects_the_input_from_keys_for_the_question_before() {
    let mut view = idle();
    inquiry(&mut view, 1, 1_000);
    at(&mut view, KeyCode::Char('y'), 5_000);
    let snapshot = crate::tui::app::snapshot::DashboardSnapshot::of(&view);
    let mut next = idle();
    next.composer.replies.clock = 6_000;
    snapshot.restore(&mut next);
    for c in "es".chars() {
        at(&mut next, KeyCode::Char(c), 6_100);
    }
    assert_eq!(at(&mut next, KeyCode::Enter, 6_200), None);
    assert_eq!(at(&mut next, KeyCode::Enter, 8_000), None, "the first Enter asks");
    assert_eq!(at(&mut next, KeyCode::Enter, 9_000), Some(Effect::Submit("es".into())));
}

#[test]
fn a_question_at_each_size() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = crate::tui::fixtures::story().view();
        long_question(&mut view);
        text(&mut view, width, height);
        at(&mut view, KeyCode::Down, 5_000);
        at(&mut view, KeyCode::Down, 5_100);
        insta::assert_snapshot!(format!("question_{name}"), text(&mut view, width, height));
    }
}

#[test]
fn a_prompt_beside_a_draft_at_each_size() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = crate::tui::fixtures::story().view();
        typed(&mut view, "top = df.groupby(");
        let running = view.transcript.running().unwrap().id;
        let request = InputRequest { number: 1, prompt: "DB password:".into(), hidden: true, at: NOW, until: NOW + 9 };
        view.apply(&SessionEvent::InputRequested { snippet: running, request: Arc::new(request) });
        insta::assert_snapshot!(format!("prompt_{name}"), text(&mut view, width, height));
    }
}

#[test]
fn a_question_that_waits_beside_a_draft_takes_no_keys_when_the_draft_has_run() {
    let mut view = idle();
    at(&mut view, KeyCode::Char('x'), 1_000);
    inquiry(&mut view, 1, 1_100);
    assert_eq!(at(&mut view, KeyCode::Enter, 5_000), Some(Effect::Submit("x".into())));
    for (c, time) in "d = 1".chars().zip(10_000..) {
        at(&mut view, KeyCode::Char(c), time);
    }
    assert!(text(&mut view, 80, 24).contains("(Esc to answer)"));
    assert_eq!(at(&mut view, KeyCode::Enter, 11_000), Some(Effect::Submit("d = 1".into())));
}

#[test]
fn a_held_ctrl_d_declines_one_question_and_does_not_quit() {
    let mut view = idle();
    inquiry(&mut view, 1, 1_000);
    let ctrl_d = Event::Key(KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL));
    assert_eq!(view.on_terminal(&ctrl_d, 5_000), Some(Effect::Reply { inquiry: 1, text: None }));
    view.apply(&SessionEvent::InquiryEnded { number: 1 });
    for time in [5_450, 5_480, 5_510, 5_540, 5_600] {
        assert_eq!(view.on_terminal(&ctrl_d, time), None, "{time}");
    }
    assert!(!view.pending.quit && view.on_time(9_000).is_none());
}
