use insta::assert_snapshot;

use super::*;
use crate::domain::{Aspect, InspectError, InspectRequest, Inspection, TablePage, TextPage};
use crate::tui::fixtures::{Story, ok, story};

fn table(title: &str, headers: &[&str], rows: &[&[&str]], total: u64) -> TablePage {
    let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    TablePage {
        title: title.to_owned(),
        headers: owned(headers),
        rows: rows.iter().map(|row| owned(row)).collect(),
        offset: 0,
        total: Some(total),
        has_more: total > rows.len() as u64,
    }
}

fn frame() -> Inspection {
    let columns: &[&[&str]] = &[
        &["day", "datetime64[us]", "0", "326", "2026-01-01", "2026-11-22", "2026-01-01"],
        &["region", "str", "12", "4", "", "", "north"],
        &["revenue", "float64", "0", "40112", "-3.5", "9120.25", "10.5"],
    ];
    let rows: &[&[&str]] = &[&["0", "2026-01-01", "north", "10.5"], &["1", "2026-01-01", "sou\u{1b}[31mth\n漢", "4.0"]];
    Inspection {
        path: "df".to_owned(),
        type_name: "pandas.DataFrame".to_owned(),
        shape: "48210×9".to_owned(),
        size: Some(3_400_000),
        length: Some(48_210),
        tables: vec![
            table("columns", &["column", "dtype", "nulls", "unique", "min", "max", "first"], columns, 3),
            table("rows", &["", "day", "region", "revenue"], rows, 48_210),
        ],
        aspects: vec![Aspect::Overview, Aspect::Columns, Aspect::Rows, Aspect::Attributes, Aspect::Repr, Aspect::Doc],
        notes: vec!["sampled: unique is of every 101st row".to_owned()],
        ..Inspection::default()
    }
}

fn inspect(path: &str, aspect: Aspect, page: u32, number: u32) -> Effect {
    Effect::Inspect { request: InspectRequest { path: path.to_owned(), aspect, page }, number }
}

/// The inspector on `df`, waiting for its answer.
fn open() -> View {
    let mut view = story().view();
    screen(&mut view, 120, 40);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Down);
    assert_eq!(key(&mut view, KeyCode::Enter), Some(inspect("df", Aspect::Overview, 0, 1)));
    view
}

#[test]
fn a_variable_is_chosen_in_the_list() {
    let mut view = story().view();
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::F(4));
    assert_snapshot!("choosing", text(&mut view, 80, 24));
    assert_snapshot!("choosing_wide", text(&mut view, 120, 40));
    assert_snapshot!("choosing_compact", text(&mut view, 40, 12));
    for _ in 0..20 {
        key(&mut view, KeyCode::Down);
    }
    let text = text(&mut view, 40, 12);
    assert!(text.contains("np"), "the chosen one is in sight: {text}");
    typed(&mut view, "x");
    assert!(view.composer.editor.is_empty(), "the list has the keys");
    key(&mut view, KeyCode::Tab);
    typed(&mut view, "x");
    assert_eq!(key(&mut view, KeyCode::Enter), Some(Effect::Submit("x".into())));
}

#[test]
fn the_inspector_at_each_size() {
    let mut view = open();
    assert_snapshot!("inspector_waiting", text(&mut view, 80, 24));
    view.on_inspected(1, Ok(Box::new(frame())), NOW);
    assert_snapshot!("inspector_wide", text(&mut view, 120, 40));
    assert_snapshot!("inspector_medium", text(&mut view, 80, 24));
    assert_snapshot!("inspector_compact", text(&mut view, 40, 12));
    key(&mut view, KeyCode::PageDown);
    assert!(text(&mut view, 40, 12).contains("region"));
    for (width, height) in [(1, 1), (39, 11), (300, 100)] {
        screen(&mut view, width, height);
    }
}

