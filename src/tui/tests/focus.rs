//! The focus: what has the keys is seen, and the cursor is there.

use super::*;
use crate::domain::VariableKind;
use crate::tui::fixtures::{Story, story, variable};

/// A view with its first frame at this size.
fn shown(width: u16, height: u16) -> View {
    let mut view = story().view();
    screen(&mut view, width, height);
    view
}

/// The text at the cursor, up to the next gap.
fn at_cursor(view: &mut View, width: u16, height: u16) -> String {
    let (buffer, cursor) = screen(view, width, height);
    let cursor = cursor.expect("a cursor");
    let row: Vec<&str> = (cursor.x..width).map(|x| buffer[(x, cursor.y)].symbol()).collect();
    row.concat().split("  ").next().unwrap_or_default().trim().to_owned()
}

#[test]
fn f4_takes_the_keys_of_the_list_and_shows_that_it_did() {
    for (width, height) in [(200, 60), (120, 40), (80, 24), (40, 12)] {
        let mut view = shown(width, height);
        key(&mut view, KeyCode::F(4));
        assert_eq!(at_cursor(&mut view, width, height), "by_day", "at {width}: the cursor is at the first variable");
        key(&mut view, KeyCode::Char('j'));
        assert_eq!(at_cursor(&mut view, width, height), "df");
        let (buffer, cursor) = screen(&mut view, width, height);
        let cursor = cursor.unwrap();
        assert!(buffer[cursor].modifier.contains(ratatui::style::Modifier::REVERSED), "at {width}: it looks selected");
        typed(&mut view, "zxw1");
        assert!(view.composer.editor.is_empty(), "at {width}: no letter goes to the input");
    }
}

#[test]
fn letters_without_a_meaning_say_how_to_come_back() {
    let mut view = shown(120, 40);
    key(&mut view, KeyCode::F(4));
    typed(&mut view, "z");
    assert_eq!(view.notice.as_deref(), Some("no action on z; Tab: to the input"));
}

#[test]
fn tab_and_escape_give_the_keys_back() {
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        for back in [KeyCode::Tab, KeyCode::Esc, KeyCode::F(4)] {
            let mut view = shown(width, height);
            let before = screen(&mut view, width, height).1;
            typed(&mut view, "x = ");
            key(&mut view, KeyCode::F(4));
            if width >= 100 && back == KeyCode::F(4) {
                key(&mut view, back);
                assert!(text(&mut view, width, height).contains("3.4 MB"), "again: in full");
            }
            key(&mut view, back);
            let has_drawer = view.layers.list().is_some();
            assert_eq!(has_drawer, back == KeyCode::Tab && width < 100, "only Tab leaves the drawer open");
            typed(&mut view, "1");
            assert_eq!(view.composer.editor.code(), "x = 1");
            let after = screen(&mut view, width, height).1;
            assert_eq!(after.map(|at| at.y), before.map(|at| at.y), "the cursor is in the input");
        }
    }
}

#[test]
fn the_drawer_gets_the_keys_back_by_f4() {
    let mut view = shown(80, 24);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Tab);
    typed(&mut view, "s");
    key(&mut view, KeyCode::F(4));
    assert!(view.has_list_focus());
    typed(&mut view, "s");
    assert_eq!(view.composer.editor.code(), "s", "the second one sorts");
    assert!(text(&mut view, 80, 24).contains("variables, by name"));
}

#[test]
fn the_rule_above_the_input_is_dim_while_the_list_has_the_keys() {
    for (width, height) in [(120, 40), (80, 24)] {
        let mut view = shown(width, height);
        let rule = |view: &mut View| {
            let (buffer, _) = screen(view, width, height);
            let y = (0..height).rfind(|y| buffer[(0, *y)].symbol() == "─").unwrap();
            buffer[(0, y)].style().fg
        };
        let focused = rule(&mut view);
        key(&mut view, KeyCode::F(4));
        assert_ne!(rule(&mut view), focused);
        key(&mut view, KeyCode::Tab);
        assert_eq!(rule(&mut view), focused);
    }
}

#[test]
fn the_list_at_the_side_is_filtered_sorted_and_walked() {
    let mut story = Story::default();
    let name = |n: usize| variable(&format!("name_{n:02}"), VariableKind::Data, "int", "", "1");
    story.variables((0..90).map(name).collect());
    let mut view = story.view();
    screen(&mut view, 120, 40);
    key(&mut view, KeyCode::F(4));
    for _ in 0..50 {
        key(&mut view, KeyCode::Down);
    }
    assert_eq!(at_cursor(&mut view, 120, 40), "name_50");
    key(&mut view, KeyCode::End);
    assert_eq!(at_cursor(&mut view, 120, 40), "name_89");
    key(&mut view, KeyCode::PageUp);
    key(&mut view, KeyCode::Home);
    assert_eq!(at_cursor(&mut view, 120, 40), "name_00");
    typed(&mut view, "/_7");
    let filtered = text(&mut view, 120, 40);
    assert!(filtered.contains("/ _7") && filtered.contains("18 of 90") && filtered.contains("name_07"), "{filtered}");
    let (buffer, cursor) = screen(&mut view, 120, 40);
    let cursor = cursor.unwrap();
    assert_eq!(buffer[(cursor.x - 1, cursor.y)].symbol(), "7", "the cursor is in the filter");
    key(&mut view, KeyCode::Down);
    let second = view.variables.selected.clone().unwrap();
    let request = key(&mut view, KeyCode::Enter);
    assert!(matches!(request, Some(Effect::Inspect { request, .. }) if request.path == second));
    key(&mut view, KeyCode::Esc);
    key(&mut view, KeyCode::Esc);
    assert!(view.variables.query.is_none() && view.has_list_focus(), "one step at a time");
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty());
}

