//! The official conformance suite, against a server with the suite's own tools, resources and prompts. Transport,
//! socket and `fourhands bridge` are those of fourhands.

#![allow(deprecated, reason = "rmcp marks what only older protocol versions have")]

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult, ContentBlock,
    CreateMessageRequestParams, ElicitRequestParams, GetPromptRequestParams, GetPromptResponse, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
    PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, Request,
    SamplingMessage, ServerCapabilities, ServerConfig, ServerRequest, SetLevelRequestParams, SubscribeRequestParams,
    UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::net::UnixListener;

use crate::mcp::log;
use crate::mcp::transport::lines::LineTransport;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/outside/conformance");

static FIXTURES: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(Path::new(FOLDER).join("fixtures.json")).unwrap();
    serde_json::from_str(&text).unwrap()
});

/// A fixture, with its placeholders replaced by arguments.
fn fixture<T: DeserializeOwned>(kind: &str, name: &str, arguments: &Map<String, Value>) -> Result<T, ErrorData> {
    let found = FIXTURES[kind].get(name).ok_or_else(|| ErrorData::invalid_params(format!("no {name}"), None))?;
    let mut text = found.to_string();
    for (name, value) in arguments {
        text = text.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
    }
    Ok(serde_json::from_str(&text).unwrap())
}

fn all<T: DeserializeOwned>(kind: &str) -> T {
    serde_json::from_value(FIXTURES[kind].clone()).unwrap()
}

struct Fixtures;

type Context = RequestContext<RoleServer>;

fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_completions()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tools()
            .build();
        InitializeResult::new(capabilities)
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: Context) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(all("tools")))
    }

    async fn call_tool(&self, call: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        let arguments = call.arguments.unwrap_or_default();
        let argument = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
        let pause = || tokio::time::sleep(Duration::from_millis(50));
        let result = match call.name.as_ref() {
            "test_tool_with_logging" => {
                for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    log::send(&context.peer, LoggingLevel::Info, message).await;
                    pause().await;
                }
                text("logged")
            }
            "test_tool_with_progress" => {
                for progress in [0.0, 50.0, 100.0] {
                    if let Some(token) = context.meta.get_progress_token() {
                        let notification = ProgressNotificationParam::new(token, progress).with_total(100.0);
                        context.peer.notify_progress(notification).await.unwrap();
                    }
                    pause().await;
                }
                text("done")
            }
            "test_sampling" => {
                let request =
                    CreateMessageRequestParams::new(vec![SamplingMessage::user_text(argument("prompt"))], 100);
                match context.peer.create_message(request).await {
                    Ok(answer) => text(format!("LLM response: {:?}", answer.message.content)),
                    Err(error) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
                }
            }
            name if FIXTURES["asks"].get(name).is_some() => {
                let request = ElicitRequestParams::FormElicitationParams {
                    meta: None,
                    message: argument("message"),
                    requested_schema: fixture("asks", name, &Map::new())?,
                };
                match context.peer.send_request(ServerRequest::ElicitRequest(Request::new(request))).await {
                    Ok(answer) => text(format!("Elicitation completed: {}", json!(answer))),
                    Err(error) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
                }
            }
            name => fixture("calls", name, &Map::new())?,
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(all("resources")))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(all("templates")))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let id = request.uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let arguments = id.map(|id| ("id".to_owned(), Value::from(id))).into_iter().collect();
        let uri = if id.is_some() { "test://template/{id}/data" } else { &request.uri };
        let contents: Value = fixture("contents", uri, &arguments)?;
        let result: rmcp::model::ReadResourceResult = serde_json::from_value(json!({"contents": [contents]})).unwrap();
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(all("prompts")))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: Context) -> Result<GetPromptResponse, ErrorData> {
        let messages: Value = fixture("messages", &request.name, &request.arguments.unwrap_or_default())?;
        let result: rmcp::model::GetPromptResult = serde_json::from_value(json!({"messages": messages})).unwrap();
        Ok(result.into())
    }

    async fn complete(&self, _: CompleteRequestParams, _: Context) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::default())
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }
}

async fn serve(listener: UnixListener) {
    loop {
        let (reader, writer) = listener.accept().await.unwrap().0.into_split();
        tokio::spawn(async move {
            let transport =
                LineTransport::new(reader, writer, crate::mcp::transport::client_state::ClientState::default());
            if let Ok(running) = Fixtures.serve(transport).await {
                let _ = running.waiting().await;
            }
        });
    }
}

/// A process that ends with its owner.
struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs what tests/outside/install installs, and the binary"]
fn the_official_suite_passes_behind_the_bridge() {
    // Beside this test's own binary.
    let build = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let outside = build.parent().unwrap().join("tmp/outside");
    let node: PathBuf = outside.join("node/bin/node");
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("s.sock");
    let listener = StdUnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { serve(UnixListener::from_std(listener).unwrap()).await });
    });

    // Node looks for packages beside the script.
    std::fs::copy(Path::new(FOLDER).join("front.mjs"), outside.join("front.mjs")).unwrap();
    let mut front = Command::new(&node);
    front.arg(outside.join("front.mjs")).arg(build.join("fourhands")).args(["bridge", "--socket"]).arg(&socket);
    front.env("HOME", home.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut front = KilledOnDrop(front.spawn().unwrap());
    let mut url = String::new();
    BufReader::new(front.0.stdout.take().unwrap()).read_line(&mut url).unwrap();

    let mut suite = Command::new(&node);
    suite.arg(outside.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"));
    suite.args(["server", "--suite", "all", "--url", url.trim_end(), "--expected-failures"]);
    suite.arg(Path::new(FOLDER).join("expected-failures.yml"));
    let output = suite.current_dir(home.path()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let summary = printed.split_once("=== SUMMARY ===").map_or(&*printed, |(_, summary)| summary);
    println!("{}", summary.trim());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
