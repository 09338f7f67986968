//! The whole output of a card: paging, searching, following.

use std::sync::Arc;
use std::thread;

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};

use super::{key, rows, screen, text, typed};
use crate::domain::{Author, Event, OutputChunk, SnippetId, Stream};
use crate::session::Spool;
use crate::session::spool::Limits;
use crate::tui::fixtures::{Story, ok};
use crate::tui::view::View;

/// A view whose only snippet wrote `output`, with the whole output on disk.
fn wrote(output: &str) -> (View, Arc<Spool>, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    let spool = Arc::new(Spool::new(Some(root.path().join("spools/1")), Limits::default()));
    let worker = spool.clone();
    thread::spawn(move || worker.work(drop));
    let mut story = Story::default();
    let id = story.ran(&Author::You, "flood()", output, ok(5));
    for piece in output.split_inclusive('\n') {
        spool.wait_for_room();
        spool.push(id, Stream::Stdout, piece);
    }
    spool.settle(std::time::Duration::from_secs(120));
    let mut view = story.view();
    view.records.spool = Some(spool.clone());
    screen(&mut view, 60, 16);
    (view, spool, root)
}

fn shown(view: &mut View) -> Vec<String> {
    while view.search() {}
    let (buffer, _) = screen(view, 60, 16);
    rows(&buffer)
}

#[test]
fn all_of_a_large_output_can_be_paged_and_searched() {
    let output: String = (0..200_000).flat_map(|n| ["line ".to_owned(), n.to_string(), "\n".to_owned()]).collect();
    let (mut view, spool, _root) = wrote(&output);
    key(&mut view, KeyCode::F(6));
    let rows = shown(&mut view);
    assert!(rows[0].contains("output of 1, you") && rows[0].contains("2.3 MB, end"), "{rows:#?}");
    assert_eq!((&*rows[1], &*rows[14]), ("line 199986", "line 199999"));
    key(&mut view, KeyCode::PageUp);
    assert_eq!(shown(&mut view)[1], "line 199974");
    key(&mut view, KeyCode::Home);
    assert_eq!(shown(&mut view)[1], "line 0");
    key(&mut view, KeyCode::Down);
    assert_eq!(shown(&mut view)[1], "line 1");
    typed(&mut view, "/LINE 123");
    assert!(shown(&mut view)[15].starts_with("/LINE 123"));
    key(&mut view, KeyCode::Esc);
    typed(&mut view, "/e 12345\n");
    for found in ["line 12345", "line 123450", "line 123451"] {
        assert_eq!(shown(&mut view)[1], found);
        key(&mut view, KeyCode::Char('n'));
    }
    shown(&mut view);
    key(&mut view, KeyCode::Char('N'));
    assert_eq!(shown(&mut view)[1], "line 123451");
    typed(&mut view, "/e 19999\n");
    for _ in 0..11 {
        shown(&mut view);
        key(&mut view, KeyCode::Char('n'));
    }
    let rows = shown(&mut view);
    assert!(rows[15].starts_with("no more \"e 19999\" below"), "{rows:#?}");

    key(&mut view, KeyCode::End);
    typed(&mut view, "/e 777\n");
    assert_eq!(shown(&mut view)[1], "line 777", "from the end, where one begins, the search goes on at the beginning");
    typed(&mut view, "/absent\n");
    assert!(shown(&mut view)[15].starts_with("no more \"absent\" below"));
    key(&mut view, KeyCode::End);
    let id = SnippetId(1);
    spool.push(id, Stream::Stdout, "more\n");
    view.apply(&Event::Output { snippet: Some(id), chunk: OutputChunk::of(Stream::Stdout, "more\n"), at: 0 });
    spool.settle(std::time::Duration::from_secs(120));
    assert_eq!(shown(&mut view)[14], "more", "the end is followed");
    key(&mut view, KeyCode::Char('q'));
    assert!(view.layers.pager().is_none());
}

#[test]
fn a_selected_card_opens_by_enter_and_hostile_text_stays_inside() {
    let output = "\u{1b}[32mgreen\n\u{1b}[2J\u{1b}[1;1Hstill\u{1b}]0;x\u{7}\n\u{1b}[0mplain \u{202e}\n10 %\r99 %\n";
    let (mut view, _spool, _root) = wrote(output);
    super::press(&mut view, KeyCode::Up, crossterm::event::KeyModifiers::ALT);
    key(&mut view, KeyCode::Enter);
    let (buffer, _) = screen(&mut view, 60, 16);
    assert_eq!(rows(&buffer)[1..5], ["green", "still", "plain ⟨U+202E⟩", "99 %"]);
    assert_eq!((buffer[(0, 1)].fg, buffer[(0, 2)].fg, buffer[(0, 3)].fg), (Color::Green, Color::Green, Color::Reset));
    assert!(!text(&mut view, 60, 16).contains('\u{1b}'));
}

#[test]
fn the_output_at_each_size() {
    let line = |n: usize| {
        format!("\u{1b}[1mstep {n}\u{1b}[0m  loss {:.4}  {}\n", 2.0 / (n + 1) as f64, "表示 ".repeat(n % 30))
    };
    let output: String = (0..400).map(line).collect();
    let (mut view, _spool, _root) = wrote(&output);
    key(&mut view, KeyCode::F(6));
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        key(&mut view, KeyCode::End);
        assert_snapshot!(format!("output_{name}"), text(&mut view, width, height));
        key(&mut view, KeyCode::Home);
        screen(&mut view, width, height);
        typed(&mut view, "/step 200");
        assert_snapshot!(format!("searching_{name}"), text(&mut view, width, height));
        key(&mut view, KeyCode::Enter);
        while view.search() {}
        assert_snapshot!(format!("found_{name}"), text(&mut view, width, height));
    }
    let (buffer, _) = screen(&mut view, 40, 12);
    let found = (0..40).filter(|x| buffer[(*x, 1)].modifier.contains(Modifier::REVERSED)).count();
    assert_eq!(found, "step 200".len());
}

#[test]
fn one_line_without_end() {
    let (mut view, _spool, _root) = wrote(&"0123456789".repeat(100_000));
    key(&mut view, KeyCode::F(6));
    assert_eq!(shown(&mut view)[14].len(), 40, "the last row of a million characters, sixty each in units");
    key(&mut view, KeyCode::Home);
    for _ in 0..200 {
        key(&mut view, KeyCode::PageDown);
    }
    assert!(shown(&mut view)[0].contains(" %"));
}
