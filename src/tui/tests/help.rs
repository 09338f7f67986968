//! The help: everywhere, about the place where the person is, and searched.

use insta::assert_snapshot;

use super::*;
use crate::tui::fixtures::{long_story, story};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;

const F1: KeyCode = KeyCode::F(1);

/// The first heading of the open help.
fn heading(view: &mut View) -> String {
    let screen = text(view, 80, 24);
    let title = screen.lines().enumerate().find_map(|(y, line)| Some((y, line, line.find("╭─ help ")?)));
    let (y, line, at) = title.unwrap_or_else(|| panic!("no help:\n{screen}"));
    let x = line[..at].chars().count();
    let below: String = screen.lines().nth(y + 1).unwrap().chars().skip(x + 1).collect();
    below.split('│').next().unwrap().trim().to_owned()
}

#[test]
fn f1_helps_everywhere_and_begins_with_the_place() {
    let places: [(&[Action], Context); 9] = [
        (&[], Context::Input),
        (&[Action::SelectUp], Context::Card),
        (&[Action::Output], Context::Output),
        (&[Action::Variables], Context::Variables),
        (&[Action::Palette], Context::Menu),
        (&[Action::Replay], Context::Menu),
        (&[Action::Export], Context::Prompt),
        (&[Action::Find], Context::Lookup),
        (&[Action::SearchHistory], Context::History),
    ];
    for (opened, context) in places {
        let mut view = long_story(3).view();
        text(&mut view, 80, 24);
        for action in opened {
            view.on_key(action.press(), NOW);
            text(&mut view, 80, 24);
        }
        let before = text(&mut view, 80, 24);
        key(&mut view, F1);
        assert_eq!(heading(&mut view), context.title(), "{opened:?}");
        key(&mut view, KeyCode::Esc);
        assert_eq!(text(&mut view, 80, 24), before, "{opened:?}: back where it was");
        key(&mut view, F1);
        key(&mut view, F1);
        assert_eq!(text(&mut view, 80, 24), before, "{opened:?}: F1 closes it too");
    }
}

#[test]
fn f1_helps_while_the_pager_asks_and_in_the_inspector() {
    let mut view = story().view();
    text(&mut view, 80, 24);
    key(&mut view, KeyCode::F(6));
    typed(&mut view, "/epoch");
    key(&mut view, F1);
    assert_eq!(heading(&mut view), Context::Output.title());
    key(&mut view, KeyCode::Esc);
    typed(&mut view, "s");
    assert!(text(&mut view, 80, 24).contains("/epochs"), "the search goes on");

    let mut view = story().view();
    text(&mut view, 80, 24);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Enter);
    key(&mut view, F1);
    assert_eq!(heading(&mut view), Context::Inspector.title());
}

#[test]
fn at_a_question_the_help_begins_with_how_to_answer() {
    let mut view = crate::tui::fixtures::Story::default().view();
    let inquiry = crate::domain::Inquiry {
        number: 1,
        by: crate::tui::fixtures::client(1, "claude-code"),
        text: "Which file?".into(),
        choices: vec!["a.csv".into(), "b.csv".into()],
        at: 1_000,
    };
    view.apply(&crate::domain::Event::Inquired(inquiry.into()));
    screen(&mut view, 80, 24);
    view.on_terminal(&Event::Key(KeyEvent::new(F1, KeyModifiers::NONE)), 60_000);
    assert_eq!(heading(&mut view), "answering a question");
    let shown = text(&mut view, 80, 24);
    assert!(shown.contains("Ctrl-D             decline") && shown.contains("Enter              answer"), "{shown}");
}

#[test]
fn over_a_view_that_fills_the_screen_other_keys_of_the_session_wait() {
    let mut view = story().view();
    text(&mut view, 80, 24);
    key(&mut view, KeyCode::F(6));
    key(&mut view, F1);
    for code in [KeyCode::F(8), KeyCode::F(8), KeyCode::F(9), KeyCode::F(7), KeyCode::F(4)] {
        assert_eq!(key(&mut view, code), None);
        assert!(matches!(view.layers.top(), Some(Layer::Help(_))), "{code}");
    }
    // In the dashboard itself they do what they say.
    let mut view = story().view();
    key(&mut view, F1);
    key(&mut view, KeyCode::F(4));
    assert!(view.has_list_focus());
}

#[test]
fn the_help_is_searched_and_says_how_far_it_is() {
    let mut view = story().view();
    key(&mut view, F1);
    let all = text(&mut view, 80, 24);
    assert!(all.contains(" 1–"), "{all}");
    typed(&mut view, "/");
    let cursor = screen(&mut view, 80, 24).1;
    assert!(cursor.is_some_and(|cursor| cursor.y < 3), "the cursor is in the query");
    typed(&mut view, "copy card");
    assert_snapshot!("help_searched", text(&mut view, 80, 24));
    let found = text(&mut view, 80, 24);
    assert!(found.contains("on a selected card") && found.contains("copy the code"), "{found}");
    assert!(!found.contains("save the output to a file"), "{found}");
    typed(&mut view, "qqq");
    assert!(text(&mut view, 80, 24).contains("no key or action like that"));
    key(&mut view, KeyCode::Esc);
    assert_eq!(text(&mut view, 80, 24), all, "Esc shows all again");
    typed(&mut view, "/undo\n");
    assert!(text(&mut view, 80, 24).contains("undo, redo"));
    key(&mut view, KeyCode::Esc);
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty());
    for (width, height) in [(1, 1), (40, 12), (39, 11), (300, 100)] {
        key(&mut view, F1);
        typed(&mut view, "/漢\u{301}a very long query that is longer than the smallest of all the screens");
        screen(&mut view, width, height);
        view.layers.clear();
    }
}

#[test]
fn the_help_ends_with_the_session() {
    let mut view = story().view();
    key(&mut view, F1);
    key(&mut view, KeyCode::End);
    let end = text(&mut view, 80, 24);
    assert!(end.contains("fourhands bridge --session sales") && end.contains(" of "), "{end}");
    key(&mut view, KeyCode::Home);
    assert_eq!(heading(&mut view), Context::Input.title());
}
