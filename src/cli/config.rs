//! `fourhands config`: checks the settings.

use std::process::ExitCode;

use clap::Args;

use crate::cli::output::{self, fail, warn};
use crate::tui::settings::{self, EXAMPLE};

#[derive(Args, Debug)]
pub struct ConfigArguments {
    /// Print a file with every setting and key, as they are by default, to begin with
    #[arg(long)]
    example: bool,
}

pub fn run(arguments: &ConfigArguments) -> ExitCode {
    if arguments.example {
        output::print(&format!("{EXAMPLE}{}", settings::all_keys()));
        return ExitCode::SUCCESS;
    }
    let Some(path) = settings::path() else {
        return fail(1, &"there is no home to look for settings in; set HOME or XDG_CONFIG_HOME");
    };
    let loaded = settings::read(Some(path.clone()));
    let path = path.display();
    if loaded.path.is_none() {
        output::print(&format!(
            "{path} is not there; all is as by default. `fourhands config --example` prints one.\n"
        ));
        return ExitCode::SUCCESS;
    }
    if loaded.problems.is_empty() {
        output::print(&format!("{path} is fine.\n"));
        return ExitCode::SUCCESS;
    }
    for problem in &loaded.problems {
        warn(&format_args!("{path}: {problem}"));
    }
    ExitCode::from(1)
}
