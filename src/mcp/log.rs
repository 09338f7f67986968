//! Log messages to a client: how they are sent, and which levels it asked for.

#![allow(deprecated, reason = "rmcp marks all of logging so")]

use rmcp::RoleServer;
use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam};
use rmcp::service::Peer;
use serde_json::json;

/// Returns whether the message could be sent.
pub async fn send(peer: &Peer<RoleServer>, level: LoggingLevel, text: &str) -> bool {
    let message = LoggingMessageNotificationParam::new(level, json!(text)).with_logger("fourhands");
    peer.notify_logging_message(message).await.is_ok()
}

/// A number that orders levels: the worse, the larger.
pub fn severity(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}
