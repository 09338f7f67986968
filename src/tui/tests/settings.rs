//! The effects of settings, and the messages about their faults.

use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::tui::fixtures::{Story, story};
use crate::tui::settings::{Loaded, parse};

fn with(view: &mut View, config: &str) {
    let (settings, problems) = parse(config);
    view.set(Loaded { path: Some("/home/ada/.config/fourhands/config.toml".into()), settings, problems });
}

#[test]
fn faults_are_told_until_the_next_key_which_is_not_lost() {
    let config = "[keys]\ncontrl-r = \"help\"\nctrl-t = \"hlep\"\n[theme]\nname = \"drak\"\nerror = \"rde\"\n[editor]\nvim = true\n";
    let mut view = story().view();
    with(&mut view, config);
    assert_snapshot!("faults_wide", text(&mut view, 120, 40));
    assert_snapshot!("faults_medium", text(&mut view, 80, 24));
    assert_snapshot!("faults_compact", text(&mut view, 40, 12));
    for (width, height) in [(1, 1), (39, 11), (300, 100)] {
        screen(&mut view, width, height);
    }
    key(&mut view, KeyCode::Char('x'));
    assert!(view.composer.editor.code() == "x" && !text(&mut view, 120, 40).contains("faults"));
}

#[test]
fn a_key_of_the_persons_own_is_told_everywhere() {
    let mut view = story().view();
    with(
        &mut view,
        "[keys]\nctrl-g = \"help\"\nf1 = \"none\"\nctrl-c = \"none\"\nctrl-k = \"interrupt\"\nf4 = \"none\"",
    );
    let status = text(&mut view, 120, 40).lines().last().unwrap().to_owned();
    assert!(
        status.contains("Ctrl-K interrupt   F2 actions   Ctrl-G help") && !status.contains("variables"),
        "{status}"
    );
    assert_eq!(ctrl(&mut view, 'k'), Some(Effect::Interrupt));
    ctrl(&mut view, 'g');
    let screen = text(&mut view, 120, 40);
    assert!(screen.contains("Ctrl-G             help"), "{screen}");
}

/// Each role in each theme: its colour, and its style without colours.
#[test]
fn themes() {
    let style_row = |config: &str| {
        let mut view = story().view();
        with(&mut view, config);
        let (buffer, _) = screen(&mut view, 120, 40);
        let style_at = |row: u16, text: &str| {
            let line = &rows(&buffer)[usize::from(row)];
            let cell = &buffer[(line[..line.find(text).unwrap()].chars().count() as u16, row)];
            (cell.fg, cell.modifier)
        };
        [
            style_at(2, "you"),
            style_at(2, "✓"),
            style_at(4, "•"),
            style_at(7, "claude"),
            style_at(16, "✗"),
            style_at(19, "▸"),
        ]
    };
    let (none, bold, dim) = (Modifier::empty(), Modifier::BOLD, Modifier::DIM);
    let dark = [
        (Color::Cyan, bold),
        (Color::Green, none),
        (Color::Yellow, none),
        (Color::Magenta, bold),
        (Color::Red, none),
        (Color::Reset, dim),
    ];
    let (teal, green, brown) = (Color::Indexed(24), Color::Indexed(22), Color::Indexed(94));
    let light =
        [(teal, bold), (green, none), (brown, none), (Color::Magenta, bold), (Color::Red, none), (Color::Reset, dim)];
    assert_eq!(style_row(""), dark);
    assert_eq!(style_row("theme = \"dark\""), dark);
    assert_eq!(style_row("theme = \"light\""), light);
    assert_eq!(style_row("theme = \"mono\""), dark.map(|(_, modifier)| (Color::Reset, modifier)));
    let own = style_row("[theme]\nyou = \"#102030\"\nok = 40\ndim = \"bright-black\"\nclient = \"default\"");
    assert_eq!(own[0], (Color::Rgb(16, 32, 48), bold));
    assert_eq!(own[1], (Color::Indexed(40), none));
    assert_eq!(own[3], (Color::Reset, bold));
    assert_eq!(own[5], (Color::DarkGray, none));
}

#[test]
fn the_mouse_and_vi_are_settled() {
    let mut view = Story::default().view();
    assert!(view.mouse.captured && view.composer.editor.vi.is_none());
    with(&mut view, "mouse = false\n[editor]\nvi = true");
    assert!(!view.mouse.captured && view.composer.editor.vi.is_some());
}

/// No hint names a key that has another meaning now.
#[test]
fn hints_tell_the_keys_that_hold() {
    let config = "[keys]\nf10 = \"back\"\nesc = \"none\"\nctrl-o = \"choose\"\nenter = \"none\"\nctrl-t = \"accept\"\ntab = \"none\"\n\
                  alt-enter = \"run\"\nf4 = \"none\"\nf6 = \"none\"\nalt-p = \"output\"\nf7 = \"none\"\nalt-7 = \"replay\"";
    let mut seen = String::new();
    let mut look = |open: &mut dyn FnMut(&mut View)| {
        let mut view = story().view();
        with(&mut view, config);
        assert!(view.layers.is_empty(), "{:?}", view.layers);
        screen(&mut view, 120, 40);
        open(&mut view);
        for (width, height) in [(120, 40), (80, 24), (40, 12)] {
            seen += &text(&mut view, width, height);
        }
    };
    let alt = |view: &mut View, c: char| drop(press(view, KeyCode::Char(c), KeyModifiers::ALT));
    look(&mut |_| {});
    look(&mut |view| drop(ctrl(view, 'r')));
    look(&mut |view| {
        ctrl(view, 'r');
        typed(view, "nothing is like this");
    });
    look(&mut |view| alt(view, 'p'));
    look(&mut |view| alt(view, '7'));
    look(&mut |view| drop(key(view, KeyCode::F(9))));
    look(&mut |view| drop(key(view, KeyCode::F(8))));
    look(&mut |view| drop(key(view, KeyCode::F(3))));
    look(&mut |view| drop(key(view, KeyCode::PageUp)));
    look(&mut |view| {
        view.perform(crate::tui::input::keymap::Action::Variables, NOW);
        key(view, KeyCode::Down);
    });
    let shows = |key: &str| seen.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == key);
    for key in ["Esc", "Enter", "Tab", "F4", "F6", "F7"] {
        let line = seen.lines().find(|line| line.contains(key)).unwrap_or_default();
        assert!(!shows(key), "{key} is told: {line}");
    }
    assert!(shows("F10") && shows("Ctrl-O"), "{seen}");
}
