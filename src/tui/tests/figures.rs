//! Figures in cards and in the gallery.

use std::sync::Arc;

use image::{Rgb, RgbImage};
use insta::assert_snapshot;
use ratatui::style::Color;

use super::*;
use crate::domain::{Display, Event as SessionEvent, Form, Stream};
use crate::tui::fixtures::{Story, client, ok};
use crate::tui::images::blocks::Colours;
use crate::tui::images::make;
use crate::tui::images::terminal::{FigureTerminal, Graphics};

const RICH: FigureTerminal = FigureTerminal { graphics: None, colours: Colours::True, is_tmux: false, cell: (10, 20) };

/// A triangle: red below the diagonal, white above.
fn wedge(width: u32, height: u32) -> Vec<u8> {
    let image =
        RgbImage::from_fn(
            width,
            height,
            |x, y| {
                if y * width >= x * height { Rgb([200, 30, 40]) } else { Rgb([255; 3]) }
            },
        );
    let mut data = Vec::new();
    image.write_to(&mut std::io::Cursor::new(&mut data), image::ImageFormat::Png).unwrap();
    data
}

/// A snippet that shows these figures, with a line of output before each.
fn showing(forms: Vec<Form>, terminal: FigureTerminal) -> View {
    let mut story = Story::starting_at(18);
    let snippet = story.start(&client(1, "claude-code"), "by_day.plot(); plt.show()");
    for form in forms {
        story.output(snippet, Stream::Stdout, "plotted\n");
        let after = story.transcript.snippet(snippet).unwrap().output.position();
        let display = Arc::new(Display { after, id: None, forms: vec![form] });
        story.apply(&SessionEvent::Displayed { snippet, display, replaces: false, at: NOW });
    }
    story.finish(snippet, ok(310));
    let mut view = story.view();
    view.figures.set_terminal(terminal);
    view
}

/// Makes the pictures as the loop does between two frames.
fn settle(view: &mut View, width: u16, height: u16) {
    screen(view, width, height);
    while let Some(job) = view.figures.next_job() {
        view.figures.on_made((job.request(), make(&job)));
        screen(view, width, height);
    }
}

fn png(width: u32, height: u32) -> Form {
    Form::new("image/png", wedge(width, height))
}

#[test]
fn a_figure_stands_in_its_card() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = showing(vec![png(640, 480)], RICH);
        let before = text(&mut view, width, height);
        settle(&mut view, width, height);
        let after = text(&mut view, width, height);
        assert_snapshot!(format!("card_{name}"), after);
        assert_eq!(before.lines().count(), after.lines().count());
        let head = |screen: &str| screen.lines().position(|line| line.contains("18"));
        assert_eq!(head(&before), head(&after), "nothing moves when it is ready");
    }
}

#[test]
fn its_colours_are_those_of_its_pixels() {
    let mut view = showing(vec![png(640, 480)], RICH);
    settle(&mut view, 80, 24);
    let (buffer, _) = screen(&mut view, 80, 24);
    let has = |color: Color| buffer.content.iter().any(|cell| cell.bg == color);
    assert!(has(Color::Rgb(200, 30, 40)) && has(Color::Rgb(255, 255, 255)));
}

#[test]
fn a_figure_partly_out_of_sight_stays_within_the_transcript() {
    let mut view = showing(vec![png(640, 480), png(640, 480), png(640, 480)], RICH);
    settle(&mut view, 80, 24);
    for _ in 0..40 {
        press(&mut view, KeyCode::Up, KeyModifiers::CONTROL);
        settle(&mut view, 80, 24);
        let (buffer, _) = screen(&mut view, 80, 24);
        let rule = rows(&buffer).iter().position(|row| row.starts_with("─ 19 you")).unwrap();
        let painted = |y: usize| buffer.content[y * 80..(y + 1) * 80].iter().any(|cell| cell.bg != Color::Reset);
        assert!((rule..24).all(|y| !painted(y)), "{}", text(&mut view, 80, 24));
    }
    assert!(view.figures.next_job().is_none(), "scrolling makes nothing again");
}

/// Each figure is one line and takes no other room.
#[test]
fn what_cannot_be_shown_is_a_line() {
    let mut bomb = wedge(2, 2);
    bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let mut cut = wedge(200, 200);
    cut.truncate(60);
    let forms = vec![
        Form::new("image/png", bomb),
        Form::new("image/png", cut),
        Form::new("image/svg+xml", &b"<svg onload='x'/>"[..]),
        Form::new("image/gif", &b"GIF89a\x80\x02\xe0\x01"[..]),
        Form::new("image/png", &b""[..]),
    ];
    let mut view = showing(forms, RICH);
    settle(&mut view, 80, 24);
    assert_snapshot!("hostile", text(&mut view, 80, 24));
    key(&mut view, KeyCode::F(6));
    for _ in 0..6 {
        settle(&mut view, 80, 24);
        key(&mut view, KeyCode::Left);
    }
    assert_snapshot!("hostile_full", text(&mut view, 80, 24));
}

