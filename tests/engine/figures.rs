//! Figures and data frames in the dashboard, with a Python that has matplotlib and pandas.

use crate::support::terminal::Terminal;
use crate::support::{Home, venv};

fn open(home: &Home) -> Terminal {
    let python = venv::scientific();
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
    terminal
}

fn blocks(screen: &str) -> usize {
    screen.chars().filter(|c| "▀▌▘▝▖▗▚".contains(*c)).count()
}

#[test]
fn a_figure_is_shown_in_its_card_and_on_the_whole_screen() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("import matplotlib.pyplot as plt; plt.plot([3, 1, 2]); plt.show()\r");
    terminal.wait_for("a figure of blocks", |screen| screen.contains("▨ figure 1: 640x480 PNG") && blocks(screen) > 40);
    terminal.send("\u{1b}[17~");
    terminal.wait_for("the figure over the whole screen", |screen| {
        screen.contains("figure of 1, you") && screen.contains("s save as") && blocks(screen) > 100
    });
    terminal.send("s");
    terminal.wait_for_text("save as: ");
    terminal.send("\u{15}mine.png\r");
    terminal.wait_for_text("saved as");
    assert!(std::fs::read(home.work().join("mine.png")).unwrap().starts_with(b"\x89PNG"));
    terminal.send("q");
    terminal.wait_for("the card again", |screen| screen.contains("ready") && blocks(screen) > 40);
    assert_eq!(terminal.quit().exit_code(), 0);
}

#[test]
fn a_wide_frame_is_cut_to_the_screen_and_scrolled() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("import pandas as pd; pd.DataFrame({f'column_{n}': range(1000) for n in range(30)})\r");
    let screen = terminal.wait_for_all(&["1,000 rows × 30 columns", "more columns ← →", "⋮ 9", "column_0"]);
    assert!(!screen.contains("column_29"), "{screen}");
    terminal.send("\u{1b}[1;3A");
    terminal.wait_for("the card selected", |screen| screen.contains('›'));
    terminal.send(&"\u{1b}[C".repeat(29));
    // The last column is visible before the key that makes it the first one.
    terminal.wait_for_all(&["29 columns to the left", "column_29", "999"]);
    terminal.send("\u{1b}");
    terminal.wait_for("nothing selected", |screen| !screen.contains('›'));
    assert_eq!(terminal.quit().exit_code(), 0);
}

#[test]
fn a_frame_that_is_displayed_within_a_snippet_is_a_table() {
    let home = Home::new();
    let mut terminal = open(&home);
    let code =
        "import pandas as pd; df = pd.DataFrame({f'column_{n}': range(1000) for n in range(30)}); display(df); 'end'";
    terminal.send(&format!("{code}\r"));
    let screen = terminal.wait_for_all(&["1,000 rows × 30 columns", "more columns ← →", "⋮ 9"]);
    assert!(!screen.contains("DataFrame:"), "{screen}");
    terminal.send("\u{1b}[1;3A");
    terminal.wait_for("the card selected", |screen| screen.contains('›'));
    terminal.send(&"\u{1b}[C".repeat(29));
    terminal.wait_for("the last column", |screen| screen.contains("column_29"));
    terminal.send("\u{1b}");
    terminal.wait_for("nothing selected", |screen| !screen.contains('›'));
    assert_eq!(terminal.quit().exit_code(), 0);
}
