//! What rmcp calls: one handler per connection, the same type with a session behind it and without.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;
#[allow(deprecated, reason = "rmcp marks what only older protocol versions have")]
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult, ContentBlock,
    CustomRequest, CustomResult, DiscoverResult, ErrorCode, GetPromptRequestParams, GetPromptResponse, Icon,
    Implementation, InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, RequestId, ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
    SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use super::client::{Membership, Quirks};
use super::failure::{Failure, ended, ended_meanwhile, left_without_answer, refused};
use super::retry;
use super::retry::{Reconnected, RetriedCall};
use super::serve::Backend;
use crate::domain::{Author, CallId, CallState};
use crate::mcp::resources::subscriptions;
use crate::mcp::resources::subscriptions::{Sink, Watched};
use crate::mcp::resources::uris::Address;
use crate::mcp::resources::{completion, prompts, read};
use crate::mcp::results::summary;
use crate::mcp::tools::calls::ToolCall;
use crate::mcp::tools::schema;
use crate::mcp::transport::unknown_methods;
use crate::session::clock::now;
use crate::session::discovery::status;
use crate::session::discovery::status::{LiveClient, SessionStatus};
use crate::session::{Closed, Overview, SessionHandle};

const INSTRUCTIONS: &str = "A live Python session that you share with a person, and perhaps with other assistants. The \
person sees every snippet, its output and the variables on their screen, and works in the same namespace. State stays \
until somebody resets it, and names can change between your calls: each result says what others did since your last \
one. Snippets run one at a time, in the order they came. run_python_code waits up to wait_s seconds (45 by default); \
code that takes longer goes on, and wait_for_snippet gives its result. timeout_s stops code, and so does cancelling its \
call. Results are cut at about 40 000 characters; read_output has all of it. Code that waits for input is answered with \
answer_input, or by the person, whom ask_human asks. In a fresh or compacted chat, begin with the resource \
fourhands://session or session_history.";

/// A 4 between two hands' brackets. Spaces are no part of a URI.
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

pub struct Handler {
    pub backend: Backend,
    /// Present with a session.
    pub membership: Option<Arc<Membership>>,
    /// What the client is told of when it changes.
    pub watched: Watched,
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

    fn session(&self) -> Option<&SessionHandle> {
        match &self.backend {
            Backend::Session(session) => Some(session),
            Backend::Offline(_) => None,
        }
    }

    /// What is said where there is no session.
    fn offline(&self) -> String {
        match &self.backend {
            Backend::Offline(say) => say(),
            Backend::Session(_) => SESSION_ENDED.to_owned(),
        }
    }

    /// Who the client is. Without a session it is nobody in particular.
    async fn reader(&self, context: &RequestContext<RoleServer>) -> Result<Author, ErrorData> {
        match &self.membership {
            Some(membership) => membership.author(context.client_info().as_ref()).await.map_err(read::ended),
            None => Ok(Author::You),
        }
    }

    /// What the server says of itself, and how the session stands.
    async fn greeting(&self) -> Option<String> {
        let brief = summary::of(self.session()?, None, summary::SHORT).await.ok()?;
        Some(format!("{INSTRUCTIONS}\n\nNow: {brief}"))
    }

