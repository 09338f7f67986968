//! A scripted engine, which runs a small language of words.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::domain::{
    Aspect, Author, ErrorReport, InputAnswer, InspectError, InspectRequest, Inspection, Outcome, OutputChunk,
    ResetReport, SnippetId, Status, Stream, TablePage, TextPage, VariableChanges, VariableQuery, VariableTable,
};
use crate::session::{Engine, EngineEvent, EngineOutput};

/// See `run` for the words.
pub struct Scripted {
    events: UnboundedSender<EngineEvent>,
    output: Vec<(Option<SnippetId>, EngineOutput)>,
    running: Option<SnippetId>,
    /// The code ends only at a second, forceful interrupt.
    stubborn: bool,
    /// How often `began` is called before the code begins.
    begins_after: Cell<u32>,
    began: Cell<Option<Instant>>,
    table: Arc<Mutex<VariableTable>>,
}

impl Scripted {
    pub fn new(events: UnboundedSender<EngineEvent>, table: Arc<Mutex<VariableTable>>) -> Self {
        Self {
            events,
            output: Vec::new(),
            running: None,
            stubborn: false,
            begins_after: Cell::new(0),
            began: Cell::new(None),
            table,
        }
    }

    fn write(&mut self, id: SnippetId, stream: Stream, text: &str) {
        self.output.push((Some(id), EngineOutput::Text(OutputChunk::of(stream, text))));
        let _ = self.events.send(EngineEvent::OutputReady);
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(snippet) = self.running.take() {
            let _ = self.events.send(EngineEvent::Finished { snippet, outcome: outcome.into() });
        }
    }
}

pub fn outcome(status: Status, returncode: i32) -> Outcome {
    Outcome {
        status,
        returncode,
        result: None,
        frame: None,
        frames: Vec::new(),
        error: None,
        stopped_by: None,
        elapsed: Duration::from_millis(12),
        changes: VariableChanges::default(),
    }
}

fn failed() -> Outcome {
    let mut failed = outcome(Status::Error, 1);
    failed.error = Some(ErrorReport {
        type_name: "ValueError".to_owned(),
        message: "bad".to_owned(),
        traceback: "Traceback (most recent call last):\n  ...\nValueError: bad".to_owned(),
    });
    failed
}

impl Engine for Scripted {
    fn run(&mut self, id: SnippetId, _: &Author, code: Arc<str>) {
        self.running = Some(id);
        self.began.set(None);
        let (word, rest) = code.split_once(' ').unwrap_or((&code, ""));
        match word {
            "echo" => self.write(id, Stream::Stdout, &format!("{rest}\n")),
            "both" => {
                self.write(id, Stream::Stdout, "out 1\n");
                self.write(id, Stream::Stderr, "\u{1b}[31merr\u{1b}[0m\n");
                self.write(id, Stream::Stdout, "out 2\n");
            }
            "flood" => {
                self.write(id, Stream::Stdout, "first\n");
                for _ in 0..1000 {
                    self.write(id, Stream::Stdout, &"é".repeat(500));
                }
                self.write(id, Stream::Stdout, "\nlast\n");
                if rest == "and fail" {
                    return self.end(failed());
                }
            }
            "sleep" | "stubborn" | "late" => {
                self.stubborn = word == "stubborn";
                self.begins_after.set(if word == "late" { 2 } else { 0 });
                return self.write(id, Stream::Stdout, "started\n");
            }
            "ask" | "secret" => {
                self.write(id, Stream::Stdout, rest);
                let hidden = word == "secret";
                let asking = EngineEvent::InputRequested { snippet: id, number: id.0, prompt: None, hidden };
                let _ = self.events.send(asking);
                return;
            }
            "fail" => return self.end(failed()),
            "set" => {
                let mut set = outcome(Status::Ok, 0);
                set.changes.added.push(rest.to_owned());
                return self.end(set);
            }
            "value" => {
                let mut valued = outcome(Status::Ok, 0);
                valued.result = Some(rest.to_owned());
                return self.end(valued);
            }
            _ => {}
        }
        self.end(outcome(Status::Ok, 0));
    }

    fn began(&self, _: SnippetId) -> Option<Instant> {
        match self.begins_after.get() {
            0 => self.began.set(self.began.get().or(Some(Instant::now()))),
            left => self.begins_after.set(left - 1),
        }
        self.began.get()
    }

    fn interrupt(&mut self, _: Option<SnippetId>, force: bool) {
        if self.begins_after.get() > 0 {
            self.write(SnippetId(1), Stream::Stdout, "before its beginning\n");
        }
        if force || !self.stubborn {
            self.end(outcome(Status::Interrupted, 130));
        }
    }

    fn reset(&mut self) {
        let report = ResetReport { cleared: 2, remains: vec!["1 thread still runs".to_owned()] };
        let _ = self.events.send(EngineEvent::ResetDone(report));
    }

    fn find_variables(&mut self, query: VariableQuery) {
        let table = self.table.lock().unwrap().clone();
        let _ = self.events.send(EngineEvent::Variables { table, requested: Some(query) });
    }

    fn inspect(&mut self, request: InspectRequest, _: Duration) {
        let inspected = match request.path.as_str() {
            "missing" => Err(InspectError::Refused("the name 'missing' is not defined; did you mean x?".to_owned())),
            "hangs" => Err(InspectError::Stopped { seconds: 5, has_ended: true }),
            _ => Ok(Box::new(inspection(request))),
        };
        let _ = self.events.send(EngineEvent::Inspected(inspected));
    }

    fn answer_input(&mut self, number: u32, answer: InputAnswer) -> bool {
        let Some(id) = self.running.filter(|id| id.0 == number) else { return false };
        if let InputAnswer::Line(line) = &answer {
            self.write(id, Stream::Stdout, &format!("got {line}\n"));
        }
        self.end(if matches!(answer, InputAnswer::Nobody | InputAnswer::NoDashboard) {
            failed()
        } else {
            outcome(Status::Ok, 0)
        });
        true
    }

    fn take_output(&mut self) -> Vec<(Option<SnippetId>, EngineOutput)> {
        std::mem::take(&mut self.output)
    }

    fn quit(&mut self) {}
}

fn inspection(request: InspectRequest) -> Inspection {
    let rows = (0..50).map(|row| vec![row.to_string(), "int".to_owned(), format!("{}", row * 2)]).collect();
    let headers = ["index", "type", "value"].map(str::to_owned).to_vec();
    Inspection {
        path: request.path,
        aspect: request.aspect,
        page: request.page,
        type_name: "list".to_owned(),
        shape: "120".to_owned(),
        length: Some(120),
        size: Some(1_016),
        text: Some(TextPage { text: "[0, 2, …]".to_owned(), offset: 0, total: Some(9), has_more: false }),
        tables: vec![TablePage {
            title: "items".to_owned(),
            headers,
            rows,
            offset: 0,
            total: Some(120),
            has_more: true,
            ..TablePage::default()
        }],
        aspects: vec![Aspect::Overview, Aspect::Items, Aspect::Repr],
        ..Inspection::default()
    }
}
