//! Identifiers as Python reads them.

use unicode_normalization::UnicodeNormalization;

/// The text with its names as Python compares them: `ｋey` is `key` (PEP 3131).
#[must_use]
pub fn as_python_reads(text: &str) -> String {
    text.nfkc().collect()
}
