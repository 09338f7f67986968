//! Exports of sessions that the tests make up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::domain::{
    Author, ClientId, Decision, Display, ErrorReport, Event, Form, Outcome, OutputChunk, ResetReport, Restart, Review,
    SideEffect, SideEffectKind, SideEffects, SnippetId, Status, Stream, Transcript, VariableChanges,
};

const HOSTILE: &str = "</pre><script>alert(1)</script>\u{1b}]0;x\u{7}\u{9b}2J`````";

#[derive(Default)]
struct Story {
    transcript: Transcript,
    next: u32,
}

impl Story {
    fn add(&mut self, code: &str, status: Status, shown: &[(&str, &[u8])], result: Option<&str>) -> &mut Self {
        self.next += 1;
        let snippet = SnippetId(self.next);
        let author = match self.next % 2 {
            0 => Author::You,
            _ => Author::Client { id: ClientId(1), name: "claude\n# x".into() },
        };
        let mut apply = |event| self.transcript.apply(&event);
        apply(Event::Submitted { snippet, author, code: code.into(), call: None, at: 1_000 });
        if status == Status::Queued {
            return self;
        }
        apply(Event::Started { snippet, at: 1_000 });
        let chunk = OutputChunk::of(Stream::Stdout, format!("{HOSTILE}\n10 %\r99 %\n"));
        apply(Event::Output { snippet: Some(snippet), chunk, at: 1 });
        for (mime, data) in shown {
            let display = Display { after: 30, id: None, forms: vec![Form::new(*mime, *data)] };
            apply(Event::Displayed { snippet, display: Arc::new(display), replaces: false, at: 1 });
        }
        let error = (status == Status::Error).then(|| ErrorReport {
            type_name: if code.contains("died") { "PythonDied".to_owned() } else { "ValueError".to_owned() },
            message: HOSTILE.to_owned(),
            traceback: format!("Traceback\n a\n b\nValueError: {HOSTILE}"),
        });
        let outcome = Outcome {
            status,
            returncode: 0,
            result: result.map(str::to_owned),
            frame: None,
            frames: Vec::new(),
            error,
            stopped_by: (status == Status::Interrupted).then(|| "you".to_owned()),
            elapsed: Duration::from_millis(1_200),
            changes: VariableChanges::default(),
        };
        apply(Event::Finished { snippet, outcome: Arc::new(outcome), at: 2_000 });
        self
    }

    fn ran(&mut self, code: &str) -> &mut Self {
        self.add(code, Status::Ok, &[], None)
    }

    fn export(&self, format: Format, wanted: &ExportOptions) -> Export {
        export(format, &self.transcript, wanted)
    }

    fn text(&self, format: Format) -> String {
        self.export(format, &ExportOptions::default()).text
    }

    /// Returns the code of the only cell of a script.
    fn cell(&self) -> String {
        let text = self.text(Format::Py);
        let (_, cell) = text.split_once("1.2 s\n").expect(&text);
        cell.trim_end().to_owned()
    }
}

/// An export in memory.
struct Export {
    text: String,
    figures: Vec<(String, Vec<u8>)>,
}

fn export(format: Format, archive: &dyn Archive, wanted: &ExportOptions) -> Export {
    let session = SessionHeader {
        name: "work",
        id: Some("0123"),
        cwd: Path::new("/home/ada\ncoding: latin-1"),
        python: Path::new("/python"),
        python_version: "3.12.1",
        started: 1_000,
        clock: |_| "2026-11-22 14:03".to_owned(),
    };
    let (mut out, mut figures) = (Vec::new(), Vec::new());
    let mut beside = |name: &str, data: &[u8]| {
        figures.push((name.to_owned(), data.to_vec()));
        Ok(())
    };
    write(format, &session, archive, wanted, &mut beside, &mut out).unwrap();
    Export { text: String::from_utf8(out).unwrap(), figures }
}

fn cell(code: &str) -> String {
    Story::default().ran(code).cell()
}

#[test]
fn a_script_has_a_heading_for_each_snippet_and_hostile_text_stays_in_comments() {
    let mut story = Story::default();
    story.ran("x = 1").add("died()\r\n# \\", Status::Error, &[], None).add("never()", Status::Queued, &[], None);
    story.transcript.apply(&Event::Reset {
        by: Author::You,
        report: Arc::new(ResetReport { cleared: 3, remains: vec!["a\nthread".to_owned()] }),
        at: 5,
    });
    assert_eq!(
        story.text(Format::Py),
        "# -*- coding: utf-8 -*-\n\
         # The session \"work\" of 2026-11-22 14:03, written by fourhands.\n\
         # Python 3.12.1 in /home/ada coding: latin-1\n\
         # By claude # x, you. Snippets that failed are commented out.\n\n\
         # %%\n# [1] claude # x, 2026-11-22 14:03, ok, 1.2 s\nx = 1\n\n\
         # %%\n# [2] you, 2026-11-22 14:03, error: PythonDied, 1.2 s\n# died()\n# # \\\n\n\
         # %%\n# [3] claude # x, 2026-11-22 14:03, queued\n# never()\n\n\
         # %%\n# 2026-11-22 14:03: reset by you: 3 names cleared; still there: a thread\n"
    );
}

