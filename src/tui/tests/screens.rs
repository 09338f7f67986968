//! The screens of a session, in each size.

use std::sync::Arc;

use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::domain::{
    Author, Candidate, Completions, Display, Event as SessionEvent, Form, Insight, InsightKind, Outcome, OutputChunk,
    ResetReport, Signature, SnippetId, Status, Stream,
};
use crate::tui::fixtures::{Story, client, failed, long_story, ok, story};
use crate::tui::theme::{Name, Theme};

fn with_input() -> View {
    let mut view = story().view();
    view.on_terminal(
        &Event::Paste("top = (df.groupby(\"region\")\n         .revenue.sum()\n         .sort_va".into()),
        NOW,
    );
    view
}

#[test]
fn wide() {
    assert_snapshot!(text(&mut with_input(), 120, 40));
}

#[test]
fn medium() {
    assert_snapshot!(text(&mut with_input(), 80, 24));
}

#[test]
fn compact() {
    assert_snapshot!(text(&mut with_input(), 40, 12));
}

#[test]
fn empty() {
    assert_snapshot!("empty_wide", text(&mut Story::default().view(), 120, 40));
    assert_snapshot!("empty_medium", text(&mut Story::default().view(), 80, 24));
    assert_snapshot!("empty_compact", text(&mut Story::default().view(), 40, 12));
}

#[test]
fn too_small() {
    assert_snapshot!(text(&mut story().view(), 39, 11));
    for (width, height) in [(1, 1), (0, 5), (5, 0), (39, 40), (200, 3)] {
        let _ = screen(&mut story().view(), width, height);
    }
}

#[test]
fn help() {
    let mut view = story().view();
    key(&mut view, KeyCode::F(1));
    assert_snapshot!("help_wide", text(&mut view, 120, 40));
    assert_snapshot!("help_medium", text(&mut view, 80, 24));
    key(&mut view, KeyCode::PageDown);
    assert_snapshot!("help_compact", text(&mut view, 40, 12));
}

#[test]
fn drawer() {
    let mut view = story().view();
    screen(&mut view, 120, 40);
    key(&mut view, KeyCode::F(4));
    key(&mut view, KeyCode::F(4));
    assert_snapshot!("drawer_wide", text(&mut view, 120, 40));
    assert_snapshot!("drawer_medium", text(&mut view, 80, 24));
    assert_snapshot!("drawer_compact", text(&mut view, 40, 12));
}

/// Opaque values show nothing twice, and long names leave room for values.
#[test]
fn plain_and_strange_variables() {
    use crate::domain::VariableKind;
    use crate::tui::fixtures::variable;
    let mut story = Story::default();
    story.variables(vec![
        variable("Fit", VariableKind::Class, "type", "", "<class 'Fit'>"),
        variable("P", VariableKind::Class, "ABCMeta", "", "<class 'Path'>"),
        variable("ax", VariableKind::Data, "Axes", "", "<Axes>"),
        variable("long_variable_name_that_goes_on", VariableKind::Data, "float", "", "1e+300"),
        variable("it", VariableKind::Data, "list_iterator", "", "<list_iterator>"),
        variable("na\u{1b}[31mme\n", VariableKind::Data, "list", "10000", "[0, 1, 2, …]"),
        variable("sin", VariableKind::Function, "builtin_function_or_method", "(x)", ""),
    ]);
    let mut view = story.view();
    assert_snapshot!("strange_variables", text(&mut view, 100, 24));
    key(&mut view, KeyCode::F(4));
    assert_snapshot!("strange_variables_drawer", text(&mut view, 80, 24));
}

#[test]
fn a_long_line_of_code_leaves_room_on_a_small_screen() {
    let mut story = Story::default();
    story.ran(&Author::You, &"x = 1; ".repeat(60), "printed", ok(1));
    let text = text(&mut story.view(), 40, 12);
    assert!(text.contains("1 you") && text.contains("… this line goes on") && text.contains("printed"), "{text}");
}

#[test]
fn many_clients_are_counted() {
    let mut story = Story::default();
    for n in 0..30 {
        story.join(&client(n, &format!("client-{n}")), NOW);
    }
    let text = text(&mut story.view(), 120, 40);
    assert!(text.contains("client-29") && text.contains("… 21 more, F4"), "{text}");
}

