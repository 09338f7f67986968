//! Letters that act on a selected card.

use std::sync::Arc;

use insta::assert_snapshot;

use super::*;
use crate::domain::{
    Author, Event as SessionEvent, Outcome, SafePoint, SideEffect, SideEffectKind, SideEffects, SnippetId, Status,
    VariableKind,
};
use crate::session::{ClientResponse, ClientResponses, ResponseKind, Structured};
use crate::tui::fixtures::{Story, client, failed, ok, story, variable};
use crate::tui::transcript::viewport::Anchor;

const TRACEBACK: &str = "Traceback (most recent call last):
  File \"<snippet 3>\", line 4, in <module>
    share(0)
    ~~~~~^^^
  File \"<snippet 2>\", line 2, in share
    return 1 / parts
           ~~^~~~~~~
ZeroDivisionError: division by zero";

/// A card of each kind of outcome; the last one failed in a function of an earlier card.
fn cards() -> View {
    let mut story = Story::default();
    let claude = client(1, "claude-code");
    story.join(&claude, NOW);
    story.ran(&claude, "1/0", "", failed(1, "ZeroDivisionError", "division by zero", 4));
    let code = "def share(parts):\n    return 1 / parts";
    story.ran(
        &Author::You,
        code,
        "\u{1b}[32mdefined\u{1b}[0m\n",
        Outcome { result: Some("<function>".into()), ..ok(2) },
    );
    let mut outcome = failed(3, "ZeroDivisionError", "division by zero", 8);
    if let Some(error) = &mut outcome.error {
        error.traceback = TRACEBACK.into();
    }
    story.ran(&claude, "a = 1\nb = 2\nprint(a)\nshare(0)", "1\n", outcome);
    story.ran(&Author::You, "x = 3", "", ok(1));
    let mut view = story.view();
    screen(&mut view, 80, 24);
    view
}

fn select(view: &mut View, card: usize) {
    while view.viewport.selected != Some(card) {
        press(view, KeyCode::Up, KeyModifiers::ALT);
        screen(view, 80, 24);
    }
}

fn copied(view: &mut View, c: char) -> Option<(String, String)> {
    match key(view, KeyCode::Char(c)) {
        Some(Effect::CopyPiece { text, what }) => Some((text, what)),
        _ => None,
    }
}

#[test]
fn a_card_tells_effects_on_one_line_and_all_of_them_unfolded() {
    let mut story = Story::default();
    let snippet = story.ran(&client(1, "claude-code"), "save(df)", "", ok(9));
    let mut effects = SideEffects { files_read: 2, ..SideEffects::default() };
    effects.add(SideEffect { outside: true, ..SideEffect::new(SideEffectKind::Create, "/srv/re\u{202e}port.csv") });
    effects.add(SideEffect::new(SideEffectKind::Delete, "old.csv"));
    for number in 0..40 {
        effects.add(SideEffect::new(SideEffectKind::Create, format!("parts/{number}")));
    }
    story.apply(&SessionEvent::Effects { snippet, effects: effects.into() });
    let mut view = story.view();
    for (name, width, height) in [("wide", 120, 40), ("compact", 40, 12)] {
        assert_snapshot!(format!("effects_{name}"), text(&mut view, width, height));
    }
    select(&mut view, 0);
    key(&mut view, KeyCode::Enter);
    key(&mut view, KeyCode::Esc);
    assert_snapshot!("effects_unfolded", text(&mut view, 80, 24));
}

#[test]
fn enter_unfolds_a_traceback_that_is_all_there_is() {
    let mut view = cards();
    select(&mut view, 0);
    key(&mut view, KeyCode::Enter);
    assert!(view.layers.pager().is_none() && text(&mut view, 80, 40).contains("▾ traceback"));
}

#[test]
fn a_selected_card() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = cards();
        select(&mut view, 2);
        screen(&mut view, width, height);
        assert_snapshot!(format!("selected_{name}"), text(&mut view, width, height));
        key(&mut view, KeyCode::Char('o'));
        screen(&mut view, width, height);
        assert_snapshot!(format!("unfolded_{name}"), text(&mut view, width, height));
    }
}