#[test]
fn magic_becomes_plain_python() {
    let run = "subprocess.run(";
    for (code, expected) in [
        ("!ls -l", format!("{run}'ls -l', shell=True)")),
        (
            "if x:\n    !ls {x}",
            format!("if x:\n    {run}_expand('ls {{x}}', {{**globals(), **locals()}}), shell=True)"),
        ),
        ("%cd ~/a", "_change_folder(os.path.expanduser('~/a'))".to_owned()),
        ("%pip install a b", format!("{run}[sys.executable, \"-m\", \"pip\", 'install', 'a', 'b'])")),
        ("%uv pip install a", format!("{run}[\"uv\", \"pip\", 'install', \"--python\", sys.executable, 'a'])")),
        ("for i in x:\n    %timeit f(i)", "for i in x:\n    pass  # %timeit f(i)  (only measures)".to_owned()),
        ("a = %timeit -o f()", "a = None  # %timeit -o f()  (only measures)".to_owned()),
        ("%matplotlib inline", "# %matplotlib inline  (no meaning in a script)".to_owned()),
        ("%time x = f()", "# %time is left out\nx = f()".to_owned()),
        ("%%bash\nls", format!("{run}[\"bash\"], input='ls', text=True)")),
        ("%%timeit\nf()\n", "# %%timeit only measures:\n# %%timeit\n# f()".to_owned()),
    ] {
        assert_eq!(cell(code), expected, "{code}");
    }
}

#[test]
fn awaiting_code_runs_in_a_function_with_global_names() {
    assert_eq!(
        cell("t = '''\nx'''\nr = await f(t)  # why"),
        "async def _snippet_1():\n    global r, t\n    t = '''\nx'''\n    r = await f(t)  # why\n\n\n\
         _loop.run_until_complete(_snippet_1())"
    );
    assert!(cell("x: int = await f()").starts_with("_run_await(\"\"\"\\\nx: int = await f()\n"));
    assert_eq!(cell("sys.exit()"), "try:\n    sys.exit()\nexcept SystemExit:\n    pass");
    let text = Story::default().add("40", Status::Ok, &[], Some("40")).ran("_ + 2").text(Format::Py);
    assert!(text.contains("\n_ = 40\n"), "{text}");
}

