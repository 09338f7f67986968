//! The filter and the search of the transcript.

use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::domain::{Author, Event as SessionEvent, SnippetId, Stream};
use crate::tui::fixtures::{Story, client, failed, long_story, ok};
use crate::tui::search::matches::Search;
use crate::tui::transcript::viewport::Anchor;

/// Snippets of three authors, with words to search for.
fn mixed() -> Story {
    let mut story = Story::default();
    let (claude, cursor) = (client(1, "claude-code"), client(2, "cursor"));
    story.join(&claude, NOW).join(&cursor, NOW);
    for n in 0..4 {
        story.ran(&Author::You, &format!("loss_{n} = train({n})"), &format!("epoch {n}  loss 0.{n}\n"), ok(20));
        story.ran(&claude, "df.describe()", "mean   4.1\nstd    0.3\n", ok(3));
        story.ran(&claude, "plot(loss)", "", failed(4, "ValueError", "loss is empty", 6));
        story.ran(&cursor, "len(df)", "48210\n", ok(1));
    }
    story
}

/// Draws until the search is complete.
fn settled(view: &mut View, width: u16, height: u16) -> String {
    screen(view, width, height);
    while view.lookup.is_busy {
        screen(view, width, height);
    }
    text(view, width, height)
}

fn alt(view: &mut View, c: char) {
    press(view, KeyCode::Char(c), KeyModifiers::ALT);
}

#[test]
fn searching() {
    let searched = |width, height| {
        let mut view = mixed().view();
        settled(&mut view, width, height);
        key(&mut view, KeyCode::F(3));
        typed(&mut view, "loss");
        (settled(&mut view, width, height), view)
    };
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let (shown, mut view) = searched(width, height);
        assert_snapshot!(format!("searching_{name}"), shown);
        key(&mut view, KeyCode::Enter);
        assert_snapshot!(format!("searched_{name}"), settled(&mut view, width, height));
    }
}

#[test]
fn places_are_walked_and_marked() {
    let mut view = mixed().view();
    settled(&mut view, 80, 24);
    key(&mut view, KeyCode::F(3));
    typed(&mut view, "LOSS\n");
    settled(&mut view, 80, 24);
    assert_eq!(view.notice.as_deref(), Some("\"LOSS\" is not found"));
    assert!(view.lookup.find.is_none() && view.viewport.selected.is_none() && view.viewport.anchor == Anchor::Follow);

    key(&mut view, KeyCode::F(3));
    typed(&mut view, "loss_");
    settled(&mut view, 80, 24);
    key(&mut view, KeyCode::Enter);
    assert!(settled(&mut view, 80, 24).contains("/loss_ 4 of 4"), "the nearest above the end comes first");
    let (buffer, _) = screen(&mut view, 80, 24);
    let row = rows(&buffer).iter().position(|row| row.contains("loss_3")).unwrap() as u16;
    let x = rows(&buffer)[usize::from(row)].chars().position(|c| c == 'l').unwrap() as u16;
    assert_eq!(buffer[(x, row)].fg, Color::Yellow, "the place itself");
    assert!(buffer[(x + 4, row)].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(x + 5, row)].modifier.contains(Modifier::REVERSED));
    for (c, expected) in [('N', "3 of 4"), ('N', "2 of 4"), ('n', "3 of 4"), ('n', "4 of 4"), ('n', "1 of 4")] {
        key(&mut view, KeyCode::Char(c));
        let shown = settled(&mut view, 80, 24);
        assert!(shown.contains(&format!("/loss_ {expected}")), "{expected}: {shown}");
    }
    assert_eq!(view.viewport.selected, Some(0));
    key(&mut view, KeyCode::Esc);
    assert!(view.lookup.find.is_none() && view.viewport.selected == Some(0), "first the search goes");
    key(&mut view, KeyCode::Esc);
    assert!(view.viewport.selected.is_none() && view.viewport.anchor != Anchor::Follow, "then the selection");
    key(&mut view, KeyCode::Esc);
    assert_eq!(view.viewport.anchor, Anchor::Follow);
    assert!(view.composer.editor.is_empty(), "nothing was typed into the input");
}

#[test]
fn leaving_a_search_comes_back_to_where_one_was() {
    let mut view = long_story(200).view();
    settled(&mut view, 80, 24);
    key(&mut view, KeyCode::PageUp);
    settled(&mut view, 80, 24);
    let anchor = view.viewport.anchor;
    key(&mut view, KeyCode::F(3));
    typed(&mut view, "x7 =");
    settled(&mut view, 80, 24);
    assert_eq!(view.viewport.selected, Some(7));
    key(&mut view, KeyCode::Backspace);
    view.on_terminal(&Event::Paste("=".into()), NOW);
    settled(&mut view, 80, 24);
    assert_eq!(view.viewport.selected, Some(7), "pasted text is searched too");
    key(&mut view, KeyCode::Esc);
    assert_eq!((view.viewport.anchor, view.viewport.selected), (anchor, None));
}