#[test]
fn a_message_is_not_offered_again_as_a_traceback() {
    let mut story = Story::default();
    let mut outcome = failed(0, "SystemExit", "bye\nnow", 2);
    if let Some(error) = &mut outcome.error {
        error.traceback = "SystemExit: bye\nnow".into();
    }
    story.ran(&Author::You, "raise SystemExit", "", outcome);
    let text = text(&mut story.view(), 80, 24);
    assert!(text.contains("now") && !text.contains("traceback"), "{text}");
}

#[test]
fn the_glyph_and_the_time_stand_apart() {
    let mut story = Story::default();
    story.ran(&Author::You, "x", "", ok(3_000));
    assert!(text(&mut story.view(), 40, 12).contains("✓ 3.0 s"));
}

#[test]
fn completion() {
    let with_popup = || {
        let mut view = with_input();
        typed(&mut view, "lues(by=1");
        let call = Signature {
            name: "sort_values".into(),
            parameters: ["*", "axis: 'Axis' = 0", "ascending=True", "inplace=False", "kind='quicksort'", "by=None"]
                .map(str::to_owned)
                .into(),
            doc: "Sort by the values.".into(),
        };
        let asked = view
            .composer
            .completion
            .take_questions()
            .into_iter()
            .rfind(|asked| asked.question.about == InsightKind::Signature);
        view.on_insight(asked.unwrap().id, Some(Insight::Signature(Some(call))));
        typed(&mut view, " + re");
        key(&mut view, KeyCode::Tab);
        let candidate = |n: usize| {
            let name = format!("region_{n}");
            Candidate { text: name.clone(), name, kind: ["Series", "function", "module"][n % 3].into() }
        };
        let from = view.composer.editor.place() - 2;
        let found = Completions { from, candidates: (0..9).map(candidate).collect(), left_out: 0 };
        let asked = view.composer.completion.take_questions().pop().unwrap();
        view.on_insight(asked.id, Some(Insight::Completions(found)));
        key(&mut view, KeyCode::Down);
        let asked = view.composer.completion.take_questions().pop().unwrap();
        let doc = "region_1(where, *, deep=False)  A view of one region of the frame, without copying it, as the \
                   first dimension of what is grouped.";
        view.on_insight(asked.id, Some(Insight::Candidate(doc.into())));
        view
    };
    assert_snapshot!("completion_wide", text(&mut with_popup(), 120, 40));
    assert_snapshot!("completion_medium", text(&mut with_popup(), 80, 24));
    assert_snapshot!("completion_compact", text(&mut with_popup(), 40, 12));
}

/// Each kind of outcome, and the cards without a snippet.
#[test]
fn kinds_of_cards() {
    let mut story = Story::default();
    let claude = client(1, "claude-code");
    story.join(&claude, NOW);
    story.ran(&claude, "import sys; sys.exit(3)", "", Outcome { status: Status::Error, returncode: 3, ..ok(1) });
    let stopped = Outcome {
        status: Status::Interrupted,
        stopped_by: Some("you".into()),
        error: failed(0, "KeyboardInterrupt", "", 4).error,
        ..ok(3_200)
    };
    story.ran(&claude, "while True: pass", "", stopped);
    let mixed = story.start(&Author::You, "warn()");
    story.output(mixed, Stream::Stdout, "10 %\r100 %\n").output(mixed, Stream::Stderr, "a warning\n");
    story.finish(mixed, ok(0));
    let mut syntax = failed(0, "SyntaxError", "invalid syntax", 2);
    if let Some(error) = &mut syntax.error {
        error.traceback = "  File \"<snippet 4>\", line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax".into();
    }
    story.ran(&Author::You, "x = = 1", "", syntax);
    let chunk = OutputChunk::of(Stream::Stdout, "from a thread\n");
    story.apply(&SessionEvent::Output { snippet: None, chunk, at: NOW });
    let report = ResetReport { cleared: 12, remains: vec!["1 thread still runs: worker".into()] };
    story.apply(&SessionEvent::Reset { by: claude.clone(), report: report.into(), at: NOW });
    story.start(&claude, "time.sleep(60)");
    let dropped = story.submit(&Author::You, "never()");
    story.finish(dropped, Outcome { status: Status::Cancelled, stopped_by: Some("you".into()), ..ok(0) });
    story.submit(&Author::You, "later()");
    let mut view = story.view();
    assert_snapshot!(text(&mut view, 100, 50));
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        assert_snapshot!(format!("kinds_{name}"), text(&mut view, width, height));
    }
}