#[test]
fn failed_snippets_are_omitted_commented_or_kept() {
    let mut story = Story::default();
    story.ran("a").add("b", Status::Error, &[], None).add("c", Status::Interrupted, &[], None);
    story.add("died()", Status::Error, &[], None).add("e", Status::Queued, &[], None);
    let sources = |failed| {
        let wanted = ExportOptions { failed, ..ExportOptions::default() };
        let notebook: Value = serde_json::from_str(&story.export(Format::Ipynb, &wanted).text).unwrap();
        let source = |cell: &Value| cell["source"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
        notebook["cells"].as_array().unwrap().iter().map(source).collect::<Vec<_>>()
    };
    assert_eq!(sources(None), ["a", "b", "# c", "# died()", "# e"], "what would hang or end the kernel does not run");
    assert_eq!(sources(Some(FailedCode::Keep)), ["a", "b", "c", "died()", "e"]);
    assert_eq!(sources(Some(FailedCode::Comment)), ["a", "# b", "# c", "# died()", "# e"]);
    assert_eq!(sources(Some(FailedCode::Omit)), ["a"]);
    let kept =
        story.export(Format::Py, &ExportOptions { failed: Some(FailedCode::Keep), ..ExportOptions::default() }).text;
    assert!(kept.contains("\nb\n") && !kept.contains("# b\n"), "{kept}");
}

#[test]
fn hostile_text_does_nothing_on_a_page() {
    let svg = "<svg onload='alert(1)'><script>alert(1)</script></svg>";
    let html = "\"></iframe><script>alert(1)</script><img src=x onerror=alert(1)>";
    let mut story = Story::default();
    story.add(HOSTILE, Status::Error, &[("text/html", html.as_bytes()), ("image/svg+xml", svg.as_bytes())], None);
    story.add("x", Status::Ok, &[("text/html", html.as_bytes())], Some(HOSTILE));
    story.add("y", Status::Ok, &[("text/markdown", b"<script>"), ("application/x-own", b"\xff")], None);
    let page = story.text(Format::Html);
    for markup in ["<script", "</script", "onerror=alert(1)>", "<svg", "\u{1b}", "\u{9b}", "\u{7}"] {
        assert!(!page.contains(markup), "{markup:?} in {page}");
    }
    assert_eq!(page.matches("<iframe ").count(), 2);
    assert_eq!(page.matches("</iframe>").count(), 2);
    assert_eq!(page.matches("<pre").count(), page.matches("</pre>").count());
    let document = story.text(Format::Md);
    assert!(document.contains("``````text\n</pre>") && !document.contains('\u{1b}'), "{document}");
}

#[test]
fn every_format_has_figures_and_values() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0";
    let mut story = Story::default();
    story.add("plot()", Status::Ok, &[("image/png", png), ("text/html", b"<b>1</b>\n<i>2</i>")], Some("1"));
    let notebook: Value = serde_json::from_str(&story.text(Format::Ipynb)).unwrap();
    let outputs = &notebook["cells"][0]["outputs"];
    assert_eq!(outputs[0]["name"], "stdout");
    let figure = outputs.as_array().unwrap().iter().find(|output| output["output_type"] == "display_data").unwrap();
    assert_eq!(figure["data"]["image/png"], "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHg");
    assert_eq!(figure["data"]["text/plain"][0], "[figure 1: 640x480 PNG]");
    let value = outputs.as_array().unwrap().last().unwrap();
    assert_eq!(value["data"]["text/html"].as_array().unwrap().len(), 2);
    assert_eq!((&value["execution_count"], &value["data"]["text/plain"][0]), (&1.into(), &"1".into()));
    let beside = ExportOptions { figures: Some("my figs".to_owned()), ..ExportOptions::default() };
    let export = story.export(Format::Md, &beside);
    assert!(export.text.contains("![figure 1: 640x480 PNG](my%20figs/snippet-1-1.png)"), "{}", export.text);
    assert_eq!(export.figures, [("snippet-1-1.png".to_owned(), png.to_vec())]);
    let all: Value = serde_json::from_str(&story.text(Format::Json)).unwrap();
    let entry = &all["entries"][0];
    assert_eq!((&entry["result"], &entry["elapsed_s"]), (&"1".into(), &1.2.into()));
    let shown: Vec<&Value> =
        entry["output"].as_array().unwrap().iter().filter(|part| part["display"].is_u64()).collect();
    assert_eq!(shown[0]["forms"][0]["base64"], "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHg");
    assert_eq!(shown[1]["forms"][0]["text"], "<b>1</b>\n<i>2</i>");
}

#[test]
fn replayed_snippets_appear_once_in_programs() {
    let mut story = Story::default();
    story.ran("x = 1").ran("x += 1").ran("x = 1").ran("x += 1");
    for (snippet, of) in [(3, 1), (4, 2)] {
        story.transcript.apply(&Event::Replayed { snippet: SnippetId(snippet), of: SnippetId(of) });
    }
    for format in [Format::Py, Format::Ipynb] {
        assert_eq!(story.text(format).matches("x += 1").count(), 1);
        let chosen = ExportOptions { numbers: Some("3-4".parse().unwrap()), ..ExportOptions::default() };
        assert_eq!(story.export(format, &chosen).text.matches("x += 1").count(), 1, "asked for by its number");
    }
    assert!(story.text(Format::Md).contains("replay of 2"));
    let json: Value = serde_json::from_str(&story.text(Format::Json)).unwrap();
    assert!(json.to_string().contains("\"replay_of\":2"));
}

#[test]
fn what_was_taken_back_is_a_comment_in_programs() {
    let mut story = Story::default();
    story.ran("kept = 1").ran("lost = 2").ran("%rewind 2").ran("later = 3");
    let (before, safe_point) = (Some(SnippetId(2)), Some(SnippetId(1)));
    let remains = vec!["snippet 2 wrote a.csv".to_owned()];
    let restart = Restart { by: Some(Author::You), before, safe_point, remains, ..Restart::default() };
    story.transcript.apply(&Event::Restarted { restart: restart.into(), at: 1 });
    story.ran("new = 4");
    let has_line =
        |format, line: &str| story.text(format).lines().any(|found| found.contains(line) && !found.contains('#'));
    for format in [Format::Py, Format::Ipynb] {
        assert!(has_line(format, "kept = 1") && has_line(format, "new = 4"));
        assert!(!has_line(format, "lost = 2") && !has_line(format, "later = 3") && !has_line(format, "%rewind"));
    }
    let page = story.text(Format::Md);
    assert!(page.contains("1.2 s, taken back") && page.contains("not taken back: snippet 2 wrote a.csv"), "{page}");
}

