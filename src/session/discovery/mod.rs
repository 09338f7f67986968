//! Discovery of sessions: records, sockets and locks, and the choice among the running sessions. It knows no actor:
//! bridges and commands use it without a session of their own.

pub mod lock;
pub mod paths;
pub mod registry;
pub mod select;
pub mod session_lock;
pub mod socket;
pub mod status;
pub mod terminal_offer;
