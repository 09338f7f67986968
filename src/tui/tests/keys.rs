//! Keys of the dashboard, wherever the person is.

use super::*;
use crate::domain::{Author, Candidate, Completions, Event as SessionEvent, Insight, InsightKind, SnippetId, Stuck};
use crate::tui::fixtures::{Story, client, long_story, ok, story};
use crate::tui::transcript::viewport::Anchor;

fn submit(code: &str) -> Effect {
    Effect::Submit(code.into())
}

fn idle() -> View {
    Story::default().view()
}

#[test]
fn enter_runs_what_is_complete() {
    let mut view = idle();
    assert_eq!(typed(&mut view, "x = 1\n"), Some(submit("x = 1")));
    assert!(view.composer.editor.is_empty(), "the input is cleared for the next one");
    assert_eq!(typed(&mut view, "\n"), None, "nothing is not run");
    assert_eq!(typed(&mut view, "f(\n"), None);
    assert_eq!(typed(&mut view, "1)\n"), Some(submit("f(\n    1)")));
}

fn candidates(names: &[(&str, &str)], from: usize) -> Insight {
    let candidate = |(name, kind): &(&str, &str)| Candidate {
        text: (*name).to_owned(),
        name: (*name).to_owned(),
        kind: (*kind).to_owned(),
    };
    let candidates = names.iter().map(candidate).collect();
    Insight::Completions(Completions { from, candidates, left_out: 0 })
}

/// Answers the newest question.
fn answer(view: &mut View, insight: Insight) {
    let asked = view.composer.completion.take_questions().pop().expect("nothing was asked");
    view.on_insight(asked.id, Some(insight));
}

#[test]
fn tab_completes_what_is_certain_and_offers_the_rest() {
    let mut view = idle();
    typed(&mut view, "os.pa");
    view.composer.completion.take_questions();
    key(&mut view, KeyCode::Tab);
    answer(&mut view, candidates(&[("pathconf", "function"), ("pathsep", "str")], 3));
    assert_eq!(view.composer.editor.code(), "os.path");
    key(&mut view, KeyCode::Down);
    assert_eq!(key(&mut view, KeyCode::Enter), None, "Enter takes the chosen one and does not run");
    assert_eq!(view.composer.editor.code(), "os.pathsep");
    assert_eq!(key(&mut view, KeyCode::Enter), Some(submit("os.pathsep")));
    typed(&mut view, "imp");
    key(&mut view, KeyCode::Tab);
    answer(&mut view, candidates(&[("import", "keyword")], 0));
    assert_eq!(view.composer.editor.code(), "import", "the only one is put in at once");
    key(&mut view, KeyCode::Tab);
    answer(&mut view, candidates(&[], 0));
    assert_eq!(view.notice.as_deref(), Some("nothing to complete here"));
}

#[test]
fn candidates_that_a_dot_brought_do_not_take_enter() {
    let mut view = idle();
    typed(&mut view, "x.");
    answer(&mut view, candidates(&[("real", "int"), ("imag", "int")], 2));
    assert!(text(&mut view, 80, 24).contains("imag"));
    typed(&mut view, "re");
    assert!(!text(&mut view, 80, 24).contains("imag"), "typing narrows");
    assert_eq!(key(&mut view, KeyCode::Enter), Some(submit("x.re")));
    assert!(view.composer.completion.popup.is_none());
}

#[test]
fn an_answer_that_no_longer_fits_is_dropped() {
    let mut view = idle();
    typed(&mut view, "pri");
    key(&mut view, KeyCode::Tab);
    let asked = view.composer.completion.take_questions().pop().unwrap();
    key(&mut view, KeyCode::Backspace);
    view.on_insight(asked.id, Some(candidates(&[("print", "function"), ("private", "int")], 0)));
    assert!(view.composer.completion.popup.is_none() && view.composer.editor.code() == "pr");
    key(&mut view, KeyCode::Tab);
    let older = view.composer.completion.take_questions().pop().unwrap();
    key(&mut view, KeyCode::Tab);
    view.on_insight(older.id, Some(candidates(&[("print", "function")], 0)));
    assert_eq!(view.composer.editor.code(), "pr", "only the newest question counts");
    answer(&mut view, candidates(&[("print", "function"), ("private", "int")], 0));
    assert_eq!(view.composer.editor.code(), "pri");
    key(&mut view, KeyCode::Esc);
    assert!(view.composer.completion.popup.is_none());
    key(&mut view, KeyCode::Tab);
    typed(&mut view, "\n");
    answer(&mut view, candidates(&[("print", "function"), ("private", "int")], 0));
    assert!(
        view.composer.completion.popup.is_none() && view.composer.editor.is_empty(),
        "nothing is offered for what has run"
    );
}

