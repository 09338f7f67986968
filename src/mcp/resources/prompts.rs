//! Prompts: texts that a person puts into a chat with one gesture.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};

use crate::domain::{Author, Entry, Snippet, SnippetId, Status, Transcript};
use crate::mcp::results::images::AttachedImages;
use crate::mcp::results::truncate::truncate_middle;
use crate::mcp::results::{history, summary, text};
use crate::session::clock::now;
use crate::session::{Closed, SessionHandle};

pub const RESUME: &str = "resume_session";
pub const EXPLAIN: &str = "explain_last_error";
pub const HAND_OVER: &str = "hand_over";

/// Characters of code and result in the prompt about an error.
const MAX_EXPLAINED: usize = 12_000;
/// Entries of the history in the prompt of a hand-over.
const HAND_OVER_ENTRIES: usize = 30;

pub fn list() -> Vec<Prompt> {
    let argument = |name: &str, title: &str, description: &str| {
        PromptArgument::new(name).with_title(title).with_description(description).with_required(false)
    };
    vec![
        Prompt::new(
            RESUME,
            Some(
                "What a new or compacted chat needs to know about the session: names, last runs, participants, Python",
            ),
            None,
        )
        .with_title("Resume the Python session"),
        Prompt::new(
            EXPLAIN,
            Some("Explain and fix the last snippet that failed, whoever ran it, from its code and traceback"),
            Some(vec![argument("snippet", "Snippet", "Number of the snippet (default: the last one that failed)")]),
        )
        .with_title("Explain the last error"),
        Prompt::new(
            HAND_OVER,
            Some("Write a summary of the work from which another chat or person can continue"),
            Some(vec![argument("focus", "Focus", "What comes next")]),
        )
        .with_title("Hand the session over"),
    ]
}

/// The text of an argument, which may be a number.
fn argument(arguments: Option<&JsonObject>, name: &str) -> Option<String> {
    let value = arguments?.get(name)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The prompt `name`. The inner error is a mistake of the client.
pub async fn get(
    session: &SessionHandle,
    reader: Author,
    name: &str,
    arguments: Option<&JsonObject>,
) -> Result<Result<GetPromptResult, ErrorData>, Closed> {
    let text = match name {
        RESUME => {
            let summary = summary::of(session, Some(reader), summary::FULL).await?;
            format!(
                "We work together in a live Python session through the fourhands tools. Its current \
                 state:\n\n{summary}\n\nContinue from here. Do not rerun earlier code; look at values with \
                 inspect_variable, and read session_history for more of the history."
            )
        }
        EXPLAIN => {
            let id = match argument(arguments, "snippet").map(|text| text.parse::<u32>()) {
                None => None,
                Some(Ok(id)) => Some(SnippetId(id)),
                Some(Err(_)) => {
                    return Ok(Err(ErrorData::invalid_params("snippet must be the number of a snippet", None)));
                }
            };
            let who = reader.clone();
            let found = session.read(move |transcript| failed(transcript, &who, id).cloned()).await?;
            match (found, id) {
                (Some(snippet), _) => explain(&snippet, &reader),
                (None, Some(id)) => {
                    return Ok(Err(ErrorData::invalid_params(
                        format!("there is no snippet {id} in this session"),
                        None,
                    )));
                }
                (None, None) => "Nothing has failed in the Python session so far.".to_owned(),
            }
        }
        HAND_OVER => {
            let focus = argument(arguments, "focus");
            let focus = focus.map(|focus| format!(" The next task: {focus}.")).unwrap_or_default();
            let summary = summary::of(session, Some(reader.clone()), summary::FULL).await?;
            let history =
                session.read(move |transcript| history::text(transcript, &reader, HAND_OVER_ENTRIES, now())).await?;
            format!(
                "Write a summary of the work in this Python session for somebody who has not seen it and will continue \
                 it: the goal, the findings, the variables that matter and their contents, the decisions, the open \
                 tasks and the pitfalls.{focus} Be exact about names. Leave out dead ends unless they are worth \
                 knowing.\n\nCurrent state:\n\n{summary}\n\nHistory:\n\n{history}"
            )
        }
        _ => return Ok(Err(unknown(name))),
    };
    Ok(Ok(one_message(text)))
}

/// `text` in place of any prompt, where there is no session.
pub fn offline(name: &str, text: String) -> Result<GetPromptResult, ErrorData> {
    if [RESUME, EXPLAIN, HAND_OVER].contains(&name) { Ok(one_message(text)) } else { Err(unknown(name)) }
}

fn unknown(name: &str) -> ErrorData {
    let known = [RESUME, EXPLAIN, HAND_OVER].join(", ");
    ErrorData::invalid_params(format!("Unknown prompt {name:?}; available: {known}"), None)
}

fn one_message(text: String) -> GetPromptResult {
    GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)])
}

fn failed<'a>(transcript: &'a Transcript, reader: &Author, id: Option<SnippetId>) -> Option<&'a Snippet> {
    let gate = transcript.gate();
    let is_shown = |snippet: &&Snippet| !gate.private.hides(snippet.id, &snippet.author, Some(reader));
    if let Some(id) = id {
        return transcript.snippet(id).filter(is_shown);
    }
    let entries = transcript.entries();
    let failed = |entry: &Entry| matches!(entry, Entry::Snippet(snippet) if snippet.status == Status::Error && is_shown(&snippet));
    match entries.get(entries.find_last_in(0..entries.len(), failed)?)? {
        Entry::Snippet(snippet) => Some(snippet),
        _ => None,
    }
}

fn explain(snippet: &Snippet, reader: &Author) -> String {
    let by = snippet.author.label_for(reader);
    let code = truncate_middle(&snippet.code, MAX_EXPLAINED / 2, 0).0;
    let (result, _) = text::run(snippet, 0, now(), None, MAX_EXPLAINED / 2, &AttachedImages::default());
    format!(
        "Explain what went wrong in snippet {} of the Python session, run by {by}: the cause, not only the message. \
         Look at the values involved where that helps (inspect_variable), and propose a fixed version. Do not change \
         variables without asking.\n\nCode:\n\n```python\n{code}\n```\n\nResult:\n\n```\n{result}\n```",
        snippet.id
    )
}
