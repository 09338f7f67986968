//! What is sent, as text for a model.

use crate::domain::char_boundary::{ceil_char_boundary, floor_char_boundary};
use crate::domain::terminal_text::plain;
use crate::domain::{Snippet, Variable, units};

/// Bytes of everything that is sent at once.
const MAX_SENT: usize = 4_000;
/// Bytes of the code of a card, and of its output, value or traceback.
const MAX_PART: usize = 1_800;

/// What is sent: a few words for the person, and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub what: String,
    pub text: String,
}

impl Sent {
    fn new(what: String, text: &str) -> Self {
        Self { what, text: ends(text, MAX_SENT) }
    }
}

/// The beginning and the end of a long text.
fn ends(text: &str, max: usize) -> String {
    let text = text.trim_end();
    if text.len() <= max {
        return text.to_owned();
    }
    let (head, tail) = (floor_char_boundary(text, max * 2 / 3), ceil_char_boundary(text, text.len() - max / 3));
    format!("{}\n[... {} left out ...]\n{}", &text[..head], units::bytes((tail - head) as u64), &text[tail..])
}

/// A card with the code, and the ends of what it wrote and returned. The client reads the rest by the number.
pub fn card(snippet: &Snippet) -> Sent {
    let (id, by) = (snippet.id, snippet.author.label_for_models());
    let title = snippet.title.as_ref().map(|title| format!(", {title}")).unwrap_or_default();
    let outcome = snippet.outcome.as_deref();
    let error = outcome.and_then(|outcome| outcome.error.as_ref()).map(|error| error.traceback.as_str());
    let value = outcome.and_then(|outcome| outcome.result.as_deref()).map(|value| format!("Result: {value}"));
    let output = snippet.output.text(None);
    let mut text = format!("snippet {id} by {by}{title}: {}\n{}", snippet.status_word(), ends(&snippet.code, MAX_PART));
    for part in [Some(output.as_str()), value.as_deref(), error].into_iter().flatten().filter(|part| !part.is_empty()) {
        text.push_str("\n\n");
        text.push_str(&ends(&plain(part), MAX_PART / 2));
    }
    Sent::new(format!("card {id}"), &text)
}

/// The traceback of a card; `None` if it has none.
pub fn traceback(snippet: &Snippet) -> Option<Sent> {
    let error = snippet.outcome.as_ref()?.error.as_ref()?;
    let (id, by) = (snippet.id, snippet.author.label_for_models());
    let text = format!("traceback of snippet {id} by {by}:\n{}", plain(&error.traceback));
    Some(Sent::new(format!("the traceback of {id}"), &text))
}

/// A variable as the list describes it.
pub fn variable(variable: &Variable) -> Sent {
    let size = variable.size.map(|size| format!(", {}", units::bytes(size))).unwrap_or_default();
    let shape = if variable.shape.is_empty() { String::new() } else { format!(" {}", variable.shape) };
    let preview = if variable.preview.is_empty() { String::new() } else { format!(" = {}", variable.preview) };
    let set_by = variable.set_by.map(|id| format!("; last set by snippet {id}")).unwrap_or_default();
    let name = &variable.name;
    let text = format!(
        "variable {name}: {}{shape}{size}{preview}{set_by}. inspect_variable with name={name:?} shows more.",
        variable.type_name
    );
    Sent::new(name.clone(), &plain(&text))
}

pub fn selection(text: &str) -> Sent {
    Sent::new("the selection".to_owned(), &format!("a part of the person's input:\n{}", plain(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Entry, Outcome, VariableKind};
    use crate::tui::fixtures::{Story, failed, ok};

    fn snippet(story: &Story) -> &Snippet {
        match story.transcript.entries().last() {
            Some(Entry::Snippet(snippet)) => snippet,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_card_has_its_code_and_the_ends_of_the_rest() {
        let mut story = Story::default();
        story.ran(&Author::You, "f()", "\u{1b}[31mred\u{1b}[0m\n", Outcome { result: Some("42".into()), ..ok(1) });
        assert_eq!(card(snippet(&story)).text, "snippet 1 by the person: ok\nf()\n\nred\n\nResult: 42");
        assert_eq!(traceback(snippet(&story)), None);
        story.ran(&Author::You, &"x = 1\n".repeat(2_000), &"line\n".repeat(9_000), failed(1, "ValueError", "no", 900));
        let sent = card(snippet(&story));
        assert!(sent.text.len() <= MAX_SENT + 100 && sent.text.ends_with("ValueError: no"), "{}", sent.text);
        assert!(sent.text.contains("left out ...]"), "{}", sent.text);
        let sent = traceback(snippet(&story)).unwrap();
        assert!(sent.text.starts_with("traceback of snippet 2 by the person:\nTraceback (most"), "{}", sent.text);
        assert!(sent.text.len() <= MAX_SENT + 100 && sent.text.ends_with("ValueError: no"));
    }

    #[test]
    fn a_variable_is_sent_as_the_list_has_it() {
        let df = crate::tui::fixtures::variable("df", VariableKind::Data, "DataFrame", "48210×9", "day, units");
        let text = variable(&Variable { size: Some(3_400_000), ..df }).text;
        let expected =
            "variable df: DataFrame 48210×9, 3.4 MB = day, units. inspect_variable with name=\"df\" shows more.";
        assert_eq!(text, expected);
        assert!(selection(&"é".repeat(9_000)).text.len() <= MAX_SENT + 100);
    }
}
