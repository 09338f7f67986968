//! The parts that all tools share: the trait, the context of a call, arguments and schemas, waiting, and calls that
//! were lost. They know no single tool.

pub(super) mod arguments;
pub(super) mod confirmation;
pub(super) mod context;
pub(super) mod lost_call;
pub(super) mod progress;
pub(super) mod registered;
pub(super) mod schema;
pub(super) mod snippet_result;
pub(super) mod takeover;
pub(super) mod tool;
pub(super) mod wait;
