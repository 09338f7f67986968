//! Prompts of running code: the line that answers them, and the draft beside it.

use std::sync::Arc;

use super::*;
use crate::domain::{Author, Event as SessionEvent, InputAnswer, InputRequest, SnippetId};
use crate::tui::fixtures::{Story, client};

/// A view in which `author` runs code.
fn running(author: &Author) -> View {
    let mut story = Story::default();
    story.start(author, "input('name? ')");
    story.view()
}

fn asks(view: &mut View, number: u32, prompt: &str, hidden: bool, at: u64) {
    let until = at + 300_000;
    let request = Arc::new(InputRequest { number, prompt: prompt.into(), hidden, at, until });
    view.composer.replies.clock = at;
    view.apply(&SessionEvent::InputRequested { snippet: SnippetId(1), request });
}

fn answered(view: &mut View, by: &Author, at: u64) {
    view.composer.replies.clock = at;
    view.apply(&SessionEvent::InputAnswered { snippet: SnippetId(1), by: by.clone(), text: None, at });
}

fn withdrawn(view: &mut View, at: u64) {
    view.composer.replies.clock = at;
    view.apply(&SessionEvent::InputWithdrawn { snippet: SnippetId(1), at });
}

/// Types text at a time, as a program does: all at once.
fn type_at(view: &mut View, text: &str, now: u64) -> Option<Effect> {
    let mut last = None;
    for c in text.chars() {
        let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        last = press_at(view, code, KeyModifiers::NONE, now);
    }
    last
}

fn press_at(view: &mut View, code: KeyCode, modifiers: KeyModifiers, now: u64) -> Option<Effect> {
    view.on_terminal(&Event::Key(KeyEvent::new(code, modifiers)), now)
}

fn esc(view: &mut View, now: u64) -> Option<Effect> {
    press_at(view, KeyCode::Esc, KeyModifiers::NONE, now)
}

#[allow(clippy::unnecessary_wraps, reason = "compared with the effects of keys")]
fn line(number: u32, line: &str) -> Option<Effect> {
    Some(Effect::Answer { snippet: SnippetId(1), number, answer: InputAnswer::Line(line.to_owned()) })
}

#[test]
fn code_of_a_client_never_takes_the_draft_away() {
    let mut view = running(&client(1, "claude-code"));
    type_at(&mut view, "y = x +", NOW);
    asks(&mut view, 1, "Your name?", false, NOW + 1_000);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("claude-code (1) wants input: Your name? (Esc to answer)"), "{screen}");
    assert!(screen.contains("▎ y = x +"), "the draft stays in sight: {screen}");
    assert_eq!(type_at(&mut view, " 1\n", NOW + 60_000), Some(Effect::Submit("y = x + 1".into())), "and can be run");
    type_at(&mut view, "draft", NOW + 60_500);
    esc(&mut view, NOW + 61_000);
    assert!(text(&mut view, 80, 24).contains("claude-code (1) wants input: Your name? ─"), "Esc turns to it");
    type_at(&mut view, "A", NOW + 61_100);
    view.on_terminal(&Event::Paste("d\n".into()), NOW + 61_200);
    esc(&mut view, NOW + 61_300);
    type_at(&mut view, "!", NOW + 61_400);
    assert_eq!(view.composer.editor.code(), "draft!", "Esc turns back");
    esc(&mut view, NOW + 61_500);
    assert_eq!(type_at(&mut view, "a\n", NOW + 61_600), line(1, "Ada"), "what was typed is kept");
    answered(&mut view, &Author::You, NOW + 61_610);
    assert_eq!(view.composer.editor.code(), "draft!");

    // The next prompt is expected right after an answer, but not after a key.
    asks(&mut view, 2, "Age?", false, NOW + 61_620);
    assert_eq!(type_at(&mut view, "36\n", NOW + 61_700), line(2, "36"));
    answered(&mut view, &Author::You, NOW + 61_710);
    type_at(&mut view, "?", NOW + 61_800);
    asks(&mut view, 3, "Town?", false, NOW + 61_810);
    type_at(&mut view, "?", NOW + 61_900);
    assert_eq!(view.composer.editor.code(), "draft!??");
}

