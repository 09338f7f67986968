//! Standard streams: what code writes and reads, down to the descriptors. Nothing here runs code.

pub(in crate::python) mod capture;
pub mod descriptors;
pub(in crate::python) mod diversion;
pub mod fd;
pub(in crate::python) mod guarded;
mod pending;
pub(in crate::python) mod reported_size;
pub(in crate::python) mod standard_stream;
pub(in crate::python) mod stdin;
pub(in crate::python) mod streams;
pub mod unread;
pub(in crate::python) mod writer;
