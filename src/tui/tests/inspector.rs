//! The inspector of a value.

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
        steps: rows.iter().map(|row| format!("[{:?}]", row[0])).collect(),
        ..TablePage::default()
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

pub type Asked = (String, Aspect, u32, u32);

pub fn inspect(path: &str, aspect: Aspect, page: u32, number: u32) -> Asked {
    (path.to_owned(), aspect, page, number)
}

/// The request of an effect, without its window.
pub fn asked(effect: Option<Effect>) -> Option<Asked> {
    match effect {
        Some(Effect::Inspect { request: InspectRequest { path, aspect, page, .. }, number }) => {
            Some((path, aspect, page, number))
        }
        _ => None,
    }
}

/// The rows that an effect asks for: the first, their order and their filter.
#[allow(clippy::type_complexity, reason = "read once in each test")]
fn window(effect: Option<Effect>) -> Option<(u64, Option<(u32, bool)>, String)> {
    let Some(Effect::Inspect { request: InspectRequest { window, .. }, .. }) = effect else { return None };
    window.map(|window| (window.start, window.order, window.filter))
}

/// The inspector on `df`, waiting for its answer.
fn open() -> View {
    let mut view = story().view();
    screen(&mut view, 120, 40);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::Down);
    assert_eq!(asked(key(&mut view, KeyCode::Enter)), Some(inspect("df", Aspect::Overview, 0, 1)));
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
fn its_keys_turn_to_other_views() {
    let mut view = open();
    assert_eq!(key(&mut view, KeyCode::Tab), None, "nothing is known of it yet");
    view.on_inspected(1, Ok(Box::new(frame())), NOW);
    assert_eq!(asked(key(&mut view, KeyCode::Tab)), Some(inspect("df", Aspect::Columns, 0, 2)));
    assert!(text(&mut view, 80, 24).contains("looking …"));
    assert_eq!(asked(key(&mut view, KeyCode::Tab)), Some(inspect("df", Aspect::Rows, 0, 3)), "not to be waited for");
    view.on_inspected(2, Ok(Box::new(frame())), NOW);
    assert!(text(&mut view, 80, 24).contains("looking …"), "an answer to an earlier question");
    view.on_inspected(3, Ok(Box::new(rows(0))), NOW);
    assert!(text(&mut view, 80, 24).contains("rows 0 to"));
    assert_eq!(asked(typed(&mut view, "r")), Some(inspect("df", Aspect::Rows, 0, 4)));
    assert_eq!(asked(key(&mut view, KeyCode::BackTab)), Some(inspect("df", Aspect::Columns, 0, 5)));
    assert_eq!(typed(&mut view, "x"), None);
    assert!(view.composer.editor.is_empty(), "nothing is typed unseen");
    key(&mut view, KeyCode::Esc);
    assert!(text(&mut view, 80, 24).contains("variables"), "the list is still open");
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.is_empty());
}

/// An answer with 200 of 48,210 rows, from `start` on.
fn rows(start: u64) -> Inspection {
    let row = |at: u64| vec![at.to_string(), format!("2026-{at}"), "north".to_owned(), format!("{at}.5")];
    let headers = ["day no", "day", "region", "revenue"];
    let dtypes = ["", "datetime64[us]", "str", "float64"];
    let table = TablePage {
        title: "rows".to_owned(),
        headers: headers.map(str::to_owned).to_vec(),
        dtypes: dtypes.map(str::to_owned).to_vec(),
        rows: (start..(start + 200).min(48_210)).map(row).collect(),
        steps: (start..start + 200).map(|at| format!(".iloc[{at}]")).collect(),
        offset: start,
        total: Some(48_210),
        has_more: start + 200 < 48_210,
        ..TablePage::default()
    };
    Inspection { aspect: Aspect::Rows, tables: vec![table], notes: Vec::new(), ..frame() }
}

/// The rows of `df`, with their answer.
fn open_rows() -> View {
    let mut view = open();
    view.on_inspected(1, Ok(Box::new(frame())), NOW);
    key(&mut view, KeyCode::Tab);
    key(&mut view, KeyCode::Tab);
    view.on_inspected(3, Ok(Box::new(rows(0))), NOW);
    view
}

