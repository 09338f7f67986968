//! What models read: texts and structured content of results, cut to what clients take.

pub(in crate::mcp) mod activity_since;
pub(in crate::mcp) mod displays;
pub(in crate::mcp) mod images;
pub(in crate::mcp) mod inspection;
pub(in crate::mcp) mod report;
pub(in crate::mcp) mod status;
pub(in crate::mcp) mod summary;
pub(in crate::mcp) mod text;
pub(in crate::mcp) mod truncate;
pub(in crate::mcp) mod variables;
pub(in crate::mcp) mod visible;
