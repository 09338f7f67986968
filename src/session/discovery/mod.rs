//! Which sessions there are, and the one that is meant: records, sockets and locks in the runtime folder.
//! Knows nothing of what happens in a session.

pub mod lock;
pub mod paths;
pub mod registry;
pub mod select;
pub mod session_lock;
pub mod socket;
pub mod status;