#[test]
fn what_was_left_out_is_asked_for_when_more_was_typed_meanwhile() {
    let mut view = idle();
    typed(&mut view, "os.");
    let asked = view.composer.completion.take_questions().pop().unwrap();
    typed(&mut view, "pa");
    let mut first = candidates(&[("abort", "function"), ("pardir", "str"), ("pathsep", "str")], 3);
    if let Insight::Completions(completions) = &mut first {
        completions.left_out = 100;
    }
    view.on_insight(asked.id, Some(first));
    assert!(text(&mut view, 80, 24).contains("pardir"), "what is known is shown");
    key(&mut view, KeyCode::Tab);
    assert_eq!(view.composer.editor.code(), "os.pa", "others may begin otherwise");
    let asked = view
        .composer
        .completion
        .take_questions()
        .into_iter()
        .find(|asked| asked.question.about == InsightKind::Completion);
    let all = candidates(&[("pardir", "str"), ("path", "module"), ("pathsep", "str")], 3);
    view.on_insight(asked.expect("the rest was not asked for").id, Some(all));
    let screen = text(&mut view, 80, 24);
    assert!(screen.contains("path  ") && !screen.contains("103"), "{screen}");
    assert_eq!(
        view.composer.completion.popup.as_ref().and_then(|popup| popup.selected()).map(|one| &*one.name),
        Some("pardir")
    );
}

#[test]
fn a_block_is_indented_and_runs_after_an_empty_line() {
    let mut view = idle();
    assert_eq!(typed(&mut view, "def f(x):\nif x:\nreturn 1\n"), None);
    assert_eq!(view.composer.editor.code(), "def f(x):\n    if x:\n        return 1\n    ");
    assert_eq!(typed(&mut view, "\n"), Some(submit("def f(x):\n    if x:\n        return 1")));
    typed(&mut view, "if x:\ny\nelse:");
    assert_eq!(view.composer.editor.code(), "if x:\n    y\nelse:", "a clause goes back to its statement");
}

#[test]
fn alt_enter_and_ctrl_j_begin_a_line() {
    let mut view = idle();
    typed(&mut view, "x = 1");
    assert_eq!(press(&mut view, KeyCode::Enter, KeyModifiers::ALT), None);
    assert_eq!(ctrl(&mut view, 'j'), None);
    assert_eq!(view.composer.editor.code(), "x = 1\n\n");
}

#[test]
fn enter_in_the_middle_begins_a_line() {
    let mut view = idle();
    view.on_terminal(&Event::Paste("a = 1\nb = 2".into()), NOW);
    key(&mut view, KeyCode::Up);
    assert_eq!(key(&mut view, KeyCode::Enter), None);
    key(&mut view, KeyCode::Down);
    assert_eq!(key(&mut view, KeyCode::Enter), Some(submit("a = 1\n\nb = 2")));
}

#[test]
fn a_paste_is_one_edit_and_never_runs() {
    let mut view = idle();
    let pasted = Event::Paste("a = 1\r\nb = 2\rprint(a)\n\u{1b}[31m".into());
    assert_eq!(view.on_terminal(&pasted, NOW), None);
    assert_eq!(view.composer.editor.code(), "a = 1\nb = 2\nprint(a)\n[31m");
    ctrl(&mut view, '7');
    assert_eq!(view.composer.editor.code(), "", "one undo takes it back");
}

#[test]
fn tab_and_backspace_know_the_stops() {
    let mut view = idle();
    key(&mut view, KeyCode::Tab);
    typed(&mut view, "x");
    assert_eq!(view.composer.editor.code(), "    x");
    ctrl(&mut view, 'a');
    press(&mut view, KeyCode::BackTab, KeyModifiers::SHIFT);
    assert_eq!(view.composer.editor.code(), "x");
    ctrl(&mut view, 'c');
    key(&mut view, KeyCode::Tab);
    key(&mut view, KeyCode::Tab);
    key(&mut view, KeyCode::Backspace);
    assert_eq!(view.composer.editor.code(), "    ");
}

#[test]
fn ctrl_c_interrupts_whoever_asked_and_clears_when_idle() {
    let mut view = story().view();
    typed(&mut view, "kept");
    assert_eq!(ctrl(&mut view, 'c'), Some(Effect::Interrupt));
    assert_eq!(view.composer.editor.code(), "kept");
    let mut view = idle();
    typed(&mut view, "gone");
    assert_eq!(ctrl(&mut view, 'c'), None);
    assert!(view.composer.editor.is_empty());
    assert_eq!(ctrl(&mut view, 'c'), None, "it never quits");
}