#[test]
fn without_colours_the_line_is_all() {
    let mut view = showing(vec![png(640, 480)], FigureTerminal { colours: Colours::None, ..RICH });
    settle(&mut view, 80, 24);
    let shown = text(&mut view, 80, 24);
    assert!(shown.contains("▨ figure 1: 640x480 PNG") && !shown.contains('▀'), "{shown}");
    key(&mut view, KeyCode::F(6));
    settle(&mut view, 80, 24);
    assert!(text(&mut view, 80, 24).contains("shows no pictures; s saves it"));
}

#[test]
fn the_figures_of_a_card_over_the_whole_screen() {
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = showing(vec![png(640, 480), png(300, 900)], RICH);
        settle(&mut view, width, height);
        press(&mut view, KeyCode::Up, KeyModifiers::ALT);
        key(&mut view, KeyCode::Enter);
        settle(&mut view, width, height);
        assert!(text(&mut view, width, height).contains("figure 2/2 of 18"), "the last one first");
        key(&mut view, KeyCode::Left);
        settle(&mut view, width, height);
        assert_snapshot!(format!("full_{name}"), text(&mut view, width, height));
        key(&mut view, KeyCode::F(6));
        assert!(text(&mut view, width, height).contains("output of 18"));
        key(&mut view, KeyCode::Esc);
        assert!(view.layers.pager().is_none() && view.layers.gallery().is_none());
    }
}

/// A graphic is one cell of the screen, and no other cell of its area is written.
#[test]
fn the_terminals_own_pictures_are_for_the_whole_screen_only() {
    for graphics in [Graphics::Kitty, Graphics::Sixel, Graphics::Iterm2] {
        let mut view = showing(vec![png(640, 480)], FigureTerminal { graphics: Some(graphics), ..RICH });
        settle(&mut view, 80, 24);
        assert!(view.graphic().is_none());
        let (buffer, _) = screen(&mut view, 80, 24);
        assert!(buffer.content.iter().all(|cell| cell.symbol().len() < 20), "blocks in the card");
        key(&mut view, KeyCode::F(6));
        settle(&mut view, 80, 24);
        let (request, forget) = view.graphic().unwrap();
        assert!(request.size.height <= 22 && request.size.width <= 80);
        assert_eq!(forget.is_empty(), graphics != Graphics::Kitty);
        key(&mut view, KeyCode::Esc);
        settle(&mut view, 80, 24);
        assert!(view.graphic().is_none());
    }
}

#[test]
fn a_figure_is_saved_under_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut view = showing(vec![png(64, 48)], RICH);
    settle(&mut view, 80, 24);
    key(&mut view, KeyCode::F(6));
    key(&mut view, KeyCode::Char('s'));
    assert!(text(&mut view, 80, 24).contains("save as: sales-18-1.png"));
    let save = |view: &mut View| {
        let Some(Effect::SaveDisplay(saving)) = key(view, KeyCode::Enter) else { panic!("not saved") };
        let written = crate::tui::gallery::saving::write(&saving, folder.path(), None, None);
        view.on_display_saved(written.as_deref().map_err(Clone::clone), false);
        written
    };
    let path = save(&mut view).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), wedge(64, 48));
    assert!(text(&mut view, 80, 24).contains("png"));
    key(&mut view, KeyCode::Char('s'));
    std::fs::write(&path, "mine").unwrap();
    assert!(save(&mut view).unwrap_err().exists, "nothing is replaced unasked");
    assert!(text(&mut view, 120, 24).contains("Enter replaces it"));
    save(&mut view).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), wedge(64, 48));
    let Some(Effect::SaveDisplay(copy)) = key(&mut view, KeyCode::Char('y')) else { panic!("not copied") };
    let own = folder.path().join("session");
    for _ in 0..2 {
        let path = crate::tui::gallery::saving::write(&copy, folder.path(), None, Some(own.clone())).unwrap();
        assert_eq!(path, own.join("sales-18-1.png"), "one copy in the folder that goes with the session's record");
    }
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.gallery().is_none() && view.composer.editor.is_empty());
}