#[test]
fn its_keys_turn_to_other_views_and_pages() {
    let mut view = open();
    assert_eq!(key(&mut view, KeyCode::Tab), None, "nothing is known of it yet");
    view.on_inspected(1, Ok(Box::new(frame())), NOW);
    assert_eq!(key(&mut view, KeyCode::Tab), Some(inspect("df", Aspect::Columns, 0, 2)));
    assert!(text(&mut view, 80, 24).contains("looking …"));
    assert_eq!(key(&mut view, KeyCode::Tab), Some(inspect("df", Aspect::Rows, 0, 3)), "not to be waited for");
    let rows = Inspection { aspect: Aspect::Rows, ..frame() };
    view.on_inspected(2, Ok(Box::new(frame())), NOW);
    assert!(text(&mut view, 80, 24).contains("looking …"), "an answer to an earlier question");
    view.on_inspected(3, Ok(Box::new(rows)), NOW);
    assert_eq!(typed(&mut view, "n"), Some(inspect("df", Aspect::Rows, 1, 4)));
    assert_eq!(typed(&mut view, "p"), Some(inspect("df", Aspect::Rows, 0, 5)));
    assert_eq!(typed(&mut view, "r"), Some(inspect("df", Aspect::Rows, 0, 6)));
    assert_eq!(typed(&mut view, "x"), None);
    assert!(view.composer.editor.is_empty(), "nothing is typed unseen");
    key(&mut view, KeyCode::Esc);
    assert!(text(&mut view, 80, 24).contains("variables"), "the list is still open");
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty());
}

#[test]
fn what_could_not_be_told_and_what_is_stale() {
    let mut view = open();
    view.on_inspected(1, Err(InspectError::Busy { running: Some(crate::domain::SnippetId(15)), known: None }), NOW);
    assert!(text(&mut view, 80, 24).contains("Python runs snippet 15; r looks again when that has ended."));
    let mut view = {
        let mut story = Story::default();
        story.variables(vec![crate::tui::fixtures::variable(
            "f",
            crate::domain::VariableKind::Function,
            "function",
            "(x)",
            "",
        )]);
        story.view()
    };
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Enter);
    let source =
        TextPage { text: "def f(x):\n\treturn x\u{1b}[2J".to_owned(), offset: 0, total: Some(20), has_more: false };
    let answer = Inspection {
        path: "f".to_owned(),
        type_name: "function".to_owned(),
        signature: Some("f(x)".to_owned()),
        place: Some("<snippet 3>:1".to_owned()),
        text: Some(source),
        ..Inspection::default()
    };
    view.on_inspected(1, Ok(Box::new(answer)), NOW);
    let shown = text(&mut view, 80, 24);
    assert!(shown.contains("    return x") && shown.contains("<snippet 3>:1") && !shown.contains("since"), "{shown}");
    let mut later = Story { transcript: view.transcript.clone(), ..Story::default() };
    later.ran(&crate::domain::Author::You, "1", "", ok(1));
    view.replace(later.transcript);
    assert!(text(&mut view, 80, 24).contains("snippets have run since"));
}

#[test]
fn the_list_is_sorted_by_what_is_asked_for() {
    let mut view = story().view();
    key(&mut view, KeyCode::F(4));
    let mut firsts = Vec::new();
    for _ in 0..5 {
        firsts.push(view.listed()[0].name.clone());
        key(&mut view, KeyCode::Char('s'));
    }
    assert_eq!(firsts, ["by_day", "by_day", "df", "df", "by_day"], "by kind, name, type, size, last change");
    assert!(view.composer.editor.is_empty(), "the letter is no input");
    key(&mut view, KeyCode::Char('s'));
    assert!(text(&mut view, 80, 24).contains("variables, by name"));
    key(&mut view, KeyCode::Tab);
    key(&mut view, KeyCode::Char('s'));
    assert_eq!(view.composer.editor.code(), "s", "in the input it is text");
}

