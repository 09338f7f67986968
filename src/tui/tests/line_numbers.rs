//! Line numbers: in cards and in the input, and never in what is copied or found.

use insta::assert_snapshot;

use super::*;
use crate::domain::Author;
use crate::tui::fixtures::{Story, failed, ok};

/// A function of that many lines, the last of which fails.
fn code(lines: usize) -> String {
    let body: Vec<String> = (2..lines).map(|n| format!("    x{n} = {n} * 10")).collect();
    format!("def b():\n{}\nb()", body.join("\n"))
}

fn ran(lines: usize) -> View {
    let mut story = Story::default();
    story.ran(&Author::You, &code(lines), "", failed(1, "ValueError", "no", 6));
    story.view()
}

#[test]
fn code_has_numbers_from_five_lines_on() {
    let mut view = ran(7);
    assert_snapshot!("numbers_medium", text(&mut view, 80, 24));
    assert_snapshot!("numbers_wide", text(&mut view, 120, 40));
    assert_snapshot!("numbers_compact", text(&mut view, 40, 12));
    let four = text(&mut ran(4), 80, 24);
    assert!(four.contains("▎ def b():") && four.contains("▎     x2 = 20") || four.contains("x2 = 2 * 10"), "{four}");
    assert!(!four.contains("▎ 1  def"), "{four}");
}

#[test]
fn numbers_are_neither_copied_nor_found() {
    let mut view = ran(12);
    screen(&mut view, 80, 40);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    let Some(Effect::CopyPiece { text: copied, .. }) = key(&mut view, KeyCode::Char('c')) else { panic!() };
    assert_eq!(copied, code(12));
    // `10` is in each of ten lines, and also the number of one line.
    typed(&mut view, "/10\n");
    for _ in 0..3 {
        screen(&mut view, 80, 40);
    }
    let find = view.lookup.find.as_ref().expect("found");
    assert_eq!(find.total(), 12, "ten factors, x10 and its own 10");
    let (buffer, _) = screen(&mut view, 80, 40);
    let is_marked = |x: u16, y: u16| buffer[(x, y)].modifier.contains(ratatui::style::Modifier::REVERSED);
    let rows = rows(&buffer);
    let y = rows.iter().position(|row| row.contains("x10 = 10 * 10")).unwrap() as u16;
    let row = &rows[usize::from(y)];
    let x = row[..row.find("x10").unwrap()].chars().count() as u16;
    assert!(!is_marked(x, y) && is_marked(x + 1, y) && is_marked(x + 2, y), "the mark is where the text is: {row}");
    assert!(!is_marked(3, y) && !is_marked(4, y), "not at the number");
}

#[test]
fn a_long_line_of_numbered_code_wraps_beside_its_number() {
    let mut story = Story::default();
    let long = format!("{}\ny = [{}]", code(6), "1234567, ".repeat(20));
    story.ran(&Author::You, &long, "", ok(1));
    let mut view = story.view();
    let (buffer, _) = screen(&mut view, 80, 40);
    let rows = rows(&buffer);
    let first = rows.iter().position(|row| row.contains("7  y = [")).unwrap();
    assert!(rows[first + 1].starts_with("  ▎    ") || rows[first + 1].starts_with(" ▎    "), "{:?}", &rows[first..]);
    assert!(rows.iter().all(|row| crate::tui::text::width(row) <= 80));
}

#[test]
fn the_input_has_numbers_and_says_which_lines_are_in_sight() {
    let mut view = Story::default().view();
    let pasted: Vec<String> = (1..=250).map(|n| format!("line_{n} = {n}")).collect();
    view.on_terminal(&Event::Paste(pasted.join("\n")), NOW);
    assert_snapshot!("input_wide", text(&mut view, 120, 40));
    assert_snapshot!("input_medium", text(&mut view, 80, 24));
    assert_snapshot!("input_compact", text(&mut view, 40, 12));
    screen(&mut view, 120, 40);
    press(&mut view, KeyCode::Char('<'), KeyModifiers::ALT);
    let top = text(&mut view, 120, 40);
    assert!(top.contains(" lines 1–13 of 250 ") && top.contains("▎   1  line_1 = 1"), "{top}");
    let Some(Effect::Submit(code)) = ({
        press(&mut view, KeyCode::Char('>'), KeyModifiers::ALT);
        key(&mut view, KeyCode::Enter)
    }) else {
        panic!()
    };
    assert_eq!(&*code, pasted.join("\n"), "no number is run");
}

#[test]
fn a_click_in_the_numbered_input_finds_its_place() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut view = Story::default().view();
    view.on_terminal(&Event::Paste("a1\nb2\nc3\nd4\ne5\nf6".into()), NOW);
    let (buffer, cursor) = screen(&mut view, 120, 40);
    let rows = rows(&buffer);
    let y = rows.iter().position(|row| row.contains("3  c3")).unwrap();
    let x = rows[y][..rows[y].find("c3").unwrap()].chars().count() as u16;
    assert_eq!(cursor.map(|at| (at.x, usize::from(at.y))), Some((x + 2, y + 3)), "the cursor is behind the text");
    let kind = MouseEventKind::Down(MouseButton::Left);
    let click = MouseEvent { kind, column: x + 1, row: y as u16, modifiers: KeyModifiers::NONE };
    view.on_terminal(&Event::Mouse(click), NOW + 9_000);
    assert_eq!(view.composer.editor.cursor(), (2, 1));
}
