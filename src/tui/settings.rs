//! What a person may choose about the dashboard.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// vi's keys in the input, instead of those of emacs.
    pub vi: bool,
}
