//! Completion of arguments of resource templates and prompts.

use rmcp::model::{CompleteRequestParams, CompletionInfo, Reference};

use super::prompts;
use crate::domain::{Entry, Snippet, SnippetId, Status, Transcript};
use crate::session::{Closed, SessionHandle};

/// The values that an argument may have.
enum CompletionTarget {
    Snippets { failed: bool },
    Figures(SnippetId),
    Names,
    Nothing,
}

pub async fn of(session: &SessionHandle, request: CompleteRequestParams) -> Result<CompletionInfo, Closed> {
    let CompleteRequestParams { r#ref, argument, context, .. } = request;
    let target = match (&r#ref, argument.name.as_str()) {
        (Reference::Resource(_), "snippet" | "since") => CompletionTarget::Snippets { failed: false },
        (Reference::Resource(_), "figure") => {
            let snippet = context.as_ref().and_then(|context| context.get_argument("snippet"));
            snippet
                .and_then(|id| id.parse().ok())
                .map_or(CompletionTarget::Nothing, |id| CompletionTarget::Figures(SnippetId(id)))
        }
        (Reference::Resource(_), "name" | "cursor") => CompletionTarget::Names,
        (Reference::Prompt(prompt), "snippet") if prompt.name == prompts::EXPLAIN => {
            CompletionTarget::Snippets { failed: true }
        }
        _ => CompletionTarget::Nothing,
    };
    let prefix = argument.value;
    session.read(move |transcript| candidates(transcript, &target, &prefix)).await
}

/// The values that begin with `prefix`: snippets with the newest first, figures and names in their order.
fn candidates(transcript: &Transcript, target: &CompletionTarget, prefix: &str) -> CompletionInfo {
    let fits = |text: &String| text.starts_with(prefix);
    let mut all: Vec<String> = match target {
        CompletionTarget::Snippets { failed } => {
            let mut found = Vec::new();
            transcript.entries().visit_backwards(|entry| match entry {
                Entry::Snippet(snippet) if !failed || snippet.status == Status::Error => {
                    found.extend(Some(snippet.id.to_string()).filter(fits));
                }
                _ => {}
            });
            found
        }
        CompletionTarget::Figures(id) => {
            let figures = transcript.snippet(*id).into_iter().flat_map(Snippet::numbered_displays);
            figures.map(|(number, _)| number.to_string()).filter(fits).collect()
        }
        CompletionTarget::Names => {
            let prefix = prefix.to_lowercase();
            let names = transcript.variables().rows.iter().map(|variable| variable.name.clone());
            names.filter(|name| name.to_lowercase().starts_with(&prefix)).collect()
        }
        CompletionTarget::Nothing => Vec::new(),
    };
    let total = all.len();
    all.truncate(CompletionInfo::MAX_VALUES);
    let has_more = total > all.len();
    CompletionInfo::with_pagination(all, Some(total as u32), has_more).unwrap_or_default()
}
