//! The pictures of the README, made from the program itself: `cargo test --test dashboard picture:: -- --ignored`
//! drives sessions in a pseudo-terminal and writes what stands on their screens to `assets/session-dark.svg` and
//! others. The recording is in `tests/dashboard/recording.rs`.

use std::fmt::Write;
use std::path::Path;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{BINARY, Home, venv};
use portable_pty::CommandBuilder;

const ROWS: u16 = 44;
const COLUMNS: u16 = 118;
/// Pixels of a cell, and around all of them.
pub const CELL: (f64, f64) = (8.4, 19.0);
const SIZE: f64 = 14.0;
pub const MARGIN: f64 = 18.0;
pub const BAR: f64 = 34.0;

/// 0 to 15, then the ground, the text, the frame and the title.
pub struct Palette {
    name: &'static str,
    colours: [&'static str; 16],
    ground: &'static str,
    text: &'static str,
    frame: &'static str,
    dim: &'static str,
}

pub const PALETTES: [Palette; 2] = [
    Palette {
        name: "dark",
        colours: [
            "#1b1f27", "#f0717b", "#8fce8b", "#e8c06f", "#6cb2f5", "#d08be0", "#5cc9d3", "#c9d1d9", "#5b6472",
            "#ff8a93", "#a5e0a1", "#f5d28c", "#8cc6ff", "#e0a5ee", "#7fdde6", "#ffffff",
        ],
        ground: "#14171d",
        text: "#d5dae1",
        frame: "#2a303a",
        dim: "#7d8694",
    },
    Palette {
        name: "light",
        colours: [
            "#24292f", "#c4343f", "#1f7a3a", "#97650a", "#0a5fc2", "#8b3fb0", "#0b7285", "#57606a", "#8c959f",
            "#d1444e", "#2b8c49", "#a87413", "#2272d6", "#9d55c0", "#178299", "#ffffff",
        ],
        ground: "#fdfdfc",
        text: "#24292f",
        frame: "#d9dce1",
        dim: "#7b828b",
    },
];

const DATA: &str = "
import random
random.seed(7)
with open('sales.csv', 'w') as f:
    f.write('day,region,units,revenue\\n')
    for day in range(1, 29):
        for region in ('north', 'east', 'south', 'west'):
            units = random.randint(20, 90)
            f.write(f'2026-10-{day:02},{region},{units},{units * random.uniform(8, 14):.2f}\\n')
";

#[test]
#[ignore = "makes the pictures of the README; needs pandas"]
fn pictures_of_a_session() {
    let home = Home::new();
    let python = venv::scientific();
    let folder = home.work().join("sales");
    std::fs::create_dir(&folder).unwrap();
    assert!(std::process::Command::new(&python).args(["-c", DATA]).current_dir(&folder).status().unwrap().success());
    // As people have it.
    let environment = python.parent().and_then(Path::parent).unwrap();
    std::os::unix::fs::symlink(environment, folder.join(".venv")).unwrap();
    let mut command = CommandBuilder::new("sh");
    let start = format!("cd sales && exec {BINARY} --session sales --python .venv");
    command.args(["-c", &start]);
    let mut terminal = Terminal::run(&home, command, ROWS, COLUMNS);
    terminal.wait_for_text("ready");

    terminal.send("import pandas as pd\r");
    terminal.wait_for_text("✓");
    terminal.send("df = pd.read_csv('sales.csv', parse_dates=['day']); df.shape\r");
    terminal.wait_for_text("(112, 4)");
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "sales"]).current_dir(&folder);
    let mut client = Client::start(bridge, "claude-code", Era::Legacy);
    let run = |client: &mut Client, code: &str| {
        client.call("run_python_code", serde_json::json!({"code": code}));
    };
    run(&mut client, "by_region = df.groupby('region')[['units', 'revenue']].sum()\nby_region.round(2)");
    run(&mut client, "by_region['profit'].max()");
    terminal.wait_for("the new variable", |screen| screen.contains("4×2"));
    let code = "import time\nloss = 0.42\nfor epoch in range(40):\n    loss *= 0.97\n    print(f'epoch {epoch:>2}  loss {loss:.4f}')\n    time.sleep(0.05 if epoch < 18 else 100)";
    client.send("tools/call", serde_json::json!({"name": "run_python_code", "arguments": {"code": code, "wait_s": 0}}));
    terminal.wait_for_text("epoch 18");
    // Pasted, as one edit.
    terminal.send(
        "\u{1b}[200~top = (by_region\n       .sort_values(\"revenue\", ascending=False)\n       .head(\u{1b}[201~",
    );
    terminal.wait_for_text(".head(");
    // The clock has left zero.
    std::thread::sleep(std::time::Duration::from_secs(3));

    save(&terminal, "session");
    terminal.send("\u{3}");
    terminal.wait_for_text("■");
    client.close();
}

