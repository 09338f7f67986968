//! Quitting and restarting: both ask where something would be lost.

use super::*;
use std::sync::Arc;

use crate::domain::{Event as SessionEvent, Inquiry, RiskKind, RiskRequest, SnippetId, VariableKind};
use crate::tui::fixtures::{Story, client, pending, story, variable};
use crate::tui::owner::Leaving;

fn with_variables(count: usize) -> Story {
    let mut story = Story::default();
    let names = (0..count).map(|n| format!("x{n}"));
    story.variables(names.map(|name| variable(&name, VariableKind::Data, "int", "", "1")).collect());
    story
}

#[test]
fn nothing_to_lose_needs_no_question() {
    let mut view = Story::default().view();
    assert_eq!(ctrl(&mut view, 'd'), Some(Effect::Quit));
    for code in ["exit", "quit()"] {
        let mut view = Story::default().view();
        assert_eq!(typed(&mut view, &format!("{code}\n")), Some(Effect::Quit), "{code}");
    }
}

#[test]
fn variables_and_clients_are_asked_about() {
    let mut view = with_variables(12).view();
    assert_eq!(ctrl(&mut view, 'd'), None);
    let said = |view: &mut View, width, words: &str| {
        let screen = text(view, width, 24);
        assert!(screen.contains(words), "{words}: {screen}");
    };
    let question = "Ctrl-D again quits; s saves the variables first; Esc stays";
    said(&mut view, 120, &format!("12 variables would be lost: {question}"));
    said(&mut view, 80, &format!(" {question}"));
    said(&mut view, 40, "Ctrl-D quits; s saves; Esc stays");
    assert_eq!(key(&mut view, KeyCode::Esc), None);
    assert_eq!(ctrl(&mut view, 'd'), None, "it asks again");
    typed(&mut view, "y");
    assert_eq!(view.composer.editor.code(), "y", "no letter but s answers");
    ctrl(&mut view, 'c');
    ctrl(&mut view, 'd');
    assert_eq!(key(&mut view, KeyCode::Char('s')), Some(Effect::SaveAndQuit));
    ctrl(&mut view, 'd');
    assert_eq!(ctrl(&mut view, 'd'), Some(Effect::Quit));

    let mut story = Story::default();
    story.join(&client(1, "claude"), NOW).join(&client(2, "codex"), NOW);
    let mut view = story.view();
    assert_eq!(ctrl(&mut view, 'd'), None);
    said(&mut view, 80, "2 clients are connected: Ctrl-D again quits; Esc stays");
    key(&mut view, KeyCode::Char('s'));
    assert_eq!(view.composer.editor.code(), "s", "there is nothing to save");
}

#[test]
fn what_waits_for_the_person_is_named_first() {
    let claude = client(1, "claude");
    let mut story = Story::default();
    pending(&mut story, &claude, "x = 1", false);
    let mut view = story.view();
    assert_eq!(ctrl(&mut view, 'd'), None);
    let screen = text(&mut view, 120, 24);
    assert!(screen.contains("1 of claude waits for your decision: Ctrl-D again quits"), "{screen}");
    let question = Inquiry { number: 1, by: claude, text: "which?".into(), choices: Vec::new(), at: NOW };
    view.apply(&SessionEvent::Inquired(Arc::new(question)));
    assert_eq!(view.transcript.waiting(), ["1 of claude waits for your decision", "a question of claude waits"]);
    let snippet = SnippetId(1);
    view.apply(&SessionEvent::Started { snippet, at: NOW });
    let request =
        Arc::new(RiskRequest { number: 1, kind: RiskKind::Delete, target: "a.csv".into(), line: None, at: NOW });
    view.apply(&SessionEvent::RiskAsked { snippet, request });
    assert_eq!(view.transcript.waiting()[0], "1 of claude waits for your answer (delete a.csv)");
}

#[test]
fn a_session_that_goes_on_is_left_without_a_question() {
    let mut view = with_variables(3).view();
    view.leaving = Leaving::GoesOn;
    assert!(text(&mut view, 120, 24).contains("Ctrl-D leave"));
    assert_eq!(ctrl(&mut view, 'd'), Some(Effect::Quit));
    // One that is held for clients ends without any.
    let mut view = with_variables(3).view();
    view.leaving = Leaving::GoesOnForClients;
    assert_eq!(ctrl(&mut view, 'd'), None);
    let mut story = with_variables(3);
    story.join(&client(1, "claude"), NOW);
    let mut view = story.view();
    view.leaving = Leaving::GoesOnForClients;
    assert_eq!(typed(&mut view, "exit\n"), Some(Effect::Quit));
}

#[test]
fn the_words_of_python_do_the_same() {
    for code in ["exit", "quit", "exit()", "quit()", "exit(0)"] {
        let mut view = with_variables(1).view();
        assert_eq!(typed(&mut view, &format!("{code}\n")), None);
        assert!(text(&mut view, 80, 24).contains(" Ctrl-D again quits; s saves"), "{code}");
        assert!(view.composer.editor.is_empty());
        assert_eq!(ctrl(&mut view, 'd'), Some(Effect::Quit));
        let mut view = with_variables(1).view();
        assert_eq!(typed(&mut view, &format!("{code}\n")), None);
        view.composer.pace.rest();
        assert_eq!(typed(&mut view, &format!("{code}\n")), Some(Effect::Quit), "{code} again");
    }
    let mut view = with_variables(1).view();
    typed(&mut view, "exit\n");
    assert_eq!(typed(&mut view, "x\n"), Some(Effect::Submit("x".into())));
    assert_eq!(typed(&mut view, "exit\n"), None, "something else came between");
    let mut story = Story::default();
    story.variables(vec![variable("quit", VariableKind::Function, "function", "", "")]);
    assert_eq!(
        typed(&mut story.view(), "quit()\n"),
        Some(Effect::Submit("quit()".into())),
        "a name of the person's own"
    );
}