#[test]
fn rows_scroll_continuously_under_fixed_heads() {
    let mut view = open_rows();
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        assert_snapshot!(format!("rows_{name}"), text(&mut view, width, height));
    }
    text(&mut view, 80, 24);
    for _ in 0..5 {
        assert_eq!(key(&mut view, KeyCode::PageDown), None, "these rows are there");
    }
    let shown = text(&mut view, 80, 24);
    assert!(shown.contains("day no") && shown.contains("float64") && shown.contains("85.5"), "{shown}");
    let end = key(&mut view, KeyCode::End);
    let (start, ..) = window(end).expect("the last rows are requested");
    assert!(start + 200 >= 48_210, "{start}");
    assert!(text(&mut view, 80, 24).contains("…"), "not there yet");
    assert_eq!(view.on_inspected(4, Ok(Box::new(rows(48_010))), NOW), None);
    let shown = text(&mut view, 80, 24);
    assert!(shown.contains("48209.5") && shown.contains("of 48,210") && shown.contains("day no"), "{shown}");
    typed(&mut view, "g");
    assert!(text(&mut view, 80, 24).contains("row:"));
    let asks = typed(&mut view, "20,000\n");
    assert!(window(asks).is_some_and(|(start, ..)| (19_800..20_000).contains(&start)));
    view.on_inspected(5, Ok(Box::new(rows(19_900))), NOW);
    assert!(text(&mut view, 80, 24).contains("20000.5"));
    key(&mut view, KeyCode::Home);
    view.on_inspected(6, Ok(Box::new(rows(0))), NOW);
    assert!(text(&mut view, 80, 24).contains("rows 0 to"));
}

/// A key that comes before the answer is not lost.
#[test]
fn the_end_is_reached_although_the_rows_are_still_on_their_way() {
    let mut view = open();
    view.on_inspected(1, Ok(Box::new(frame())), NOW);
    key(&mut view, KeyCode::Tab);
    key(&mut view, KeyCode::Tab);
    text(&mut view, 80, 24);
    assert_eq!(key(&mut view, KeyCode::End), None, "nothing is known of the rows yet");
    text(&mut view, 80, 24);
    let next = view.on_inspected(3, Ok(Box::new(rows(0))), NOW);
    assert!(window(next).is_some_and(|(start, ..)| start + 200 >= 48_210));
    view.on_inspected(4, Ok(Box::new(rows(48_010))), NOW);
    assert!(text(&mut view, 80, 24).contains("48209.5"));
}

/// Only one request is on its way, however fast the person scrolls; the answer asks for what is in sight then.
#[test]
fn scrolling_does_not_pile_up_requests() {
    let mut view = open_rows();
    text(&mut view, 80, 24);
    let requests = (0..100).filter(|_| key(&mut view, KeyCode::PageDown).is_some()).count();
    assert_eq!(requests, 1);
    let next = view.on_inspected(4, Ok(Box::new(rows(200))), NOW);
    assert!(window(next).is_some_and(|(start, ..)| start > 1_000));
}

#[test]
fn rows_are_sorted_and_filtered() {
    let mut view = open_rows();
    key(&mut view, KeyCode::Right);
    assert_eq!(window(typed(&mut view, "s")), Some((0, Some((1, false)), String::new())));
    view.on_inspected(4, Ok(Box::new(rows(0))), NOW);
    assert!(text(&mut view, 80, 24).contains("region ▲"));
    assert_eq!(window(typed(&mut view, "s")), Some((0, Some((1, true)), String::new())));
    typed(&mut view, "/");
    assert_eq!(typed(&mut view, ":q?"), None, "letters are text here");
    key(&mut view, KeyCode::Backspace);
    for _ in 0..3 {
        key(&mut view, KeyCode::Backspace);
    }
    typed(&mut view, "/");
    view.on_terminal(&Event::Paste("revenue > 3\n".to_owned()), NOW);
    assert!(text(&mut view, 80, 24).contains("revenue > 3"));
    let asks = key(&mut view, KeyCode::Enter);
    assert_eq!(window(asks), Some((0, Some((1, true)), "revenue > 3".to_owned())));
    let number = view.variables.inspections;
    view.on_inspected(number, Err(InspectError::Refused("the filter does not work".to_owned())), NOW);
    let shown = text(&mut view, 80, 24);
    assert!(shown.contains("the filter does not work") && shown.contains("region"), "{shown}");
    typed(&mut view, "/");
    key(&mut view, KeyCode::Esc);
    assert!(view.variables.inspector.is_some(), "Esc closes the line only");
}

