//! A Markdown document: a heading for each snippet, its code, and its results.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::archive::Archive;
use super::items::{
    CodeRendering, ExportItem, commented, complete_snippet, describe_effects, describe_ending, describe_entry,
    entry_time, normalized_code, one_line, snippet_time,
};
use super::parts::{Part, of_the_value, walk_output, walk_parts};
use super::session_header::SessionHeader;
use crate::domain::terminal_text::{plain, visible};
use crate::domain::{Display, Entry, Form, Output, Snippet};

/// A traceback of at most this many lines is not folded.
const MAX_UNFOLDED_LINES: usize = 3;

struct MarkdownWriter<'a> {
    session: &'a SessionHeader<'a>,
    archive: &'a dyn Archive,
    out: &'a mut dyn Write,
    /// The folder of figures as links name it, and the function that saves them. `None` if the text contains the
    /// figures.
    figures: Option<(&'a str, SaveFigure<'a>)>,
}

/// Saves a figure in a file.
pub type SaveFigure<'a> = &'a mut dyn FnMut(&str, &[u8]) -> io::Result<()>;

pub fn markdown<'a>(
    session: &'a SessionHeader<'a>,
    archive: &'a dyn Archive,
    items: &[ExportItem<'_>],
    figures: Option<(&'a str, SaveFigure<'a>)>,
    out: &'a mut dyn Write,
) -> io::Result<()> {
    let mut writer = MarkdownWriter { session, archive, out, figures };
    write!(
        writer.out,
        "# {}\n\n{}, Python {} in {}\n",
        escape(&one_line(session.name)),
        (session.clock)(session.started),
        escape(&one_line(session.python_version)),
        escape(&one_line(&session.cwd.to_string_lossy())),
    )?;
    for item in items {
        match item {
            ExportItem::Snippet(index, known, rendering) => {
                writer.snippet(&complete_snippet(archive, *index, known), *rendering)?;
            }
            ExportItem::Between(index, known) => match archive.entry(*index) {
                Some(entry) => writer.between(&entry)?,
                None => writer.between(known)?,
            },
        }
    }
    Ok(())
}

impl MarkdownWriter<'_> {
    /// Writes a block, with an empty line before it.
    fn block(&mut self, text: &str) -> io::Result<()> {
        write!(self.out, "\n{}\n", text.trim_end_matches('\n'))
    }

    fn snippet(&mut self, snippet: &Snippet, rendering: CodeRendering) -> io::Result<()> {
        let author = escape(&one_line(snippet.author.name()));
        let title = snippet.title.as_ref().map(|title| format!(": {}", escape(&one_line(title)))).unwrap_or_default();
        self.block(&format!("## \\[{}\\] {author}{title}", snippet.id))?;
        self.block(&format!("{}, {}", (self.session.clock)(snippet_time(snippet)), escape(&describe_ending(snippet))))?;
        let code = normalized_code(snippet);
        let code = if rendering == CodeRendering::Comment { commented(&code) } else { code };
        self.block(&fenced("python", &visible(&code)))?;
        let archive = self.archive;
        // The block may be larger than memory, so a first pass counts its backticks.
        let mut ticks = Backticks::default();
        walk_parts(archive, snippet, &mut |part| {
            ticks.count(&line_of(&part).unwrap_or_default());
            Ok(())
        })?;
        let fence = ticks.fence();
        let of_the_value = of_the_value(snippet);
        let mut block = FencedBlock { fence: &fence, is_open: false, held: String::new(), in_line: false };
        walk_parts(archive, snippet, &mut |part| {
            if let Part::Display(number, display) = &part {
                block.end(self.out)?;
                if Some(*number) == of_the_value { Ok(()) } else { self.display(snippet, *number, display) }
            } else {
                let is_mark = !matches!(part, Part::Text(_));
                block.add(self.out, &line_of(&part).unwrap_or_default(), is_mark)
            }
        })?;
        block.end(self.out)?;
        if let Some(effects) = describe_effects(snippet) {
            self.block(&format!("*{}*", escape(&effects)))?;
        }
        let Some(outcome) = &snippet.outcome else { return Ok(()) };
        if let Some(result) = &outcome.result {
            self.block(&fenced("text", &plain(result)))?;
        }
        if let Some(error) = &outcome.error {
            let traceback = fenced("text", &plain(&error.traceback));
            if error.traceback.lines().count() <= MAX_UNFOLDED_LINES {
                self.block(&traceback)?;
            } else {
                let message = plain(&error.message);
                let message = one_line(&format!("{}: {}", error.type_name, message.lines().next().unwrap_or_default()));
                self.block(&format!(
                    "<details><summary>{}</summary>\n\n{traceback}\n\n</details>",
                    crate::export::html_escape::escape(&message)
                ))?;
            }
        }
        Ok(())
    }

    fn display(&mut self, snippet: &Snippet, number: usize, display: &Display) -> io::Result<()> {
        let label = display.label(number);
        let picture = |form: &&Form| (form.is_image() || form.mime == "image/svg+xml") && !form.is_dropped();
        if let Some(form) = display.forms.iter().find(picture) {
            let link = self.link(snippet, number, form)?;
            return self.block(&format!("![{}]({link})", escape(&label)));
        }
        let text = |mime: &str| std::str::from_utf8(&display.form(mime).filter(|form| !form.is_dropped())?.data).ok();
        if let Some(text) = text("text/markdown").or_else(|| text("text/latex")) {
            self.block(&plain(text))
        } else if let Some(text) = text("text/plain") {
            let value = snippet.outcome.as_ref().and_then(|outcome| outcome.result.as_deref());
            if value == Some(text) { Ok(()) } else { self.block(&fenced("text", &plain(text))) }
        } else if let Some((language, text)) =
            [("html", "text/html"), ("json", "application/json")].iter().find_map(|(l, m)| Some((l, text(m)?)))
        {
            self.block(&fenced(language, &plain(text)))
        } else {
            self.block(&escape(&format!("[{label}]")))
        }
    }

    fn link(&mut self, snippet: &Snippet, number: usize, form: &Form) -> io::Result<String> {
        let ending = match form.mime.as_str() {
            "image/jpeg" => "jpg",
            "image/gif" => "gif",
            "image/webp" => "webp",
            "image/svg+xml" => "svg",
            _ => "png",
        };
        let Some((folder, beside)) = &mut self.figures else {
            return Ok(format!("data:{};base64,{}", form.mime, STANDARD.encode(&form.data)));
        };
        let name = format!("snippet-{}-{number}.{ending}", snippet.id);
        beside(&name, &form.data)?;
        let safe = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let mut link = String::new();
        for c in format!("{}/{name}", folder.trim_end_matches('/')).chars() {
            if safe(c) {
                link.push(c);
            } else {
                link.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
            }
        }
        Ok(link)
    }

    fn between(&mut self, entry: &Entry) -> io::Result<()> {
        let when = if entry_time(entry) > 0 {
            format!("{}: ", (self.session.clock)(entry_time(entry)))
        } else {
            String::new()
        };
        self.block(&format!("*{}*", escape(&one_line(&format!("{when}{}", describe_entry(entry))))))?;
        match entry {
            Entry::Background { output, .. } => self.block(&fenced("text", &plain_output(output))),
            _ => Ok(()),
        }
    }
}

