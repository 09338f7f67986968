//! Help while code is typed: candidates for the word at the cursor, and the signature of the call around it. Python
//! answers when it can; answers that no longer fit are dropped.

use super::candidates::CandidateList;
use super::editor::Editor;
use crate::domain::lexer::{self, CallAtCursor, CursorContext};
use crate::domain::{Candidate, Completions, Insight, InsightKind, InsightRequest, Signature, VariableTable};

/// A question for the session, and its number, which the answer repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedQuestion {
    pub id: u64,
    pub question: InsightRequest,
}

#[derive(Debug, Default)]
pub struct CodeAssist {
    last: u64,
    /// Questions to send.
    outbox: Vec<NumberedQuestion>,
    /// The newest questions; answers to others are dropped.
    completion: Option<PendingCompletion>,
    pending_signature: Option<u64>,
    /// With the name of the candidate.
    pending_candidate: Option<(u64, String)>,
    pub popup: Option<CandidateList>,
    /// A line for a debugger is completed, and not the input.
    pub at_debugger: bool,
    call: Option<OpenCall>,
}

#[derive(Debug)]
struct PendingCompletion {
    id: u64,
    question: InsightRequest,
    trigger: Trigger,
}

/// Why candidates were requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// By a key: text that is certain is inserted at once.
    Key,
    /// By a dot: nothing is selected.
    Dot,
    /// The typed text went on, and the list did not have all candidates.
    Narrowed { selected: bool },
}

/// The call around the cursor, and its signature once that is known.
#[derive(Debug)]
struct OpenCall {
    /// The code before its bracket.
    head: String,
    call: CallAtCursor,
    signature: Option<Signature>,
}

/// What the caller must do after an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum AnswerEffect {
    Nothing,
    /// Tell the person that nothing fits.
    NoMatch,
}

impl CodeAssist {
    /// Returns the questions since the last call.
    pub fn take_questions(&mut self) -> Vec<NumberedQuestion> {
        std::mem::take(&mut self.outbox)
    }

    fn ask(&mut self, editor: &Editor, about: InsightKind, may_run: bool) -> (u64, InsightRequest) {
        self.last += 1;
        let question = InsightRequest { code: editor.code().into(), cursor: editor.place(), about, may_run };
        self.outbox.push(NumberedQuestion { id: self.last, question: question.clone() });
        (self.last, question)
    }

    /// Requests candidates for the cursor. Code of the person may run for that unless they only typed a dot.
    pub fn complete(&mut self, editor: &Editor, trigger: Trigger) {
        let about = if self.at_debugger { InsightKind::Command } else { InsightKind::Completion };
        let (id, question) = self.ask(editor, about, trigger != Trigger::Dot && !self.at_debugger);
        self.completion = Some(PendingCompletion { id, question, trigger });
    }

    /// Follows a change of the input or of the cursor.
    pub fn follow(&mut self, editor: &Editor) {
        if let Some(popup) = &mut self.popup {
            let written = editor.before_cursor();
            let is_in_place = written.starts_with(&popup.before);
            let has_changed = popup.written != written;
            let trigger = Trigger::Narrowed { selected: popup.selected.is_some() };
            let needs_more = is_in_place && has_changed && popup.left_out > 0;
            if !popup.narrow(editor) {
                self.popup = None;
            }
            if needs_more {
                self.complete(editor, trigger);
            }
            self.describe(editor);
        }
        let Some((head, call)) = editor.open_call().filter(|_| !self.at_debugger) else {
            (self.call, self.pending_signature) = (None, None);
            return;
        };
        if let Some(known) = self.call.as_mut().filter(|known| known.head == head) {
            known.call = call;
            return;
        }
        self.call = Some(OpenCall { head, call, signature: None });
        self.pending_signature = Some(self.ask(editor, InsightKind::Signature, false).0);
    }

    pub fn close(&mut self) {
        self.popup = None;
        self.completion = None;
        self.pending_candidate = None;
    }

    /// Returns the signature of the call around the cursor and the index of the active parameter, if Python gave them.
    pub fn signature(&self) -> Option<(&Signature, Option<usize>)> {
        let open = self.call.as_ref()?;
        let signature = open.signature.as_ref()?;
        Some((signature, signature.active(&open.call)))
    }

    /// Moves the selection, and asks for the documentation of the candidate.
    pub fn move_by(&mut self, by: isize, editor: &Editor) {
        if let Some(popup) = &mut self.popup {
            popup.move_by(by);
            self.describe(editor);
        }
    }

    /// Inserts the match in a row of the list.
    pub fn take(&mut self, row: usize, editor: &mut Editor) {
        if let Some(popup) = &mut self.popup {
            popup.selected = Some(row);
            self.accept(editor);
        }
    }

    fn describe(&mut self, editor: &Editor) {
        let Some(popup) = self.popup.as_mut().filter(|_| !self.at_debugger) else { return };
        let Some(name) = popup.selected().map(|candidate| candidate.name.clone()) else { return };
        if popup.doc.is_some() && self.pending_candidate.as_ref().is_some_and(|(_, pending)| *pending == name) {
            return;
        }
        popup.doc = None;
        let (id, _) = self.ask(editor, InsightKind::Candidate(name.clone()), false);
        self.pending_candidate = Some((id, name));
    }