#[test]
fn over_an_empty_input_code_of_a_client_waits_for_a_moment_without_keys() {
    let mut view = running(&client(1, "claude-code"));
    asks(&mut view, 1, "Sure?", false, NOW);
    let ctrl_d = |view: &mut View, now| press_at(view, KeyCode::Char('d'), KeyModifiers::CONTROL, now);
    assert_eq!(ctrl_d(&mut view, NOW + 200), None);
    assert_eq!(type_at(&mut view, "\n", NOW + 400), None);
    assert!(!view.pending.quit && view.composer.editor.is_empty());
    assert_eq!(type_at(&mut view, "\n", NOW + 1_500), line(1, ""), "then an empty line is an answer");
    answered(&mut view, &Author::You, NOW + 1_510);
    asks(&mut view, 2, "Sure?", false, NOW + 10_000);
    assert_eq!(
        ctrl_d(&mut view, NOW + 11_001),
        Some(Effect::Answer { snippet: SnippetId(1), number: 2, answer: InputAnswer::Eof })
    );
}

#[test]
fn the_own_code_takes_the_keys_at_once_where_nothing_is_written() {
    let mut view = running(&Author::You);
    asks(&mut view, 1, "name?", false, NOW);
    assert_eq!(type_at(&mut view, "Ada\n", NOW + 5), line(1, "Ada"));
    answered(&mut view, &Author::You, NOW + 6);
    type_at(&mut view, "draft", NOW + 20_000);
    asks(&mut view, 2, "age?", false, NOW + 21_000);
    type_at(&mut view, "!", NOW + 30_000);
    assert_eq!(view.composer.editor.code(), "draft!");
    assert!(text(&mut view, 80, 24).contains("1 wants input: age? (Esc to answer)"));
    // With vi's keys, Esc first ends the insertion in the draft, and leaves the answer at once.
    view.composer.editor.use_vi(true);
    esc(&mut view, NOW + 31_000);
    assert!(view.open_reply(NOW + 31_100).is_none());
    esc(&mut view, NOW + 31_200);
    assert!(view.open_reply(NOW + 31_300).is_some());
    esc(&mut view, NOW + 31_400);
    assert!(view.open_reply(NOW + 31_500).is_none());
}

#[test]
fn keys_for_a_prompt_that_goes_do_not_reach_the_input() {
    let mut view = running(&client(1, "claude-code"));
    asks(&mut view, 1, "Password:", true, NOW);
    type_at(&mut view, "secr", NOW + 2_000);
    withdrawn(&mut view, NOW + 2_010);
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("claude-code (1) no longer waits for input: Password: (Esc drops it)"), "{screen}");
    assert_eq!(type_at(&mut view, "et\n", NOW + 2_100), None);
    assert!(view.composer.editor.is_empty() && view.open_reply(NOW + 2_200).is_none());

    // With nothing typed the prompt goes at once, and an Enter that was on its way does nothing.
    asks(&mut view, 2, "Sure?", false, NOW + 5_000);
    withdrawn(&mut view, NOW + 8_000);
    assert_eq!(type_at(&mut view, "yes\n", NOW + 8_100), None);
    assert_eq!(type_at(&mut view, "\n", NOW + 9_500), None, "the first Enter asks");
    assert!(view.notice.as_deref().is_some_and(|notice| notice.contains("the question is gone; Enter again runs")));
    assert_eq!(type_at(&mut view, "\n", NOW + 9_600), Some(Effect::Submit("yes".into())));

    // The person's own interrupt ends it without a word.
    asks(&mut view, 3, "Sure?", false, NOW + 20_000);
    type_at(&mut view, "ye", NOW + 22_000);
    assert_eq!(press_at(&mut view, KeyCode::Char('c'), KeyModifiers::CONTROL, NOW + 22_100), Some(Effect::Interrupt));
    withdrawn(&mut view, NOW + 22_150);
    type_at(&mut view, "x", NOW + 22_200);
    assert_eq!(view.composer.editor.code(), "x");
}