#[test]
fn letters_act_on_the_card_and_not_on_the_input() {
    let mut view = cards();
    typed(&mut view, "draft");
    select(&mut view, 2);
    assert_eq!(copied(&mut view, 'c'), Some(("a = 1\nb = 2\nprint(a)\nshare(0)".into(), "code of 3".into())));
    assert_eq!(copied(&mut view, 't'), Some((TRACEBACK.into(), "traceback of 3".into())));
    assert_eq!(copied(&mut view, 'y'), Some((format!("1\n{TRACEBACK}"), "output of 3".into())));
    assert_eq!(copied(&mut view, 'v'), None);
    assert_eq!(view.notice.as_deref(), Some("there is no value to copy"));
    typed(&mut view, "zw");
    assert!(view.notice.as_deref().is_some_and(|notice| notice.contains("no action on w")));
    key(&mut view, KeyCode::Up);
    assert_eq!(view.viewport.selected, Some(1));
    assert_eq!(copied(&mut view, 'y'), Some(("defined\n<function>".into(), "output of 2".into())));
    assert_eq!(copied(&mut view, 'v'), Some(("<function>".into(), "value of 2".into())));
    assert_eq!(view.composer.editor.code(), "draft");
    ctrl(&mut view, 'c');
    assert!(
        view.viewport.selected.is_none() && view.composer.editor.code() == "draft",
        "with nothing running, it goes back to the input"
    );
    typed(&mut view, "c");
    assert_eq!(view.composer.editor.code(), "draftc");
}

#[test]
fn running_again_is_asked_for_twice() {
    let mut view = cards();
    select(&mut view, 0);
    assert_eq!(key(&mut view, KeyCode::Char('R')), None);
    assert!(text(&mut view, 80, 24).contains("R again: rerun 1 as you"));
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        assert_snapshot!(format!("run_again_{name}"), text(&mut view, width, height));
    }
    assert_eq!(key(&mut view, KeyCode::Char('j')), None);
    assert_eq!(key(&mut view, KeyCode::Enter), None, "another key has left it: this opens the output");
    drop(view.layers.pop());
    key(&mut view, KeyCode::Char('k'));
    key(&mut view, KeyCode::Char('R'));
    assert_eq!(key(&mut view, KeyCode::Char('R')), Some(Effect::Submit("1/0".into())));
    assert!(view.viewport.selected.is_none() && view.viewport.anchor == Anchor::Follow);
    select(&mut view, 0);
    key(&mut view, KeyCode::Char('R'));
    assert_eq!(key(&mut view, KeyCode::Enter), Some(Effect::Submit("1/0".into())));
}

#[test]
fn code_is_taken_into_the_input_and_undo_brings_the_draft_back() {
    let mut view = cards();
    typed(&mut view, "draft");
    select(&mut view, 1);
    key(&mut view, KeyCode::Char('e'));
    assert_eq!(view.composer.editor.code(), "def share(parts):\n    return 1 / parts");
    assert!(
        view.viewport.selected.is_none()
            && view.notice.as_deref().is_some_and(|notice| notice.contains("brings the draft back"))
    );
    ctrl(&mut view, '7');
    assert_eq!(view.composer.editor.code(), "draft");
}

#[test]
fn errors_what_runs_and_what_set_a_variable_are_jumped_to() {
    let mut view = cards();
    press(&mut view, KeyCode::Char('j'), KeyModifiers::ALT);
    assert_eq!(view.viewport.selected, Some(2), "the last error");
    key(&mut view, KeyCode::Char('['));
    assert_eq!(view.viewport.selected, Some(0));
    key(&mut view, KeyCode::Char('['));
    assert_eq!((view.viewport.selected, view.notice.as_deref()), (Some(0), Some("nothing failed above")));
    key(&mut view, KeyCode::Char(']'));
    assert_eq!(view.viewport.selected, Some(2));
    press(&mut view, KeyCode::Char('r'), KeyModifiers::ALT);
    assert_eq!(view.notice.as_deref(), Some("nothing is running"));

    let mut view = story().view();
    screen(&mut view, 80, 24);
    press(&mut view, KeyCode::Char('r'), KeyModifiers::ALT);
    assert_eq!(view.viewport.selected, Some(3));
    key(&mut view, KeyCode::Esc);
    let mut story = Story::default();
    story.ran(&Author::You, "x = 1", "", ok(1));
    let mut row = variable("x", VariableKind::Data, "int", "", "1");
    row.set_by = Some(SnippetId(1));
    story.variables(vec![row]);
    let mut view = story.view();
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Char('g'));
    assert_eq!((view.viewport.selected, view.layers.iter().len()), (Some(0), 0));
}

