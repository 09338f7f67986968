//! The texts that clients, and so their models, received about a snippet, exactly as they were sent.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Snippet, SnippetId, units};
use crate::session::{ClientResponse, ResponseKind};
use crate::tui::text;

/// The approximate number of characters per token.
const CHARACTERS_PER_TOKEN: usize = 4;

/// The responses about a snippet, and the one that is shown.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pages: Vec<Page>,
    /// `None` while the output itself is shown, which is a view too.
    pub shown: Option<usize>,
}

/// A response: its text, or its structured content.
#[derive(Clone, Debug)]
pub struct Page {
    answer: Arc<ClientResponse>,
    structured: bool,
    characters: usize,
}

impl Received {
    /// Starts at the text of the last response if `first`, else at the output.
    pub fn new(answers: Vec<Arc<ClientResponse>>, first: bool) -> Self {
        let views = |answer: Arc<ClientResponse>| {
            let structured = answer.structured.is_some().then(|| Page::new(answer.clone(), true));
            std::iter::once(Page::new(answer, false)).chain(structured)
        };
        let pages: Vec<Page> = answers.into_iter().flat_map(views).collect();
        let received = Self { pages, shown: None };
        if first { received.other() } else { received }
    }

    /// The view for the other pane: the output beside a response, or the last response beside the output.
    pub fn other(&self) -> Self {
        let last = || self.pages.iter().rposition(|page| !page.structured && page.answer.kind == ResponseKind::Result);
        let shown = if self.shown.is_some() { None } else { last().or(self.pages.len().checked_sub(1)) };
        Self { pages: self.pages.clone(), shown }
    }

    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The page that is shown; `None` for the output itself.
    pub fn page(&self) -> Option<&Page> {
        self.pages.get(self.shown?)
    }

    /// The position among the pages, such as `2 of 3`.
    pub fn position(&self) -> String {
        format!("{} of {}", self.shown.map_or(0, |shown| shown + 1), self.pages.len())
    }

    /// Turns to the next or previous view. Returns `false` if there is no other view.
    pub fn turn(&mut self, by: isize) -> bool {
        let count = self.pages.len() as isize + 1;
        let now = self.shown.map_or(0, |shown| shown as isize + 1);
        let next = (now + by).rem_euclid(count);
        self.shown = usize::try_from(next - 1).ok();
        count > 1
    }
}

impl Page {
    fn new(answer: Arc<ClientResponse>, structured: bool) -> Self {
        let mut page = Self { answer, structured, characters: 0 };
        page.characters = page.text().chars().count();
        page
    }

    pub fn snippet(&self) -> SnippetId {
        self.answer.snippet
    }

    pub fn text(&self) -> Cow<'_, str> {
        match &self.answer.structured {
            Some(structured) if self.structured => Cow::Owned((structured.render)()),
            _ => Cow::Borrowed(&self.answer.text),
        }
    }

    /// The title of the page, in `room` cells where possible.
    pub fn title(&self, room: usize) -> String {
        let (to, snippet) = (text::name(self.answer.to.name()), self.answer.snippet);
        let form = if self.structured { ", structured" } else { "" };
        let what = match self.answer.kind {
            ResponseKind::Result => "",
            ResponseKind::OutputPage => ", page of the output",
        };
        let long = format!(" what {to} received of {snippet}{what}{form} ");
        if text::width(&long) <= room { long } else { text::cut(&format!(" {to}{what}{form} "), room).into_owned() }
    }

    /// The size in characters and an estimate in tokens; where there is little room, only one of them.
    pub fn size(&self, room: usize) -> String {
        let tokens = format!("~{} tokens", self.characters.div_ceil(CHARACTERS_PER_TOKEN));
        let characters = units::count(self.characters, "character");
        match room {
            ..50 => tokens,
            50..76 => characters,
            _ => format!("{characters}, {tokens}"),
        }
    }

    /// Describes the response: what was cut, the snippet's status at that time, and images sent with the text.
    pub fn about(&self, snippet: Option<&Snippet>) -> String {
        let ClientResponse { at, status, is_cut, written, images, image_characters, structured, .. } = &*self.answer;
        let mut details = Vec::new();
        if *is_cut {
            details.push(format!("cut: the code wrote {}", units::bytes(*written)));
        }
        let age = snippet.map_or(0, |snippet| at.saturating_sub(snippet.submitted_at));
        details.push(format!("sent as: {} after {}", status.word(), units::duration(Duration::from_millis(age))));
        if snippet.is_some_and(|snippet| snippet.output.total() > *written) {
            details.push("the code wrote more since".to_owned());
        }
        if *images > 0 {
            details.push(format!(
                "{}, {} as base64",
                units::count(*images, "image"),
                units::bytes(*image_characters as u64)
            ));
        }
        if structured.is_none() {
            details.push("text only".to_owned());
        }
        details.join("; ")
    }
}
