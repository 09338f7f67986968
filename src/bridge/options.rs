//! Options of the bridge.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::mcp::bridge_protocol::ResultForm;

#[derive(Clone, Debug, Default)]
pub struct BridgeOptions {
    /// Name of the session; `None` to choose among the running sessions.
    pub session: Option<String>,
    /// Connect to this socket instead of looking for a session.
    pub socket: Option<PathBuf>,
    /// Hold a session if there is none.
    pub serve: bool,
    /// Open the dashboard in a pane of tmux if there is no session.
    pub tmux: bool,
    /// The Python of a session that the bridge starts, its packages, and the script that names packages.
    pub python: Option<PathBuf>,
    pub with: Vec<String>,
    pub script: Option<PathBuf>,
    /// The form of results; `None` for the one that suits the client.
    pub form: Option<ResultForm>,
    /// Environment variables that a held session gets in addition; see [`super::environment::selected`].
    pub keep_env: Vec<String>,
}

impl BridgeOptions {
    /// The options of a session that the bridge starts, by `name` if that is given.
    pub fn of_session(&self, name: Option<&str>) -> Vec<OsString> {
        let pair = |option: &str, value: OsString| [option.into(), value];
        let named = name.map(|name| pair("--session", name.into()));
        let python = self.python.as_ref().map(|python| pair("--python", python.into()));
        let with = self.with.iter().map(|packages| pair("--with", packages.into()));
        let script = self.script.as_ref().map(|script| pair("--script", script.into()));
        named.into_iter().chain(python).chain(with).chain(script).flatten().collect()
    }
}
