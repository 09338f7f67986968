//! The configurations of AI clients: where they are, what they say of fourhands, and changes of them. Nothing here
//! connects to a session.
//!
//! A change is planned as two texts, shown as a diff and written only then. Files are edited in place by parsers that
//! keep comments, order and layout, since people maintain these files by hand.

mod backup;
mod change;
mod config_folders;
mod document;
mod known_client;
mod own_command;
mod permission;
mod plan;
mod plan_error;
mod program;
mod server;
mod status;
#[cfg(test)]
mod tests;
mod time_limit;

pub use self::change::{ChangeError, FileChange};
pub use self::config_folders::ConfigFolders;
pub use self::known_client::{KnownClient, Scope};
pub use self::own_command::OwnCommand;
pub use self::permission::reading_tools;
pub use self::plan::{Plan, example};
pub use self::plan_error::PlanError;
pub use self::program::{is_temporary, stable_program};
pub use self::server::{ConfiguredServer, EditError, ServerEntry};
pub use self::status::{ClientSetup, SetupState, statuses};
pub use self::time_limit::output_within;
