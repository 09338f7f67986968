//! The handler that rmcp calls, one for each connection.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
#[allow(deprecated, reason = "rmcp marks what only older protocol versions have")]
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CustomRequest, CustomResult,
    DiscoverResult, GetPromptRequestParams, GetPromptResponse, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
    SubscriptionFilter, Tool as Listing, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::connection::{ClientConnection, Service};
use super::dispatch::{CallRequest, SENT_AWAY, call_tool};
use super::info::{instructions_now, server_info};
use super::membership::Membership;
use super::quirks::Quirks;
use super::retry::as_custom_result;
use crate::domain::Author;
use crate::mcp::bridge_protocol::{self, Reconnected, RetriedCall};
use crate::mcp::era::is_stateless;
use crate::mcp::errors::{invalid_cursor, panicked, session_ended};
use crate::mcp::resources::subscriptions::{ClientSubscription, MAX_SUBSCRIPTIONS, SharedSubscription, Sink};
use crate::mcp::resources::uris::Address;
use crate::mcp::resources::{completion, prompts, read, subscriptions};
use crate::mcp::transport::unknown_methods;
use crate::mcp::{log, tools};
use crate::session::discovery::status;
use crate::session::discovery::status::{LiveClient, SessionStatus};
use crate::session::{Overview, SessionHandle};

pub struct Handler {
    pub connection: Arc<ClientConnection>,
    pub subscription: SharedSubscription,
}

impl Handler {
    /// The instructions with the state of the session, if there is one.
    async fn instructions(&self) -> Option<String> {
        instructions_now(self.connection.session()?).await
    }

    /// Starts the notifications to a client of the older era, unless they have been started.
    fn start_notifications(&self, context: &RequestContext<RoleServer>) {
        let Some(session) = self.connection.session().filter(|_| !is_stateless(context)) else { return };
        if self.subscription.change(|subscription| std::mem::replace(&mut subscription.has_task, true)) {
            return;
        }
        let notify = subscriptions::run(session.clone(), self.subscription.clone(), Sink::Peer(context.peer.clone()));
        let (connection, subscription, client) =
            (self.connection.clone(), self.subscription.clone(), context.client_info());
        tokio::spawn(async move {
            tokio::select! {
                () = notify => {}
                () = connection.closed() => {}
                () = connection.sent_away(client.as_ref()) => subscription.change(|all| *all = ClientSubscription::default()),
            }
        });
    }
}

/// The answer for `fourhands sessions`.
fn session_status(session: &SessionHandle, overview: Overview) -> serde_json::Value {
    let clients =
        overview.clients.into_iter().map(|client| LiveClient { name: client.name.to_string(), pid: client.pid });
    let status = SessionStatus {
        pid: session.info().pid,
        clients: clients.collect(),
        snippets: overview.snippets,
        running: overview.running.map(|(id, _)| id.0),
        queued: overview.queue.len(),
        dashboard: Some(session.has_dashboard()),
    };
    serde_json::to_value(status).unwrap_or_default()
}

/// The author that the client is, unless the person has disconnected it.
async fn admitted(membership: &Membership, context: &RequestContext<RoleServer>) -> Result<Author, ErrorData> {
    let author = membership.author(context.client_info().as_ref()).await.map_err(session_ended)?;
    if membership.session.gate().is_away(&author) {
        return Err(ErrorData::invalid_request(SENT_AWAY, None));
    }
    Ok(author)
}

/// Checks the request for a list that has only one page.
fn only_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(invalid_cursor()),
    }
}

