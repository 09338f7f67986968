//! Help while code is typed: what is asked of the session, the candidates that are offered, and the call around the
//! cursor. Answers come when they come; what no longer fits is dropped.

use super::editor::Editor;
use super::editor::wrap;
use crate::domain::lexer::{self, CallAtCursor, CursorContext};
use crate::domain::{Candidate, Completions, Insight, InsightKind, InsightRequest, Signature, VariableTable};

/// Rows of candidates that are shown at once.
pub const ROWS: usize = 6;

/// A question for the session, and the number that its answer bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub id: u64,
    pub question: InsightRequest,
}

#[derive(Debug, Default)]
pub struct Assist {
    last: u64,
    /// Not yet sent.
    outbox: Vec<Asked>,
    /// The newest questions; answers to others are dropped.
    completion: Option<Waiting>,
    signature_asked: Option<u64>,
    candidate_asked: Option<(u64, String)>,
    pub popup: Option<Popup>,
    call: Option<OpenCall>,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    question: InsightRequest,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A key asked for it: what is certain is put in at once.
    Key,
    /// A dot was typed: nothing is selected.
    Dot,
    /// More was typed than there were candidates for.
    Narrowed { selected: bool },
}

/// The call around the cursor, and how it is made once that is known.
#[derive(Debug)]
struct OpenCall {
    /// All up to its bracket.
    head: String,
    call: CallAtCursor,
    signature: Option<Signature>,
}

/// The candidates at the cursor.
#[derive(Debug)]
pub struct Popup {
    /// What stands before the text that a candidate takes the place of.
    before: String,
    /// All before the cursor when it was last looked at.
    written: String,
    pub candidates: Vec<Candidate>,
    pub left_out: usize,
    /// Indices of those that fit what has been typed.
    pub matches: Vec<usize>,
    /// Index in `matches`. Nothing is selected in one that nobody asked for, so that Enter runs the code.
    pub selected: Option<usize>,
    /// Of the selected one.
    pub doc: Option<String>,
    /// From the variable table only, because Python gave no answer.
    pub incomplete: bool,
}

/// What an answer asks the editor to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Nothing,
    /// Nothing fits; the person asked and is told.
    None,
}

impl Popup {
    pub fn selected(&self) -> Option<&Candidate> {
        self.candidates.get(*self.matches.get(self.selected?)?)
    }

    /// Where the candidates begin, in cells of the line.
    pub fn column(&self) -> usize {
        wrap::cells(self.before.rsplit('\n').next().unwrap_or_default())
    }

    /// Keeps those that fit what has been typed. `false` if the cursor has left the place.
    fn narrow(&mut self, editor: &Editor) -> bool {
        let written = editor.before_cursor();
        let Some(typed) = written.strip_prefix(&self.before).map(str::to_lowercase) else { return false };
        self.written.clone_from(&written);
        let chosen = self.selected().map(|candidate| candidate.name.clone());
        let fits = |candidate: &Candidate| {
            candidate.text.to_lowercase().starts_with(&typed) || candidate.name.to_lowercase().starts_with(&typed)
        };
        self.matches = (0..self.candidates.len()).filter(|index| fits(&self.candidates[*index])).collect();
        if self.selected.is_some() {
            let stays = self.matches.iter().position(|index| Some(&self.candidates[*index].name) == chosen.as_ref());
            self.selected = Some(stays.unwrap_or(0));
        }
        match self.matches.as_slice() {
            [] => false,
            [one] => self.candidates[*one].text.to_lowercase() != typed || self.selected.is_some(),
            _ => true,
        }
    }

    /// What all that fit begin with, if it begins with what is typed.
    fn common(&self, typed: &str) -> Option<String> {
        let mut texts = self.matches.iter().map(|index| self.candidates[*index].text.as_str());
        let mut common = texts.next()?.to_owned();
        for text in texts {
            let shared: String = common.chars().zip(text.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
            common = shared;
        }
        (common.starts_with(typed) && common.len() > typed.len()).then_some(common)
    }

    fn move_by(&mut self, by: isize) {
        let count = self.matches.len() as isize;
        let next = match self.selected {
            Some(selected) => (selected as isize + by).rem_euclid(count.max(1)),
            None if by > 0 => 0,
            None => count - 1,
        };
        self.selected = Some(next.max(0) as usize);
        self.doc = None;
    }
}

impl Assist {
    /// The questions since the last call.
    pub fn take_questions(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.outbox)
    }

    fn ask(&mut self, editor: &Editor, about: InsightKind, may_run: bool) -> (u64, InsightRequest) {
        self.last += 1;
        let question = InsightRequest { code: editor.code().into(), cursor: editor.place(), about, may_run };
        self.outbox.push(Asked { id: self.last, question: question.clone() });
        (self.last, question)
    }

    /// Asks what could stand at the cursor. Only where the person wants it may code of theirs run to find out.
    pub fn complete(&mut self, editor: &Editor, why: Why) {
        let (id, question) = self.ask(editor, InsightKind::Completion, why != Why::Dot);
        self.completion = Some(Waiting { id, question, why });
    }