#[test]
fn a_password_is_shown_as_dots_and_says_who_asks() {
    let mut view = running(&client(1, "claude-code"));
    asks(&mut view, 1, "DB password:", true, NOW - 1_000);
    typed(&mut view, "pä漢x");
    let screen = text(&mut view, 80, 24);
    assert!(
        screen.contains("claude-code (1) wants hidden input: DB password:") && screen.contains("▎ ••••█"),
        "{screen}"
    );
    assert!(!screen.contains("pä"), "{screen}");
    key(&mut view, KeyCode::Enter);
    answered(&mut view, &Author::You, NOW);
    asks(&mut view, 2, "DB password:", false, NOW);
    key(&mut view, KeyCode::Up);
    assert_eq!(view.composer.replies.current().unwrap().line(), "", "no key brings it back");
}

#[test]
fn a_long_prompt_is_shown_in_full() {
    let mut view = running(&client(1, "claude-code"));
    let prompt = "Overwrite the results of the last three runs in the folder of the whole group? [y/N]";
    asks(&mut view, 1, prompt, false, NOW);
    let screen = text(&mut view, 40, 12);
    assert!(screen.contains("▎ Overwrite the results of the last") && screen.contains("▎ group? [y/N]"), "{screen}");
}

#[test]
fn earlier_commands_of_the_debugger_come_back() {
    let mut view = running(&Author::You);
    let mut at = NOW;
    for (number, command) in ["p x", "p y", "p y", "next"].iter().enumerate() {
        asks(&mut view, number as u32 + 1, "(Pdb)", false, at);
        type_at(&mut view, &format!("{command}\n"), at + 100);
        answered(&mut view, &Author::You, at + 101);
        at += 1_000;
    }
    asks(&mut view, 5, "name?", false, at);
    key(&mut view, KeyCode::Up);
    assert_eq!(view.composer.replies.current().unwrap().line(), "", "another prompt has other answers");
    typed(&mut view, "Ada\n");
    answered(&mut view, &Author::You, at + 1);
    asks(&mut view, 6, "(Pdb)", false, at + 2);
    let shown = |view: &View| view.composer.replies.current().unwrap().line();
    key(&mut view, KeyCode::Up);
    assert_eq!(shown(&view), "next");
    key(&mut view, KeyCode::Up);
    key(&mut view, KeyCode::Up);
    assert_eq!(shown(&view), "p x", "the same one is kept once");
    key(&mut view, KeyCode::Down);
    key(&mut view, KeyCode::Down);
    key(&mut view, KeyCode::Down);
    assert_eq!(shown(&view), "");
    typed(&mut view, "p");
    key(&mut view, KeyCode::Up);
    assert_eq!(shown(&view), "p y", "those that begin with what is typed");
    assert_eq!(key(&mut view, KeyCode::Enter), line(6, "p y"));
}

#[test]
fn a_held_enter_answers_one_prompt_of_a_client() {
    let mut view = running(&client(1, "claude-code"));
    asks(&mut view, 1, "Delete a? [Y/n]", false, NOW);
    assert_eq!(press_at(&mut view, KeyCode::Enter, KeyModifiers::NONE, NOW + 2_000), line(1, ""));
    answered(&mut view, &Author::You, NOW + 2_010);
    asks(&mut view, 2, "Delete b? [Y/n]", false, NOW + 2_020);
    for time in [2_450, 2_480, 2_510, 2_620, 2_740] {
        assert_eq!(press_at(&mut view, KeyCode::Enter, KeyModifiers::NONE, NOW + time), None, "{time}");
    }
    assert_eq!(type_at(&mut view, "n\n", NOW + 2_800), line(2, "n"), "what is typed is meant");

    // One's own code gets each.
    let mut view = running(&Author::You);
    asks(&mut view, 1, "(Pdb)", false, NOW);
    assert_eq!(press_at(&mut view, KeyCode::Enter, KeyModifiers::NONE, NOW + 2_000), line(1, ""));
    answered(&mut view, &Author::You, NOW + 2_010);
    asks(&mut view, 2, "(Pdb)", false, NOW + 2_020);
    assert_eq!(press_at(&mut view, KeyCode::Enter, KeyModifiers::NONE, NOW + 2_100), line(2, ""));
}
