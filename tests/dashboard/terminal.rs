//! The terminal as it is: its answers, other keyboard layouts, pastes, its end; and what code is told of it.

use std::path::PathBuf;

use crate::support;
use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, venv};

fn open(home: &Home, python: &std::path::Path, rows: u16, columns: u16) -> Terminal {
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], rows, columns);
    terminal.wait_until_idle();
    terminal
}

/// A Python with libraries that ask about the terminal.
fn python() -> PathBuf {
    venv::environment(
        "terminal",
        &venv::scientific_base(),
        &["rich", "click", "pytest", "tqdm", "loguru", "termcolor", "colorama"],
    )
}

fn client(home: &Home) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    Client::start(bridge, "model", Era::Legacy)
}

fn run(terminal: &mut Terminal, code: &str) {
    terminal.send(&format!("\u{1b}[200~{code}\u{1b}[201~\r"));
}

#[test]
fn answers_of_the_terminal_are_no_input() {
    let home = Home::new();
    let mut terminal = open(&home, &support::python(), 30, 100);
    let answers = [
        "\u{1b}]4;1;rgb:cdcd/0000/0000\u{7}",
        "\u{1b}]11;rgb:0000/0000/0000\u{1b}\\",
        "\u{1b}]52;c;aGVsbG8=\u{1b}\\",
        "\u{1b}[?62;22;52c",
        "\u{1b}[>1;4000;29c",
        "\u{1b}P!|00000000\u{1b}\\",
        "\u{1b}P>|kitty(0.36.4)\u{1b}\\",
        "\u{1b}P1+r544e=787465726d\u{1b}\\",
        "\u{1b}[?2026;2$y",
        "\u{1b}[24;80R",
        "\u{1b}_Gi=31;OK\u{1b}\\",
    ];
    terminal.send("'be");
    for answer in answers {
        let (one, two) = answer.split_at(answer.len() / 2);
        terminal.send(answer);
        terminal.send(one);
        // What is sent at once may be read at once, so that the terminal must have shown something in between.
        terminal.send(two);
    }
    terminal.send("gin'");
    terminal.wait_for_text("▎ 'begin'");
    terminal.send("\r");
    terminal.wait_for_row("'begin'");
    assert_eq!(terminal.quit().exit_code(), 0);
}

#[test]
fn shortcuts_work_on_other_layouts_and_keys_of_the_desktop_insert_nothing() {
    let home = Home::new();
    let mut terminal = open(&home, &support::python(), 30, 100);
    assert!(terminal.has_received("\u{1b}[>5u"), "the key of a Latin layout is asked for");
    // Super-A, Hyper-B, Meta-C, then a letter.
    terminal.send("\u{1b}[97;9u\u{1b}[98;17u\u{1b}[99;33u\u{444}");
    terminal.wait_for("the letter alone", |screen| screen.lines().any(|line| line.trim_end() == "  ▎ ф"));
    // Ctrl-С of a Russian keyboard clears the input.
    terminal.send("\u{1b}[1089::99;5u");
    terminal.wait_for("an empty input", |screen| !screen.contains('ф'));
    // Ctrl-D of a Greek keyboard ends the session.
    terminal.send("\u{1b}[948::100;5u");
    assert_eq!(terminal.wait().exit_code(), 0);
}

#[test]
fn several_lines_at_once_are_a_paste_even_without_brackets() {
    let home = Home::new();
    let mut terminal = open(&home, &support::python(), 30, 100);
    terminal.send("first = 1\rsecond = 2\rprint(first + second + 40)\r");
    terminal.wait_for_text("▎ print(first + second + 40)");
    assert!(!terminal.text().contains('✓'), "the paste ran:\n{}", terminal.text());
    terminal.send("\u{1f}");
    terminal.wait_for("the whole paste undone by one undo", |screen| !screen.contains("first"));
    terminal.send("6 * 7\r");
    terminal.wait_for_row("42");
}

