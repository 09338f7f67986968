//! The launcher: finds a Python, starts the session process in it, and guards that process. Nothing here loads Python,
//! or knows MCP, the journal or the dashboard.

pub mod activation;
mod aftermath;
pub mod boot;
mod cache;
mod child;
pub mod choose_python;
mod deferred_messages;
pub mod descriptor_table;
pub mod dismissal;
pub mod editor;
pub mod exit_report;
pub mod guardian;
pub mod handover;
pub mod image;
pub mod installer;
pub mod lender;
mod link;
mod own_programs;
pub mod packages;
pub mod probe;
pub mod python;
mod python_cache;
pub mod recorder;
mod safe_points;
pub mod script_metadata;
pub mod shadows;
pub mod signals;
pub mod startup_output;
pub mod stop;
mod terminal;

pub use signals::expect_children;