/// A figure that its code takes back while the person looks at it.
#[test]
fn a_figure_that_goes_while_it_is_shown() {
    let mut view = showing(vec![png(64, 48)], RICH);
    settle(&mut view, 80, 24);
    key(&mut view, KeyCode::F(6));
    let snippet = crate::domain::SnippetId(18);
    view.apply(&SessionEvent::DisplaysCleared { snippet });
    settle(&mut view, 80, 24);
    assert!(text(&mut view, 80, 24).contains("it was taken back"));
    for code in [KeyCode::Right, KeyCode::Char('s'), KeyCode::Char('y'), KeyCode::Home, KeyCode::End] {
        assert!(key(&mut view, code).is_none());
    }
    key(&mut view, KeyCode::Esc);
}

/// A data frame whose text is in the output is shown there as a table.
#[test]
fn frames_stand_where_they_were_displayed() {
    use crate::domain::{Author, DisplayedFrame, FramePreview, Outcome};
    let displayed = |name: &str, rows: usize| {
        let cells: Vec<Vec<String>> =
            (0..rows).map(|row| (0..8).map(|n| (row * 1000 + n).to_string()).collect()).collect();
        let frame = FramePreview {
            rows: rows as u64,
            columns: 8,
            index: (0..rows).map(|row| row.to_string()).collect(),
            names: (0..8).map(|n| format!("{name}_{n}")).collect(),
            cells,
            head: rows,
            ..FramePreview::default()
        };
        Arc::new(DisplayedFrame {
            text: format!("DataFrame: {rows} rows x 8 columns\nof {name}\ntypes: all int64"),
            frame,
        })
    };
    let frames = vec![displayed("first", 2), displayed("gone", 3), displayed("second", 4)];
    let view = || {
        let mut story = Story::starting_at(12);
        let output = format!("before\n{}\nbetween\n{}\nafter\n", frames[0].text, frames[2].text);
        let outcome = Outcome { frames: frames.clone(), result: Some("42".into()), ..ok(20) };
        story.ran(&Author::You, "display(first); display(second)", &output, outcome);
        story.view()
    };
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        assert_snapshot!(format!("frames_{name}"), text(&mut view(), width, height));
    }
    let mut view = view();
    screen(&mut view, 80, 24);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    key(&mut view, KeyCode::Char('l'));
    let scrolled = text(&mut view, 80, 24);
    assert!(
        !scrolled.contains("second_0") && !scrolled.contains("first_0") && scrolled.contains("between"),
        "{scrolled}"
    );
    let Some(Effect::CopyPiece { text, .. }) = key(&mut view, KeyCode::Char('y')) else { panic!() };
    assert!(text.contains("between\nDataFrame: 4 rows"), "what is copied is what was written: {text}");
}

/// A data frame keeps its labels in sight, and counts its hidden columns.
#[test]
fn a_wide_frame_is_cut_and_scrolled() {
    use crate::domain::{Author, FramePreview, Outcome};
    let names: Vec<String> = ["region", "revenue", "orders", "returned", "margin", "sku", "channel", "note", "updated"]
        .map(str::to_owned)
        .into();
    let row = |n: usize| {
        let cells = ["north", &format!("{}.50", n * 811), &(n * 7).to_string(), "0", "0.31", "\"A-1001\"", "web"];
        let mut cells: Vec<String> = cells.into_iter().map(str::to_owned).collect();
        cells.extend(["表示 of wide text".to_owned(), "2026-11-21".to_owned()]);
        cells
    };
    let frame = FramePreview {
        rows: 48_210,
        columns: 9,
        corner: "day".into(),
        index: (1..26).map(|day| format!("2026-11-{day:02}")).collect(),
        names,
        cells: (0..25).map(row).collect(),
        head: 20,
    };
    let view = || {
        let mut story = Story::starting_at(12);
        let outcome = Outcome { result: Some("DataFrame".into()), frame: Some(Arc::new(frame.clone())), ..ok(20) };
        story.ran(&Author::You, "df", "", outcome);
        story.view()
    };
    for (name, width, height) in [("wide", 120, 40), ("medium", 80, 24), ("compact", 40, 12)] {
        let mut view = view();
        assert_snapshot!(format!("frame_{name}"), text(&mut view, width, height));
    }
    let mut view = view();
    screen(&mut view, 80, 24);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    for _ in 0..3 {
        key(&mut view, KeyCode::Right);
    }
    assert_snapshot!("frame_scrolled", text(&mut view, 80, 24));
    for _ in 0..20 {
        key(&mut view, KeyCode::Right);
    }
    assert!(text(&mut view, 80, 24).contains("updated"), "the last column stays");
    for _ in 0..9 {
        key(&mut view, KeyCode::Left);
    }
    assert!(text(&mut view, 80, 24).contains("region"));
}
