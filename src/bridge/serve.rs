//! The service of the client on stdin and stdout.

use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::finder::Finder;
use super::offline::offline_server;
use super::pump::{BridgeUse, pump};
use super::session_source::SessionSource;
use super::stdio;
use crate::mcp::bridge_protocol::ResultForm;

/// Serves the client on stdin and stdout until the client closes its end.
pub fn serve(runtime: &Runtime, finder: &Arc<Finder>, form: Option<ResultForm>) -> io::Result<BridgeUse> {
    let adviser = finder.clone();
    let offline = offline_server(Arc::new(move || format!("Nothing was run. {}", adviser.advice())));
    runtime.block_on(async { pump(stdio::input(), stdio::output(), &**finder, &offline, form).await })
}
