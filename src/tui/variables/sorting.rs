//! The order of the list of variables.

/// The order of the list of variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sorting {
    /// Data first, then classes, functions, modules.
    #[default]
    Kind,
    Name,
    Type,
    /// The largest first.
    Size,
    /// The last change first.
    Changed,
}

impl Sorting {
    pub const fn next(self) -> Self {
        match self {
            Self::Kind => Self::Name,
            Self::Name => Self::Type,
            Self::Type => Self::Size,
            Self::Size => Self::Changed,
            Self::Changed => Self::Kind,
        }
    }

    /// The order's name in the title of the list.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kind => "",
            Self::Name => ", by name",
            Self::Type => ", by type",
            Self::Size => ", by size",
            Self::Changed => ", by last change",
        }
    }
}