/// Writes a fenced block in portions. Text of blanks only makes no block.
struct FencedBlock<'a> {
    fence: &'a str,
    is_open: bool,
    /// Newlines, and leading blanks, which are written only if more text follows.
    held: String,
    in_line: bool,
}

impl FencedBlock<'_> {
    fn add(&mut self, out: &mut dyn Write, text: &str, is_mark: bool) -> io::Result<()> {
        if is_mark && self.in_line && !self.held.ends_with('\n') {
            self.held.push('\n');
        }
        let rest = text.trim_end_matches('\n');
        if !self.is_open && text.trim().is_empty() {
            self.held += text;
        } else {
            if !std::mem::replace(&mut self.is_open, true) {
                write!(out, "\n{}text\n", self.fence)?;
            }
            write!(out, "{}{rest}", std::mem::take(&mut self.held))?;
            self.held += &text[rest.len()..];
        }
        self.in_line |= !text.is_empty();
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.held.clear();
        self.in_line = false;
        if std::mem::take(&mut self.is_open) { writeln!(out, "\n{}", self.fence) } else { Ok(()) }
    }
}

/// Returns the line that stands for a part in a block of text.
fn line_of(part: &Part) -> Option<String> {
    Some(match part {
        Part::Text(segments) => {
            plain(&segments.iter().map(|segment| segment.text.as_str()).collect::<String>()).into_owned()
        }
        Part::Gap(gap) => format!("[... {} ...]\n", gap.description()),
        Part::Dropped(count) => format!("[{count} earlier displays are no longer kept]\n"),
        Part::Display(..) => return None,
    })
}

/// Returns background output as text.
pub fn plain_output(output: &Output) -> String {
    let mut out = String::new();
    let _ = walk_output(output, None, &mut |part| {
        let is_mark = !matches!(part, Part::Text(_));
        if is_mark && !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out += &line_of(&part).unwrap_or_default();
        Ok(())
    });
    out
}

/// The longest row of backticks in text that comes in portions.
#[derive(Default)]
struct Backticks {
    row: usize,
    longest: usize,
}

impl Backticks {
    fn count(&mut self, text: &str) {
        for byte in text.bytes() {
            self.row = if byte == b'`' { self.row + 1 } else { 0 };
            self.longest = self.longest.max(self.row);
        }
    }

    fn fence(&self) -> String {
        "`".repeat(self.longest.max(2) + 1)
    }
}

/// Returns a code block, fenced by more backticks than the text contains.
pub fn fenced(language: &str, text: &str) -> String {
    let mut ticks = Backticks::default();
    ticks.count(text);
    let fence = ticks.fence();
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// Escapes Markdown, in a line or as a line.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
