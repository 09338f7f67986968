//! A safe point as everybody knows it, the way back to one, and the line that asks for it.

use serde::{Deserialize, Serialize};

use super::SnippetId;

/// Why a rewind line with anything else but a number does nothing.
const USAGE: &str = "%rewind stands alone, or with the number of the first snippet that is to be taken back: %rewind 12. \
    Nothing was done.";

/// A dormant copy of Python, with all variables as they were after `snippet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafePoint {
    /// The first snippet after which they were the same: those after it, up to `snippet`, have only looked.
    pub since: SnippetId,
    /// The last snippet that the copy has.
    pub snippet: SnippetId,
}

/// A rewind: the person's wish that Python goes back to a safe point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewind {
    /// The first snippet that is taken back.
    pub before: SnippetId,
    /// The last snippet of the safe point that is to be woken.
    pub point: SnippetId,
}

/// What a line asks for: the snippet that Python is to go back to before, if the line names one.
pub type RewindRequest = Result<Option<SnippetId>, &'static str>;

/// Returns what `code` asks for if it is a rewind line.
#[must_use]
pub fn rewind_request(code: &str) -> Option<RewindRequest> {
    let mut words = code.split_whitespace();
    if words.next() != Some("%rewind") {
        return None;
    }
    let number = words.next().map(|word| word.parse().map(SnippetId).map_err(|_| USAGE)).transpose();
    Some(if words.next().is_some() { Err(USAGE) } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_asks_for_a_rewind() {
        assert_eq!(rewind_request("x = 1"), None);
        assert_eq!(rewind_request(" %rewind\n"), Some(Ok(None)));
        assert_eq!(rewind_request("%rewind 12"), Some(Ok(Some(SnippetId(12)))));
        assert_eq!(rewind_request("%rewind all"), Some(Err(USAGE)));
        assert_eq!(rewind_request("%rewind 1 2"), Some(Err(USAGE)));
        assert_eq!(rewind_request("%rewinder"), None);
    }
}
