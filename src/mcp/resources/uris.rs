//! The URIs of resources. A URI is valid for as long as the session has the thing that it names.

use crate::domain::SnippetId;

pub const SESSION: &str = "fourhands://session";
pub const TRANSCRIPT: &str = "fourhands://transcript";
pub const VARIABLES: &str = "fourhands://variables";
const SNIPPET: &str = "fourhands://snippet/";
const VARIABLE: &str = "fourhands://variable/";

/// Templates of the resources with a parameter. `templates` in `read.rs` describes them in this order.
pub const TEMPLATES: [&str; 6] = [
    "fourhands://snippet/{snippet}",
    "fourhands://snippet/{snippet}/output",
    "fourhands://snippet/{snippet}/figure/{figure}",
    "fourhands://variable/{name}",
    "fourhands://transcript{?since}",
    "fourhands://variables{?cursor}",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Session,
    /// The entries after a snippet, or the last ones.
    Transcript(Option<u32>),
    Snippet(SnippetId),
    /// The output from a byte on.
    Output(SnippetId, u64),
    Figure(SnippetId, usize),
    /// The names after this one, or from the first name on.
    Variables(Option<String>),
    Variable(String),
}

pub fn snippet(id: SnippetId) -> String {
    format!("{SNIPPET}{id}")
}

pub fn output(id: SnippetId) -> String {
    format!("{SNIPPET}{id}/output")
}

pub fn figure(id: SnippetId, number: usize) -> String {
    format!("{SNIPPET}{id}/figure/{number}")
}

/// The page of the variables after `cursor`.
pub fn variables(cursor: &str) -> String {
    format!("{VARIABLES}?cursor={}", percent_encoded(cursor))
}

impl Address {
    pub fn parse(uri: &str) -> Option<Self> {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        let value_of = |key: &str| query?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        // A client that leaves a parameter of a template out sends an empty value.
        let number_of = |key: &str| match value_of(key).filter(|value| !value.is_empty()) {
            None => Some(None),
            Some(value) => value.parse::<u64>().ok().map(Some),
        };
        match path.trim_end_matches('/') {
            SESSION => return Some(Self::Session),
            TRANSCRIPT => {
                let since = number_of("since")?.map(u32::try_from).transpose().ok()?;
                return Some(Self::Transcript(since));
            }
            VARIABLES => return Some(Self::Variables(value_of("cursor").and_then(percent_decoded))),
            _ => {}
        }
        if let Some(name) = path.strip_prefix(VARIABLE) {
            return Some(Self::Variable(percent_decoded(name)?)).filter(|_| !name.is_empty());
        }
        let mut parts = path.strip_prefix(SNIPPET)?.split('/');
        let id = SnippetId(parts.next()?.parse().ok()?);
        let address = match parts.next() {
            None => Self::Snippet(id),
            Some("output") => Self::Output(id, number_of("offset")?.unwrap_or(0)),
            Some("figure") => Self::Figure(id, parts.next()?.parse().ok()?),
            Some(_) => return None,
        };
        parts.next().is_none().then_some(address)
    }
}

/// Percent-encodes all but the characters that are safe in every part of a URI.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Decodes a percent-encoded text; `None` if it is malformed or not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digits = text.get(at + 1..at + 3)?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            decoded.push(byte);
            at += 1;
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> String {
        VARIABLE.to_owned() + &percent_encoded(name)
    }

    #[test]
    fn a_uri_is_parsed_as_what_it_names() {
        let id = SnippetId(3);
        let pairs = [
            (SESSION.to_owned(), Address::Session),
            (TRANSCRIPT.to_owned(), Address::Transcript(None)),
            (format!("{TRANSCRIPT}?since=7"), Address::Transcript(Some(7))),
            (format!("{TRANSCRIPT}?since="), Address::Transcript(None)),
            (VARIABLES.to_owned(), Address::Variables(None)),
            (variables("größe & x"), Address::Variables(Some("größe & x".to_owned()))),
            (snippet(id), Address::Snippet(id)),
            (output(id), Address::Output(id, 0)),
            (output(id) + "?offset=12", Address::Output(id, 12)),
            (figure(id, 2), Address::Figure(id, 2)),
            (variable("größe"), Address::Variable("größe".to_owned())),
            (variable("df[\"a/b\"]"), Address::Variable("df[\"a/b\"]".to_owned())),
        ];
        for (uri, address) in pairs {
            assert_eq!(Address::parse(&uri), Some(address), "{uri}");
        }
        for bad in [
            "",
            "fourhands://",
            "fourhands://snippet/",
            "fourhands://snippet/x",
            "fourhands://snippet/3/figure",
            "fourhands://snippet/3/figure/1/2",
            "fourhands://snippet/-1",
            "fourhands://snippet/3/output?offset=x",
            "fourhands://snippet/3/output?offset=-1",
            "fourhands://transcript?since=x",
            "fourhands://transcript?since=4294967296",
            "fourhands://variable/",
            "fourhands://variable/%f",
            "fourhands://variable/%FF",
            "fourhands://variable/%é",
            "file:///etc/passwd",
            "fourhands://snippet/3/code",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
    }
}
