//! Classes of well-known libraries by their names.

/// A class of a library, by how its values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryType {
    Array,
    PandasFrame,
    PandasSeries,
    PandasOther,
    PolarsFrame,
    PolarsSeries,
    Tensor,
    DataArray,
    Dataset,
    ArrowTable,
    ArrowArray,
    Sparse,
    Jax,
    /// Only the length is known.
    Sized,
    /// `str` and `repr` are short and run no user code.
    Printed,
    /// Like `Printed`, but with a time zone that may be of a user's class.
    Moment,
    Decimal,
    Fraction,
}

impl LibraryType {
    /// Returns the type for the class `name` of the top-level package `root`.
    pub fn of(root: &str, name: &str) -> Option<Self> {
        Some(match (root, name) {
            ("numpy", "ndarray" | "memmap" | "matrix" | "recarray") => Self::Array,
            ("pandas", "DataFrame") => Self::PandasFrame,
            ("pandas", "Series") => Self::PandasSeries,
            ("pandas", "Timestamp" | "datetime64") | ("datetime", "datetime" | "time") => Self::Moment,
            ("pandas", "Timedelta" | "NaTType" | "Period" | "NAType")
            | ("datetime", "date" | "timedelta" | "timezone")
            | ("pathlib", "PosixPath" | "PurePosixPath")
            | ("uuid", "UUID") => Self::Printed,
            ("decimal", "Decimal") => Self::Decimal,
            ("fractions", "Fraction") => Self::Fraction,
            ("polars", "DataFrame") => Self::PolarsFrame,
            ("polars", "Series") => Self::PolarsSeries,
            ("torch", "Tensor" | "Parameter") => Self::Tensor,
            ("xarray", "DataArray") => Self::DataArray,
            ("xarray", "Dataset") => Self::Dataset,
            ("pyarrow", "Table" | "RecordBatch") => Self::ArrowTable,
            ("pyarrow", "ChunkedArray") => Self::ArrowArray,
            ("scipy", name) if name.ends_with("_matrix") || name.ends_with("_array") => Self::Sparse,
            ("jax" | "jaxlib", "ArrayImpl") => Self::Jax,
            ("collections", "deque") | ("array", "array") => Self::Sized,
            _ => return None,
        })
    }

    /// Returns whether `str` and `repr` of a value are its description.
    pub fn is_printed(self) -> bool {
        matches!(self, Self::Printed | Self::Moment | Self::Decimal | Self::Fraction)
    }
}

/// Top-level packages of known classes.
pub const ROOTS: &[&str] = &[
    "numpy",
    "pandas",
    "polars",
    "torch",
    "xarray",
    "pyarrow",
    "scipy",
    "jaxlib",
    "jax",
    "datetime",
    "decimal",
    "fractions",
    "pathlib",
    "uuid",
    "collections",
    "array",
    "re",
];
