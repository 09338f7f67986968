//! `fourhands doctor`: what a session would find here, and what is wrong with it.
//!
//! Each check asks the code that a session runs, so that the causes and their words are the same. None changes
//! anything on the disk.

mod clients;
mod editor;
mod finding;
mod folders;
mod program;
mod python;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::output;
use crate::export::escaped;
use crate::session::discovery::paths::Paths;
use finding::{Finding, State};

const AFTER_LONG_HELP: &str = "\
Signs:
  \u{2713}  in order
  \u{2717}  broken, with the remedy; the exit code is then 1
  -  worth knowing

Fields of --json (an array with an object for each line):
  section  program, python, sessions, journal, settings, terminal or clients
  state    ok, fault or note
  text     What was found, and the remedy";

#[derive(Args, Debug)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub struct DoctorArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Check this Python in place of the one that would be chosen
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
}

pub fn run(arguments: &DoctorArguments) -> ExitCode {
    let paths = Paths::of_this_process().for_looking();
    let mut findings = program::check();
    findings.extend(python::check(arguments.python.as_deref()));
    findings.extend(folders::check(&paths));
    findings.extend(terminal::check(!arguments.json));
    findings.push(editor::check());
    findings.extend(clients::check());
    let text = if arguments.json {
        format!("{}\n", escaped(&serde_json::to_string_pretty(&findings).unwrap_or_default()))
    } else {
        report(&findings)
    };
    output::print(&text);
    let has_fault = findings.iter().any(|finding| finding.state == State::Fault);
    ExitCode::from(u8::from(has_fault))
}

fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut section = "";
    for finding in findings {
        if section != finding.section {
            let space = if section.is_empty() { "" } else { "\n" };
            section = finding.section;
            let (first, rest) = section.split_at(1);
            text.push_str(&format!("{space}{}{rest}\n", first.to_uppercase()));
        }
        let sign = match finding.state {
            State::Ok => '\u{2713}',
            State::Fault => '\u{2717}',
            State::Note => '-',
        };
        text.push_str(&format!("  {sign} {}\n", finding.text.replace('\n', "\n    ")));
    }
    let faults = findings.iter().filter(|finding| finding.state == State::Fault).count();
    text + &match faults {
        0 => "\nNothing is broken.\n".to_owned(),
        1 => "\nOne thing is broken (\u{2717}).\n".to_owned(),
        many => format!("\n{many} things are broken (\u{2717}).\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_grouped_and_counted() {
        let findings =
            [Finding::ok("python", "a"), Finding::fault("python", "b;\nremedy"), Finding::note("terminal", "c")];
        assert_eq!(
            report(&findings),
            "Python\n  \u{2713} a\n  \u{2717} b;\n    remedy\n\nTerminal\n  - c\n\nOne thing is broken (\u{2717}).\n"
        );
    }
}