/// Old answers remain, with their age, while Python is busy.
#[test]
fn what_is_old_says_so() {
    let mut view = story().view();
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Enter);
    let answer = Inspection { aspect: Aspect::Overview, ..frame() };
    view.on_inspected(1, Ok(Box::new(answer)), NOW - 12_000);
    let fresh = text(&mut view, 80, 24);
    key(&mut view, KeyCode::Char('r'));
    let waiting = text(&mut view, 80, 24);
    assert!(waiting.contains("what stands below is 12 s old"), "{waiting}");
    assert_eq!(fresh.lines().nth(8), waiting.lines().nth(8), "nothing moves");
    let running = Some(crate::domain::SnippetId(15));
    view.on_inspected(2, Err(InspectError::Busy { running, known: None }), NOW);
    let busy = text(&mut view, 80, 24);
    assert!(busy.contains("Python runs snippet 15") && busy.contains("12 s old"), "{busy}");
    let mut table = (**view.transcript.variables()).clone();
    table.taken_at = NOW - 5_000;
    view.apply(&crate::domain::Event::Variables(table.into()));
    key(&mut view, KeyCode::Esc);
    assert!(text(&mut view, 120, 40).contains("5 s old"));
}

/// The drawer with groups, and then with a few letters as a filter.
#[test]
fn a_variable_is_found_by_some_of_its_letters() {
    let mut view = story().view();
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::F(4));
    typed(&mut view, "/");
    assert!(view.composer.editor.is_empty(), "no input: it would be no Python");
    typed(&mut view, "dl");
    assert!(text(&mut view, 80, 24).contains("no name or type like that") || view.variables.selected.is_some());
    key(&mut view, KeyCode::Backspace);
    typed(&mut view, "f");
    assert_eq!(view.variables.selected.as_deref(), Some("df"));
    let (drawn, _) = screen(&mut view, 80, 24);
    let row = (0..24).find(|y| drawn[(2, *y)].symbol() == "d" && drawn[(3, *y)].symbol() == "f").unwrap();
    let is_marked = drawn[(2, row)].modifier.contains(ratatui::style::Modifier::REVERSED);
    assert!(is_marked, "the best one is chosen, and looks so: {:?}", drawn[(2, row)]);
    assert_snapshot!("narrowed_wide", text(&mut view, 120, 40));
    assert_snapshot!("narrowed_medium", text(&mut view, 80, 24));
    assert_snapshot!("narrowed_compact", text(&mut view, 40, 12));
    assert_eq!(key(&mut view, KeyCode::Enter), Some(inspect("df", Aspect::Overview, 0, 1)));
    key(&mut view, KeyCode::Esc);
    assert!(view.variables.query.is_some(), "back in the list as it was");
    typed(&mut view, "zzz");
    assert!(view.variables.selected.is_none() && text(&mut view, 40, 12).contains("no name or type like that"));
    assert_eq!(key(&mut view, KeyCode::Enter), None);
    key(&mut view, KeyCode::Esc);
    assert!(view.variables.query.is_none() && !view.layers.is_empty(), "all are there again");
    typed(&mut view, "/ss");
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::F(4));
    assert!(view.layers.is_empty());
    key(&mut view, KeyCode::F(4));
    assert!(view.variables.query.is_none() && view.composer.editor.is_empty());
    for (width, height) in [(1, 1), (40, 11), (300, 100)] {
        typed(&mut view, "/漢\u{301}x");
        screen(&mut view, width, height);
    }
}

#[test]
fn the_first_and_the_last_page() {
    let mut view = open();
    let mut rows = Inspection { aspect: Aspect::Rows, ..frame() };
    rows.tables.remove(0);
    rows.tables[0].total = Some(9);
    view.on_inspected(1, Ok(Box::new(frame())), NOW);
    assert_eq!(key(&mut view, KeyCode::End), None, "an overview has no pages");
    key(&mut view, KeyCode::Tab);
    key(&mut view, KeyCode::Tab);
    view.on_inspected(3, Ok(Box::new(rows.clone())), NOW);
    assert_eq!(key(&mut view, KeyCode::End), Some(inspect("df", Aspect::Rows, 4, 4)), "nine rows, two on a page");
    assert_eq!(key(&mut view, KeyCode::End), None, "not before there is an answer");
    rows.tables[0].offset = 8;
    rows.tables[0].rows.truncate(1);
    rows.tables[0].has_more = false;
    view.on_inspected(4, Ok(Box::new(rows)), NOW);
    assert_eq!(key(&mut view, KeyCode::End), None, "it is the last");
    assert_eq!(key(&mut view, KeyCode::Home), Some(inspect("df", Aspect::Rows, 0, 5)));
}