#[test]
fn ctrl_d_quits_on_empty_input_and_asks_if_something_runs() {
    let mut view = idle();
    typed(&mut view, "ab");
    ctrl(&mut view, 'a');
    assert_eq!(ctrl(&mut view, 'd'), None);
    assert_eq!(view.composer.editor.code(), "b", "on input it deletes");
    ctrl(&mut view, 'd');
    assert_eq!(ctrl(&mut view, 'd'), Some(Effect::Quit));

    let mut view = story().view();
    assert_eq!(ctrl(&mut view, 'd'), None);
    assert!(text(&mut view, 80, 24).contains("15 is running: Ctrl-D again quits; Esc stays"));
    key(&mut view, KeyCode::Esc);
    assert_eq!(ctrl(&mut view, 'd'), None, "it asks again");
    typed(&mut view, "y");
    assert_eq!(view.composer.editor.code(), "y", "no letter answers");
    ctrl(&mut view, 'c');
    let mut view = story().view();
    ctrl(&mut view, 'd');
    assert_eq!(ctrl(&mut view, 'd'), Some(Effect::Quit));
}

#[test]
fn suspend_and_redraw_are_asked_for() {
    let mut view = idle();
    assert_eq!(ctrl(&mut view, 'z'), Some(Effect::Suspend));
    assert_eq!(ctrl(&mut view, 'l'), Some(Effect::Redraw));
}

#[test]
fn history_is_mine_and_keeps_the_draft() {
    let mut story = Story::default();
    story.ran(&Author::You, "first()", "", ok(1));
    story.ran(&client(1, "claude"), "theirs()", "", ok(1));
    story.ran(&Author::You, "second(\n1)", "", ok(1));
    story.ran(&Author::You, "second(\n1)", "", ok(1));
    let mut view = story.view();
    key(&mut view, KeyCode::Up);
    assert_eq!(view.composer.editor.code(), "second(\n1)");
    key(&mut view, KeyCode::Up);
    assert_eq!(view.composer.editor.code(), "second(\n1)", "within the input, Up moves the cursor");
    key(&mut view, KeyCode::Up);
    assert_eq!(view.composer.editor.code(), "first()", "the same input twice is one step");
    key(&mut view, KeyCode::Up);
    assert_eq!(view.composer.editor.code(), "first()");
    key(&mut view, KeyCode::Down);
    assert_eq!(view.composer.editor.code(), "second(\n1)");
    key(&mut view, KeyCode::Down);
    assert_eq!(view.composer.editor.code(), "");
    key(&mut view, KeyCode::Down);
    assert_eq!(view.composer.editor.code(), "");
}

#[test]
fn escape_takes_one_layer_away() {
    let mut view = long_story(30).view();
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::PageUp);
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::F(1));
    key(&mut view, KeyCode::Esc);
    assert_eq!(view.layers.iter().len(), 1);
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty() && view.viewport.anchor != Anchor::Follow);
    key(&mut view, KeyCode::Esc);
    assert_eq!(view.viewport.anchor, Anchor::Follow);
}

#[test]
fn cards_are_selected_and_unfolded() {
    let mut view = long_story(30).view();
    screen(&mut view, 80, 24);
    for _ in 0..10 {
        press(&mut view, KeyCode::Up, KeyModifiers::ALT);
        screen(&mut view, 80, 24);
    }
    assert_eq!(view.viewport.selected, Some(20));
    assert!(text(&mut view, 80, 24).contains("›21  claude-code"), "{}", text(&mut view, 80, 24));
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    assert!(text(&mut view, 80, 24).contains("▸ traceback, 8 lines"));
    key(&mut view, KeyCode::F(5));
    assert!(text(&mut view, 80, 24).contains("▾ traceback, 8 lines"));
    for _ in 0..12 {
        press(&mut view, KeyCode::Down, KeyModifiers::ALT);
        screen(&mut view, 80, 24);
    }
    assert_eq!((view.viewport.selected, view.viewport.anchor), (None, Anchor::Follow));
}

#[test]
fn a_run_follows_the_end_again() {
    let mut view = long_story(30).view();
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::PageUp);
    typed(&mut view, "x\n");
    assert_eq!(view.viewport.anchor, Anchor::Follow);
}

