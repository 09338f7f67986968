//! What a snippet shows beside its text: figures, pictures, tables, documents.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One form of something displayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Such as `image/png`, `text/html`; `text/plain` is UTF-8 like all text.
    pub mime: String,
    /// The bytes themselves, not base64.
    pub data: Arc<[u8]>,
}

/// Something displayed, in all the forms that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// Bytes of its snippet's output that were written before it, which gives its place.
    pub after: u64,
    /// Never empty; the best for a person first.
    pub forms: Vec<Form>,
}

impl Display {
    #[must_use]
    pub fn form(&self, mime: &str) -> Option<&Form> {
        self.forms.iter().find(|form| form.mime == mime)
    }
}
