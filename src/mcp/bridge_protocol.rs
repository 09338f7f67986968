//! The private methods, members and error codes between a bridge and a session. `src/bridge/PROTOCOL.md` describes
//! them.

use rmcp::model::CallToolRequestParams;
use serde::{Deserialize, Serialize};

use crate::session::SentTo;

/// The method by which a bridge asks for the answer to a call that it has sent before. The request has the id of the
/// call. Its params are those of `tools/call`, with [`SENT_TO`] and [`HAS_ARGUMENTS`].
pub const RETRY: &str = "fourhands/again";
/// The method by which a bridge says that its client worked with another session process before, the one in
/// [`SENT_TO`].
pub const RECONNECTED: &str = "fourhands/moved";

/// The notification by which a bridge says in which form its client gets results; params: [`RequestedForm`].
pub const RESULTS: &str = "fourhands/results";

/// Member of the params: the session process that received the call, or answered last (see [`SentTo`]).
pub const SENT_TO: &str = "fourhands/sent_to";
/// Member of the params: `false` if the bridge dropped the arguments because they were too long.
pub const HAS_ARGUMENTS: &str = "fourhands/kept";

/// Code of the error, without an id, by which a session refuses a connection.
pub const REFUSED: i32 = -32042;
/// Code of an error that the transport drops: this process is about to be replaced, and the bridge asks the next one.
pub const UNANSWERED: i32 = -32043;

/// The form of the results of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResultForm {
    /// `content` alone, without output schemas. No client loses an image in this form.
    Text,
    /// The same without images, for clients that hand them to the model as base64 text.
    Words,
    /// `structuredContent` beside `content`, and output schemas.
    Structured,
}

/// Params of [`RESULTS`].
#[derive(Serialize, Deserialize)]
pub struct RequestedForm {
    pub form: ResultForm,
}

/// Params of [`RECONNECTED`].
#[derive(Deserialize)]
pub struct Reconnected {
    #[serde(rename = "fourhands/sent_to", default)]
    pub sent_to: SentTo,
}

/// Params of [`RETRY`].
#[derive(Deserialize)]
pub struct RetriedCall {
    #[serde(rename = "fourhands/sent_to", default)]
    pub sent_to: SentTo,
    #[serde(rename = "fourhands/kept", default = "yes")]
    pub has_arguments: bool,
    #[serde(flatten)]
    pub call: CallToolRequestParams,
}

fn yes() -> bool {
    true
}
