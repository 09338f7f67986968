//! The addresses of resources. They stay the same for as long as the session has what they name.

use crate::domain::SnippetId;

pub const SESSION: &str = "fourhands://session";
pub const TRANSCRIPT: &str = "fourhands://transcript";
pub const VARIABLES: &str = "fourhands://variables";
const SNIPPET: &str = "fourhands://snippet/";
const VARIABLE: &str = "fourhands://variable/";

/// Templates of those that are many.
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
    /// What came after a snippet; the end without one.
    Transcript(Option<u32>),
    Snippet(SnippetId),
    /// From a byte on.
    Output(SnippetId, u64),
    Figure(SnippetId, usize),
    /// The names after one; from the first without it.
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
    format!("{VARIABLES}?cursor={}", encoded(cursor))
}

impl Address {
    pub fn parse(uri: &str) -> Option<Self> {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        let word_of_query = |key: &str| query?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        // A template that is filled in with nothing leaves an empty value.
        let of_query = |key: &str| match word_of_query(key).filter(|word| !word.is_empty()) {
            None => Some(None),
            Some(word) => word.parse::<u64>().ok().map(Some),
        };
        match path.trim_end_matches('/') {
            SESSION => return Some(Self::Session),
            TRANSCRIPT => {
                let since = of_query("since")?.map(u32::try_from).transpose().ok()?;
                return Some(Self::Transcript(since));
            }
            VARIABLES => return Some(Self::Variables(word_of_query("cursor").and_then(decoded))),
            _ => {}
        }
        if let Some(name) = path.strip_prefix(VARIABLE) {
            return Some(Self::Variable(decoded(name)?)).filter(|_| !name.is_empty());
        }
        let mut parts = path.strip_prefix(SNIPPET)?.split('/');
        let id = SnippetId(parts.next()?.parse().ok()?);
        let address = match parts.next() {
            None => Self::Snippet(id),
            Some("output") => Self::Output(id, of_query("offset")?.unwrap_or(0)),
            Some("figure") => Self::Figure(id, parts.next()?.parse().ok()?),
            Some(_) => return None,
        };
        parts.next().is_none().then_some(address)
    }
}

/// With percent signs for all but what is safe anywhere.
fn encoded(text: &str) -> String {
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

/// Without its percent signs; `None` if that is no text.
fn decoded(text: &str) -> Option<String> {
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
        VARIABLE.to_owned() + &encoded(name)
    }

    #[test]
    fn addresses_lead_back_to_what_they_name() {
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