/// A session of one snippet. Its entry has the ends of the output, and a file has more.
struct Kept {
    transcript: Transcript,
    file: Option<String>,
    unreadable: bool,
}

struct File(String);

impl Pages for File {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<(u64, Vec<crate::domain::Segment>)> {
        let (from, to) = (offset as usize, (offset as usize + length).min(self.0.len()));
        let text = self.0[from..to].to_owned();
        Ok((offset, vec![crate::domain::Segment { stream: Stream::Stdout, text }]))
    }
}

impl Archive for Kept {
    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn entry(&self, index: usize) -> Option<std::borrow::Cow<'_, crate::domain::Entry>> {
        self.transcript.entry(index)
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>> {
        Archive::display(&self.transcript, snippet, number)
    }

    fn file(&self, _: SnippetId) -> Option<OutputFile> {
        let file = self.file.clone()?;
        let pages: io::Result<Box<dyn Pages>> =
            if self.unreadable { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(Box::new(File(file))) };
        Some(OutputFile { path: "/spool/1.out".into(), pages })
    }
}

fn long() -> String {
    (0..100_000).fold(String::new(), |text, n| text + &format!("line {n}\n"))
}

fn kept(file: Option<&str>) -> Kept {
    let mut transcript = Transcript::default();
    let snippet = SnippetId(1);
    let apply = |transcript: &mut Transcript, event| transcript.apply(&event);
    apply(&mut transcript, Event::Submitted { snippet, author: Author::You, code: "f()".into(), call: None, at: 1 });
    apply(&mut transcript, Event::Titled { snippet, title: "the *long*\nway".into() });
    apply(&mut transcript, Event::Started { snippet, at: 1 });
    let chunk = OutputChunk::of(Stream::Stdout, long());
    apply(&mut transcript, Event::Output { snippet: Some(snippet), chunk, at: 1 });
    let figure = Display { after: 0, id: None, forms: vec![Form::new("image/svg+xml", &b"<svg/>"[..])] };
    for after in [7, 1_000_000] {
        let display = Arc::new(Display { after, ..figure.clone() });
        apply(&mut transcript, Event::Displayed { snippet, display, replaces: false, at: 1 });
    }
    Kept { transcript, file: file.map(str::to_owned), unreadable: false }
}

#[test]
fn every_format_reads_whole_outputs_from_the_file() {
    let kept = kept(Some(&long()));
    let wanted = ExportOptions::default();
    for format in [Format::Md, Format::Html] {
        let text = export(format, &kept, &wanted).text;
        for n in [0, 1, 50_000, 99_999] {
            assert_eq!(
                text.matches(&format!("line {n}\n")).count() + text.matches(&format!("line {n}<")).count(),
                1,
                "{n}"
            );
        }
        assert!(!text.contains("left out"), "{format}");
    }
    let notebook: Value = serde_json::from_str(&export(Format::Ipynb, &kept, &wanted).text).unwrap();
    let streams = notebook["cells"][1]["outputs"].as_array().unwrap().iter().filter(|o| o["name"] == "stdout");
    let lines = streams.flat_map(|output| output["text"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()));
    assert_eq!(lines.collect::<String>(), long());
    let data: Value = serde_json::from_str(&export(Format::Json, &kept, &wanted).text).unwrap();
    let parts = data["entries"][0]["output"].as_array().unwrap();
    assert_eq!(parts.iter().filter_map(|part| part["text"].as_str()).collect::<String>(), long());
    assert_eq!(parts[0]["text"].as_str().unwrap().len(), 7, "a figure stands where it was shown");
    assert_eq!((&parts[1]["display"], &data["entries"][0]["output_whole"]), (&1.into(), &"/spool/1.out".into()));
}