#[test]
fn long_things_fold_and_unfold() {
    let mut story = Story::default();
    let code = (0..30).map(|n| format!("line_{n} = {n}")).collect::<Vec<_>>().join("\n");
    let result = (0..40).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    let output = (0..40).map(|n| format!("out {n}")).collect::<Vec<_>>().join("\n");
    story.ran(&Author::You, &code, &output, Outcome { result: Some(result), ..ok(1) });
    let mut view = story.view();
    assert_snapshot!("folded", text(&mut view, 80, 60));
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        assert_snapshot!(format!("folded_{name}"), text(&mut view, width, height));
    }
    key(&mut view, KeyCode::F(5));
    let open = text(&mut view, 80, 140);
    assert!(open.contains("line_29") && open.contains("out 0\n") && open.contains("\n   39"), "{open}");
    assert!(!open.contains("more lines") && !open.contains("earlier"), "{open}");
    key(&mut view, KeyCode::F(5));
    assert!(text(&mut view, 80, 60).contains("earlier lines"));
}

#[test]
fn the_person_is_told_what_came_below() {
    let mut view = long_story(30).view();
    screen(&mut view, 80, 24);
    key(&mut view, KeyCode::PageUp);
    let before = text(&mut view, 80, 24);
    assert!(before.contains("▾ more below Esc"), "{before}");
    for n in 0..12 {
        let snippet = SnippetId(31 + n);
        view.apply(&SessionEvent::Submitted {
            snippet,
            author: Author::You,
            code: "new()".into(),
            call: None,
            at: NOW,
        });
    }
    let after = text(&mut view, 80, 24);
    assert!(after.contains("▾ 12 new below"), "{after}");
    let cards = |screen: &str| screen.lines().take(19).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(cards(&before), cards(&after), "what is read stays where it is");
    key(&mut view, KeyCode::Esc);
    let end = text(&mut view, 80, 24);
    assert!(end.contains("new()") && !end.contains("below"), "{end}");
}

#[test]
fn a_resize_keeps_the_place() {
    let mut view = long_story(200).view();
    screen(&mut view, 120, 40);
    for _ in 0..5 {
        key(&mut view, KeyCode::PageUp);
        screen(&mut view, 120, 40);
    }
    let anchor = view.viewport.anchor;
    screen(&mut view, 60, 20);
    screen(&mut view, 200, 50);
    screen(&mut view, 39, 5);
    screen(&mut view, 120, 40);
    assert_eq!(view.viewport.anchor, anchor);
}

#[test]
fn the_end_is_reached_by_scrolling_down() {
    let mut view = long_story(50).view();
    let end = text(&mut view, 80, 24);
    for action in [KeyCode::PageUp, KeyCode::PageUp, KeyCode::PageDown, KeyCode::PageDown, KeyCode::PageDown] {
        key(&mut view, action);
        screen(&mut view, 80, 24);
    }
    assert_eq!(text(&mut view, 80, 24), end);
    press(&mut view, KeyCode::Home, KeyModifiers::CONTROL);
    assert!(text(&mut view, 80, 24).lines().next().unwrap().contains("1  you"));
}

