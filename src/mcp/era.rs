//! The two eras of MCP: older versions begin with a handshake, newer ones are stateless.

use rmcp::RoleServer;
use rmcp::model::ProtocolVersion;
use rmcp::service::RequestContext;

/// The first version of the stateless era.
pub const FIRST_STATELESS_VERSION: ProtocolVersion = ProtocolVersion::V_2026_07_28;

/// Returns whether a request is of the stateless era.
pub fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= FIRST_STATELESS_VERSION.as_str())
}