/// Runs `print(code)` until it prints `wanted`: running code learns of another size a moment after the person sees it.
fn wait_for_print(terminal: &mut Terminal, code: &str, wanted: &str) {
    support::wait_until(wanted, || {
        run(terminal, &format!("print({code})"));
        terminal.wait_until_idle();
        terminal.text().contains(wanted).then_some(())
    });
}

/// The colour of the row that begins with `text`, and whether it is dim.
fn look(terminal: &Terminal, text: &str) -> (vt100::Color, bool) {
    terminal.look(|screen| {
        let width = screen.size().1.get();
        let is_this = |row: &String| row.trim_start().starts_with(text);
        let found = screen.rows(0, width).enumerate().find(|(_, row)| is_this(row));
        let (row, line) = found.unwrap_or_else(|| panic!("no row begins with {text:?}:\n{}", screen.contents()));
        let cell = screen.cell(row as u16, line.find(text).unwrap() as u16).unwrap();
        (cell.fgcolor(), cell.dim())
    })
}

#[test]
fn code_is_told_the_size_of_the_card() {
    let home = Home::new();
    let mut terminal = open(&home, &python(), 40, 120);
    run(&mut terminal, "import os, shutil, subprocess\nfrom rich.console import Console\nconsole = Console()");
    terminal.wait_for_text("✓");
    let all = "shutil.get_terminal_size().columns, os.get_terminal_size(1).columns, os.environ['COLUMNS'], \
               console.width, Console().width, subprocess.check_output('echo $COLUMNS', shell=True), sep=' '";
    wait_for_print(&mut terminal, all, "79 79 79 79 79 b'79\\n'");
    // While code runs.
    run(
        &mut terminal,
        "while shutil.get_terminal_size().columns == 79 or os.environ['COLUMNS'] == '79': pass\nprint('told', console.width)",
    );
    terminal.wait_for_text("running");
    terminal.resize(40, 90);
    terminal.wait_for_text("told 86");
    wait_for_print(&mut terminal, all, "86 86 86 86 86 b'86\\n'");
    // What code has set stays.
    wait_for_print(&mut terminal, "os.environ.update(COLUMNS='33') or shutil.get_terminal_size().columns", "33");
    terminal.resize(40, 100);
    wait_for_print(&mut terminal, "os.get_terminal_size().columns, shutil.get_terminal_size().columns", "65 33");
}

#[test]
fn libraries_colour_for_the_person_and_nobody_else() {
    let home = Home::new();
    let mut terminal = open(&home, &python(), 40, 120);
    run(&mut terminal, "import sys, rich, click, io\nrich.print('[red]rich[/red]'); click.secho('click', fg='green')");
    terminal.wait_for_row("click");
    assert_eq!(look(&terminal, "rich"), (vt100::Color::Idx(1), false));
    assert_eq!(look(&terminal, "click"), (vt100::Color::Idx(2), false));
    run(
        &mut terminal,
        "from rich.console import Console\nfile = io.StringIO()\nConsole(file=file).print('[red]in a file'); \
         click.secho('in a file', fg='green', file=file)\nprint(repr(file.getvalue()), sys.stdout.isatty())",
    );
    terminal.wait_for_text("'in a file\\nin a file\\n' False");
    run(
        &mut terminal,
        "open('test_it.py', 'w').write('def test_it(): pass')\nimport pytest; pytest.main(['-q', 'test_it.py'])",
    );
    terminal.wait_for_text("1 passed");
    assert_eq!(look(&terminal, "1 passed").0, vt100::Color::Idx(2));
    run(
        &mut terminal,
        "import colorama, termcolor\nfrom loguru import logger\ncolorama.init()\nprint(colorama.Fore.BLUE + 'colorama')\n\
         print(termcolor.colored('termcolor', 'magenta'))\nlogger.info('logged')",
    );
    terminal.wait_for_text("INFO");
    assert_eq!(look(&terminal, "colorama").0, vt100::Color::Idx(4));
    assert_eq!(look(&terminal, "termcolor").0, vt100::Color::Idx(5));
    assert_eq!(look(&terminal, "20").0, vt100::Color::Idx(2), "the date of the message");
    // Models get text alone.
    let mut client = client(&home);
    let run = client.run(
        "rich.print('[red]for a model'); click.secho('and more', fg='green'); print(termcolor.colored('all', 'red'))",
    );
    assert_eq!(run["stdout"], "for a model\nand more\nall\n");
}