#[test]
#[ignore = "makes a picture of the README"]
fn pictures_of_a_risk() {
    let home = Home::new();
    let folder = home.work().join("sales");
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::write(folder.join("data/raw.csv"), "day,units\n").unwrap();
    let mut command = CommandBuilder::new("sh");
    let python = crate::support::python();
    let start =
        format!("cd sales && exec {BINARY} --session sales --gate ask-at-risk --python {}", python.to_str().unwrap());
    command.args(["-c", &start]);
    let mut terminal = Terminal::run(&home, command, 24, COLUMNS);
    terminal.wait_for_text("ready");
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "sales"]).current_dir(&folder);
    let mut client = Client::start(bridge, "claude-code", Era::Legacy);
    let code = "from pathlib import Path\n\nfor path in Path('data').glob('*.csv'):\n    \
                print('removing', path)\n    path.unlink()";
    client.send("tools/call", serde_json::json!({"name": "run_python_code", "arguments": {"code": code}}));
    terminal.wait_for_text("is about to delete data/raw.csv");
    terminal.send("\u{1b}[21~");
    terminal.wait_for_text("y allow");
    save(&terminal, "risk");
    terminal.send("\u{3}");
    terminal.wait_for_text("■");
    client.close();
}

#[test]
#[ignore = "makes a picture of the README"]
fn pictures_of_a_clash() {
    let home = Home::new();
    let folder = home.work().join("sales");
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = CommandBuilder::new("sh");
    let python = crate::support::python();
    let start = format!("cd sales && exec {BINARY} --session sales --python {}", python.to_str().unwrap());
    command.args(["-c", &start]);
    let mut terminal = Terminal::run(&home, command, 18, COLUMNS);
    terminal.wait_for_text("ready");
    terminal.send("prices = {'north': 12.5, 'east': 11.0, 'south': 9.8}; limit = 10\r");
    terminal.wait_for_text("limit");
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "sales"]).current_dir(&folder);
    let mut client = Client::start(bridge, "claude-code", Era::Legacy);
    let code = "cheap = [region for region, price in prices.items() if price < limit]\n\
                prices = {region: prices[region] for region in cheap}\ndel limit\nprices";
    client.call("run_python_code", serde_json::json!({"code": code}));
    terminal.wait_for_text("clash");
    terminal.send("\u{1b}[1;3A");
    terminal.wait_for_all(&["u put back", "! prices"]);
    save(&terminal, "clash");
    client.close();
}

fn save(terminal: &Terminal, name: &str) {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    std::fs::create_dir_all(&assets).unwrap();
    terminal.look(|screen| {
        for palette in &PALETTES {
            std::fs::write(assets.join(format!("{name}-{}.svg", palette.name)), svg(screen, palette)).unwrap();
        }
    });
}

fn svg(screen: &vt100::Screen, palette: &Palette) -> String {
    let (rows, columns) = size(screen);
    let title = "A session of fourhands: a person and claude-code in one Python";
    let mut out = window(rows, columns, title, "sales", palette);
    for row in 0..rows {
        write!(out, "<g transform=\"translate({MARGIN} {:.1})\">", BAR + f64::from(row) * CELL.1).unwrap();
        out.push_str(&draw_row(screen, row, palette));
        out.push_str("</g>\n");
    }
    out + "</svg>\n"
}

/// The head of the picture, and the window without what is in there.
pub fn window(rows: u16, columns: u16, title: &str, session: &str, palette: &Palette) -> String {
    let (width, height) = (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + MARGIN + BAR);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.1} {height:.1}" font-family="ui-monospace, 'SF Mono', 'Cascadia Mono', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="{SIZE}" fill="{}" xml:space="preserve">
<title>{title}</title>
<rect x=".5" y=".5" width="{:.1}" height="{:.1}" rx="10" fill="{}" stroke="{}"/>
"#,
        palette.text,
        width - 1.0,
        height - 1.0,
        palette.ground,
        palette.frame
    );
    for (n, colour) in [1, 3, 2].into_iter().enumerate() {
        let x = 22.0 + 20.0 * n as f64;
        writeln!(out, r#"<circle cx="{x}" cy="18" r="5.5" fill="{}"/>"#, palette.colours[colour]).unwrap();
    }
    let middle = width / 2.0;
    writeln!(
        out,
        r#"<text x="{middle:.1}" y="22.5" text-anchor="middle" font-size="12.5" fill="{}">{session} · fourhands</text>"#,
        palette.dim
    )
    .unwrap();
    out
}

pub fn size(screen: &vt100::Screen) -> (u16, u16) {
    let (rows, columns) = screen.size();
    (rows.get(), columns.get())
}

