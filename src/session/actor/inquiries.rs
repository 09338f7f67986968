//! Notes, and questions of clients to the person.

use std::sync::Arc;

use super::state::{Actor, InquiryReply};
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Event, Gate, Inquiry, Note, Takeover, Transcript};
use crate::session::clock::now;
use crate::session::handle::InquiryRefused;

/// Questions of one author that may wait.
const MAX_INQUIRIES_PER_AUTHOR: usize = 5;
const MAX_INQUIRIES: usize = 20;

impl Actor {
    pub(super) fn note(&mut self, note: Note) {
        let gate = self.transcript.gate();
        if gate.takeover.is_some()
            && note.by.is_you()
            && note.answers.is_none()
            && note.about.is_none()
            && note.to.is_none()
        {
            let mut gate = Gate::clone(&gate);
            gate.takeover = Some(Takeover { note: Some(note.text.clone()) });
            self.set_gate(gate);
        }
        self.emit(Event::Noted { note: Arc::new(note), at: now() });
    }

    /// Returns whether `author` may ask one more question.
    fn may_ask(&self, author: &Author) -> Result<(), InquiryRefused> {
        let waiting = self.transcript.inquiries();
        if !self.has_dashboard() {
            return Err(InquiryRefused::NoDashboard);
        }
        let own = waiting.iter().filter(|inquiry| inquiry.by == *author).count();
        if own >= MAX_INQUIRIES_PER_AUTHOR || waiting.len() >= MAX_INQUIRIES {
            Err(InquiryRefused::TooMany)
        } else {
            Ok(())
        }
    }

    pub(super) fn inquire(
        &mut self,
        by: Author,
        text: &str,
        choices: Vec<Arc<str>>,
        reply: InquiryReply,
    ) -> Result<u32, InquiryRefused> {
        self.may_ask(&by)?;
        self.inquiries.last_number += 1;
        let number = self.inquiries.last_number;
        self.inquiries.waiting.push((number, reply));
        self.emit(Event::Inquired(Arc::new(Inquiry { number, by, text: plain(text).into(), choices, at: now() })));
        Ok(number)
    }

    /// Passes on what the person says to a question; `None` if they decline.
    pub(super) fn reply(&mut self, number: u32, text: Option<Arc<str>>) {
        let Some((inquiry, reply)) = self.end_inquiry(number) else { return };
        if reply.send(text.clone()).is_ok() {
            self.note(match text {
                Some(text) => Note { by: Author::You, text, about: None, to: None, answers: Some(inquiry) },
                None => Note::declining(inquiry),
            });
        }
    }

    pub(super) fn end_inquiry(&mut self, number: u32) -> Option<(Arc<Inquiry>, InquiryReply)> {
        let place = self.inquiries.waiting.iter().position(|(waiting, _)| *waiting == number)?;
        let (_, reply) = self.inquiries.waiting.remove(place);
        let with_number =
            |transcript: &Transcript| transcript.inquiries().iter().find(|inquiry| inquiry.number == number).cloned();
        let inquiry = with_number(&self.transcript)?;
        self.emit(Event::InquiryEnded { number });
        Some((inquiry, reply))
    }
}
