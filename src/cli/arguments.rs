//! Arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::bridge::ResultForm;
use crate::domain::{GateMode, ReplaySelection, Unattended};

#[derive(Args, Debug, Default)]
pub struct SessionArguments {
    /// Session name [default: from the folder's name]
    ///
    /// 1 to 64 of the characters A-Z a-z 0-9 . _ -, not starting with . or -. If a session of that name runs without a
    /// dashboard, `fourhands` opens its dashboard here.
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Python interpreter, virtual environment or command
    ///
    /// The path of an interpreter, the folder of a virtual environment, or a command on PATH. `fourhands --help` has
    /// the order of the search without this option.
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Add packages, such as numpy,pandas
    ///
    /// They come on top of those that the session would have without this option. uv installs them where it is on PATH,
    /// else pip, into an environment in the cache folder, which the next session with the same packages and the same
    /// Python uses again.
    #[arg(long = "with", value_name = "PACKAGES")]
    pub with: Vec<String>,
    /// Use the packages that a script names
    ///
    /// The session gets the Python and the packages that the block `# /// script` of this file asks for (PEP 723), and
    /// no others. The script is not run: `%run FILE` does that.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub script: Option<PathBuf>,
    /// Resume a past session by name or id [default: last]
    ///
    /// Continues the session with its transcript and numbers in a new Python. Without a name: the last session of this
    /// folder, else of a parent folder, else of all.
    #[arg(long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Rerun its snippets
    ///
    /// With --resume: reruns the snippets of the session in their order, and stops at the first new failure.
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "ok",
        requires = "resume",
        hide_short_help = true
    )]
    pub replay: Option<ReplayArgument>,
    /// Keep processes that snippets started
    ///
    /// Without this option, the processes that snippets started are ended when Python restarts and when the session
    /// ends. The setting `keep_processes` in config.toml does the same.
    #[arg(long, hide_short_help = true)]
    pub keep_processes: bool,
    /// When client code runs: watch, ask-at-risk, ask, hold
    ///
    /// watch: at once. ask-at-risk: at once, but you are asked before it deletes files, starts processes and the like.
    /// ask: when you allow it. hold: later, without a question. Without this option a resumed session keeps the gate
    /// that it had, and a new one begins with the `mode` in `[gate]` of config.toml, or watch. The dashboard changes
    /// the gate at any time.
    #[arg(long, value_name = "MODE", hide_possible_values = true)]
    pub gate: Option<GateArgument>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GateArgument {
    /// Code runs at once
    Watch,
    /// Code waits before a risk
    AskAtRisk,
    /// Code waits until you allow it
    Ask,
    /// Code waits, and you are not asked
    Hold,
}

impl GateArgument {
    pub fn mode(self) -> GateMode {
        match self {
            Self::Watch => GateMode::Watch,
            Self::AskAtRisk => GateMode::AskAtRisk,
            Self::Ask => GateMode::Ask,
            Self::Hold => GateMode::Hold,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UnattendedArgument {
    /// It waits until its call is cancelled
    Wait,
    /// It runs
    Allow,
    /// It is rejected
    Deny,
}

impl UnattendedArgument {
    pub fn unattended(self) -> Unattended {
        match self {
            Self::Wait => Unattended::Wait,
            Self::Allow => Unattended::Allow,
            Self::Deny => Unattended::Deny,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReplayArgument {
    /// Snippets that succeeded (the default)
    Ok,
    /// Also snippets that failed or were interrupted
    All,
    /// Your own snippets that succeeded
    Mine,
}

impl ReplayArgument {
    pub fn selection(self) -> ReplaySelection {
        match self {
            Self::Ok => ReplaySelection::Ok,
            Self::All => ReplaySelection::All,
            Self::Mine => ReplaySelection::Mine,
        }
    }
}

/// The form of the results that an MCP client gets.
#[derive(Args, Debug)]
pub struct ResultFormArguments {
    /// Send results as structured content too, for a client that uses both
    ///
    /// By default a client gets text and images, and structured content only if it is known to show its model both.
    /// Many clients show the model no image beside structured content.
    #[arg(long, conflicts_with_all = ["text_only", "no_images"])]
    pub structured: bool,
    /// Send results as text and images alone
    #[arg(long, conflicts_with = "no_images")]
    pub text_only: bool,
    /// Send results as text without images, for a client that shows the model base64 in place of pictures
    #[arg(long)]
    pub no_images: bool,
}

impl ResultFormArguments {
    pub fn form(&self) -> Option<ResultForm> {
        let forms = [
            (self.structured, ResultForm::Structured),
            (self.text_only, ResultForm::Text),
            (self.no_images, ResultForm::Words),
        ];
        forms.into_iter().find_map(|(is_asked, form)| is_asked.then_some(form))
    }
}