#[test]
fn hostile_text_stays_in_its_place() {
    let evil = "\u{1b}[2J\u{1b}[1;1Hspoof\r\u{202e}txt\u{0}\u{7}\u{9b}31m\ttab\u{200b}漢字👨‍👩‍👧‍👦e\u{301}";
    let mut story = Story::default();
    let client = client(1, "evil\u{1b}[31m\nname\u{202e}\u{200b} that is long enough to fill the whole line and more");
    story.join(&client, NOW);
    let error = failed(1, evil, &format!("{evil}\n{evil}"), 5);
    story.ran(
        &client,
        &format!("{evil}\n\"\"\"{evil}"),
        &format!("{evil}\n"),
        Outcome { result: Some(evil.into()), ..error },
    );
    let long = format!("{}{}", "漢".repeat(500), "x\u{301}".repeat(300));
    story.ran(&client, &long, &long, Outcome { result: Some(long.clone()), ..ok(1) });
    story.variables(vec![crate::tui::fixtures::variable(&long, crate::domain::VariableKind::Data, evil, evil, &long)]);
    let mut view = story.view();
    view.on_terminal(&Event::Paste(evil.into()), NOW);
    for (width, height) in [(120, 40), (80, 24), (40, 12), (61, 17), (100, 16)] {
        for code in [KeyCode::F(4), KeyCode::F(1), KeyCode::Esc, KeyCode::Esc, KeyCode::F(5)] {
            let (buffer, _) = screen(&mut view, width, height);
            for cell in &buffer.content {
                assert!(
                    !cell.symbol().chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'))
                );
                assert!(cell.symbol().chars().count() <= 16);
            }
            key(&mut view, code);
        }
        if width == 120 {
            let (buffer, _) = screen(&mut view, width, height);
            assert!((2..30).all(|y| buffer[(84, y)].symbol() == "│"), "the hairline is whole");
        }
    }
    press(&mut view, KeyCode::Home, KeyModifiers::CONTROL);
    assert!(text(&mut view, 120, 60).contains("␛[2J␛[1;1Hspoof␍"), "code shows what it hides");
}

#[test]
fn roles_have_their_styles() {
    let (mut buffer, _) = screen(&mut with_input(), 120, 40);
    let style_at = |row: usize, text: &str| {
        let line = &rows(&buffer)[row];
        let column = line[..line.find(text).unwrap()].chars().count();
        let cell = &buffer[(column as u16, row as u16)];
        (cell.fg, cell.modifier)
    };
    let none = Modifier::empty();
    assert_eq!(style_at(2, "you"), (Color::Cyan, Modifier::BOLD));
    assert_eq!(style_at(2, "✓"), (Color::Green, none));
    assert_eq!(style_at(3, "▎"), (Color::Cyan, none));
    assert_eq!(style_at(3, "\"sales"), (Color::Green, none));
    assert_eq!(style_at(4, "•"), (Color::Yellow, none));
    assert_eq!(style_at(7, "claude"), (Color::Magenta, Modifier::BOLD));
    assert_eq!(style_at(16, "✗"), (Color::Red, none));
    assert_eq!(style_at(18, "ValueError"), (Color::Red, none));
    assert_eq!(style_at(19, "▸"), (Color::Reset, Modifier::DIM));
    assert_eq!(style_at(23, "for"), (Color::Magenta, none), "{:#?}", rows(&buffer));
    assert_eq!(style_at(35, "\"region"), (Color::Green, none), "the input is coloured too");
    Theme::named(Name::Mono).paint(&mut buffer);
    assert!(buffer.content.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    assert!(buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::BOLD)));
}

#[test]
fn displays_stand_where_they_were_shown() {
    let mut story = Story::starting_at(1);
    let snippet = story.start(&client(1, "claude-code"), "show()");
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x06";
    for (line, form) in [
        ("before", Form::new("image/png", &png[..])),
        ("between", Form::new("text/markdown", &b"# A title"[..])),
        ("after", Form::new("text/html", &b"<p>told</p>"[..])),
    ] {
        story.output(snippet, Stream::Stdout, &format!("{line}\n"));
        let after = story.transcript.snippet(snippet).unwrap().output.position();
        let display = Arc::new(Display { after, id: None, forms: vec![form] });
        story.apply(&SessionEvent::Displayed { snippet, display, replaces: false, at: NOW });
    }
    story.output(snippet, Stream::Stdout, "the end");
    story.finish(snippet, Outcome { result: Some("42".to_owned()), ..ok(5) });
    let shown = text(&mut story.view(), 80, 24);
    let start = shown.lines().position(|line| line.contains("before")).unwrap();
    let expected = ["before", "▨ figure 1: 640x480 PNG", "between", "▨ display 2: Markdown, 9 B", "A title", "after"];
    for (line, expected) in
        shown.lines().skip(start).zip(expected.into_iter().chain(["▨ display 3: HTML", "told", "the end", "42"]))
    {
        assert!(line.contains(expected), "{expected:?} is not in {line:?}\n{shown}");
    }
}
