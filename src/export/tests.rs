//! Exports of sessions made up here.
