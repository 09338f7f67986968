//! Finding a Python, starting the session process in it, guarding it.

mod aftermath;
pub mod boot;
mod cache;
mod child;
pub mod descriptor_table;
pub mod discover;
pub mod dismissal;
pub mod ending;
pub mod first_words;
pub mod guardian;
pub mod handover;
pub mod image;
mod link;
mod outside;
mod probe;
pub mod python;
pub mod recorder;
mod remembered;
mod reports;
pub mod signals;
pub mod stop;
mod terminal;

pub use signals::expect_children;
