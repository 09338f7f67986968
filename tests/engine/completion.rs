//! Completion and signatures at the dashboard, while Python is idle and while code runs.

use crate::support;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::terminal::Terminal;
use crate::support::{Home, each_python, wait_until};

const TAB: &str = "\t";
const ESC: &str = "\u{1b}";
/// Deletes the text before the cursor, without an interrupt.
const CLEAR: &str = "\u{15}";

fn open(home: &Home, python: &Path) -> Terminal {
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for_text("variables");
    terminal
}

/// Runs code that only defines names, and waits for its end.
fn run(terminal: &mut Terminal, code: &str) {
    terminal.send(&format!("\u{1b}[200~{code}\u{1b}[201~"));
    terminal.send("\r");
    terminal.send("\r");
    terminal.wait_for("an idle session", |screen| {
        let status = screen.lines().last().unwrap_or_default();
        screen.contains("✓") && status.contains("ready") && !screen.contains("◌")
    });
}

/// The dashboard's notice if there are no candidates, or the answer takes too long.
const NOTHING: &str = "nothing to complete here";

/// The dashboard's notice for candidates that it knows without Python, if Python does not answer in time.
const BUSY: &str = "Python is busy: variables only";

/// Asks for candidates for `code` until the screen `fits`. On a slow machine some answers are late.
fn ask(terminal: &mut Terminal, code: &str, what: &str, fits: impl Fn(&str) -> bool) -> String {
    terminal.send(&format!("{code}{TAB}"));
    support::wait_until(what, || {
        let is_late = |screen: &str| screen.contains(NOTHING) || screen.contains(BUSY);
        let screen = terminal.wait_for(what, |screen| fits(screen) || is_late(screen));
        if fits(&screen) {
            return Some(screen);
        }
        terminal.send(ESC);
        terminal.wait_for("the candidates to go", |screen| !screen.contains('╰'));
        // Another key removes the notice.
        terminal.send(&format!("{CLEAR}x"));
        terminal.wait_for("the notice to go", |screen| !screen.contains(NOTHING));
        terminal.send(&format!("{CLEAR}{code}{TAB}"));
        None
    })
}

/// Types `code` until its signature is on the screen. On a slow machine some answers are late.
fn types(terminal: &mut Terminal, code: &str, wanted: &str) -> String {
    support::wait_until(wanted, || {
        terminal.send(&format!("{CLEAR}{code}"));
        soon(terminal, wanted)
    })
}