#[test]
fn missing_output_is_described_with_its_file() {
    let formats = [Format::Md, Format::Html, Format::Ipynb, Format::Json];
    let all = long();
    for (file, unreadable, told) in [
        (None, false, "; no file has them"),
        (Some(&all[..300_000]), false, "; /spool/1.out ends before them, and no other file has them"),
        (Some(&all[..]), true, "; they are in /spool/1.out, which cannot be read: permission denied"),
    ] {
        let kept = Kept { unreadable, ..kept(file) };
        for format in formats {
            let text = export(format, &kept, &ExportOptions::default()).text;
            assert!(text.contains(" bytes left out (") && text.contains(told), "{format}: {told}");
            assert!(text.contains("line 0") && text.contains("line 99999"), "{format}");
        }
        let data: Value = serde_json::from_str(&export(Format::Json, &kept, &ExportOptions::default()).text).unwrap();
        let parts = data["entries"][0]["output"].as_array().unwrap();
        let kept: usize = parts.iter().filter_map(|part| part["text"].as_str()).map(str::len).sum();
        let missing: u64 = parts.iter().filter_map(|part| part["omitted_bytes"].as_u64()).sum();
        assert_eq!(kept as u64 + missing, all.len() as u64, "{told}");
    }
}

#[test]
fn every_format_has_titles() {
    let kept = kept(None);
    let text = |format| export(format, &kept, &ExportOptions::default()).text;
    assert!(text(Format::Py).contains("\n# [1] you, 2026-11-22 14:03, running\n# the *long* way\n"));
    assert!(text(Format::Md).contains("\n## \\[1\\] you: the \\*long\\* way\n"));
    assert!(text(Format::Html).contains("\n<p class=\"title\">the *long* way</p>\n"));
    let notebook: Value = serde_json::from_str(&text(Format::Ipynb)).unwrap();
    assert_eq!(notebook["cells"][0]["source"][0], "### the \\*long\\* way");
    assert_eq!(notebook["cells"][1]["metadata"]["fourhands"]["title"], "the *long*\nway");
    let data: Value = serde_json::from_str(&text(Format::Json)).unwrap();
    assert_eq!(data["entries"][0]["title"], "the *long*\nway");
}

#[test]
fn every_format_tells_effects() {
    let mut kept = kept(None);
    let mut effects = SideEffects { files_read: 3, ..SideEffects::default() };
    effects.add(SideEffect::new(SideEffectKind::Delete, "old\n*.csv"));
    effects.add(SideEffect::new(SideEffectKind::Start, "git status"));
    kept.transcript.apply(&Event::Effects { snippet: SnippetId(1), effects: effects.into() });
    let text = |format| export(format, &kept, &ExportOptions::default()).text;
    assert!(text(Format::Py).contains("\n# Effects: deleted old *.csv; started git status\n"));
    assert!(text(Format::Md).contains("\n*Effects: deleted old \\*.csv; started git status*\n"));
    assert!(text(Format::Html).contains("<p class=\"note\">Effects: deleted old *.csv; started git status</p>"));
    let notebook: Value = serde_json::from_str(&text(Format::Ipynb)).unwrap();
    assert_eq!(notebook["cells"][1]["metadata"]["fourhands"]["effects"][1], "started git status");
    let data: Value = serde_json::from_str(&text(Format::Json)).unwrap();
    let effects = &data["entries"][0]["effects"];
    assert_eq!((&effects["entries"][0]["target"], &effects["files_read"]), (&"old\n*.csv".into(), &3.into()));
    assert_eq!(effects["entries"][0]["kind"], "delete");
}

#[test]
fn what_was_rejected_is_told_with_the_reason() {
    let mut story = Story::default();
    story.add("rm()", Status::Cancelled, &[], None);
    let decision =
        Decision { runs: false, reason: Some("not\nnow".into()), sent: None, was_unattended: false, at: 1_500 };
    let review = Review { at: 1_000, is_held: false, decision: Some(decision) };
    story.transcript.apply(&Event::Review { snippet: SnippetId(1), review: review.into(), code: None });
    assert!(story.text(Format::Py).contains("rejected (not now)"), "{}", story.text(Format::Py));
    assert!(story.text(Format::Html).contains("rejected (not now)"));
    let data: Value = serde_json::from_str(&story.text(Format::Json)).unwrap();
    assert_eq!(data["entries"][0]["status"], "rejected");
}

#[test]
fn backticks_in_long_lines_do_not_end_a_block() {
    let mut kept = kept(None);
    let ticks = format!("{}\n```\n{}", "`".repeat(400_000), long());
    let snippet = SnippetId(1);
    kept.transcript = Transcript::default();
    kept.transcript.apply(&Event::Submitted { snippet, author: Author::You, code: "f()".into(), call: None, at: 1 });
    let chunk = OutputChunk::of(Stream::Stdout, ticks.clone());
    kept.transcript.apply(&Event::Output { snippet: Some(snippet), chunk, at: 1 });
    kept.file = Some(ticks);
    let text = export(Format::Md, &kept, &ExportOptions::default()).text;
    assert!(text.contains(&format!("\n{}text\n", "`".repeat(400_001))), "the fence is longer than any row");
}
