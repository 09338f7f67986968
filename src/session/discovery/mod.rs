//! Discovery of sessions: records, sockets and locks, and the choice among the running sessions.

pub mod lock;
pub mod paths;
pub mod registry;
pub mod select;
pub mod session_lock;
pub mod socket;
pub mod status;