    /// After each change of the input, or of the cursor's place.
    pub fn follow(&mut self, editor: &Editor) {
        if let Some(popup) = &mut self.popup {
            let written = editor.before_cursor();
            let in_place = written.starts_with(&popup.before);
            let changed = popup.written != written;
            let why = Why::Narrowed { selected: popup.selected.is_some() };
            let more = in_place && changed && popup.left_out > 0;
            if !popup.narrow(editor) {
                self.popup = None;
            }
            if more {
                self.complete(editor, why);
            }
            self.describe(editor);
        }
        let Some((head, call)) = editor.open_call() else {
            (self.call, self.signature_asked) = (None, None);
            return;
        };
        if let Some(known) = self.call.as_mut().filter(|known| known.head == head) {
            known.call = call;
            return;
        }
        self.call = Some(OpenCall { head, call, signature: None });
        self.signature_asked = Some(self.ask(editor, InsightKind::Signature, false).0);
    }

    pub fn close(&mut self) {
        self.popup = None;
        self.completion = None;
        self.candidate_asked = None;
    }

    /// The call around the cursor, if it is known how it is made.
    pub fn signature(&self) -> Option<(&Signature, Option<usize>)> {
        let open = self.call.as_ref()?;
        let signature = open.signature.as_ref()?;
        Some((signature, signature.active(&open.call)))
    }

    /// Takes the selection on; the documentation of the new one is asked for.
    pub fn move_by(&mut self, by: isize, editor: &Editor) {
        if let Some(popup) = &mut self.popup {
            popup.move_by(by);
            self.describe(editor);
        }
    }

    fn describe(&mut self, editor: &Editor) {
        let Some(popup) = self.popup.as_mut() else { return };
        let Some(name) = popup.selected().map(|candidate| candidate.name.clone()) else { return };
        if popup.doc.is_some() && self.candidate_asked.as_ref().is_some_and(|(_, asked)| *asked == name) {
            return;
        }
        popup.doc = None;
        let (id, _) = self.ask(editor, InsightKind::Candidate(name.clone()), false);
        self.candidate_asked = Some((id, name));
    }

    /// Puts the selected candidate, or else what all have in common, into the input. `false` if that changes nothing.
    pub fn accept(&mut self, editor: &mut Editor) -> bool {
        let Some(popup) = &mut self.popup else { return false };
        let typed = editor.before_cursor().chars().skip(popup.before.chars().count()).collect::<String>();
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
        if candidate.kind == "folder" {
            self.complete(editor, Why::Key);
        }
        true
    }

    /// The answer of that number; `None` if there is none in time.
    pub fn answer(
        &mut self,
        id: u64,
        insight: Option<Insight>,
        editor: &mut Editor,
        variables: &VariableTable,
    ) -> Outcome {
        if self.completion.as_ref().is_some_and(|waiting| waiting.id == id) {
            let Some(waiting) = self.completion.take() else { return Outcome::Nothing };
            return match insight {
                Some(Insight::Completions(completions)) => self.offer(&waiting, completions, false, editor),
                _ if waiting.why == Why::Key => {
                    let known = from_table(&waiting.question, variables);
                    self.offer(&waiting, known, true, editor)
                }
                _ => Outcome::Nothing,
            };
        }
        match insight {
            Some(Insight::Signature(signature)) if self.signature_asked == Some(id) => {
                if let Some(call) = &mut self.call {
                    call.signature = signature;
                }
            }
            Some(Insight::Candidate(doc)) if self.candidate_asked.as_ref().is_some_and(|(asked, _)| *asked == id) => {
                if let Some(popup) = &mut self.popup {
                    popup.doc = Some(doc);
                }
            }
            _ => {}
        }
        Outcome::Nothing
    }

    fn offer(&mut self, waiting: &Waiting, completions: Completions, incomplete: bool, editor: &mut Editor) -> Outcome {
        // The cursor has left the word, or went back in it.
        if !editor.before_cursor().starts_with(waiting.question.before()) {
            return Outcome::Nothing;
        }
        let before: String = waiting.question.code.chars().take(completions.from).collect();
        let Completions { candidates, left_out, .. } = completions;
        let selected = self.popup.as_ref().and_then(Popup::selected).map(|candidate| candidate.name.clone());
        let mut popup = Popup {
            before,
            written: String::new(),
            candidates,
            left_out,
            matches: Vec::new(),
            selected: None,
            doc: None,
            incomplete,
        };
        // Of what was typed in the meantime, this answer may not have all that fits.
        let is_old = popup.left_out > 0 && editor.before_cursor() != waiting.question.before();
        if !popup.narrow(editor) {
            self.popup = None;
            if is_old {
                self.complete(editor, waiting.why);
                return Outcome::Nothing;
            }
            return if waiting.why == Why::Key && popup.matches.is_empty() { Outcome::None } else { Outcome::Nothing };
        }
        if waiting.why == Why::Key || waiting.why == (Why::Narrowed { selected: true }) || selected.is_some() {
            let kept = popup.matches.iter().position(|index| Some(&popup.candidates[*index].name) == selected.as_ref());
            popup.selected = Some(kept.unwrap_or(0));
        }
        let typed = editor.before_cursor().chars().skip(popup.before.chars().count()).collect::<String>();
        let certain = waiting.why == Why::Key && popup.left_out == 0 && !incomplete;
        let common = popup.common(&typed).filter(|_| certain);
        let only = certain && popup.matches.len() == 1;
        if is_old {
            self.complete(editor, Why::Narrowed { selected: popup.selected.is_some() });
        }
        self.popup = Some(popup);
        if only {
            self.accept(editor);
        } else if let Some(common) = common {
            editor.replace_before_cursor(&typed, &common);
            self.follow(editor);
        }
        self.describe(editor);
        Outcome::Nothing
    }
}

/// What is known without Python.
fn from_table(question: &InsightRequest, variables: &VariableTable) -> Completions {
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
