//! The capabilities of the terminal: from its environment, and from its answers.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::finding::Finding;

const SECTION: &str = "terminal";
/// How long a terminal may take to answer, also over a slow line.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// Characters that some terminals draw in two cells; the dashboard has many of these.
const DOUBTFUL: &str = "\u{2713}\u{2502}\u{2026}";
/// Asks for the keyboard protocol, graphics of kitty, the position after the doubtful characters, and the attributes,
/// which every terminal answers.
const QUESTION: &str =
    "\x1b[?u\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\r\u{2713}\u{2502}\u{2026}\x1b[6n\r\x1b[K\x1b[c";

pub fn check(may_ask: bool) -> Vec<Finding> {
    let value = |name: &str| std::env::var(name).unwrap_or_default();
    let term = value("TERM");
    let mut found = Vec::new();
    match term.as_str() {
        "" => found.push(Finding::fault(
            SECTION,
            "TERM is not set, so nothing is known of the terminal; set it, such as TERM=xterm-256color",
        )),
        "dumb" => found.push(Finding::note(SECTION, "TERM is dumb, so the dashboard is plain lines (--plain)")),
        _ => found.push(Finding::ok(SECTION, format!("TERM is {term}{}", named(&value("TERM_PROGRAM"))))),
    }
    let colours = match value("COLORTERM").as_str() {
        _ if !value("NO_COLOR").is_empty() => "none, as NO_COLOR says",
        "truecolor" | "24bit" => "16 million",
        _ if term.contains("256") || term.contains("direct") => "256",
        _ => "16",
    };
    found.push(Finding::ok(SECTION, format!("Colours: {colours}")));
    let figures = value("FOURHANDS_FIGURES");
    let known = ["", "auto", "blocks", "kitty", "sixel", "iterm2", "off"];
    if !known.contains(&figures.as_str()) {
        let known = known[1..].join(", ");
        found.push(Finding::fault(SECTION, format!("FOURHANDS_FIGURES is {figures}, which is none of {known}")));
    }
    if !value("TMUX").is_empty() {
        found.push(Finding::note(
            SECTION,
            "In tmux: copying needs `set -g set-clipboard on`, notifications `set -g allow-passthrough on`",
        ));
    }
    if may_ask && io::stdin().is_terminal() && io::stdout().is_terminal() && !matches!(&*term, "" | "dumb" | "linux") {
        found.extend(ask().map_or_else(
            |_| vec![Finding::note(SECTION, "The terminal cannot be asked")],
            |answer| describe(&TerminalAnswers::read(&answer)),
        ));
    }
    found
}

fn named(program: &str) -> String {
    if program.is_empty() { String::new() } else { format!(", of {program}") }
}

/// What a terminal answered.
#[derive(Debug, Default, PartialEq, Eq)]
struct TerminalAnswers {
    attributes: bool,
    kitty_keyboard: bool,
    kitty_graphics: bool,
    sixel: bool,
    /// Cells that the doubtful characters took.
    cells: Option<usize>,
}

impl TerminalAnswers {
    fn read(text: &str) -> Self {
        let mut answers = Self { kitty_graphics: text.contains("\x1b_Gi=31;OK"), ..Self::default() };
        for part in text.split("\x1b[").skip(1) {
            let end = part.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(part.len());
            let numbers = part[..end].trim_start_matches('?');
            match part[end..].chars().next() {
                Some('u') => answers.kitty_keyboard = true,
                Some('c') => {
                    answers.attributes = true;
                    answers.sixel = numbers.split(';').skip(1).any(|number| number == "4");
                }
                Some('R') => {
                    let column: Option<usize> = numbers.split(';').nth(1).and_then(|column| column.parse().ok());
                    answers.cells = column.and_then(|column| column.checked_sub(1));
                }
                _ => {}
            }
        }
        answers
    }
}

fn describe(answers: &TerminalAnswers) -> Vec<Finding> {
    if !answers.attributes {
        let text = "The terminal does not answer questions, so figures and keys are guessed from its environment";
        return vec![Finding::note(SECTION, text)];
    }
    let figures = match (answers.kitty_graphics, answers.sixel) {
        (true, true) => "in the graphics of kitty, and sixel",
        (true, false) => "in the graphics of kitty",
        (false, true) => "sixel",
        (false, false) => "as coloured blocks",
    };
    let mut found = vec![Finding::ok(SECTION, format!("Figures: {figures}"))];
    found.push(if answers.kitty_keyboard {
        Finding::ok(SECTION, "Keys: all combinations can be told apart (the keyboard protocol of kitty)")
    } else {
        Finding::note(
            SECTION,
            "Keys: the terminal sends Shift-Enter as Enter and Ctrl-I as Tab; each action has another key (F1)",
        )
    });
    match answers.cells {
        Some(cells) if cells > DOUBTFUL.chars().count() => found.push(Finding::fault(
            SECTION,
            "The terminal draws lines and signs such as \u{2713} in two cells, which breaks the columns; set the width of \
             ambiguous characters to one cell in its settings",
        )),
        Some(_) => found.push(Finding::ok(SECTION, "Lines and signs take one cell")),
        None => {}
    }
    found
}

/// Asks the terminal, and restores its modes.
fn ask() -> io::Result<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut raw = before.clone();
    cfmakeraw(&mut raw);
    tcsetattr(&terminal, SetArg::TCSANOW, &raw)?;
    let answer = converse(&mut terminal);
    // What comes late must not be taken for typing.
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &before)?;
    answer
}

fn converse(terminal: &mut File) -> io::Result<String> {
    terminal.write_all(QUESTION.as_bytes())?;
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).ends_with('c') {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut waiting = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        if left.is_zero() || poll(&mut waiting, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX))? == 0 {
            break;
        }
        let mut bytes = [0; 1024];
        match terminal.read(&mut bytes)? {
            0 => break,
            count => answer.extend_from_slice(&bytes[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_terminals_are_read() {
        let kitty = TerminalAnswers::read("\x1b[?0u\x1b_Gi=31;OK\x1b\\\x1b[5;4R\x1b[?62;c");
        let expected = TerminalAnswers {
            attributes: true,
            kitty_keyboard: true,
            kitty_graphics: true,
            sixel: false,
            cells: Some(3),
        };
        assert_eq!(kitty, expected);
        let foot = TerminalAnswers::read("\x1b[5;4R\x1b[?62;4;22c");
        assert_eq!(
            foot,
            TerminalAnswers { attributes: true, sixel: true, cells: Some(3), ..TerminalAnswers::default() }
        );
        assert_eq!(
            TerminalAnswers::read("\x1b[5;4R\x1b[?4c"),
            TerminalAnswers { attributes: true, cells: Some(3), ..TerminalAnswers::default() }
        );
        assert_eq!(TerminalAnswers::read(""), TerminalAnswers::default());
    }

    #[test]
    fn wide_signs_are_a_fault() {
        let text = |answers: &TerminalAnswers| format!("{:?}", describe(answers));
        let wide = TerminalAnswers { attributes: true, cells: Some(6), ..TerminalAnswers::default() };
        assert!(text(&wide).contains("Fault") && text(&wide).contains("two cells"));
        assert!(text(&TerminalAnswers::default()).contains("does not answer"));
    }
}
