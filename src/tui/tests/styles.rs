//! The styles of the input while something is typed, with and without colours. Below each row are its colours, and then
//! its modifiers.

use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::domain::{Author, Candidate, Completions, Insight, InsightKind, Signature};
use crate::tui::fixtures::{Story, ok, story};
use crate::tui::theme::{Name, Theme};

/// The chosen rows of the screen, followed by their styles if they have any.
fn styled(view: &mut View, (width, height): (u16, u16), shown: impl Fn(&str) -> bool) -> String {
    let (buffer, cursor) = screen(view, width, height);
    let mut lines = Vec::new();
    for (y, row) in rows(&buffer).into_iter().enumerate().filter(|(_, row)| shown(row)) {
        lines.push(row);
        let cells = &buffer.content[y * usize::from(width)..][..usize::from(width)];
        let colours: String = cells.iter().map(|cell| letter(cell.fg)).collect();
        let modifiers: String = cells.iter().map(|cell| mark(cell.modifier)).collect();
        lines.extend(
            [colours, modifiers].map(|line| line.trim_end().to_owned()).into_iter().filter(|line| !line.is_empty()),
        );
    }
    let cursor = cursor.map(|at| format!("cursor at {}, {}", at.x, at.y));
    lines.into_iter().chain(cursor).collect::<Vec<_>>().join("\n")
}

fn letter(colour: Color) -> char {
    match colour {
        Color::Reset => ' ',
        Color::Cyan => 'c',
        Color::Magenta => 'm',
        Color::Green => 'g',
        Color::Yellow => 'y',
        Color::Red => 'r',
        Color::LightBlue => 'b',
        _ => '?',
    }
}

fn mark(modifier: Modifier) -> char {
    match modifier {
        m if m.is_empty() => ' ',
        Modifier::BOLD => '*',
        Modifier::DIM => '.',
        Modifier::REVERSED => '#',
        Modifier::UNDERLINED => '_',
        m if m == Modifier::BOLD | Modifier::UNDERLINED => '=',
        _ => '?',
    }
}

const SIZES: [(&str, (u16, u16)); 3] = [("wide", (120, 40)), ("medium", (80, 24)), ("compact", (40, 12))];

/// The rule above the input, and everything below it.
fn input(view: &mut View, size: (u16, u16)) -> String {
    let begun = std::cell::Cell::new(false);
    styled(view, size, |row| {
        begun.set(begun.get() || row.starts_with('─'));
        begun.get() && !row.is_empty()
    })
}

#[test]
fn ghost_text() {
    for (name, size) in SIZES {
        let mut story = Story::default();
        story.ran(&Author::You, "by_day = df.groupby(\"day\").revenue.sum()", "", ok(1));
        story.ran(&Author::You, "for day in by_day:\n    print(day)\n    check(day)", "", ok(1));
        let mut view = story.view();
        typed(&mut view, "by_d");
        assert_snapshot!(format!("ghost_{name}"), input(&mut view, size));
        ctrl(&mut view, 'u');
        typed(&mut view, "for");
        assert_snapshot!(format!("ghost_of_a_block_{name}"), input(&mut view, size));
    }
}

#[test]
fn brackets() {
    for (name, size) in SIZES {
        let mut view = Story::default().view();
        view.on_terminal(&Event::Paste("top = (df.groupby([\"region\"])\n    .revenue.sum())".into()), NOW);
        assert_snapshot!(format!("brackets_{name}"), input(&mut view, size));
    }
}

fn with_signature() -> View {
    let mut view = Story::default().view();
    typed(&mut view, "df.sort_values(by=1");
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
    view
}

#[test]
fn signature() {
    for (name, size) in SIZES {
        assert_snapshot!(format!("signature_{name}"), input(&mut with_signature(), size));
    }
}

#[test]
fn candidates() {
    for (name, size) in SIZES {
        let mut view = with_signature();
        typed(&mut view, " + re");
        key(&mut view, KeyCode::Tab);
        let candidate = |n: usize| {
            let name = format!("region_{n}");
            Candidate { text: name.clone(), name, kind: ["Series", "function", "module"][n % 3].into() }
        };
        let from = view.composer.editor.place() - 2;
        let found = Completions { from, candidates: (0..3).map(candidate).collect(), left_out: 0 };
        let asked = view.composer.completion.take_questions().pop().unwrap();
        view.on_insight(asked.id, Some(Insight::Completions(found)));
        key(&mut view, KeyCode::Down);
        let asked = view.composer.completion.take_questions().pop().unwrap();
        let doc = "region_1(where, *, deep=False, limit=None, on_error='raise', like=None, copy=None)  A view of one \
                   region of the frame.";
        view.on_insight(asked.id, Some(Insight::Candidate(doc.into())));
        let shown = |row: &str| row.contains(['╭', '╰', '▎']) || row.contains("│ r") || row.contains("│ A");
        assert_snapshot!(format!("candidates_{name}"), styled(&mut view, size, shown));
    }
}

/// Each state has a sign or a word even without colours.
#[test]
fn without_colours() {
    for (name, size) in SIZES {
        let mut view = story().view();
        view.theme = Theme::named(Name::Mono);
        view.on_terminal(&Event::Paste("top = df[\"region\"]".into()), NOW);
        assert_snapshot!(format!("without_colours_{name}"), styled(&mut view, size, |row| !row.is_empty()));
    }
}