#[test]
fn an_interrupt_that_is_ignored_is_told() {
    let mut view = story().view();
    ctrl(&mut view, 'c');
    assert!(text(&mut view, 120, 40).contains("15 interrupting 0:42"));
    view.pending.interrupt = Some((SnippetId(15), NOW - 3_000));
    assert!(text(&mut view, 120, 40).contains("15 ignores the interrupt and runs on"));
    let frames = vec!["  File \"<snippet 15>\", line 1 in f".to_owned()];
    let stuck = Some(Stuck { since: NOW - 12_000, stack: frames }.into());
    view.apply(&SessionEvent::Stuck { snippet: SnippetId(15), stuck });
    assert!(
        text(&mut view, 120, 40)
            .contains("15 has been in a C call for 0:12; only a restart (F8) can stop it: \"<snippet 15>\"")
    );
    let outcome = ok(1).into();
    view.apply(&SessionEvent::Finished { snippet: SnippetId(15), outcome, at: NOW });
    assert!(text(&mut view, 120, 40).contains(" ready"));
}

#[test]
fn emacs_keys_belong_to_the_editor() {
    let mut view = idle();
    typed(&mut view, "one two");
    ctrl(&mut view, 'w');
    assert_eq!(view.composer.editor.code(), "one ");
    ctrl(&mut view, 'y');
    ctrl(&mut view, 'a');
    ctrl(&mut view, 'k');
    assert_eq!(view.composer.editor.code(), "");
    ctrl(&mut view, 'y');
    assert_eq!(view.composer.editor.code(), "one two");
}

#[test]
fn the_cursor_is_where_the_next_character_goes() {
    let mut view = idle();
    typed(&mut view, "x = '漢");
    assert_eq!(screen(&mut view, 80, 24).1, Some(Position { x: 3 + 7, y: 20 }));
    typed(&mut view, &"y".repeat(100));
    let (buffer, cursor) = screen(&mut view, 80, 24);
    assert_eq!(cursor, Some(Position { x: 3 + 31, y: 21 }), "{:?}", rows(&buffer));
    let mut view = idle();
    view.on_terminal(&Event::Paste("\t'👨‍👩‍👧🇫🇷e\u{301}'".into()), NOW);
    assert_eq!(screen(&mut view, 80, 24).1, Some(Position { x: 3 + 4 + 1 + 2 + 2 + 1 + 1, y: 20 }));
    typed(&mut view, "; def");
    let (buffer, _) = screen(&mut view, 80, 24);
    assert_eq!(buffer[(3 + 13, 20)].symbol(), "d");
    assert_eq!(buffer[(3 + 13, 20)].fg, ratatui::style::Color::Magenta, "colours follow what is on the screen");
}

#[test]
fn under_the_help_nothing_runs() {
    let mut view = idle();
    typed(&mut view, "x");
    key(&mut view, KeyCode::F(1));
    assert_eq!(typed(&mut view, "yz\n"), None);
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty());
    assert_eq!(view.composer.editor.code(), "x");
    assert_eq!(typed(&mut view, "\n"), Some(submit("x")));
}

#[test]
fn pasted_code_loses_the_indentation_it_came_with() {
    let mut view = idle();
    view.on_terminal(&Event::Paste("\n    a = 1\n\n    b = 2".into()), NOW);
    assert_eq!(key(&mut view, KeyCode::Enter), Some(submit("a = 1\n\nb = 2")));
}

#[test]
fn an_input_changed_after_it_was_called_back_is_not_lost() {
    let mut story = Story::default();
    story.ran(&Author::You, "first()", "", ok(1));
    story.ran(&Author::You, "second()", "", ok(1));
    let mut view = story.view();
    key(&mut view, KeyCode::Up);
    typed(&mut view, " + 1");
    key(&mut view, KeyCode::Up);
    assert_eq!(view.composer.editor.code(), "first()");
    key(&mut view, KeyCode::Down);
    key(&mut view, KeyCode::Down);
    assert_eq!(view.composer.editor.code(), "second() + 1");
}

#[test]
fn words_are_moved_over_and_deleted_by_the_keys_of_any_system() {
    let mut view = idle();
    typed(&mut view, "one two three");
    press(&mut view, KeyCode::Backspace, KeyModifiers::CONTROL);
    assert_eq!(view.composer.editor.code(), "one two ");
    press(&mut view, KeyCode::Left, KeyModifiers::ALT);
    press(&mut view, KeyCode::Left, KeyModifiers::ALT);
    press(&mut view, KeyCode::Delete, KeyModifiers::CONTROL);
    assert_eq!(view.composer.editor.code(), " two ");
    press(&mut view, KeyCode::Right, KeyModifiers::ALT);
    typed(&mut view, "2");
    assert_eq!(view.composer.editor.code(), " two2 ");
}
