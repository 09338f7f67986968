//! Made-up sessions for tests and benches: events folded into a view, at fixed times.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::View;
use crate::domain::{
    Author, ClientId, ErrorReport, Event, Outcome, OutputChunk, Review, SessionInfo, SnippetId, Status, Stream,
    Timestamp, Transcript, Variable, VariableChanges, VariableKind, VariableTable,
};

pub const START: Timestamp = 1_800_000_000_000;
/// The time of the drawings, 26 minutes later.
pub const NOW: Timestamp = START + 26 * 60_000;

pub fn info() -> SessionInfo {
    SessionInfo {
        name: "sales".to_owned(),
        cwd: PathBuf::from("/home/ada/work/sales"),
        python: PathBuf::from("/home/ada/work/sales/.venv/bin/python"),
        python_version: "3.12.1".to_owned(),
        venv: Some(PathBuf::from("/home/ada/work/sales/.venv")),
        pid: 4242,
        started_at: START,
        program: PathBuf::from("/home/ada/.local/bin/fourhands"),
        is_demo: false,
    }
}

pub fn client(id: u32, name: &str) -> Author {
    Author::Client { id: ClientId(id), name: name.into() }
}

/// Builds a transcript step by step.
#[derive(Default)]
pub struct Story {
    pub transcript: Transcript,
    pub next: u32,
}

impl Story {
    /// A session in which the snippets before `number` ran long ago.
    pub fn starting_at(number: u32) -> Self {
        Self { next: number - 1, ..Self::default() }
    }

    pub fn apply(&mut self, event: &Event) -> &mut Self {
        self.transcript.apply(event);
        self
    }

    pub fn join(&mut self, author: &Author, at: Timestamp) -> &mut Self {
        if let Author::Client { id, name } = author {
            self.apply(&Event::ClientJoined { client: *id, name: name.clone(), pid: Some(4300), at });
        }
        self
    }

    pub fn submit(&mut self, author: &Author, code: &str) -> SnippetId {
        self.next += 1;
        let snippet = SnippetId(self.next);
        self.apply(&Event::Submitted {
            snippet,
            author: author.clone(),
            code: code.into(),
            call: None,
            at: NOW - 42_000,
        });
        snippet
    }

    /// Submits and starts a snippet.
    pub fn start(&mut self, author: &Author, code: &str) -> SnippetId {
        let snippet = self.submit(author, code);
        self.apply(&Event::Started { snippet, at: NOW - 42_000 });
        snippet
    }

    pub fn output(&mut self, snippet: SnippetId, stream: Stream, text: &str) -> &mut Self {
        self.apply(&Event::Output { snippet: Some(snippet), chunk: OutputChunk::of(stream, text), at: NOW })
    }

    pub fn finish(&mut self, snippet: SnippetId, outcome: Outcome) -> &mut Self {
        self.apply(&Event::Finished { snippet, outcome: Arc::new(outcome), at: NOW - 30_000 })
    }

    /// Submits and starts a snippet that prints `output` and ends with `outcome`.
    pub fn ran(&mut self, author: &Author, code: &str, output: &str, outcome: Outcome) -> SnippetId {
        let snippet = self.start(author, code);
        if !output.is_empty() {
            self.output(snippet, Stream::Stdout, output);
        }
        self.finish(snippet, outcome);
        snippet
    }

    pub fn variables(&mut self, rows: Vec<Variable>) -> &mut Self {
        let total = rows.len();
        self.apply(&Event::Variables(Arc::new(VariableTable {
            rows: rows.into(),
            total,
            matching: total,
            taken_at: NOW,
            ..VariableTable::default()
        })))
    }

    pub fn view(self) -> View {
        View::new(info(), Some("/home/ada".to_owned()), self.transcript)
    }
}

/// Submits a snippet that waits for the person.
pub fn pending(story: &mut Story, author: &Author, code: &str, is_held: bool) -> SnippetId {
    let snippet = story.submit(author, code);
    let review = Review { at: NOW - 8_000, is_held, decision: None };
    story.apply(&Event::Review { snippet, review: review.into(), code: None });
    snippet
}

pub fn ok(millis: u64) -> Outcome {
    Outcome {
        status: Status::Ok,
        returncode: 0,
        result: None,
        frame: None,
        frames: Vec::new(),
        error: None,
        stopped_by: None,
        elapsed: Duration::from_millis(millis),
        changes: VariableChanges::default(),
    }
}