#[test]
fn all_cards_unfold_at_once() {
    let mut view = cards();
    select(&mut view, 2);
    key(&mut view, KeyCode::Char('O'));
    let shown = text(&mut view, 80, 60);
    assert_eq!(shown.matches("▾ traceback").count(), 2, "{shown}");
    key(&mut view, KeyCode::Char('o'));
    assert_eq!(text(&mut view, 80, 60).matches("▾ traceback").count(), 1, "one is folded again");
    key(&mut view, KeyCode::Char('O'));
    assert_eq!(text(&mut view, 80, 60).matches("▸ traceback").count(), 2);
}

#[test]
fn the_output_is_saved_under_a_name_of_ones_own() {
    let mut view = cards();
    select(&mut view, 1);
    key(&mut view, KeyCode::Char('s'));
    assert_snapshot!("save_medium", text(&mut view, 80, 24));
    assert_snapshot!("save_wide", text(&mut view, 120, 40));
    assert_snapshot!("save_compact", text(&mut view, 40, 12));
    let effect = key(&mut view, KeyCode::Enter);
    assert_eq!(effect, Some(Effect::Save { card: 1, file: "sales-2.txt".into(), replaces: false }));
}

fn answer(text: &str, structured: bool) -> ClientResponse {
    let structured = structured.then(|| Structured { bytes: 9, render: Box::new(|| "{\n  \"snippet\": 3\n}".into()) });
    ClientResponse {
        snippet: SnippetId(3),
        to: client(1, "claude-code"),
        kind: ResponseKind::Result,
        at: NOW - 40_000,
        status: Status::Error,
        text: text.into(),
        is_cut: true,
        written: 1_200_000,
        images: 1,
        image_characters: 34_000,
        structured,
    }
}

#[test]
fn what_the_client_received_is_shown_beside_the_output() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = cards();
        let answers = ClientResponses::default();
        answers.add(answer(
            "1\n[... 1199998 characters left out here ...]\n\n[snippet 3: error, return code 1, 3 ms]",
            true,
        ));
        view.records.client_responses = Some(Arc::new(answers));
        select(&mut view, 2);
        key(&mut view, KeyCode::Char('m'));
        assert_snapshot!(format!("received_{name}"), text(&mut view, width, height));
        assert!(width < 100 || text(&mut view, width, height).contains("File \"<snippet 3>\""), "all that came of it");
        key(&mut view, KeyCode::Tab);
        assert!(text(&mut view, width, height).contains("\"snippet\": 3"));
        key(&mut view, KeyCode::Tab);
        assert!(text(&mut view, width, height).contains("output of 3"), "the output itself is one of the views");
        press(&mut view, KeyCode::BackTab, KeyModifiers::SHIFT);
        assert!(text(&mut view, width, height).contains("\"snippet\": 3"));
        key(&mut view, KeyCode::Esc);
        assert!(view.layers.pager().is_none() && view.viewport.selected == Some(2));
        key(&mut view, KeyCode::Up);
        key(&mut view, KeyCode::Char('m'));
        assert_eq!(view.notice.as_deref(), Some("no client received anything about 2"));
    }
}

