//! The input beyond plain typing: suggestions, earlier inputs, their search, and vi's modes.

use std::sync::Arc;

use insta::assert_snapshot;

use super::*;
use crate::domain::Author;
use crate::session::Past;
use crate::tui::composer::editor::ViMode;
use crate::tui::composer::history::HistorySearch;
use crate::tui::fixtures::{Story, client, ok, story};

fn past(code: &str, author: &str, session: &str, hours: u64) -> Past {
    Past {
        code: code.into(),
        author: author.into(),
        mine: author == "you",
        session: session.into(),
        at: NOW - hours * 3_600_000,
        ok: !code.contains("wrong"),
    }
}

/// A view with the inputs of other sessions.
fn with_past() -> View {
    let mut view = story().view();
    view.on_past(Ok(vec![
        past("top = df.nlargest(10, \"revenue\")\ntop.to_csv(\"top.csv\")\nlen(top)", "you", "reports", 20),
        past("df.groupby(\"region\").revenue.agg([\"sum\", \"mean\"])", "you", "reports", 21),
        past("df.groupby(\"wrong\")", "claude-code", "reports", 22),
        past("import polars as pl", "you", "etl", 80),
    ]));
    view
}

/// Ranks as the loop does.
fn rank(view: &mut View) {
    while let Some(ranking) = view.layers.history_search_mut().and_then(HistorySearch::take_ranking) {
        view.layers.history_search_mut().unwrap().on_ranked(ranking.number, ranking.rank());
    }
}

#[test]
fn search() {
    let searched = |keys: &str| {
        let mut view = with_past();
        typed(&mut view, "draft");
        ctrl(&mut view, 'r');
        typed(&mut view, keys);
        rank(&mut view);
        view
    };
    assert_snapshot!("search_wide", text(&mut searched("top"), 120, 40));
    assert_snapshot!("search_medium", text(&mut searched("top"), 80, 24));
    assert_snapshot!("search_compact", text(&mut searched("top"), 40, 12));
    let mut view = searched("grp");
    key(&mut view, KeyCode::Tab);
    rank(&mut view);
    assert_snapshot!("search_all", text(&mut view, 80, 24));
    let mut view = searched("zebra");
    assert!(text(&mut view, 80, 24).contains("nothing found; Tab"));
    key(&mut view, KeyCode::Esc);
    assert_eq!(view.composer.editor.code(), "draft");
}

#[test]
fn what_is_found_goes_into_the_input_and_does_not_run() {
    let mut view = with_past();
    typed(&mut view, "draft");
    ctrl(&mut view, 'r');
    typed(&mut view, "revenue");
    rank(&mut view);
    ctrl(&mut view, 'r');
    assert_eq!(key(&mut view, KeyCode::Enter), None);
    assert_eq!(view.composer.editor.code(), "df.groupby(\"region\").revenue.agg([\"sum\", \"mean\"])");
    ctrl(&mut view, '7');
    assert_eq!(view.composer.editor.code(), "draft", "one undo brings back what was there");
}

