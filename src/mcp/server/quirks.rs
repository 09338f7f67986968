//! Quirks of some clients, found by the name that a client gives.

use rmcp::model::Implementation;

use crate::mcp::bridge_protocol::ResultForm;
use crate::mcp::results::{images, truncate};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Some clients show the model nothing of `content` where there is `structuredContent`, which loses images. So a
    /// client gets only `content`, and no output schemas, because SDKs insist on structured results where a schema
    /// promises them; unless the client is known to use both forms, or asks for both.
    pub form: ResultForm,
    /// Characters of a result that reach the model. The server chooses them better than the client does.
    pub max_text: usize,
    /// Characters of a result that is an error.
    pub max_error_text: usize,
    /// Bytes of all images of a result, before base64.
    pub max_images: usize,
}

/// Of a client that is not known.
const NONE: Quirks = Quirks {
    form: ResultForm::Text,
    max_text: truncate::MAX_TEXT,
    max_error_text: truncate::MAX_TEXT,
    max_images: images::MAX_TOTAL_SIZE,
};

/// A part of the name in lower case, and the quirks of that client.
const QUIRKS: &[(&str, Quirks)] = &[
    // Cuts the text of errors near 11 000 characters.
    ("claude-code", Quirks { max_error_text: 9_000, ..NONE }),
    // Claude Desktop uses both forms. It refuses results of more than 1 048 576 characters, images in base64 included.
    ("claude-ai", Quirks { form: ResultForm::Structured, max_images: 600_000, ..NONE }),
    // Shows all of a result to a person.
    ("inspector", Quirks { form: ResultForm::Structured, ..NONE }),
    // Hands an image to the model as base64 text: one figure costs tens of thousands of tokens.
    ("google-adk", Quirks { max_images: 0, ..NONE }),
    // The command line of Copilot cuts text at about 10 kB and drops images.
    ("copilot", Quirks { max_text: 9_000, max_error_text: 9_000, max_images: 0, ..NONE }),
];

impl Quirks {
    /// Returns the quirks of a client, which may have asked for a form of results.
    pub fn of(client: Option<&Implementation>, asked: Option<ResultForm>) -> Self {
        let name = client.map_or("", |client| client.name.as_str()).to_ascii_lowercase();
        let known = QUIRKS.iter().find(|(part, _)| name.contains(part)).map_or(NONE, |(_, quirks)| *quirks);
        // The requests of the command line, which reads fields. Some clients give the name of the server as their own.
        let is_own = client.is_some_and(|it| it.name == "fourhands" && it.version == env!("CARGO_PKG_VERSION"));
        let form = if is_own { ResultForm::Structured } else { known.form };
        let max_images = if asked == Some(ResultForm::Words) { 0 } else { known.max_images };
        Self { form: asked.unwrap_or(form), max_images, ..known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_are_found_by_a_part_of_the_name() {
        let of = |name: &str, asked| Quirks::of(Some(&Implementation::new(name, "1")), asked);
        assert_eq!(of("claude-code", None).max_error_text, 9_000);
        assert_eq!(of("GitHub-Copilot-CLI", None).max_images, 0);
        assert_eq!(of("claude-ai", None).form, ResultForm::Structured);
        for name in ["claude-code", "codex-mcp-client", "fh", "fourhands", ""] {
            assert_eq!(of(name, None).form, ResultForm::Text, "{name}: the form in which nobody loses an image");
            assert_eq!(of(name, Some(ResultForm::Structured)).form, ResultForm::Structured, "{name}");
        }
        assert_eq!(of("claude-ai", Some(ResultForm::Text)).form, ResultForm::Text);
        assert_eq!(of("google-adk", None).max_images, 0);
        assert_eq!(of("mcp", Some(ResultForm::Words)), Quirks { form: ResultForm::Words, max_images: 0, ..NONE });
        assert_eq!(Quirks::of(None, None), NONE);
    }
}
