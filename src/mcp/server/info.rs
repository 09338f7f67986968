//! The description of the server: name, icon, capabilities, instructions.

use std::sync::LazyLock;

use rmcp::model::{Icon, Implementation, InitializeResult, ServerCapabilities, ServerConfig};

use crate::mcp::results::summary;
use crate::session::SessionHandle;

const INSTRUCTIONS: &str = "A live Python session that you share with a person, and perhaps with other assistants. The \
person sees every snippet, its output and the variables on their screen, and works in the same namespace. State \
persists until somebody resets it, and names can change between your calls: each result reports what others did since \
your last one. Snippets run one at a time, in the order of submission. run_python_code waits up to wait_s seconds \
(default 45); longer code keeps running, and wait_for_snippet returns its result. timeout_s stops code, and so does \
cancelling its call. Results are truncated at about 40 000 characters; read_output returns the whole output. When code \
waits for input, you (answer_input) or the person can answer. ask_human asks the person a question. In a new or \
compacted chat, start with the resource fourhands://session or with session_history.";

/// A 4 between the brackets of two hands. A URI must not hold spaces.
const ICON: &str = "data:image/svg+xml;utf8,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%2032%2032'%3E\
%3Crect%20width='32'%20height='32'%20rx='7'%20fill='%231d4ed8'/%3E%3Cpath%20d='M8%206H5v20h3M24%206h3v20h-3M18%2024V8l-8%20\
11h12'%20fill='none'%20stroke='white'%20stroke-width='2.5'/%3E%3C/svg%3E";

#[allow(deprecated, reason = "logging, which older protocol versions have")]
static INFO: LazyLock<ServerConfig> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    let capabilities = ServerCapabilities::builder()
        .enable_logging()
        .enable_completions()
        .enable_prompts()
        .enable_prompts_list_changed()
        .enable_resources()
        .enable_resources_subscribe()
        .enable_resources_list_changed()
        .enable_tools()
        .enable_tool_list_changed()
        .build();
    let icon = Icon::new(ICON).with_mime_type("image/svg+xml").with_sizes(vec!["any".to_owned()]);
    let server = Implementation::new("fourhands", version)
        .with_title("fourhands: a shared Python session")
        .with_icons(vec![icon]);
    InitializeResult::new(capabilities).with_server_info(server).with_instructions(INSTRUCTIONS)
});

pub fn server_info() -> ServerConfig {
    INFO.clone()
}

/// The instructions with the state of the session; `None` if the session has ended.
pub async fn instructions_now(session: &SessionHandle) -> Option<String> {
    let summary = summary::of(session, None, summary::SHORT).await.ok()?;
    Some(format!("{INSTRUCTIONS}\n\nNow: {summary}"))
}
