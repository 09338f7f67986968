//! The stdio bridge that AI clients launch. It outlives the sessions that it connects them to.
//!
//! A client such as Claude Desktop never restarts a server that has exited, so the bridge stays as long as its stdin is
//! open. It passes lines on and reads only their envelopes. While there is no session, the bridge answers by itself.
//! Nothing here knows Python, the journal or the dashboard.

mod advice;
mod attached;
mod client_log;
mod envelope;
pub mod environment;
mod executable;
mod finder;
#[cfg(test)]
mod fuzz;
mod handshake;
mod lines;
#[cfg(test)]
mod model;
mod offline;
mod options;
mod pump;
mod relay;
mod requests;
mod serve;
mod session_source;
mod starter;
mod stdio;
mod tmux;

use std::process::ExitCode;
use std::sync::Arc;

pub use self::attached::Attached;
use self::client_log::log;
pub use self::executable::program;
use self::finder::Finder;
pub use self::options::BridgeOptions;
use self::pump::BridgeUse;
use self::session_source::SessionSource;
pub use crate::mcp::bridge_protocol::ResultForm;

/// Runs the bridge on stdin and stdout until stdin is closed.
pub fn run(options: BridgeOptions) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            log(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let form = options.form;
    let finder = Arc::new(Finder::new(options));
    let ended = serve::serve(&runtime, &finder, form);
    finder.leave();
    // A thread may still be blocked in a read of stdin.
    runtime.shutdown_background();
    match ended {
        Ok(BridgeUse::Served) => ExitCode::SUCCESS,
        Ok(BridgeUse::InVain) => {
            log(&format!("nothing came on standard input. {}", finder.advice()));
            ExitCode::FAILURE
        }
        Err(error) => {
            log(&format!("the client stopped reading: {error}"));
            ExitCode::FAILURE
        }
    }
}