    /// Tells a client of an older protocol version what changes, from now on.
    fn watch(&self, context: &RequestContext<RoleServer>) {
        let Some(session) = self.session().filter(|_| !is_modern(context)) else { return };
        if self.watched.change(|wants| std::mem::replace(&mut wants.is_watched, true)) {
            return;
        }
        let run = subscriptions::run(session.clone(), self.watched.clone(), Sink::Peer(context.peer.clone()));
        let (gone, stop) = (self.gone.clone(), self.stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = run => {}
                () = gone.cancelled() => {}
                () = stop.cancelled() => {}
            }
        });
    }

    async fn call_guarded(
        &self,
        asked: Invocation,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = asked.tool().to_owned();
        // rmcp never answers a call whose task panicked.
        match AssertUnwindSafe(self.call(asked, context)).catch_unwind().await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(Failure::Told(text))) => Ok(failed(text)),
            Ok(Err(Failure::Ended(state))) => {
                let restarts = self.session().is_some_and(SessionHandle::is_restarting);
                // A bridge asks the process that takes over; nobody else would.
                if restarts && call_id(context).is_some() {
                    return Err(ErrorData::new(ErrorCode(UNANSWERED), "The session restarts.", None));
                }
                let (what, advice) = if restarts { RESTARTS } else { (SESSION_ENDED, START_AGAIN) };
                Ok(failed(left_without_answer(&tool, state, what, advice)))
            }
            Err(_) => {
                let what = "fourhands failed inside, which is a bug in it and not in your code. The session goes on.";
                Ok(failed(left_without_answer(&tool, CallState::Unknown, what, "")))
            }
        }
    }

    async fn call(&self, asked: Invocation, context: &RequestContext<RoleServer>) -> Result<CallToolResponse, Failure> {
        let (session, membership) = match (&self.backend, &self.membership) {
            (Backend::Session(session), Some(membership)) => (session, membership),
            (Backend::Offline(say), _) => return refused(say()),
            (Backend::Session(_), None) => return Err(ended(Closed)),
        };
        let client = context.client_info();
        let author = membership.author(client.as_ref()).await.map_err(match &asked {
            Invocation::Once(_) => ended,
            // To another process it may have come.
            Invocation::Again(_) => ended_meanwhile,
        })?;
        let (quirks, gone, stop) = (Quirks::of(client.as_ref()), &self.gone, &self.stop);
        let id = call_id(context);
        let mut call = ToolCall { id, session, author, membership, quirks, context, answers: None, gone, stop };
        match asked {
            Invocation::Once(request) => call.once(request).await,
            Invocation::Again(again) => call.again(again).await,
        }
    }
}

enum Invocation {
    Once(CallToolRequestParams),
    /// It was sent before, and left without an answer.
    Again(RetriedCall),
}

impl Invocation {
    fn tool(&self) -> &str {
        match self {
            Self::Once(request) => &request.name,
            Self::Again(again) => &again.call.name,
        }
    }
}

/// The name that a bridge gave the call.
fn call_id(context: &RequestContext<RoleServer>) -> Option<CallId> {
    match &context.id {
        RequestId::String(text) => CallId::parse(text),
        RequestId::Number(_) => None,
    }
}

/// For `fourhands sessions`.
fn status(session: &SessionHandle, overview: Overview) -> serde_json::Value {
    let clients =
        overview.clients.into_iter().map(|client| LiveClient { name: client.name.to_string(), pid: client.pid });
    let live = SessionStatus {
        pid: session.info().pid,
        clients: clients.collect(),
        snippets: overview.snippets,
        running: overview.running.map(|(id, _)| id.0),
        queued: overview.queue.len(),
    };
    serde_json::to_value(live).unwrap_or_default()
}

pub const SESSION_ENDED: &str = "The Python session has ended.";
const RESTARTS: (&str, &str) = ("Python restarts.", "Connect again: a new Python takes over the session.");
const START_AGAIN: &str = "To go on, ask the person to start fourhands again; names that were defined are gone.";

/// Code of an answer that does not go out: this process is about to be replaced, and the bridge asks the next one.
pub const UNANSWERED: i32 = -32043;

/// Whether a request is of the stateless era.
pub fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// A result that says that something failed, for the model to read.
pub fn failure(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

fn failed(text: impl Into<String>) -> CallToolResponse {
    failure(text).into()
}

/// Of lists that have one page.
fn only_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(read::invalid_cursor()),
    }
}

fn panicked() -> ErrorData {
    ErrorData::internal_error("fourhands failed inside, which is a bug in it. The session goes on: try again.", None)
}

