//! The claim of an answer. The form of a result says most of it; a table of phrases says the rest. An answer without
//! any of the phrases fails the run, so that a changed text is noticed.

use serde_json::Value;

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub enum Claim {
    /// The state of a snippet.
    Stands {
        snippet: u32,
        status: String,
        python_died: bool,
    },
    /// Nothing began, or the call may be repeated, which is the same.
    NotBegun,
    /// The call had begun, and no more is known.
    Begun,
    /// The state of the call is unknown.
    Unknown,
    /// The state is unknown because the session was silent for too long.
    Silent,
    /// The client cancelled it.
    Cancelled,
    /// The request was invalid.
    Refused,
    Reset {
        done: bool,
    },
    /// Something else that is true of every call except runs.
    Other,
    /// An answer that nobody expects.
    Strange,
}

/// The first phrase in a text decides.
const PHRASES: &[(&str, Claim)] = &[
    ("The call was cancelled", Claim::Cancelled),
    ("The code of this call had started", Claim::Begun),
    ("was completed, but its result is lost", Claim::Begun),
    ("Nothing was run", Claim::NotBegun),
    ("Nothing was entered", Claim::NotBegun),
    ("is not waiting for input", Claim::NotBegun),
    ("there is no snippet", Claim::NotBegun),
    ("send it again", Claim::NotBegun),
    ("may be repeated", Claim::NotBegun),
    ("does not answer", Claim::Silent),
    ("is unknown", Claim::Unknown),
    ("another request with this id", Claim::Refused),
    ("Another request with this id", Claim::Refused),
    ("not yours", Claim::Other),
    ("The running snippet ended with it", Claim::Other),
    ("Nothing was reset", Claim::Other),
    ("Nothing was interrupted", Claim::Other),
    ("This call had started", Claim::Other),
    ("Send the request again", Claim::Other),
    // Only reads say so. Nothing was done that a repeat could do twice.
    ("Python did not answer in time", Claim::Other),
];

pub fn claim(answer: &Value) -> Claim {
    let result = &answer["result"];
    let structured = &result["structuredContent"];
    if let (Some(status), Some(snippet)) = (structured["status"].as_str(), structured["snippet"].as_u64()) {
        let python_died = structured["error"]["type"] == "PythonDied";
        return Claim::Stands { snippet: snippet as u32, status: status.to_owned(), python_died };
    }
    if let Some(done) = structured["done"].as_bool() {
        return Claim::Reset { done };
    }
    if structured.is_object() || result.is_object() && result["isError"] != true {
        return Claim::Other;
    }
    let text = text(answer);
    let found = PHRASES.iter().find(|(phrase, _)| text.contains(phrase));
    let claim = found.map_or(Claim::Strange, |(_, claim)| claim.clone());
    // The advice must not say to repeat what may have been done.
    let tells_to_repeat = ["try again", "call again"].iter().any(|phrase| text.to_lowercase().contains(phrase));
    match claim {
        Claim::Begun | Claim::Unknown | Claim::Silent if tells_to_repeat => Claim::Strange,
        claim => claim,
    }
}

fn text(answer: &Value) -> &str {
    answer["error"]["message"].as_str().or(answer["result"]["content"][0]["text"].as_str()).unwrap_or_default()
}

/// Returns the first words of an answer, or the state of its snippet.
pub fn beginning(answer: &Value) -> String {
    let status = answer["result"]["structuredContent"]["status"].as_str();
    status.unwrap_or_else(|| text(answer)).chars().take(60).collect()
}
