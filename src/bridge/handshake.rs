//! The handshake of a client, remembered so that it can be repeated with a new server.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client_log::log;
use super::envelope::{self, Envelope};

#[derive(Debug, Default)]
pub struct Handshake {
    /// The id and the line of the client's `initialize`.
    initialize: Option<(String, Vec<u8>)>,
    /// The answer of the first server.
    agreed: Option<Agreed>,
    initialized: bool,
    /// The last `logging/setLevel`.
    level: Option<Vec<u8>>,
    /// `resources/subscribe` by URI.
    subscriptions: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Agreed {
    protocol_version: String,
    #[serde(default)]
    capabilities: Capabilities,
    #[serde(default)]
    server_info: ServerInfo,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ServerInfo {
    version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Capabilities {
    tools: ListCapability,
    resources: ListCapability,
    prompts: ListCapability,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListCapability {
    list_changed: bool,
}

#[derive(Deserialize)]
struct InitializeAnswer {
    result: Option<Agreed>,
}

impl Handshake {
    pub fn on_request(&mut self, line: &[u8], envelope: &Envelope<'_>, method: &str, id: &str) {
        match method {
            "initialize" => *self = Self { initialize: Some((id.to_owned(), line.to_vec())), ..Self::default() },
            "logging/setLevel" => self.level = Some(line.to_vec()),
            "resources/subscribe" => {
                if let Some(uri) = envelope.uri() {
                    self.subscriptions.insert(uri, line.to_vec());
                }
            }
            "resources/unsubscribe" => {
                if let Some(uri) = envelope.uri() {
                    self.subscriptions.remove(&uri);
                }
            }
            _ => {}
        }
    }

    pub fn initialized(&mut self) {
        self.initialized = self.initialize.is_some();
    }

    /// Takes in the answer to the client's `initialize`, or to another opening request.
    pub fn answered(&mut self, id: &str, line: &[u8]) {
        if self.initialize.as_ref().is_some_and(|(own, _)| own == id) {
            self.agreed = serde_json::from_slice::<InitializeAnswer>(line).ok().and_then(|answer| answer.result);
        }
    }

    /// Takes in the answer to a repeated `initialize`. Returns the notifications that tools and prompts have changed:
    /// none if the server's version is the same, because some clients hang on such a notification.
    pub fn repeated(&mut self, line: &[u8]) -> Vec<&'static str> {
        let now = serde_json::from_slice::<InitializeAnswer>(line).ok().and_then(|answer| answer.result);
        let differs = match (&mut self.agreed, &now) {
            (Some(first), Some(now)) if first.server_info != now.server_info => {
                first.server_info.version.clone_from(&now.server_info.version);
                true
            }
            _ => false,
        };
        let first = self.agreed.as_ref().map(|agreed| agreed.protocol_version.as_str());
        match now {
            None => log("the new session refused the handshake; restart this server in your AI client"),
            Some(now) if Some(now.protocol_version.as_str()) != first => log(&format!(
                "the new session speaks MCP {}, the previous one spoke {}; continuing",
                now.protocol_version,
                first.unwrap_or("none")
            )),
            Some(_) => {}
        }
        if differs { self.changed_lists(&[List::Tools, List::Prompts]) } else { Vec::new() }
    }

    /// Returns whether the client waits for the answer to its `initialize`.
    pub fn is_pending(&self) -> bool {
        self.initialize.is_some() && self.agreed.is_none()
    }

    /// Returns the lines that repeat the handshake, `initialize` first; `None` if there was none.
    pub fn replay(&self) -> Option<Vec<Vec<u8>>> {
        self.agreed.as_ref()?;
        let mut lines = vec![self.initialize.as_ref()?.1.clone()];
        if self.initialized {
            lines.push(envelope::notification("notifications/initialized").into_bytes());
            lines.extend(self.level.iter().chain(self.subscriptions.values()).cloned());
        }
        Some(lines)
    }

    /// Returns the URIs of the client's subscriptions, as JSON.
    pub fn subscriptions(&self) -> impl Iterator<Item = &str> {
        self.subscriptions.keys().map(String::as_str)
    }

    /// Returns the notification that the resources have changed with the server, if the first server promised it.
    pub fn changed_resources(&self) -> Vec<&'static str> {
        self.changed_lists(&[List::Resources])
    }

    fn changed_lists(&self, lists: &[List]) -> Vec<&'static str> {
        let Some(agreed) = self.agreed.as_ref().filter(|_| self.initialized) else { return Vec::new() };
        let Capabilities { tools, resources, prompts } = &agreed.capabilities;
        let notification = |list: &List| match list {
            List::Tools => (tools, "notifications/tools/list_changed"),
            List::Resources => (resources, "notifications/resources/list_changed"),
            List::Prompts => (prompts, "notifications/prompts/list_changed"),
        };
        let promised = lists.iter().map(notification).filter(|(capability, _)| capability.list_changed);
        promised.map(|(_, method)| method).collect()
    }
}

/// A list that a server may change.
enum List {
    Tools,
    Resources,
    Prompts,
}
