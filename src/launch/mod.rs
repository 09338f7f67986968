//! Finding a Python, starting the session process in it, guarding it.

pub mod boot;
pub mod image;
