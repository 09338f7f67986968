//! Quirks of some clients, found by the name that a client gives.

use rmcp::model::Implementation;

use crate::mcp::results::{images, truncate};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// The model sees nothing of `content` where there is `structuredContent`. This client gets only `content`, and no
    /// output schemas, because SDKs insist on structured results where a schema promises them.
    pub text_only: bool,
    /// Characters of a result that reach the model. The server chooses them better than the client does.
    pub max_text: usize,
    /// Characters of a result that is an error.
    pub max_error_text: usize,
    /// Bytes of all images of a result, before base64.
    pub max_images: usize,
}

const NONE: Quirks = Quirks {
    text_only: false,
    max_text: truncate::MAX_TEXT,
    max_error_text: truncate::MAX_TEXT,
    max_images: images::MAX_TOTAL_SIZE,
};

/// A part of the name in lower case, and the quirks of that client.
const QUIRKS: &[(&str, Quirks)] = &[
    // Drops all content, also images, beside structuredContent. Cuts the text of errors near 11 000 characters.
    ("claude-code", Quirks { text_only: true, max_error_text: 9_000, ..NONE }),
    // Both pass only structuredContent on to the model where there is one, so pictures would be lost.
    ("codex", Quirks { text_only: true, ..NONE }),
    ("opencode", Quirks { text_only: true, ..NONE }),
    // Claude Desktop refuses results of more than 1 048 576 characters, images in base64 included.
    ("claude-ai", Quirks { max_images: 600_000, ..NONE }),
    // The command line of Copilot cuts text at about 10 kB and drops images.
    ("copilot", Quirks { max_text: 9_000, max_error_text: 9_000, max_images: 0, ..NONE }),
];

impl Quirks {
    pub fn of(client: Option<&Implementation>) -> Self {
        let name = client.map_or("", |client| client.name.as_str()).to_ascii_lowercase();
        QUIRKS.iter().find(|(part, _)| name.contains(part)).map_or(NONE, |(_, quirks)| *quirks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_are_found_by_a_part_of_the_name() {
        assert!(Quirks::of(Some(&Implementation::new("claude-code", "2.1"))).text_only);
        assert!(Quirks::of(Some(&Implementation::new("codex-mcp-client", "0.60"))).text_only);
        assert!(!Quirks::of(Some(&Implementation::new("claude-ai", "0.1"))).text_only);
        assert_eq!(Quirks::of(Some(&Implementation::new("GitHub-Copilot-CLI", "1"))).max_images, 0);
        assert!(!Quirks::of(None).text_only);
    }
}