#[test]
fn the_columns_of_a_frame_show_their_distributions() {
    let mut view = open();
    view.on_inspected(1, Ok(Box::new(frame())), NOW);
    key(&mut view, KeyCode::Tab);
    let rows: &[&[&str]] = &[
        &["day", "datetime64[us]", "", "0", "326", "2026-01-01", "2026-11-22", "2026-01-01"],
        &["revenue", "float64", "█▅▂▁▁▁▁▂", "0", "40112", "-3.5", "9120.25", "10.5"],
    ];
    let headers = ["column", "dtype", "distribution", "nulls", "unique", "min", "max", "first"];
    let answer = Inspection { aspect: Aspect::Columns, tables: vec![table("columns", &headers, rows, 2)], ..frame() };
    view.on_inspected(2, Ok(Box::new(answer)), NOW);
    assert_snapshot!("distributions_wide", text(&mut view, 120, 40));
    assert_snapshot!("distributions_medium", text(&mut view, 80, 24));
    assert_snapshot!("distributions_compact", text(&mut view, 40, 12));
}

/// The screen of a busy Python, with the answer before.
#[test]
fn what_is_old_at_each_size() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = open();
        assert_snapshot!(format!("looking_{name}"), text(&mut view, width, height));
        view.on_inspected(1, Ok(Box::new(frame())), NOW - 12_000);
        key(&mut view, KeyCode::Char('r'));
        let running = Some(crate::domain::SnippetId(15));
        view.on_inspected(2, Err(InspectError::Busy { running, known: None }), NOW);
        assert_snapshot!(format!("busy_{name}"), text(&mut view, width, height));
    }
}

/// All columns of a wide table can be scrolled into sight on any screen; the first column stays.
#[test]
fn columns_out_of_sight_are_told_and_come_into_sight() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = open();
        view.on_inspected(1, Ok(Box::new(frame())), NOW);
        key(&mut view, KeyCode::Tab);
        key(&mut view, KeyCode::Tab);
        let headers: Vec<String> =
            (0..30).map(|n| if n == 0 { String::new() } else { format!("column_{n}") }).collect();
        let row = |at: usize| (0..30).map(|n| format!("{}", at * 100 + n)).collect();
        let rows = TablePage {
            title: "rows".to_owned(),
            headers,
            rows: (0..4).map(row).collect(),
            offset: 0,
            total: Some(48_210),
            has_more: true,
        };
        let answer = Inspection { aspect: Aspect::Rows, tables: vec![rows], ..frame() };
        view.on_inspected(3, Ok(Box::new(answer.clone())), NOW);
        let first = text(&mut view, width, height);
        assert!(first.contains("more columns Left Right") && !first.contains("column_29"), "{first}");
        key(&mut view, KeyCode::Char('l'));
        assert_snapshot!(format!("columns_{name}"), text(&mut view, width, height));
        for _ in 0..40 {
            key(&mut view, KeyCode::Char('l'));
        }
        let last = text(&mut view, width, height);
        assert!(
            last.contains("column_29") && last.contains("28 before … Left Right") && last.contains("│   0  "),
            "{last}"
        );
        assert_eq!(typed(&mut view, "n"), Some(inspect("df", Aspect::Rows, 1, 4)));
        view.on_inspected(4, Ok(Box::new(answer)), NOW);
        assert!(text(&mut view, width, height).contains("column_29"), "the next page has the same columns");
        key(&mut view, KeyCode::Char('h'));
        assert!(text(&mut view, width, height).contains("column_28"));
        key(&mut view, KeyCode::Left);
        key(&mut view, KeyCode::Tab);
        assert_eq!(view.variables.inspector.as_ref().unwrap().column, 0, "another view has other columns");
    }
}