#[allow(deprecated, reason = "rmcp marks what only older protocol versions have")]
impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        server_info()
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.connection.introduce(Some(&request.client_info)).await;
        context.peer.set_peer_info(request.clone());
        let mut result = self.negotiate_initialize(&request)?;
        if let Some(instructions) = self.instructions().await {
            result.instructions = Some(instructions);
        }
        Ok(result)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        self.connection.introduce(context.client_info().as_ref()).await;
        let mut info = self.get_info();
        if let Some(instructions) = self.instructions().await {
            info.instructions = Some(instructions);
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
        self.connection.introduce(client.as_ref()).await;
        let quirks = Quirks::of(client.as_ref(), self.connection.client.form.get().copied());
        Ok(ListToolsResult::with_all_items(tools::listings(quirks.form)))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let session = match self.connection.membership() {
            Some(membership) => Some((&membership.session, admitted(membership, &context).await?)),
            None => None,
        };
        self.subscription.change(|subscription| subscription.list = true);
        self.start_notifications(&context);
        read::list(session, request.and_then(|request| request.cursor)).await
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
        let membership = match &self.connection.service {
            Service::Session(membership) => membership,
            Service::Offline(text) => return read::offline(&request.uri, &text()).map(Into::into),
        };
        let reader = admitted(membership, &context).await?;
        let read = read::read(&membership.session, reader, &request.uri);
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
        if let Some(membership) = self.connection.membership() {
            admitted(membership, &context).await?;
        }
        let has_room = self.subscription.change(|subscription| {
            let uris = &mut subscription.uris;
            let has_room = uris.len() < MAX_SUBSCRIPTIONS || uris.contains(&request.uri);
            if has_room {
                uris.insert(request.uri);
            }
            has_room
        });
        if !has_room {
            let text = format!("too many subscriptions: {MAX_SUBSCRIPTIONS} resources are the maximum");
            return Err(ErrorData::invalid_params(text, None));
        }
        self.start_notifications(&context);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscription.change(|subscription| subscription.uris.remove(&request.uri));
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = requested.clone();
        if let Some(uris) = &mut accepted.resource_subscriptions {
            uris.retain(|uri| Address::parse(uri).is_some());
            uris.truncate(MAX_SUBSCRIPTIONS);
        }
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        if let Some(membership) = self.connection.membership() {
            admitted(membership, context.request_context()).await?;
        }
        let client = context.request_context().client_info();
        let subscription = SharedSubscription::default();
        let accepted = context.accepted();
        subscription.change(|subscription| {
            subscription.list = accepted.resources_list_changed == Some(true);
            subscription.uris = accepted.resource_subscriptions.iter().flatten().cloned().collect();
        });
        let notify = async {
            if let Some(session) = self.connection.session() {
                subscriptions::run(session.clone(), subscription, Sink::Listen(context.sink().clone())).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = notify => {}
            () = context.cancelled() => {}
            () = self.connection.closed() => {}
            () = self.connection.sent_away(client.as_ref()) => {}
        }
        Ok(())
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_stateless(&context) {
            return Err(unknown_methods::not_found("logging/setLevel"));
        }
        let Some(membership) = self.connection.membership() else { return Ok(()) };
        let reader = admitted(membership, &context).await?;
        self.subscription.change(|subscription| subscription.log = Some(request.level));
        self.start_notifications(&context);
        if let Some((level, text)) = subscriptions::recent_restart(&membership.session, reader).await
            && log::severity(level) >= log::severity(request.level)
        {
            log::send(&context.peer, level, &text).await;
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
        let membership = match &self.connection.service {
            Service::Session(membership) => membership,
            Service::Offline(text) => return prompts::offline(&request.name, text()).map(Into::into),
        };
        let reader = admitted(membership, &context).await?;
        let prompt = prompts::get(&membership.session, reader, &request.name, request.arguments.as_ref());
        let prompt = AssertUnwindSafe(prompt).catch_unwind().await.map_err(|_| panicked())?;
        prompt.map_err(session_ended)?.map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let Some(membership) = self.connection.membership() else { return Ok(CompleteResult::default()) };
        admitted(membership, &context).await?;
        completion::of(&membership.session, request).await.map(CompleteResult::new).map_err(session_ended)
    }

    fn get_tool(&self, name: &str) -> Option<Listing> {
        tools::get(name).map(|tool| tool.listing.clone())
    }

    /// Serves the private methods of bridges, and answers methods that are unknown and params of a wrong shape.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method == bridge_protocol::RETRY
            && let Ok(Some(retried)) = request.params_as::<RetriedCall>()
            && let Some(tool) = tools::get(&retried.call.name)
        {
            let response = call_tool(&self.connection, tool, CallRequest::Retried(retried), &context).await?;
            return Ok(as_custom_result(response, &context));
        }
        if request.method == bridge_protocol::RECONNECTED
            && let Some(membership) = self.connection.membership()
            && let Ok(Some(Reconnected { sent_to })) = request.params_as::<Reconnected>()
        {
            membership.reconnected(&sent_to);
            return Ok(CustomResult::new(serde_json::Value::Null));
        }
        if request.method == status::METHOD
            && let Some(session) = self.connection.session()
            && let Ok(overview) = session.overview().await
        {
            return Ok(CustomResult::new(session_status(session, overview)));
        }
        Err(unknown_methods::error(&request.method, is_stateless(&context)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::get(&request.name) else {
            let known: Vec<&str> = tools::names().collect();
            let text = format!("Unknown tool {:?}; available: {}", request.name, known.join(", "));
            return Err(ErrorData::invalid_params(text, None));
        };
        call_tool(&self.connection, tool, CallRequest::New(request), &context).await
    }
}
