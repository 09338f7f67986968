//! The modes of vi's keys.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViMode {
    #[default]
    Insert,
    Normal,
    Visual,
    VisualLine,
}

impl ViMode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Normal => "normal",
            Self::Visual => "visual",
            Self::VisualLine => "visual line",
        }
    }
}