#[allow(deprecated, reason = "rmcp marks what only older protocol versions have")]
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
        let mut result = self.negotiate_initialize(&request)?;
        if let Some(greeting) = self.greeting().await {
            result.instructions = Some(greeting);
        }
        Ok(result)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        self.meet(context.client_info().as_ref()).await;
        let mut info = self.get_info();
        if let Some(greeting) = self.greeting().await {
            info.instructions = Some(greeting);
        }
        Ok(DiscoverResult::from_server_info(self.supported_protocol_versions().into_owned(), info))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        only_page(request)?;
        let client = context.client_info();
        self.meet(client.as_ref()).await;
        Ok(ListToolsResult::with_all_items(schema::list(Quirks::of(client.as_ref()).text_only)))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.reader(&context).await?;
        self.watched.change(|wants| wants.list = true);
        self.watch(&context);
        read::list(self.session(), request.and_then(|request| request.cursor)).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        only_page(request)?;
        Ok(read::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let reader = self.reader(&context).await?;
        let offline = self.offline();
        let read = read::read(self.session(), reader, &request.uri, &offline);
        AssertUnwindSafe(read).catch_unwind().await.unwrap_or_else(|_| Err(panicked())).map(Into::into)
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if Address::parse(&request.uri).is_none() {
            return Err(ErrorData::resource_not_found(format!("Resource not found: {:?}", request.uri), None));
        }
        let has_room = self.watched.change(|wants| {
            let has_room = wants.uris.len() < subscriptions::MOST || wants.uris.contains(&request.uri);
            if has_room {
                wants.uris.insert(request.uri);
            }
            has_room
        });
        if !has_room {
            let text = format!("{} resources are watched already, which is the most", subscriptions::MOST);
            return Err(ErrorData::invalid_params(text, None));
        }
        self.watch(&context);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.watched.change(|wants| wants.uris.remove(&request.uri));
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = requested.clone();
        if let Some(uris) = &mut accepted.resource_subscriptions {
            uris.retain(|uri| Address::parse(uri).is_some());
            uris.truncate(subscriptions::MOST);
        }
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let watched = Watched::default();
        let accepted = context.accepted();
        watched.change(|wants| {
            wants.list = accepted.resources_list_changed == Some(true);
            wants.uris = accepted.resource_subscriptions.iter().flatten().cloned().collect();
        });
        let told = async {
            if let Some(session) = self.session() {
                subscriptions::run(session.clone(), watched, Sink::Listen(context.sink().clone())).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = told => {}
            () = context.cancelled() => {}
            () = self.gone.cancelled() => {}
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_modern(&context) {
            return Err(unknown_methods::not_found("logging/setLevel"));
        }
        let reader = self.reader(&context).await?;
        self.watched.change(|wants| wants.log = Some(request.level));
        self.watch(&context);
        if let Some(session) = self.session()
            && let Some((level, text)) = subscriptions::restart(session, reader, now()).await
            && subscriptions::rank(level) >= subscriptions::rank(request.level)
        {
            subscriptions::log(&context.peer, level, &text).await;
        }
        Ok(())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        only_page(request)?;
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let reader = self.reader(&context).await?;
        let Some(session) = self.session() else {
            return prompts::offline(&request.name, self.offline()).map(Into::into);
        };
        let got = prompts::get(session, reader, &request.name, request.arguments.as_ref());
        let got = AssertUnwindSafe(got).catch_unwind().await.map_err(|_| panicked())?;
        got.map_err(read::ended)?.map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        match self.session() {
            Some(session) => completion::of(session, request).await.map(CompleteResult::new).map_err(read::ended),
            None => Ok(CompleteResult::default()),
        }
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        schema::get(name).cloned()
    }

    /// Methods that are unknown, and known ones whose params have another shape.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method == retry::METHOD
            && let Ok(Some(asked)) = request.params_as::<RetriedCall>()
            && schema::get(&asked.call.name).is_some()
        {
            let result = self.call_guarded(Invocation::Again(asked), &context).await?;
            return Ok(retry::as_custom(result, &context));
        }
        if request.method == retry::MOVED
            && let Some(membership) = &self.membership
            && let Ok(Some(Reconnected { sent_to })) = request.params_as::<Reconnected>()
        {
            membership.comes_from(&sent_to);
            return Ok(CustomResult::new(serde_json::Value::Null));
        }
        let method = request.method;
        if method == status::METHOD
            && let Backend::Session(session) = &self.backend
            && let Ok(overview) = session.overview().await
        {
            return Ok(CustomResult::new(status(session, overview)));
        }
        Err(unknown_methods::error(&method, is_modern(&context)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if schema::get(&request.name).is_none() {
            let known: Vec<String> = schema::list(true).into_iter().map(|tool| tool.name.into_owned()).collect();
            let text = format!("Unknown tool {:?}; there are {}", request.name, known.join(", "));
            return Err(ErrorData::invalid_params(text, None));
        }
        self.call_guarded(Invocation::Once(request), &context).await
    }
}