/// A folded card is unfolded only while it has the shown match.
#[test]
fn a_place_in_what_is_folded_is_shown() {
    let mut story = Story::default();
    let output = (0..60).fold(String::new(), |output, n| format!("{output}line {n}\n"));
    story.ran(&Author::You, "many()", &output, ok(1));
    story.ran(&Author::You, "few()", "line 7\n", ok(1));
    let mut view = story.view();
    settled(&mut view, 80, 24);
    key(&mut view, KeyCode::F(3));
    typed(&mut view, "line 7\n");
    assert!(settled(&mut view, 80, 24).contains("2 of 2") && view.viewport.unfolded.is_empty());
    key(&mut view, KeyCode::Char('N'));
    let shown = settled(&mut view, 80, 24);
    assert!(shown.contains("1 of 2") && shown.contains("line 8") && view.viewport.unfolded.contains(&0), "{shown}");
    key(&mut view, KeyCode::Char('n'));
    settled(&mut view, 80, 24);
    assert!(view.viewport.unfolded.is_empty());
}

#[test]
fn filtering() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = mixed().view();
        settled(&mut view, width, height);
        alt(&mut view, 's');
        typed(&mut view, "author:claude status:failed");
        assert_snapshot!(format!("filtering_{name}"), settled(&mut view, width, height));
        key(&mut view, KeyCode::Enter);
        view.apply(&SessionEvent::Submitted {
            snippet: SnippetId(17),
            author: Author::You,
            code: "new()".into(),
            call: None,
            at: NOW,
        });
        assert_snapshot!(format!("filtered_{name}"), settled(&mut view, width, height));
    }
}

#[test]
fn what_does_not_fit_is_counted_and_esc_brings_it_back() {
    let mut view = mixed().view();
    settled(&mut view, 80, 24);
    key(&mut view, KeyCode::F(3));
    typed(&mut view, "describe");
    key(&mut view, KeyCode::Tab);
    assert!(settled(&mut view, 80, 24).contains("filter describe"), "Tab makes a filter of a search");
    key(&mut view, KeyCode::Enter);
    let shown = settled(&mut view, 80, 24);
    assert!(shown.contains("describe 4 of 16") && !shown.contains("plot(loss)"), "{shown}");
    let submit = |view: &mut View, n: u32, code: &str| {
        view.apply(&SessionEvent::Submitted {
            snippet: SnippetId(n),
            author: Author::You,
            code: code.into(),
            call: None,
            at: NOW,
        });
    };
    submit(&mut view, 17, "other()");
    submit(&mut view, 18, "x.describe()");
    let shown = settled(&mut view, 80, 24);
    assert!(shown.contains("5 of 18, 1 new hidden") && shown.contains("x.describe()"), "{shown}");
    for _ in 0..3 {
        press(&mut view, KeyCode::Up, KeyModifiers::ALT);
        settled(&mut view, 80, 24);
    }
    assert_eq!(view.viewport.selected, Some(9), "hidden cards are passed over");
    alt(&mut view, 'g');
    typed(&mut view, "3\n");
    assert_eq!(view.viewport.selected, Some(2));
    assert!(view.lookup.filter.is_none() && view.notice.as_deref() == Some("the filter is gone, it hid this card"));
    alt(&mut view, 's');
    typed(&mut view, "status:odd\n");
    assert!(settled(&mut view, 80, 24).contains("no status \"odd\""), "what means nothing is told, and not entered");
    ctrl(&mut view, 'u');
    typed(&mut view, "nowhere");
    assert!(settled(&mut view, 80, 24).contains("no card fits the filter"));
    key(&mut view, KeyCode::Esc);
    assert!(view.lookup.filter.is_none() && view.layers.search_prompt().is_none());
}

#[test]
fn a_hundred_thousand_cards_are_searched_between_frames() {
    let mut story = long_story(100_000);
    story.ran(&Author::You, "needle_in_hay()", "", ok(1));
    let running = story.start(&Author::You, "run()");
    let mut view = story.view();
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::F(3));
    typed(&mut view, "x12345 ");
    screen(&mut view, 80, 24);
    assert!(view.lookup.is_busy, "one frame does not search all");
    assert!(text(&mut view, 80, 24).contains("so far"));
    typed(&mut view, "=");
    settled(&mut view, 80, 24);
    assert_eq!(
        (view.viewport.selected, view.lookup.find.as_ref().map(Search::position_label)),
        (Some(12_345), Some("1 of 1".into()))
    );
    key(&mut view, KeyCode::Enter);
    let chunk = crate::domain::OutputChunk::of(Stream::Stdout, "x12345 = here too\n");
    view.apply(&SessionEvent::Output { snippet: Some(running), chunk, at: NOW });
    screen(&mut view, 80, 24);
    assert!(text(&mut view, 80, 24).contains("1 of 2"), "what comes is searched as it comes");
    screen(&mut view, 80, 24);
    assert!(!view.lookup.is_busy, "and then there is nothing to do");
}

/// Of a long output, memory has only the ends. The search covers only these, and says so.
#[test]
fn a_search_tells_what_it_did_not_look_at() {
    let mut story = Story::default();
    let lines = (0..60_000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    story.ran(&crate::domain::Author::You, "flood()", &lines, crate::tui::fixtures::ok(3));
    let mut view = story.view();
    screen(&mut view, 120, 40);
    key(&mut view, KeyCode::F(3));
    typed(&mut view, "line 59999");
    let screen = loop {
        let screen = text(&mut view, 120, 40);
        if !screen.contains("so far") {
            break screen;
        }
    };
    assert!(screen.contains("1 of 1 (long outputs in part)"), "{screen}");
}