/// A dict with a list, an object in it, and the way back.
#[test]
fn values_are_walked_into_and_back() {
    let mut view = open();
    let mut items = frame();
    items.tables = vec![table("items", &["key", "type", "value"], &[&["a", "list", "[…]"], &["b", "int", "1"]], 2)];
    view.on_inspected(1, Ok(Box::new(items.clone())), NOW);
    key(&mut view, KeyCode::Down);
    assert_eq!(asked(key(&mut view, KeyCode::Enter)), Some(inspect("df[\"b\"]", Aspect::Overview, 0, 2)));
    let mut plain = frame();
    (plain.tables, plain.path) = (Vec::new(), "df[\"b\"]".to_owned());
    view.on_inspected(2, Ok(Box::new(plain)), NOW);
    assert_snapshot!("walked", text(&mut view, 80, 24));
    assert_eq!(key(&mut view, KeyCode::Enter), None, "nothing is below a number");
    let copied = typed(&mut view, "y");
    assert!(matches!(copied, Some(Effect::CopyPiece { text, .. }) if text == "df[\"b\"]"));
    assert_eq!(asked(key(&mut view, KeyCode::Backspace)), Some(inspect("df", Aspect::Overview, 0, 3)));
    view.on_inspected(3, Ok(Box::new(items)), NOW);
    let copied = typed(&mut view, "y");
    assert!(
        matches!(copied, Some(Effect::CopyPiece { text, .. }) if text == "df[\"b\"]"),
        "the cursor is where it was"
    );
    assert_eq!(key(&mut view, KeyCode::Backspace), None, "this is where the way began");
    let gone = InspectError::Refused("df has no 'b' any more".to_owned());
    key(&mut view, KeyCode::Enter);
    view.on_inspected(4, Err(gone), NOW);
    assert!(text(&mut view, 80, 24).contains("df has no 'b' any more"));
}

/// Below the last of the rows that an overview shows, the whole table goes on.
#[test]
fn an_overview_goes_on_in_the_whole_table() {
    let mut view = open();
    let mut items = frame();
    items.tables = vec![table("items", &["index", "value"], &[&["0", "a"], &["1", "b"]], 30)];
    view.on_inspected(1, Ok(Box::new(items)), NOW);
    key(&mut view, KeyCode::Down);
    assert_eq!(asked(key(&mut view, KeyCode::Down)), Some(inspect("df", Aspect::Items, 0, 2)));
    assert_eq!(view.variables.inspector.as_ref().unwrap().grid.row, 2);
}

#[test]
fn what_could_not_be_told_and_what_is_stale() {
    let mut view = open();
    view.on_inspected(1, Err(InspectError::Busy { running: Some(crate::domain::SnippetId(15)), known: None }), NOW);
    assert!(text(&mut view, 80, 24).contains("Python runs snippet 15; r refreshes when that has ended."));
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
    assert!(text(&mut view, 80, 24).contains("code has run since"));
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
    assert!(waiting.contains("the answer below is 12 s old"), "{waiting}");
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
    assert_eq!(asked(key(&mut view, KeyCode::Enter)), Some(inspect("df", Aspect::Overview, 0, 1)));
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
            total: Some(4),
            columns: Some(29),
            ..TablePage::default()
        };
        let answer = Inspection { aspect: Aspect::Rows, tables: vec![rows], ..frame() };
        view.on_inspected(3, Ok(Box::new(answer)), NOW);
        let first = text(&mut view, width, height);
        assert!(first.contains("of 29 ← →") && !first.contains("column_29"), "{first}");
        key(&mut view, KeyCode::Right);
        assert_snapshot!(format!("columns_{name}"), text(&mut view, width, height));
        for _ in 0..40 {
            key(&mut view, KeyCode::Char('l'));
        }
        let last = text(&mut view, width, height);
        assert!(last.contains("column_29") && last.contains("columns 29 to 29"), "{last}");
        key(&mut view, KeyCode::Char('h'));
        assert!(text(&mut view, width, height).contains("column_28"));
        key(&mut view, KeyCode::Tab);
        assert_eq!(view.variables.inspector.as_ref().unwrap().grid.column, 0, "another view has other columns");
    }
}

#[test]
fn enter_before_the_first_answer_walks_in_when_the_answer_comes() {
    let mut view = open();
    assert_eq!(asked(key(&mut view, KeyCode::Enter)), None);
    let walked = view.on_inspected(1, Ok(Box::new(frame())), NOW);
    assert_eq!(asked(walked), Some(inspect("df[\"day\"]", Aspect::Overview, 0, 2)));
}
