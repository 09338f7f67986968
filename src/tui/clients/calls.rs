//! What a client sent and got, as rows of text.

use std::time::Duration;

use crate::domain::{Timestamp, units};
use crate::session::{CallAnswer, ClientCall};
use crate::tui::draw::canvas::elapsed;
use crate::tui::text;

/// Such as `12 calls · 1 failed · 34 kB answered · 1 cut`.
pub fn totals(calls: &[ClientCall]) -> String {
    let answers = || calls.iter().filter_map(|call| call.end.as_ref()?.answer.as_ref());
    let failed = answers().filter(|answer| answer.error.is_some()).count();
    let cut = answers().filter(|answer| answer.is_cut).count();
    let bytes: u64 = answers().map(|answer| answer.bytes).sum();
    let open = calls.iter().filter(|call| call.end.is_none()).count();
    let mut parts = vec![units::count(calls.len(), "call")];
    parts.extend((open > 0).then(|| format!("{open} waiting")));
    parts.extend((failed > 0).then(|| format!("{failed} failed")));
    parts.push(format!("{} answered", units::bytes(bytes)));
    parts.extend((cut > 0).then(|| format!("{cut} cut")));
    parts.join(" · ")
}

/// A call in one row: when, the tool, the snippet, how long, how large the answer was, and what was wrong.
pub struct CallRow {
    pub age: String,
    pub tool: String,
    pub snippet: String,
    pub took: String,
    pub bytes: String,
    /// `cut`, the error, or nothing.
    pub remark: String,
    pub has_failed: bool,
}

impl CallRow {
    pub fn of(call: &ClientCall, now: Timestamp) -> Self {
        let (took, answer) = match &call.end {
            Some(end) => (units::duration(end.took), end.answer.clone()),
            None => (units::clock(elapsed(call.at, now)), Some(CallAnswer::default())),
        };
        let is_open = call.end.is_none();
        let remark = match &answer {
            None => "given up by the client".to_owned(),
            Some(_) if is_open => "waiting".to_owned(),
            Some(CallAnswer { error: Some(error), .. }) => text::name(error).into_owned(),
            Some(CallAnswer { is_cut: true, .. }) => "cut".to_owned(),
            Some(_) => String::new(),
        };
        let answer = answer.unwrap_or_default();
        Self {
            age: age(elapsed(call.at, now)),
            tool: call.tool.to_string(),
            snippet: answer.snippet.map(|snippet| snippet.to_string()).unwrap_or_default(),
            took,
            bytes: if is_open || answer.bytes == 0 { String::new() } else { units::bytes(answer.bytes) },
            remark,
            has_failed: answer.error.is_some(),
        }
    }
}

fn age(age: Duration) -> String {
    if age.as_secs() < 60 { format!("{} s", age.as_secs()) } else { units::age(age) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, SnippetId};
    use crate::session::CallEnd;

    #[test]
    fn calls_are_told_in_a_row_each() {
        let call = |answer: Option<CallAnswer>| ClientCall {
            by: Author::You,
            tool: "run_python_code".into(),
            at: 1_000,
            end: Some(CallEnd { took: Duration::from_millis(1_200), answer }),
        };
        let answer = CallAnswer { snippet: Some(SnippetId(3)), bytes: 3_400, is_cut: true, error: None };
        let calls = [
            call(Some(answer.clone())),
            call(Some(CallAnswer { is_cut: false, error: Some("NameError: x".to_owned()), ..answer })),
            call(None),
            ClientCall { end: None, ..call(None) },
        ];
        assert_eq!(totals(&calls), "4 calls · 1 waiting · 1 failed · 6.8 kB answered · 1 cut");
        let remarks: Vec<String> = calls.iter().map(|call| CallRow::of(call, 6_000).remark).collect();
        assert_eq!(remarks, ["cut", "NameError: x", "given up by the client", "waiting"]);
        let row = CallRow::of(&calls[0], 6_000);
        assert_eq!((&*row.age, &*row.snippet, &*row.took), ("5 s", "3", "1.2 s"));
    }
}
