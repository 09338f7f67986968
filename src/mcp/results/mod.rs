//! Results for models: their texts and their structured content, in sizes that clients accept. Nothing here changes a
//! session.

pub(super) mod activity_since;
mod clashes;
pub(super) mod displays;
pub(super) mod effects;
pub(super) mod history;
pub(super) mod images;
pub(super) mod inspection;
pub(super) mod output_page;
pub(super) mod output_reader;
pub(super) mod report;
pub(super) mod review;
pub(super) mod status;
pub(super) mod summary;
pub(super) mod text;
pub(super) mod truncate;
pub(super) mod variables;
pub(super) mod visible;