#[test]
fn what_holds_the_query_comes_before_what_holds_its_letters() {
    let mut view = Story::default().view();
    view.on_past(Ok(vec![
        past("p = r.i(n, t)", "you", "a", 1),
        past("x = 1", "you", "a", 2),
        past("PRINT = 2", "you", "a", 3),
        past("print(x)", "you", "a", 4),
    ]));
    ctrl(&mut view, 'r');
    let found = |view: &mut View| {
        rank(view);
        let search = view.layers.history_search().unwrap();
        search.found.iter().map(|index| search.pool[*index].code.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(&mut view).len(), 4, "nothing asked, all is there");
    typed(&mut view, "print");
    assert_eq!(found(&mut view), ["PRINT = 2", "print(x)", "p = r.i(n, t)"]);
    typed(&mut view, " x");
    assert_eq!(found(&mut view), ["print(x)"]);
}

/// Rankings that began before more was typed.
#[test]
fn a_ranking_that_came_too_late_is_followed_by_another() {
    let mut view = with_past();
    ctrl(&mut view, 'r');
    typed(&mut view, "p");
    let first = view.layers.history_search_mut().unwrap().take_ranking().unwrap();
    typed(&mut view, "olars");
    assert!(view.layers.history_search_mut().unwrap().take_ranking().is_none(), "one after the other");
    view.layers.history_search_mut().unwrap().on_ranked(first.number, first.rank());
    rank(&mut view);
    assert_eq!(view.layers.history_search().unwrap().found.len(), 1);
    view.layers.history_search_mut().unwrap().on_ranked(first.number, Arc::new([7, 8, 9]));
    assert!(text(&mut view, 80, 24).contains("import polars"));
}

#[test]
fn grey_text_goes_on_as_an_earlier_input_did() {
    let mut view = with_past();
    typed(&mut view, "df.g");
    let shown = text(&mut view, 120, 40);
    assert!(shown.contains("df.groupby(\"region\").revenue.agg"), "{shown}");
    let (buffer, cursor) = screen(&mut view, 120, 40);
    let cursor = cursor.unwrap();
    assert!(buffer[cursor].modifier.contains(ratatui::style::Modifier::DIM), "it is told apart");
    assert_eq!(view.composer.editor.code(), "df.g", "it is not there yet");
    press(&mut view, KeyCode::Char('f'), KeyModifiers::ALT);
    assert_eq!(view.composer.editor.code(), "df.groupby");
    key(&mut view, KeyCode::Right);
    assert_eq!(view.composer.editor.code(), "df.groupby(\"region\").revenue.agg([\"sum\", \"mean\"])");
    view.composer.editor.clear();
    typed(&mut view, "tox");
    assert!(view.suggestion().is_none());
    key(&mut view, KeyCode::Backspace);
    screen(&mut view, 120, 40);
    assert!(text(&mut view, 80, 24).contains("top = df.nlargest(10, \"revenue\") ⏎ 2 more lines"));
    key(&mut view, KeyCode::Left);
    screen(&mut view, 120, 40);
    assert!(view.suggestion().is_none(), "only at the end of the text");
    key(&mut view, KeyCode::Right);
    ctrl(&mut view, 'e');
    assert!(view.composer.editor.code().ends_with("len(top)"), "all lines come in");
    assert_eq!(typed(&mut view, "\n").map(|effect| matches!(effect, Effect::Submit(_))), Some(true));
}

#[test]
fn up_finds_what_begins_with_what_is_typed() {
    let mut view = with_past();
    typed(&mut view, "df.");
    key(&mut view, KeyCode::Up);
    assert_eq!(
        view.composer.editor.code(),
        "df.groupby(\"region\").revenue.agg([\"sum\", \"mean\"])",
        "not what clients ran"
    );
    key(&mut view, KeyCode::Up);
    assert!(view.composer.editor.code().starts_with("df.groupby(\"region\")"), "there is no other");
    key(&mut view, KeyCode::Down);
    assert_eq!(view.composer.editor.code(), "df.");
    key(&mut view, KeyCode::Up);
    typed(&mut view, ".T");
    key(&mut view, KeyCode::Up);
    key(&mut view, KeyCode::Down);
    assert_eq!(view.composer.editor.code(), "df.", "the draft is kept");
    key(&mut view, KeyCode::Down);
    assert!(view.composer.editor.code().ends_with("]).T"), "and so is what was changed");
}

#[test]
fn the_draft_is_never_lost_however_one_looks_around() {
    let mut story = Story::default();
    for code in ["a1", "a2", "b1", "a3"] {
        story.ran(&Author::You, code, "", ok(1));
    }
    story.ran(&client(1, "claude"), "a4", "", ok(1));
    let mut view = story.view();
    typed(&mut view, "a");
    let up = |view: &mut View| {
        key(view, KeyCode::Up);
        view.composer.editor.code()
    };
    assert_eq!([up(&mut view), up(&mut view), up(&mut view), up(&mut view)], ["a3", "a2", "a1", "a1"]);
    let codes: Vec<_> = (0..4)
        .map(|_| {
            key(&mut view, KeyCode::Down);
            view.composer.editor.code()
        })
        .collect();
    assert_eq!(codes, ["a2", "a3", "a", "a"]);
}

#[test]
fn vi_modes_are_told() {
    let mut view = story().view();
    view.composer.editor.use_vi(true);
    typed(&mut view, "top = df.head()");
    key(&mut view, KeyCode::Esc);
    assert_eq!(view.composer.editor.mode(), ViMode::Normal);
    typed(&mut view, "bbvb");
    assert_snapshot!("vi_wide", text(&mut view, 120, 40));
    assert_snapshot!("vi_medium", text(&mut view, 80, 24));
    assert_snapshot!("vi_compact", text(&mut view, 40, 12));
    let (buffer, _) = screen(&mut view, 80, 24);
    let marked = |x: u16| buffer[(x, 20)].modifier.contains(ratatui::style::Modifier::REVERSED);
    assert!(marked(3 + 8) && marked(3 + 9) && !marked(3 + 7) && !marked(3 + 10), "{:#?}", rows(&buffer));
    typed(&mut view, "d");
    assert_eq!(view.composer.editor.code(), "top = dfead()");
    typed(&mut view, "u");
    assert_eq!(view.composer.editor.code(), "top = df.head()");
    ctrl(&mut view, 'r');
    assert_eq!(view.composer.editor.code(), "top = dfead()", "it is no search then");
    typed(&mut view, "u");
    assert_eq!(key(&mut view, KeyCode::Enter), Some(Effect::Submit("top = df.head()".into())));
    assert_eq!(typed(&mut view, "xk"), None);
    assert_eq!(view.composer.editor.code(), "xk", "the next input is typed at once");
}

/// Python's indentation in the right cells.
#[test]
fn a_pair_of_brackets_is_marked() {
    let mut view = story().view();
    typed(&mut view, "f((1), x)");
    let (buffer, _) = screen(&mut view, 80, 24);
    let marked: Vec<u16> =
        (0..20).filter(|x| buffer[(3 + x, 20)].modifier.contains(ratatui::style::Modifier::UNDERLINED)).collect();
    assert_eq!(marked, [1, 8]);
}