#[test]
fn live_displays_are_drawn_over_and_progress_bars_are_no_errors() {
    let home = Home::new();
    let mut terminal = open(&home, &python(), 40, 120);
    run(
        &mut terminal,
        "import os, time\nfrom rich.progress import Progress\nwith Progress() as bars:\n    \
         one = bars.add_task('one', total=4); two = bars.add_task('two', total=4)\n    \
         bars.update(one, completed=2)\n    while not os.path.exists('go'): time.sleep(0.01)\n    \
         bars.update(one, completed=4)\nprint('all of it')",
    );
    terminal.wait_for("half of it", |screen| {
        screen.contains("one ━") && screen.contains("50%") && screen.contains("two ━")
    });
    std::fs::write(home.work().join("go"), "").unwrap();
    terminal.wait_for_text("100%");
    let screen = terminal.wait_until_idle();
    assert_eq!(screen.matches("two ━").count(), 1, "drawn over:\n{screen}");
    run(
        &mut terminal,
        "import sys\nfrom tqdm import tqdm\nfor i in tqdm(range(3), desc='bar'): pass\nprint('a message', file=sys.stderr)",
    );
    terminal.wait_for_row("a message");
    assert_eq!(look(&terminal, "bar: 100%"), (vt100::Color::Default, false));
    assert_ne!(look(&terminal, "a message"), (vt100::Color::Default, false));
}

#[test]
fn without_a_dashboard_code_is_told_an_ordinary_size() {
    let mut session = support::session::Session::start(&support::python());
    assert_eq!(
        session.value("import shutil, os; shutil.get_terminal_size(), os.get_terminal_size()"),
        "(os.terminal_size(columns=80, lines=24), os.terminal_size(columns=80, lines=24))"
    );
    session.run("os.environ['COLUMNS'] = '50'");
    assert_eq!(session.value("shutil.get_terminal_size().columns"), "50");
    session.client.call("reset_python_environment", serde_json::json!({}));
    assert_eq!(session.value("import shutil; shutil.get_terminal_size().columns"), "80");
}

#[test]
fn a_terminal_that_takes_nothing_delays_only_the_screen() {
    let home = Home::new();
    let mut terminal = open(&home, &support::python(), 30, 100);
    let mut client = client(&home);
    {
        let reader = terminal.reader();
        let _stopped = reader.lock().unwrap();
        for _ in 0..5 {
            let run = client.run("for i in range(5_000): print('line', i)\nprint('done')");
            assert!(run["stdout"].as_str().unwrap().ends_with("done\n"), "{run}");
        }
    }
    terminal.send("'seen ' + 'again'\r");
    terminal.wait_for_row("'seen again'");
}

/// Starts a program on a terminal, and closes that as soon as it shows `ready`. No SIGHUP reaches the program.
const HANG_UP: &str = r#"
import fcntl, os, pty, signal, struct, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
while b"ready" not in shown:
    shown += os.read(terminal, 65536)
os.close(terminal)
until = time.monotonic() + 60
while time.monotonic() < until:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        print("ended with", os.waitstatus_to_exitcode(status))
        break
    time.sleep(0.01)
else:
    os.kill(pid, signal.SIGKILL)
    print("still there")
"#;

#[test]
fn a_terminal_that_goes_away_ends_the_dashboard() {
    let home = Home::new();
    let python = support::python();
    let mut command = std::process::Command::new(&python);
    command.args(["-c", HANG_UP, support::BINARY, "--python"]).arg(&python);
    command.env_clear().envs(home.environment()).current_dir(home.work());
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ended with 0\n", "{output:?}");
}