pub fn failed(millis: u64, type_name: &str, message: &str, traceback_lines: usize) -> Outcome {
    let mut traceback = "Traceback (most recent call last):\n".to_owned();
    for line in 2..traceback_lines {
        traceback.push_str(&format!("  frame {line}\n"));
    }
    traceback.push_str(&format!("{type_name}: {message}"));
    let error = ErrorReport { type_name: type_name.to_owned(), message: message.to_owned(), traceback };
    Outcome { status: Status::Error, returncode: 1, error: Some(error), ..ok(millis) }
}

pub fn variable(name: &str, kind: VariableKind, type_name: &str, shape: &str, preview: &str) -> Variable {
    Variable {
        name: name.to_owned(),
        kind,
        type_name: type_name.to_owned(),
        shape: shape.to_owned(),
        size: None,
        preview: preview.to_owned(),
        text: None,
        set_by: None,
    }
}

/// The session of the drawings: four snippets, one of them running, with variables and clients.
pub fn story() -> Story {
    let mut story = Story::starting_at(12);
    let claude = client(1, "claude-code");
    story.join(&claude, START).join(&client(2, "cursor"), NOW - 200_000);
    let code = "df = pd.read_csv(\"sales.csv\")\ndf.shape";
    story.ran(&Author::You, code, "", Outcome { result: Some("(48210, 9)".to_owned()), ..ok(210) });
    let code = "by_day = df.groupby(\"day\").revenue.sum()\nby_day.tail(3)";
    let table = "day\n2026-11-19    8411.20\n2026-11-20    9002.75\n2026-11-21    7640.10";
    let changes = VariableChanges {
        added: vec!["by_day".to_owned()],
        changed: vec!["df".to_owned(), "loss".to_owned()],
        ..VariableChanges::default()
    };
    let outcome = Outcome { result: Some(table.to_owned()), changes: changes.clone(), ..ok(1_400) };
    story.ran(&claude, code, "", outcome);
    let outcome = Outcome { changes, ..failed(12, "ValueError", "lin is not a valid plot kind", 11) };
    story.ran(&claude, "by_day.plot(kind=\"lin\")", "", outcome);
    let code =
        "for epoch in range(40):\n    loss = train(model, loader)\n    print(f\"epoch {epoch:>2}  loss {loss:.4f}\")";
    let running = story.start(&claude, code);
    for epoch in 0..19 {
        let loss = 0.2340 - f64::from(epoch) * 0.0030;
        story.output(running, Stream::Stdout, &format!("epoch {epoch:>2}  loss {loss:.4}\n"));
    }
    let mut rows = vec![
        variable("Fit", VariableKind::Class, "class", "", ""),
        variable("by_day", VariableKind::Data, "Series", "326", ""),
        variable("df", VariableKind::Data, "DataFrame", "48210×9", ""),
        variable("epoch", VariableKind::Data, "int", "", "18"),
        variable("fit", VariableKind::Function, "function", "(df, …)", ""),
        variable("loader", VariableKind::Data, "DataLoader", "1508", ""),
        variable("loss", VariableKind::Data, "float", "", "0.1790"),
        variable("model", VariableKind::Data, "MLP", "84.1 k", ""),
        variable("np", VariableKind::Module, "module", "", "2.4.0"),
    ];
    rows[1].set_by = Some(SnippetId(13));
    rows[2].set_by = Some(SnippetId(12));
    rows[2].size = Some(3_400_000);
    story.variables(rows);
    story
}

/// `count` small snippets, of which every tenth failed.
pub fn long_story(count: u32) -> Story {
    wordy_story(count, 2)
}

/// `count` small snippets with `lines` lines of output each.
pub fn wordy_story(count: u32, lines: usize) -> Story {
    let mut story = Story::default();
    let claude = client(1, "claude-code");
    story.join(&claude, START);
    for n in 0..count {
        let code = format!("x{n} = [i ** 2 for i in range({n})]\nprint(len(x{n}), \"squares\")\nsum(x{n})");
        let outcome = if n % 10 == 9 { failed(5, "ValueError", "no", 8) } else { ok(3) };
        let author = if n % 3 == 0 { Author::You } else { claude.clone() };
        story.ran(&author, &code, &format!("{n} squares\n{}", "and more\n".repeat(lines - 1)), outcome);
    }
    story
}
