//! Options of the bridge.

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
    /// The Python of a session that the bridge starts.
    pub python: Option<PathBuf>,
    /// The form of results; `None` for the one that suits the client.
    pub form: Option<ResultForm>,
    /// Environment variables that a held session gets in addition; see [`super::environment::selected`].
    pub keep_env: Vec<String>,
}