/// How a cell looks: its style as attributes of SVG, and its ground.
fn look(cell: &vt100::Cell, palette: &Palette) -> (String, Option<String>) {
    let colour = |colour: vt100::Color, own: &str| match colour {
        vt100::Color::Default => own.to_owned(),
        vt100::Color::Idx(index) => palette.colours.get(usize::from(index)).map_or(own, |colour| *colour).to_owned(),
        vt100::Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
    };
    let (mut text, mut ground) = (colour(cell.fgcolor(), palette.text), colour(cell.bgcolor(), ""));
    if cell.inverse() {
        (text, ground) = (palette.ground.to_owned(), text);
    } else if cell.dim() && cell.fgcolor() == vt100::Color::Default {
        palette.dim.clone_into(&mut text);
    }
    // The picture as a whole has the usual colour.
    let mut style = if text == palette.text { String::new() } else { format!(r#" fill="{text}""#) };
    for (set, attribute) in [
        (cell.bold(), r#" font-weight="600""#),
        (cell.italic(), r#" font-style="italic""#),
        (cell.underline(), r#" text-decoration="underline""#),
        (cell.dim() && cell.fgcolor() != vt100::Color::Default, r#" fill-opacity=".65""#),
    ] {
        if set {
            style.push_str(attribute);
        }
    }
    (style, Some(ground).filter(|ground| !ground.is_empty()))
}

/// Neighbouring cells of one look: their text, or a shape that repeats.
struct CellRun {
    column: u16,
    cells: u16,
    text: String,
    style: String,
    is_shape: bool,
}

/// A row with the cursor, as if it were the first one.
pub fn draw_row(screen: &vt100::Screen, row: u16, palette: &Palette) -> String {
    let mut out = String::new();
    let mut run: Option<CellRun> = None;
    let (mut drawn, mut grounds) = (String::new(), None);
    for column in 0..size(screen).1 {
        let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else { continue };
        let (style, ground) = look(cell, palette);
        let cells = 1 + u16::from(cell.is_wide());
        match (&mut grounds, ground) {
            (Some((_, width, same)), Some(ground)) if *same == ground => *width += cells,
            (_, ground) => {
                lay(grounds.take(), &mut out);
                grounds = ground.map(|ground| (column, cells, ground));
            }
        }
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let is_shape = shape(text, 0.0, 0.0).is_some();
        match &mut run {
            Some(run) if run.style == style && run.is_shape == is_shape && (!is_shape || run.text == text) => {
                run.cells += cells;
                if !is_shape {
                    run.text.push_str(text);
                }
            }
            _ => {
                flush(run.take(), &mut drawn);
                run = Some(CellRun { column, cells, text: text.to_owned(), style, is_shape });
            }
        }
    }
    lay(grounds, &mut out);
    flush(run, &mut drawn);
    out.push_str(&drawn);
    let (at, column) = screen.cursor_position();
    if !screen.hide_cursor() && at == row {
        let (x, width, height) = (f64::from(column) * CELL.0, CELL.0, CELL.1 - 2.0);
        let colour = palette.text;
        writeln!(
            out,
            r#"<rect x="{x:.1}" y="1" width="{width:.1}" height="{height:.1}" fill="{colour}" fill-opacity=".75"/>"#
        )
        .unwrap();
    }
    out
}

/// Draws the ground of neighbouring cells: the first one, how many, and the colour.
fn lay(ground: Option<(u16, u16, String)>, out: &mut String) {
    let Some((column, cells, ground)) = ground else { return };
    let (x, width) = (f64::from(column) * CELL.0, f64::from(cells) * CELL.0);
    writeln!(out, r#"<rect x="{x:.1}" width="{width:.1}" height="{:.1}" fill="{ground}"/>"#, CELL.1).unwrap();
}

/// The path of what has to meet its neighbours without a gap, whatever the font.
fn shape(text: &str, x: f64, right: f64) -> Option<String> {
    let (middle, centre, below) = (CELL.1 / 2.0, x + CELL.0 / 2.0, CELL.1);
    let line = middle - 0.5;
    Some(match text {
        "▎" => format!("M{x:.1} 0h2.4V{below:.1}h-2.4z"),
        "─" => format!("M{x:.1} {line:.1}H{right:.1}v1H{x:.1}z"),
        "│" => format!("M{:.1} 0V{below:.1}h1V0z", centre - 0.5),
        "┴" => format!("M{x:.1} {line:.1}H{right:.1}v1H{x:.1}zM{:.1} 0V{middle:.1}h1V0z", centre - 0.5),
        // Figures and bars.
        "▀" => format!("M{x:.1} 0H{right:.1}V{middle:.1}H{x:.1}z"),
        "▄" => format!("M{x:.1} {middle:.1}H{right:.1}V{below:.1}H{x:.1}z"),
        "█" => format!("M{x:.1} 0H{right:.1}V{below:.1}H{x:.1}z"),
        _ => return None,
    })
}

fn flush(run: Option<CellRun>, out: &mut String) {
    let Some(CellRun { column, cells, text, style, is_shape }) = run else { return };
    let x = f64::from(column) * CELL.0;
    let right = x + f64::from(cells) * CELL.0;
    if is_shape {
        let path = shape(&text, x, right).unwrap();
        writeln!(out, r#"<path d="{path}"{style}/>"#).unwrap();
        return;
    }
    let kept = text.trim_end();
    if kept.is_empty() {
        return;
    }
    let width = f64::from(cells - (text.chars().count() - kept.chars().count()) as u16) * CELL.0;
    let shown = kept.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let y = CELL.1 * 0.74;
    writeln!(out, r#"<text x="{x:.1}" y="{y:.1}" textLength="{width:.1}"{style}>{shown}</text>"#).unwrap();
}
