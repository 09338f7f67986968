//! `fourhands bridge`: connects an AI client to a session.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::bridge::{self, BridgeOptions};
use crate::cli::output::{USAGE, fail};
use crate::tui::settings;

#[derive(Args, Debug)]
pub struct BridgeArguments {
    /// Session to connect to.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "socket",
        help = "Session to connect to [default: FOURHANDS_SESSION, else the session of this or the nearest parent folder, \
                else the only one running]"
    )]
    pub session: Option<String>,
    /// Socket to connect to, whatever session is behind it
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// If there is no session: hold one without a dashboard, until a dashboard takes it over or the clients have left
    #[arg(long, conflicts_with = "socket")]
    pub serve: bool,
    /// If there is no session: open the dashboard in a split of the tmux window that this runs in
    #[arg(long, conflicts_with = "socket")]
    pub tmux: bool,
    /// Python of a session that --serve or --tmux starts [default: as `fourhands` finds it]
    #[arg(long, value_name = "PATH", conflicts_with = "socket")]
    pub python: Option<PathBuf>,
    /// Variables of this environment that a session held by --serve gets beside the usual ones (paths, locale, Python's own),
    /// such as `OPENAI_API_KEY` or `AWS_*`, or `all`. Other clients of that session can read them. Also `keep_env` in config.toml
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "serve")]
    pub keep_env: Vec<String>,
}

pub fn run(arguments: BridgeArguments) -> ExitCode {
    let BridgeArguments { session, socket, serve, tmux, python, mut keep_env } = arguments;
    if python.is_some() && !(serve || tmux) {
        return fail(USAGE, &"--python is for sessions that --serve or --tmux starts; one that runs has its Python.");
    }
    if serve {
        keep_env.extend(settings::read(settings::path()).settings.keep_env);
    }
    bridge::run(BridgeOptions { session, socket, serve, tmux, python, keep_env })
}