#[test]
fn pasted_text_goes_to_the_input_which_gets_the_keys() {
    for width in [120, 80] {
        let mut view = shown(width, 24);
        key(&mut view, KeyCode::F(4));
        view.on_terminal(&Event::Paste("x = 1".into()), NOW);
        assert!(!view.has_list_focus());
        assert_eq!(typed(&mut view, "\n"), Some(Effect::Submit("x = 1".into())));
    }
}

#[test]
fn names_stand_in_natural_order_and_data_comes_first() {
    let mut story = story();
    let mut rows: Vec<_> = ["g1", "g10", "g2", "H1"].map(|n| variable(n, VariableKind::Data, "int", "", "1")).into();
    rows.push(variable("a_function", VariableKind::Function, "function", "(x)", ""));
    rows.push(variable("AClass", VariableKind::Class, "type", "", ""));
    rows.push(variable("np", VariableKind::Module, "module", "", ""));
    // So many that the list at the side has no room for all, and the changed ones come first.
    rows.extend((0..60).map(|n| variable(&format!("f{n}"), VariableKind::Function, "function", "()", "")));
    story.variables(rows);
    let id = story.start(&crate::domain::Author::You, "def f59(): …");
    let mut outcome = crate::tui::fixtures::ok(1);
    outcome.changes.changed = vec!["f59".to_owned(), "g2".to_owned()];
    story.finish(id, outcome);
    let mut view = story.view();
    let listed: Vec<String> = crate::tui::variables::order::sorted(&view).iter().map(|v| v.name.clone()).collect();
    assert_eq!(listed[..8], ["g1", "g2", "g10", "H1", "AClass", "a_function", "f0", "f1"]);
    let screen = text(&mut view, 120, 40);
    let place = |name: &str| screen.find(&format!(" {name} ")).unwrap_or_else(|| panic!("{name}: {screen}"));
    assert!(place("g2") < place("g1") && place("g10") < place("AClass"), "{screen}");
    assert!(place("AClass") < place("f59") && place("f59") < place("f0"), "the changed one before its kind");
}

#[test]
fn a_filter_and_a_sorting_do_not_lose_the_selection() {
    let mut view = shown(80, 24);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Down);
    typed(&mut view, "ss");
    assert_eq!(at_cursor(&mut view, 80, 24), "df");
}

#[test]
fn nothing_has_run_and_the_list_takes_the_keys_all_the_same() {
    for width in [120, 80, 40] {
        let mut view = Story::default().view();
        screen(&mut view, width, 24);
        key(&mut view, KeyCode::F(4));
        assert!(screen(&mut view, width, 24).1.is_some());
        typed(&mut view, "x/gs\n");
        assert!(view.composer.editor.is_empty());
    }
}

#[test]
fn one_key_means_one_thing_in_every_view() {
    use crate::tui::input::keymap::{Action, Chord, Context, Keymap};
    let keymap = Keymap::default();
    let find = |key: &str, context| keymap.find(key.parse::<Chord>().unwrap().event(), &[context]);
    for context in [Context::Card, Context::Output, Context::Inspector] {
        for (key, action) in [
            ("right", Action::ColumnsRight),
            ("l", Action::ColumnsRight),
            ("left", Action::ColumnsLeft),
            ("h", Action::ColumnsLeft),
        ] {
            assert_eq!(find(key, context), Some(action), "{key} in {context:?}");
        }
    }
    let views =
        [Context::Card, Context::Output, Context::Figures, Context::Inspector, Context::Variables, Context::Help];
    for context in views {
        assert_eq!(find("esc", context), Some(Action::Back), "{context:?}");
        assert_eq!(find("q", context), Some(Action::Back), "{context:?}");
        for (one, other) in [("up", "k"), ("down", "j"), ("left", "h"), ("right", "l")] {
            assert_eq!(find(one, context), find(other, context), "{one} and {other} in {context:?}");
        }
    }
    // Tab goes to the next view; where there is only one, to the input.
    for (context, action) in [
        (Context::Output, Action::OtherView),
        (Context::Inspector, Action::NextAspect),
        (Context::Figures, Action::NextFigure),
        (Context::Variables, Action::ToInput),
        (Context::Card, Action::ToInput),
    ] {
        assert_eq!(find("tab", context), Some(action), "{context:?}");
    }
}
