//! What rmcp calls: one handler per connection, the same type with a session behind it and without.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, DiscoverResult,
    ErrorCode, Implementation, InitializeRequestParams, InitializeResult, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use super::again::{self, Again};
use super::calls::Call;
use super::client::{Membership, Quirks};
use super::serve::Backend;
use super::tools;
use crate::session::live::{self, Live, LiveClient};
use crate::session::{Overview, SessionHandle};

const INSTRUCTIONS: &str = "A live Python session that you share with a person (and perhaps with other assistants). \
The person sees every snippet you run, its output and the variables on their screen, and works in the same namespace: \
names can appear or change between your calls, so list_defined_variables before you rely on what you did not just set. \
State stays between calls until somebody resets it. Snippets run one at a time in the order they came, whoever sent \
them. run_python_code waits up to wait_s seconds (45 by default); code that takes longer goes on, and wait_for_snippet \
gives its result. timeout_s stops code that takes too long. Cancelling a call interrupts its code. \
Results are cut at about 40 000 characters; read_output reads and searches all that was written. Code that waits for input is answered with answer_input, or by the person.";

static INFO: LazyLock<ServerConfig> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    InitializeResult::new(ServerCapabilities::builder().enable_tools().build())
        .with_server_info(Implementation::new("fourhands", version).with_title("fourhands: a shared Python session"))
        .with_instructions(INSTRUCTIONS)
});

pub struct Handler {
    pub backend: Backend,
    /// Present with a session.
    pub membership: Option<Arc<Membership>>,
    /// The client has closed its side.
    pub gone: CancellationToken,
    /// The server is about to end.
    pub stop: CancellationToken,
}

impl Handler {
    /// Makes the client known to the session by the name it gave; a session that ends needs nothing of that.
    async fn meet(&self, client: Option<&Implementation>) {
        if let Some(membership) = &self.membership {
            let _ = membership.author(client).await;
        }
    }

    async fn call_guarded(
        &self,
        asked: Asked,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        // rmcp never answers a call whose task panicked.
        let called = AssertUnwindSafe(self.call(asked, context)).catch_unwind().await;
        let result = called.unwrap_or_else(|_| {
            failure(
                "fourhands failed inside, which is a bug in it and not in your code. The session goes on: try again.",
            )
        });
        let came_too_late = || is_text(&result, SESSION_ENDED) || is_text(&result, CONNECTION_CLOSED);
        if matches!(&self.backend, Backend::Session(session) if session.is_restarting()) && came_too_late() {
            return Err(ErrorData::new(ErrorCode(UNANSWERED), "The session restarts.", None));
        }
        Ok(result)
    }

    async fn call(&self, asked: Asked, context: &RequestContext<RoleServer>) -> CallToolResult {
        let (session, membership) = match (&self.backend, &self.membership) {
            (Backend::Session(session), Some(membership)) => (session, membership),
            (Backend::Offline(say), _) => return failure(say()),
            (Backend::Session(_), None) => return failure(SESSION_ENDED),
        };
        let client = context.client_info();
        let Ok(author) = membership.author(client.as_ref()).await else {
            return failure(SESSION_ENDED);
        };
        let quirks = Quirks::of(client.as_ref());
        let call = Call { session, author, quirks, context, gone: &self.gone, stop: &self.stop };
        match asked {
            Asked::Once(request) => call.dispatch(&request.name, request.arguments).await,
            Asked::Again(again) => call.again(again).await,
        }
    }
}

enum Asked {
    Once(CallToolRequestParams),
    /// Of a session process that is gone, and now of this.
    Again(Again),
}

/// For `fourhands sessions`.
fn status(session: &SessionHandle, overview: Overview) -> serde_json::Value {
    let clients =
        overview.clients.into_iter().map(|client| LiveClient { name: client.name.to_string(), pid: client.pid });
    let live = Live {
        pid: session.info().pid,
        clients: clients.collect(),
        snippets: overview.snippets,
        running: overview.running.map(|(id, _)| id.0),
        queued: overview.queue.len(),
    };
    serde_json::to_value(live).unwrap_or_default()
}

pub const SESSION_ENDED: &str = "The Python session has ended. Ask the person to start fourhands again, then repeat this call; \
names that were defined are gone.";

/// Said to nobody, as a rule.
pub const CONNECTION_CLOSED: &str = "The connection was closed.";

/// Code of an answer that does not go out: this process is about to be replaced, and the bridge asks the next one.
pub const UNANSWERED: i32 = -32043;

fn is_text(result: &CallToolResult, text: &str) -> bool {
    matches!(result.content.as_slice(), [only] if only.as_text().is_some_and(|content| content.text == text))
}

/// A result that says that something failed, for the model to read.
pub fn failure(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        INFO.clone()
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.meet(Some(&request.client_info)).await;
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        self.meet(context.client_info().as_ref()).await;
        Ok(DiscoverResult::from_server_info(self.supported_protocol_versions().into_owned(), self.get_info()))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let client = context.client_info();
        self.meet(client.as_ref()).await;
        Ok(ListToolsResult::with_all_items(tools::list(Quirks::of(client.as_ref()).text_only)))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::get(name).cloned()
    }

    /// Methods that are unknown, and known ones whose params have another shape.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method == again::METHOD
            && let Ok(Some(asked)) = request.params_as::<Again>()
            && tools::get(&asked.call.name).is_some()
        {
            let result = self.call_guarded(Asked::Again(asked), &context).await?;
            return Ok(again::as_custom(result, &context));
        }
        let method = request.method;
        if method == live::METHOD
            && let Backend::Session(session) = &self.backend
            && let Ok(overview) = session.overview().await
        {
            return Ok(CustomResult::new(status(session, overview)));
        }
        Err(match method.as_str() {
            "tools/call" => ErrorData::invalid_params(
                "Invalid params for tools/call: expected an object with a string \"name\" and an object \"arguments\"",
                None,
            ),
            "initialize" => ErrorData::invalid_params(
                "Invalid params for initialize: expected protocolVersion, capabilities and clientInfo",
                None,
            ),
            _ => ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("Method not found: {method}"), None),
        })
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if tools::get(&request.name).is_none() {
            let known: Vec<String> = tools::list(true).into_iter().map(|tool| tool.name.into_owned()).collect();
            let text = format!("Unknown tool {:?}; there are {}", request.name, known.join(", "));
            return Err(ErrorData::invalid_params(text, None));
        }
        Ok(self.call_guarded(Asked::Once(request), &context).await?.into())
    }
}