/// On a wide screen, both panes are in sight. Keys move the pane with the bright rule, and Tab changes the pane.
#[test]
fn output_and_what_was_received_side_by_side() {
    let mut story = Story::default();
    let lines = (0..200).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    story.ran(&client(1, "claude-code"), "flood()", &lines, ok(3));
    let mut view = story.view();
    let answers = ClientResponses::default();
    let received = format!("line 0\n[... 1300 characters left out here ...]\n{}", "line 199\n".repeat(60));
    answers.add(ClientResponse { snippet: SnippetId(1), status: Status::Ok, ..answer(&received, true) });
    view.records.client_responses = Some(Arc::new(answers));
    screen(&mut view, 120, 40);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    key(&mut view, KeyCode::Char('m'));
    let both = text(&mut view, 120, 40);
    assert_snapshot!("beside_wide", both);
    assert_snapshot!("beside_medium", text(&mut view, 80, 24));
    assert_snapshot!("beside_compact", text(&mut view, 40, 12));
    let halves = |view: &mut View, row: usize| {
        let line = text(view, 120, 40).lines().nth(row).unwrap().to_owned();
        let (left, right) = line.split_once('│').unwrap();
        (left.trim().to_owned(), right.trim().to_owned())
    };
    assert_eq!(halves(&mut view, 2), ("line 1".into(), "[... 1300 characters left out here ...]".into()));
    key(&mut view, KeyCode::Down);
    assert_eq!(halves(&mut view, 1), ("line 0".into(), "[... 1300 characters left out here ...]".into()));
    key(&mut view, KeyCode::Tab);
    assert!(halves(&mut view, 1).1.starts_with('{'), "its structured content, beside the same output");
    key(&mut view, KeyCode::Tab);
    key(&mut view, KeyCode::End);
    assert_eq!(halves(&mut view, 38), ("line 199".into(), String::new()));
    typed(&mut view, "/line 77\n");
    while view.search() {}
    assert_eq!(halves(&mut view, 1), ("line 77".into(), "{".into()), "the search is in what the keys move");
    press(&mut view, KeyCode::BackTab, KeyModifiers::SHIFT);
    assert_eq!(halves(&mut view, 1).0, "line 77", "each keeps its place");
    let wheel = |view: &mut View, column: u16| {
        let kind = crossterm::event::MouseEventKind::ScrollUp;
        let wheel = crossterm::event::MouseEvent { kind, column, row: 10, modifiers: KeyModifiers::NONE };
        view.on_terminal(&Event::Mouse(wheel), NOW);
    };
    wheel(&mut view, 10);
    assert_eq!(halves(&mut view, 1).0, "line 74", "the wheel moves what is under it");
    // The output alone has the width of the screen.
    key(&mut view, KeyCode::Esc);
    key(&mut view, KeyCode::Enter);
    let alone = text(&mut view, 120, 40);
    assert!(alone.contains("output of 1") && !alone.contains('│'), "{alone}");
    key(&mut view, KeyCode::Tab);
    assert!(text(&mut view, 120, 40).contains('│'));
}

/// A session whose last snippet has a safe point before it, and wrote a file.
fn with_safe_point() -> (View, SnippetId) {
    let mut story = story();
    let last = story.ran(&client(1, "claude-code"), "df.to_csv('out.csv'); x = 1", "", ok(1));
    let mut effects = SideEffects::default();
    effects.add(SideEffect::new(SideEffectKind::Write, "out.csv"));
    story.apply(&SessionEvent::Effects { snippet: last, effects: effects.into() });
    let before = SnippetId(last.0 - 1);
    story.apply(&SessionEvent::SafePoints([SafePoint { since: before, snippet: before }].into()));
    (story.view(), last)
}

#[test]
fn a_key_goes_back_to_before_a_card_when_pressed_twice() {
    let (mut view, last) = with_safe_point();
    text(&mut view, 120, 40);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    assert!(text(&mut view, 120, 40).contains("U back to before"), "{}", text(&mut view, 120, 40));
    assert_eq!(key(&mut view, KeyCode::Char('U')), None);
    let asked = text(&mut view, 120, 40);
    assert!(asked.contains(&format!("U again: back to before {last} (not: snippet {last} wrote out.csv)")), "{asked}");
    assert_eq!(key(&mut view, KeyCode::Esc), None);
    assert!(!text(&mut view, 120, 40).contains("U again"), "it is cancelled");
    key(&mut view, KeyCode::Char('U'));
    assert_eq!(key(&mut view, KeyCode::Char('U')), Some(Effect::Submit(format!("%rewind {last}").into())));
    text(&mut view, 120, 40);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    key(&mut view, KeyCode::Char('k'));
    key(&mut view, KeyCode::Char('U'));
    let refused = text(&mut view, 120, 40);
    assert!(
        refused.contains(&format!("there is no safe point right before it; there is one before {last}")),
        "{refused}"
    );
}
