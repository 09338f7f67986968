//! What an answer claims. The forms of results tell most of it; for the rest there is one table of phrases, and an answer
//! that has none of them fails the run: a text that changed is looked at.

use serde_json::Value;

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub enum Claim {
    /// A snippet stands so.
    Stands {
        snippet: u32,
        status: String,
        python_died: bool,
    },
    /// Nothing was begun, or the call may be repeated, which is the same.
    NotBegun,
    /// It had begun, and no more is known.
    Begun,
    /// What became of it is not known.
    Unknown,
    /// The same, because the session was silent for too long.
    Silent,
    /// The client cancelled it.
    Cancelled,
    /// The request was no good.
    Refused,
    Reset {
        done: bool,
    },
    /// Something else that is true of every call that is no run.
    Other,
    /// None of these.
    Strange,
}

/// The first phrase that a text has decides.
const PHRASES: &[(&str, Claim)] = &[
    ("The call was cancelled", Claim::Cancelled),
    ("The code of this call had begun", Claim::Begun),
    ("was carried out, and its result is lost", Claim::Begun),
    ("Nothing was run", Claim::NotBegun),
    ("Nothing was entered", Claim::NotBegun),
    ("does not wait for input", Claim::NotBegun),
    ("there is no snippet", Claim::NotBegun),
    ("send it again", Claim::NotBegun),
    ("may be repeated", Claim::NotBegun),
    ("does not answer", Claim::Silent),
    ("is not known", Claim::Unknown),
    ("another request with this id", Claim::Refused),
    ("Another request with this id", Claim::Refused),
    ("not yours", Claim::Other),
    ("What ran has ended with it", Claim::Other),
    ("Nothing was reset by it", Claim::Other),
    ("Nothing was interrupted by it", Claim::Other),
    ("This call had begun", Claim::Other),
    ("Ask again", Claim::Other),
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
    // The advice that goes with it must not tell to repeat what may have been done.
    let tells_to_repeat = ["try again", "call again"].iter().any(|phrase| text.to_lowercase().contains(phrase));
    match claim {
        Claim::Begun | Claim::Unknown | Claim::Silent if tells_to_repeat => Claim::Strange,
        claim => claim,
    }
}

fn text(answer: &Value) -> &str {
    answer["error"]["message"].as_str().or(answer["result"]["content"][0]["text"].as_str()).unwrap_or_default()
}

/// Its first words, or how a snippet is said to stand.
pub fn said(answer: &Value) -> String {
    let status = answer["result"]["structuredContent"]["status"].as_str();
    status.unwrap_or_else(|| text(answer)).chars().take(60).collect()
}
