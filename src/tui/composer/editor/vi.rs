//! vi's keys, for people who chose them: modes, counts, operators and the usual motions. In insert mode the keys of the
//! shells hold as well.

mod char_search;
mod keys;
mod mode;
mod motion;
mod operators;
mod state;

pub use keys::ViOutcome;
pub use mode::ViMode;
pub use motion::word_before;
pub use state::Vi;
