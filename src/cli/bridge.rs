//! `fourhands bridge`: what AI clients start.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::bridge::{self, BridgeOptions};

#[derive(Args, Debug)]
pub struct Arguments {
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
}

pub fn run(arguments: Arguments) -> ExitCode {
    bridge::run(BridgeOptions { session: arguments.session, socket: arguments.socket })
}