    /// Inserts the selected candidate, or else the text that all have in common. Returns whether there is a list.
    pub fn accept(&mut self, editor: &mut Editor) -> bool {
        let Some(popup) = &self.popup else { return false };
        let typed = popup.typed(editor);
        let Some(candidate) = popup.selected().cloned() else {
            if let Some(common) = popup.common(&typed).filter(|_| popup.left_out == 0) {
                editor.replace_before_cursor(&typed, &common);
                self.follow(editor);
            } else {
                self.move_by(1, editor);
            }
            return true;
        };
        editor.replace_before_cursor(&typed, &candidate.text);
        self.close();
        self.follow(editor);
        if candidate.is_folder() {
            self.complete(editor, Trigger::Key);
        }
        true
    }

    /// Takes the answer to a question; `None` if there was none in time.
    pub fn answer(
        &mut self,
        id: u64,
        insight: Option<Insight>,
        editor: &mut Editor,
        variables: &VariableTable,
    ) -> AnswerEffect {
        if let Some(pending) = self.completion.take_if(|pending| pending.id == id) {
            return match insight {
                Some(Insight::Completions(completions)) => self.offer(&pending, completions, false, editor),
                _ if pending.trigger == Trigger::Key && !self.at_debugger => {
                    let known = variable_candidates(&pending.question, variables);
                    self.offer(&pending, known, true, editor)
                }
                _ => AnswerEffect::Nothing,
            };
        }
        match insight {
            Some(Insight::Signature(signature)) if self.pending_signature == Some(id) => {
                if let Some(call) = &mut self.call {
                    call.signature = signature;
                }
            }
            Some(Insight::Candidate(doc)) if self.pending_candidate.as_ref().is_some_and(|(asked, _)| *asked == id) => {
                if let Some(popup) = &mut self.popup {
                    popup.doc = Some(doc);
                }
            }
            _ => {}
        }
        AnswerEffect::Nothing
    }

    /// Opens the list of candidates, or inserts what is certain.
    fn offer(
        &mut self,
        pending: &PendingCompletion,
        completions: Completions,
        incomplete: bool,
        editor: &mut Editor,
    ) -> AnswerEffect {
        // The cursor left the word, or went back in it.
        if !editor.before_cursor().starts_with(pending.question.before()) {
            return AnswerEffect::Nothing;
        }
        let Completions { from, candidates, left_out } = completions;
        let mut popup = CandidateList {
            before: pending.question.code.chars().take(from).collect(),
            written: String::new(),
            candidates,
            left_out,
            matches: Vec::new(),
            selected: None,
            doc: None,
            incomplete,
        };
        // If the typed text went on meanwhile, candidates that fit may be among those that were left out.
        let is_outdated = popup.left_out > 0 && editor.before_cursor() != pending.question.before();
        let before = self.popup.take();
        if !popup.narrow(editor) {
            if is_outdated {
                self.complete(editor, pending.trigger);
                return AnswerEffect::Nothing;
            }
            let tells = pending.trigger == Trigger::Key && popup.matches.is_empty();
            return if tells { AnswerEffect::NoMatch } else { AnswerEffect::Nothing };
        }
        let selected = before.as_ref().and_then(CandidateList::selected).map(|candidate| &*candidate.name);
        if matches!(pending.trigger, Trigger::Key | Trigger::Narrowed { selected: true }) || selected.is_some() {
            popup.select(selected);
        }
        let typed = popup.typed(editor);
        let is_certain = pending.trigger == Trigger::Key && popup.left_out == 0 && !incomplete;
        let common = popup.common(&typed).filter(|_| is_certain);
        let is_only = is_certain && popup.matches.len() == 1;
        if is_outdated {
            self.complete(editor, Trigger::Narrowed { selected: popup.selected.is_some() });
        }
        self.popup = Some(popup);
        if is_only {
            self.accept(editor);
        } else if let Some(common) = common {
            editor.replace_before_cursor(&typed, &common);
            self.follow(editor);
        }
        self.describe(editor);
        AnswerEffect::Nothing
    }
}

/// Returns the candidates that are known without Python.
fn variable_candidates(question: &InsightRequest, variables: &VariableTable) -> Completions {
    let CursorContext::Name { prefix } = lexer::cursor_context(question.before()) else {
        return Completions::default();
    };
    let lower = prefix.to_lowercase();
    let fitting = variables.rows.iter().filter(|row| row.name.to_lowercase().starts_with(&lower));
    let candidates = fitting.take(Completions::MAX_CANDIDATES).map(|row| Candidate {
        text: row.name.clone(),
        name: row.name.clone(),
        kind: row.type_name.clone(),
    });
    let from = question.cursor - prefix.chars().count();
    Completions { from, candidates: candidates.collect(), left_out: 0 }
}
