//! Words beside the code: notes, and questions of clients to the person.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::Actor;
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Event, Inquiry, Note, Transcript};
use crate::session::AskRefused;
use crate::session::clock::now;

/// Questions of one author that may wait, and of all together.
const OF_AUTHOR: usize = 5;
const IN_ALL: usize = 20;

/// Takes what the person says; `None` if they decline.
type Answer = oneshot::Sender<Option<Arc<str>>>;

/// What clients ask the person.
pub struct Inquiries {
    /// A dashboard is there.
    attended: Arc<AtomicBool>,
    last: u32,
    waiting: Vec<(u32, Answer)>,
}

impl Inquiries {
    pub fn new(attended: Arc<AtomicBool>) -> Self {
        Self { attended, last: 0, waiting: Vec::new() }
    }
}

impl Actor {
    pub(super) fn note(&mut self, note: Note) {
        self.emit(Event::Noted { note: Arc::new(note), at: now() });
    }

    /// Whether `author` may ask one more question.
    fn may_ask(&self, author: &Author) -> Result<(), AskRefused> {
        let waiting = self.transcript.inquiries();
        if !self.inquiries.attended.load(Ordering::Relaxed) {
            return Err(AskRefused::Nobody);
        }
        let own = waiting.iter().filter(|inquiry| inquiry.by == *author).count();
        if own >= OF_AUTHOR || waiting.len() >= IN_ALL { Err(AskRefused::TooMany) } else { Ok(()) }
    }

    pub(super) fn inquire(
        &mut self,
        by: Author,
        text: &str,
        choices: Vec<Arc<str>>,
        answer: Answer,
    ) -> Result<u32, AskRefused> {
        self.may_ask(&by)?;
        self.inquiries.last += 1;
        let number = self.inquiries.last;
        self.inquiries.waiting.push((number, answer));
        self.emit(Event::Inquired(Arc::new(Inquiry { number, by, text: plain(text).into(), choices, at: now() })));
        Ok(number)
    }

    /// The person says something to a question, or (`None`) that they do not want to.
    pub(super) fn reply(&mut self, number: u32, text: Option<Arc<str>>) {
        let Some(answer) = self.end_inquiry(number) else { return };
        let (inquiry, answer) = answer;
        if answer.send(text.clone()).is_ok()
            && let Some(text) = text
        {
            self.note(Note { by: Author::You, text, about: None, answers: Some(inquiry) });
        }
    }

    pub(super) fn end_inquiry(&mut self, number: u32) -> Option<(Arc<Inquiry>, Answer)> {
        let place = self.inquiries.waiting.iter().position(|(waiting, _)| *waiting == number)?;
        let (_, answer) = self.inquiries.waiting.remove(place);
        let asked =
            |transcript: &Transcript| transcript.inquiries().iter().find(|inquiry| inquiry.number == number).cloned();
        let inquiry = asked(&self.transcript)?;
        self.emit(Event::InquiryEnded { number });
        Some((inquiry, answer))
    }
}
