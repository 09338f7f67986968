//! The person's edit of a snippet as a diff.

use std::time::Duration;

use crate::domain::Snippet;

/// After this time, a diff of long code is coarser.
const DIFF_TIMEOUT: Duration = Duration::from_millis(50);

/// Returns the unified diff from the code that the client sent to the code that ran; `None` if the person edited
/// nothing.
#[must_use]
pub fn review_diff(snippet: &Snippet) -> Option<String> {
    let sent = snippet.review.as_ref()?.sent()?;
    let diff = similar::TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(&**sent, &*snippet.code);
    Some(diff.unified_diff().context_radius(2).missing_newline_hint(false).header("sent", "run").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Decision, Event, Review, SnippetId, Transcript};

    #[test]
    fn an_edit_is_told_as_a_diff() {
        let mut transcript = Transcript::default();
        let (snippet, author, sent) = (SnippetId(1), Author::You, "a = 1\nb = 2\nc = 3");
        transcript.apply(&Event::Submitted { snippet, author, code: sent.into(), call: None, at: 0 });
        assert_eq!(review_diff(transcript.snippet(snippet).unwrap()), None);
        let decision = Decision { runs: true, reason: None, sent: Some(sent.into()), was_unattended: false, at: 5_000 };
        let review = Review { at: 1_000, is_held: false, decision: Some(decision) };
        transcript.apply(&Event::Review { snippet, review: review.into(), code: Some("a = 1\nb = 20\nc = 3".into()) });
        let found = transcript.snippet(snippet).unwrap();
        let diff = review_diff(found).unwrap();
        assert_eq!(diff, "--- sent\n+++ run\n@@ -1,3 +1,3 @@\n a = 1\n-b = 2\n+b = 20\n c = 3\n");
        assert_eq!(found.review.as_ref().unwrap().waited(), Some(Duration::from_secs(4)));
    }
}