fn soon(terminal: &Terminal, wanted: &str) -> Option<String> {
    let patience = Instant::now() + Duration::from_secs(5);
    while Instant::now() < patience {
        let screen = terminal.text();
        if screen.contains(wanted) {
            return Some(screen);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Asks for the candidates after `code`, and clears the input.
fn offers(terminal: &mut Terminal, code: &str, wanted: &[&str]) -> String {
    let screen = ask(terminal, code, &format!("{wanted:?} behind {code}"), |screen| {
        let rows = screen.lines().filter(|line| line.contains("│ "));
        let popup: Vec<&str> = rows.filter(|_| screen.contains('╰')).collect();
        wanted.iter().all(|text| popup.iter().any(|line| line.contains(text)))
    });
    terminal.send(ESC);
    terminal.wait_for("the candidates to go", |screen| !screen.contains('╰'));
    terminal.send(CLEAR);
    screen
}

/// Asks for the only candidate, and clears the input.
fn completes(terminal: &mut Terminal, code: &str, to: &str) {
    ask(terminal, code, &format!("{to} from {code}"), |screen| input(screen).contains(to));
    terminal.send(CLEAR);
    terminal.wait_for("an empty input", |screen| input(screen).trim().is_empty());
}

/// Returns the first line of the input.
fn input(screen: &str) -> String {
    let mut lines = screen.lines().rev().skip_while(|line| !line.starts_with('─')).collect::<Vec<_>>();
    let below = screen.lines().count() - lines.len();
    lines.reverse();
    let line = screen.lines().nth(screen.lines().count() - below).unwrap_or_default();
    line.trim_start().trim_start_matches('▎').trim().to_owned()
}

#[test]
fn completion_finds_names_attributes_keys_modules_files_and_magics() {
    each_python(|python| {
        let home = Home::new();
        std::fs::create_dir(home.work().join("measurements")).unwrap();
        std::fs::write(home.work().join("my_tools.py"), "def sharpen(edge, angle=15): pass\nVERY_SHARP = 1\n").unwrap();
        let mut terminal = open(&home, python);
        let code = "import os\nclass Fit:\n    'A fit.'\n    @property\n    def ran(self): os._exit(3)\n    \
                    def residuals(self, order=2, *, robust=False):\n        '''Distances from the line,\n\
                    \x20       one for each point.\n\n        More of it.'''\n\
                    fit = Fit(); fit.slope = 1.5\nconfig = {'alpha': {'beta': 1}, 'gamma ray': 2}";
        run(&mut terminal, code);

        let screen = offers(&mut terminal, "fit.", &["ran", "property", "residuals", "function", "slope", "float"]);
        assert!(!screen.contains("__init__"), "{screen}");
        completes(&mut terminal, "fit.re", "fit.residuals");
        completes(&mut terminal, "conf", "config");
        completes(&mut terminal, "config['al", "config['alpha']");
        completes(&mut terminal, "config['alpha']['", "config['alpha']['beta']");
        offers(&mut terminal, "config[", &["alpha", "gamma ray"]);
        completes(&mut terminal, "import my_t", "import my_tools");
        completes(&mut terminal, "from my_tools import sha", "from my_tools import sharpen");
        completes(&mut terminal, "from os import pathse", "from os import pathsep");
        completes(&mut terminal, "import os.pa", "import os.path");
        completes(&mut terminal, "open('meas", "open('measurements/");
        completes(&mut terminal, "%lsm", "%lsmagic");
        completes(&mut terminal, "contin", "continue");
        completes(&mut terminal, "''.casef", "''.casefold");
        completes(&mut terminal, "long_word = 1; long_", "long_word = 1; long_word");
        completes(&mut terminal, "fit.residuals(rob", "fit.residuals(robust=");
        // Completion has imported nothing.
        terminal.send("import sys; [m in sys.modules for m in ('my_tools',)].count(True) * 11\r");
        terminal.wait_for("nothing imported", |screen| screen.lines().any(|line| line.trim_start().starts_with("0 ")));

        let screen = types(&mut terminal, "fit.residuals(", "residuals(order=2, *, robust=False)");
        assert!(screen.contains("Distances from the line, one for each point. ─"), "{screen}");
        terminal.send(&format!("3){CLEAR}"));
        terminal.wait_for("the signature to go", |screen| !screen.contains("residuals(order=2"));

        ask(&mut terminal, "fit.", "the candidates", |screen| screen.contains('╰'));
        terminal.send("res");
        terminal.wait_for_text("residuals(order=2, *, robust=False)");
        terminal.send("\r");
        terminal.wait_for("the chosen one", |screen| input(screen) == "fit.residuals");
        terminal.send(&format!("{CLEAR}zzz_unknown{TAB}"));
        terminal.wait_for_text(NOTHING);
    });
}

#[test]
fn completion_works_while_a_snippet_runs() {
    each_python(|python| {
        let home = Home::new();
        std::fs::write(
            home.work().join("slow_module.py"),
            "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\n",
        )
        .unwrap();
        let mut terminal = open(&home, python);
        run(
            &mut terminal,
            "import os, sys, threading\ndata = {'first': 1}\nclass C:\n    def meth(self): pass\nc = C()",
        );

        // A snippet holds Python, and the builtins that completion might need are broken.
        let hostile = "import builtins; len = None; builtins.isinstance = builtins.len = builtins.type = None\n\
                       sys.setrecursionlimit(60)\nwhile True: pass";
        terminal.send(&format!("\u{1b}[200~{hostile}\u{1b}[201~"));
        terminal.send("\r\r");
        terminal.wait_for_text("running");
        completes(&mut terminal, "c.me", "c.meth");
        completes(&mut terminal, "data['f", "data['first']");
        completes(&mut terminal, "import jso", "import json");
        types(&mut terminal, "os.path.join(", "join(a, *p)");
        terminal.send(CLEAR);
        terminal.send("\u{3}");
        terminal.wait_for_text("■");

        // A module is being imported.
        terminal.send("import slow_module\r");
        terminal.wait_for_text("running");
        completes(&mut terminal, "c.me", "c.meth");
        completes(&mut terminal, "import slow_m", "import slow_module");
        std::fs::write(home.work().join("go"), "").unwrap();
        terminal.wait_for_text("ready");

        // The completion thread is not in the list of threads, not even while it answers.
        terminal.send("import time; end = time.time() + 2; seen = set()\r");
        terminal.wait_for_text("ready");
        run(&mut terminal, "sum(1 for t in threading.enumerate()) + threading.active_count() * 100");
        terminal.wait_for_text("101");
        // The same after a fork.
        run(
            &mut terminal,
            "pid = os.fork()\nif pid == 0: os._exit(7)\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) * 11",
        );
        terminal.wait_for_text("77");
        completes(&mut terminal, "c.me", "c.meth");
    });
}

#[test]
fn completion_interrupts_user_code_that_hangs() {
    each_python(|python| {
        let home = Home::new();
        let mut terminal = open(&home, python);
        let code = "import time\nclass Slow:\n    def __dir__(self): time.sleep(1000)\n    def known(self): pass\n\
                    class Deaf:\n    def __dir__(self):\n        while True:\n            try:\n                \
                    while True: pass\n            except BaseException: pass\n    def heard(self): pass\n\
                    class Lazy:\n    def __getattr__(self, name):\n        while True: pass\n\
                    class Bad:\n    def __dir__(self): raise SystemExit(3)\n    def good(self): pass\n\
                    class Asks:\n    def __dir__(self): return ['dyn_' + input()]\n    def asked(self): pass\n\
                    class Dynamic:\n    def __dir__(self): return ['made_up']\n\
                    slow, deaf, lazy, bad, asks, dynamic = Slow(), Deaf(), Lazy(), Bad(), Asks(), Dynamic()";
        run(&mut terminal, code);
        completes(&mut terminal, "slow.kn", "slow.known");
        completes(&mut terminal, "deaf.he", "deaf.heard");
        completes(&mut terminal, "bad.go", "bad.good");
        completes(&mut terminal, "asks.as", "asks.asked");
        completes(&mut terminal, "dynamic.ma", "dynamic.made_up");
        terminal.send(&format!("lazy.thing.x{TAB}"));
        terminal.wait_for_text(NOTHING);
        terminal.send(CLEAR);
        // A snippet does not wait for the question, which is interrupted.
        terminal.send(&format!("slow.{TAB}{CLEAR}6 * 7\r"));
        terminal.wait_for_row("42");
        // A dot alone runs no user code.
        types(&mut terminal, "deaf.", "heard");
        terminal.send(&format!("{CLEAR}8 * 8\r"));
        terminal.wait_for_row("64");
    });
}

#[test]
fn completion_of_a_hundred_thousand_names_is_fast() {
    let home = Home::new();
    let mut terminal = open(&home, &support::python());
    run(&mut terminal, "globals().update({f'name_{n:06}': n for n in range(100_000)})");
    let screen = offers(&mut terminal, "name_0500", &["name_050000", "int"]);
    assert!(screen.contains("1 of 100"), "{screen}");
    // Fewer names, so that a loaded machine offers all of them within the time limit of a question.
    run(&mut terminal, "globals().update({f'key_{n:05}': n for n in range(10_000)})");
    support::wait_until("fewer by what is typed on", || {
        ask(&mut terminal, &format!("{CLEAR}key_"), "all of them", |screen| screen.contains("1 of 10000"));
        terminal.send("0999");
        soon(&terminal, "key_09990")
    });
    terminal.send("9");
    terminal.wait_for("the only one that is left", |screen| !screen.contains("key_09990"));
}

/// No completion runs during a call of C code that holds the GIL; the table of variables offers its names all the same.
#[test]
fn inside_a_c_call_the_variables_are_offered() {
    let home = Home::new();
    let mut terminal = open(&home, &support::python());
    run(&mut terminal, "import ctypes\nvariant = variable = 1");
    terminal.send("print('be' + 'gun'); ctypes.PyDLL(None).sleep(1000)\r");
    terminal.wait_for_text("begun");
    // Between the output and the call, Python could still answer.
    let session = support::children(terminal.pid())[0];
    wait_until("the C call", || {
        std::fs::read_to_string(format!("/proc/{session}/wchan")).unwrap().contains("nanosleep").then_some(())
    });
    terminal.send(&format!("vari{TAB}"));
    terminal.wait_for_text(BUSY);
    // An orderly end would take long.
    for process in support::children(terminal.pid()).into_iter().chain([terminal.pid()]) {
        support::signal(process, nix::sys::signal::Signal::SIGKILL);
    }
}

#[test]
fn completion_uses_jedi_if_it_is_installed() {
    let python = support::venv::environment("jedi", &support::python(), &["jedi"]);
    let home = Home::new();
    let mut terminal = open(&home, &python);
    run(&mut terminal, "import sys\ndef make() -> str: return ''");
    run(&mut terminal, "'jedi' in sys.modules");
    terminal.wait_for_text("False");
    // The first question loads jedi, the next ones use it.
    completes(&mut terminal, "make().casef", "make().casefold");
    completes(&mut terminal, "def f(parameter_one): return para", "return parameter_one");
}

#[test]
fn candidates_fit_on_a_small_screen() {
    let home = Home::new();
    let python = support::python();
    let mut terminal = Terminal::start(&home, &["--python", python.to_str().unwrap()], 12, 40);
    terminal.wait_for_text("ready");
    let screen = ask(&mut terminal, "pr", "print", |screen| screen.contains("print"));
    assert!(screen.contains("property") && screen.contains("▎ pr"), "{screen}");
    terminal.send("\u{1b}[B\r");
    terminal.wait_for("the second one", |screen| screen.contains("▎ property"));
}

#[test]
fn columns_come_first_and_parameters_in_their_order() {
    let home = Home::new();
    std::fs::write(home.work().join("amounts.csv"), "").unwrap();
    let mut terminal = open(&home, &support::venv::scientific());
    run(
        &mut terminal,
        "import pandas as pd\n\
         df = pd.DataFrame({'zone': [1], 'amount': [2], 'two words': [3]})\nby_name = df.set_index('zone')\n\
         named = pd.DataFrame({'x': [1, 2]}, index=['north', 'south'])",
    );
    let screen = offers(&mut terminal, "df.", &["zone", "amount", "column", "abs"]);
    let place = |screen: &str, text: &str| screen.lines().position(|row| row.contains(&format!("│ {text}"))).unwrap();
    assert!(place(&screen, "zone ") < place(&screen, "amount ") && place(&screen, "amount ") < place(&screen, "abs "));
    assert!(screen.lines().filter(|row| row.contains("function")).count() > 15, "as tall as the screen:\n{screen}");
    assert!(screen.contains('┬') && screen.contains("column"), "documentation beside it:\n{screen}");
    completes(&mut terminal, "df[\"am", "df[\"amount\"]");
    completes(&mut terminal, "df.loc[:, \"am", "df.loc[:, \"amount\"]");
    completes(&mut terminal, "df.loc[df.zone > 1, ['zone', 'tw", "df.loc[df.zone > 1, ['zone', 'two words'");
    completes(&mut terminal, "df[[\"zone\", \"am", "df[[\"zone\", \"amount\"");
    completes(&mut terminal, "df.groupby('zo", "df.groupby('zone'");
    completes(&mut terminal, "named.loc['so", "named.loc['south']");
    completes(&mut terminal, "df[df.zone > 1].loc[:, 'am", "df[df.zone > 1].loc[:, 'amount']");
    completes(&mut terminal, "pd.merge(df, named, on='am", "pd.merge(df, named, on='amount'");
    completes(&mut terminal, "df.to_csv('am", "df.to_csv('amounts.csv");
    let screen = offers(&mut terminal, "df.merge(", &["right=", "how=", "on=", "left_on=", "parameter"]);
    let order = ["right=", "how=", "on=", "left_on="].map(|name| place(&screen, name));
    assert!(order.is_sorted(), "{screen}");
}
