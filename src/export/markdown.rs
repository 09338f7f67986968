//! A Markdown document: a heading for each snippet, its code, and what came of it.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Session;
use super::items::{
    Item, Part, Treatment, at, code, commented, ending, happened, of_the_value, one_line, parts, push_text, time,
};
use crate::domain::terminal_text::{plain, visible};
use crate::domain::{Display, Entry, Form, Snippet};

/// Lines of a traceback that stand there unfolded.
const SHORT: usize = 3;

struct Document<'a> {
    session: &'a Session<'a>,
    /// The folder of figures as links name it.
    folder: Option<&'a str>,
    figures: Vec<(String, Vec<u8>)>,
    text: String,
}

/// The document, and the figures that go to `folder`; without one they stand in the text.
pub fn markdown(session: &Session<'_>, items: &[Item<'_>], folder: Option<&str>) -> (String, Vec<(String, Vec<u8>)>) {
    let mut document = Document { session, folder, figures: Vec::new(), text: String::new() };
    let _ = write!(
        document.text,
        "# {}\n\n{}, Python {} in {}\n",
        escape(&one_line(session.name)),
        (session.clock)(session.started),
        escape(&one_line(session.python_version)),
        escape(&one_line(&session.cwd.to_string_lossy())),
    );
    for item in items {
        match item {
            Item::Snippet(snippet, treatment) => document.snippet(snippet, *treatment),
            Item::Between(entry) => document.between(entry),
        }
    }
    (document.text, document.figures)
}

impl Document<'_> {
    /// With an empty line before it.
    fn block(&mut self, text: &str) {
        self.text.push('\n');
        self.text += text.trim_end_matches('\n');
        self.text.push('\n');
    }

    fn snippet(&mut self, snippet: &Snippet, treatment: Treatment) {
        let author = escape(&one_line(snippet.author.name()));
        self.block(&format!("## \\[{}\\] {author}", snippet.id));
        self.block(&format!("{}, {}", (self.session.clock)(time(snippet)), escape(&ending(snippet))));
        let code = code(snippet);
        let code = if treatment == Treatment::Comment { commented(&code) } else { code };
        self.block(&fenced("python", &visible(&code)));
        let parts = parts(snippet);
        let of_the_value = of_the_value(snippet, &parts);
        let mut written: Vec<&Part<'_>> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if let Part::Display(number, display) = part {
                self.written(&mut written);
                if Some(index) != of_the_value {
                    self.display(snippet, *number, display);
                }
            } else {
                written.push(part);
            }
        }
        self.written(&mut written);
        if snippet.output.omitted() > 0
            && let Some(path) = (self.session.whole)(snippet.id)
        {
            self.block(&format!("The whole output lies in {}", escape(&path.to_string_lossy())));
        }
        let Some(outcome) = &snippet.outcome else { return };
        if let Some(result) = &outcome.result {
            self.block(&fenced("text", &plain(result)));
        }
        if let Some(error) = &outcome.error {
            let traceback = fenced("text", &plain(&error.traceback));
            if error.traceback.lines().count() <= SHORT {
                self.block(&traceback);
            } else {
                let said = plain(&error.message);
                let said = one_line(&format!("{}: {}", error.type_name, said.lines().next().unwrap_or_default()));
                self.block(&format!(
                    "<details><summary>{}</summary>\n\n{traceback}\n\n</details>",
                    super::html::escape(&said)
                ));
            }
        }
    }

    fn written(&mut self, parts: &mut Vec<&Part<'_>>) {
        let text = plain_of(parts.drain(..));
        if !text.trim().is_empty() {
            self.block(&fenced("text", &text));
        }
    }

    fn display(&mut self, snippet: &Snippet, number: usize, display: &Display) {
        let label = display.label(number);
        let picture = |form: &&Form| (form.is_image() || form.mime == "image/svg+xml") && !form.is_dropped();
        if let Some(form) = display.forms.iter().find(picture) {
            let link = self.link(snippet, number, form);
            self.block(&format!("![{}]({link})", escape(&label)));
            return;
        }
        let text = |mime: &str| std::str::from_utf8(&display.form(mime).filter(|form| !form.is_dropped())?.data).ok();
        if let Some(text) = text("text/markdown").or_else(|| text("text/latex")) {
            self.block(&plain(text));
        } else if let Some(text) = text("text/plain") {
            self.block(&fenced("text", &plain(text)));
        } else if let Some((language, text)) =
            [("html", "text/html"), ("json", "application/json")].iter().find_map(|(l, m)| Some((l, text(m)?)))
        {
            self.block(&fenced(language, &plain(text)));
        } else {
            self.block(&escape(&format!("[{label}]")));
        }
    }

    fn link(&mut self, snippet: &Snippet, number: usize, form: &Form) -> String {
        let ending = match form.mime.as_str() {
            "image/jpeg" => "jpg",
            "image/gif" => "gif",
            "image/webp" => "webp",
            "image/svg+xml" => "svg",
            _ => "png",
        };
        let Some(folder) = self.folder else {
            return format!("data:{};base64,{}", form.mime, STANDARD.encode(&form.data));
        };
        let name = format!("snippet-{}-{number}.{ending}", snippet.id);
        self.figures.push((name.clone(), form.data.to_vec()));
        let safe = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let mut link = String::new();
        for c in format!("{}/{name}", folder.trim_end_matches('/')).chars() {
            if safe(c) {
                link.push(c);
            } else {
                link.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
            }
        }
        link
    }

    fn between(&mut self, entry: &Entry) {
        let when = if at(entry) > 0 { format!("{}: ", (self.session.clock)(at(entry))) } else { String::new() };
        self.block(&format!("*{}*", escape(&one_line(&format!("{when}{}", happened(entry))))));
        if let Entry::Background { output, .. } = entry {
            let mut parts = Vec::new();
            push_text(&mut parts, output);
            let text = plain_parts(&parts);
            self.block(&fenced("text", &text));
        }
    }
}

pub fn plain_parts(parts: &[Part<'_>]) -> String {
    plain_of(parts.iter())
}

fn plain_of<'a>(parts: impl Iterator<Item = &'a Part<'a>>) -> String {
    let mut out = String::new();
    for part in parts {
        let mark = match part {
            Part::Text(segments) => {
                let text: String = segments.iter().map(|segment| segment.text.as_str()).collect();
                out += &plain(&text);
                continue;
            }
            Part::Gap(bytes) => format!("[... {bytes} bytes left out ...]"),
            Part::Dropped(count) => format!("[{count} displays before these are no longer kept]"),
            Part::Display(number, display) => format!("[{}]", display.label(*number)),
        };
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out += &mark;
        out.push('\n');
    }
    out
}

/// A block of code, in more backticks than the text has anywhere.
pub fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// Text that is no markup, on a line of its own or within one.
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