#[test]
fn a_question_to_quit_ends_with_the_next_thing_that_the_person_does() {
    let click = |row| {
        let kind = crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left);
        Event::Mouse(crossterm::event::MouseEvent { kind, column: 5, row, modifiers: KeyModifiers::NONE })
    };
    for act in [Event::Paste(String::new()), click(3), Event::Key(KeyEvent::new(KeyCode::F(2), KeyModifiers::NONE))] {
        let mut view = story().view();
        text(&mut view, 120, 40);
        assert_eq!(ctrl(&mut view, 'd'), None);
        view.on_terminal(&act, NOW);
        key(&mut view, KeyCode::Esc);
        assert_eq!(ctrl(&mut view, 'd'), None, "after {act:?}");
    }
}

/// Keys that follow one another within milliseconds.
#[test]
fn a_burst_of_keys_neither_quits_nor_restarts() {
    let burst = |view: &mut View, keys: &[(KeyCode, KeyModifiers)], from: u64, gap: u64| {
        let keys = keys.iter().zip(0..);
        let effects = keys.filter_map(|((code, modifiers), n)| {
            view.on_terminal(&Event::Key(KeyEvent::new(*code, *modifiers)), from + n * gap)
        });
        let at_once = effects.collect::<Vec<_>>();
        at_once.into_iter().chain(view.on_time(from + 10_000)).collect::<Vec<_>>()
    };
    let (f5, f8) = ((KeyCode::F(5), KeyModifiers::NONE), (KeyCode::F(8), KeyModifiers::NONE));
    let ctrl_d = (KeyCode::Char('d'), KeyModifiers::CONTROL);
    let s = (KeyCode::Char('s'), KeyModifiers::NONE);
    for keys in [[ctrl_d, ctrl_d], [f8, f8], [ctrl_d, s], [f8, s]] {
        let keys = [[f5; 6].as_slice(), &keys].concat();
        assert_eq!(burst(&mut story().view(), &keys, NOW, 20), []);
    }
    assert_eq!(
        burst(&mut Story::default().view(), &[f5, f5, f5, f5, f5, f5, ctrl_d], NOW, 20),
        [],
        "even with nothing to lose"
    );
    assert_eq!(burst(&mut story().view(), &[ctrl_d, ctrl_d], NOW, 20), [Effect::Quit], "twice one key is a request");
}

#[test]
fn a_key_that_is_held_down_confirms_nothing() {
    let at = |view: &mut View, code, modifiers, at| view.on_terminal(&Event::Key(KeyEvent::new(code, modifiers)), at);
    for (code, modifiers) in [(KeyCode::Char('d'), KeyModifiers::CONTROL), (KeyCode::F(8), KeyModifiers::NONE)] {
        let mut view = with_variables(3).view();
        for time in [0, 450, 480, 510, 540, 570, 600].map(|time| NOW + time) {
            assert_eq!(view.on_time(time), None, "{code}");
            assert_eq!(at(&mut view, code, modifiers, time), None, "{code}");
        }
        assert_eq!(view.on_time(NOW + 3_000), None, "{code}");
        assert!(text(&mut view, 80, 24).contains(" again"), "{code}: the question stays");
        assert_eq!(at(&mut view, code, modifiers, NOW + 3_100), None);
        assert!(view.on_time(NOW + 3_219).is_none() && view.on_time(NOW + 3_220).is_some(), "{code}: now it was meant");
    }
}

#[test]
fn a_word_that_begins_with_s_is_no_answer_and_a_question_goes_away() {
    let at = |view: &mut View, code, at| view.on_terminal(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), at);
    let mut view = with_variables(3).view();
    assert_eq!(ctrl(&mut view, 'd'), None);
    for (c, time) in "sales".chars().zip(1..) {
        assert_eq!(at(&mut view, KeyCode::Char(c), NOW + 200 * time), None);
    }
    assert_eq!((view.on_time(NOW + 5_000), view.composer.editor.code()), (None, "sales".to_owned()));

    let mut view = with_variables(3).view();
    ctrl(&mut view, 'd');
    assert_eq!(view.due_at(), Some(NOW + 10_000));
    assert_eq!(view.on_time(NOW + 10_000), None);
    assert!(!text(&mut view, 80, 24).contains("again quits"));
    at(&mut view, KeyCode::Char('s'), NOW + 10_010);
    assert_eq!(view.composer.editor.code(), "s");
}

#[test]
fn the_palette_ends_nothing_by_the_way() {
    let mut view = with_variables(3).view();
    let first = |view: &View, query: &str| view.palette_matches(query)[0].row.name;
    assert_eq!(first(&view, "quit"), "quit");
    assert!(!["quit-saving", "restart-saving"].contains(&first(&view, "save")));
    view.composer.editor.set("a draft");
    assert_eq!(view.perform(crate::tui::input::keymap::Action::QuitSaving, NOW), None);
    assert!(view.pending.quit, "it asks, because the draft would be lost");
}
