//! MCP, served through rmcp.
