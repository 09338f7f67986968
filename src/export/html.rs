//! An HTML page of its own. It loads and runs nothing, and follows the reader's light or dark theme.
//!
//! All text of the session is escaped. Displayed documents stand in frames without any rights. As a second barrier, the
//! page's policy allows neither scripts nor loading.

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::archive::Archive;
use super::colours::for_pages;
use super::items::{
    CodeRendering, ExportItem, commented, complete_snippet, describe_effects, describe_ending, describe_entry,
    entry_time, normalized_code, one_line, snippet_time,
};
use super::parts::{Part, of_the_value, walk_output, walk_parts};
use super::session_header::SessionHeader;
use crate::domain::lexer::{TokenClass, tokens};
use crate::domain::terminal_text::{TextStyle, plain, visible, with_invisible_shown};
use crate::domain::{Display, Entry, Form, Snippet, Status};
use crate::export::html_escape::escape;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";

pub fn html(
    session: &SessionHeader<'_>,
    archive: &dyn Archive,
    items: &[ExportItem<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = escape(&one_line(session.name));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{name}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
         <header><h1>{name}</h1><p>{}, Python {} in {}</p></header>\n<main>\n",
        include_str!("page.css"),
        (session.clock)(session.started),
        escape(&one_line(session.python_version)),
        escape(&one_line(&session.cwd.to_string_lossy())),
    )?;
    for item in items {
        match item {
            ExportItem::Snippet(index, known, rendering) => {
                section(session, archive, &complete_snippet(archive, *index, known), *rendering, out)?;
            }
            ExportItem::Between(index, known) => match archive.entry(*index) {
                Some(entry) => between(session, &entry, out)?,
                None => between(session, known, out)?,
            },
        }
    }
    out.write_all(b"</main>\n</body>\n</html>\n")
}

fn section(
    session: &SessionHeader<'_>,
    archive: &dyn Archive,
    snippet: &Snippet,
    rendering: CodeRendering,
    out: &mut dyn Write,
) -> io::Result<()> {
    let status = snippet.status.word();
    let title = snippet.title.as_ref().map(|title| format!("<p class=\"title\">{}</p>\n", escape(&one_line(title))));
    writeln!(
        out,
        "<section class=\"{status}\" id=\"snippet-{0}\">\n<h2><a href=\"#snippet-{0}\">{0}</a> <b>{1}</b> <span>{2}, {3}</span></h2>\n{4}",
        snippet.id,
        escape(&one_line(snippet.author.name())),
        (session.clock)(snippet_time(snippet)),
        escape(&describe_ending(snippet)),
        title.as_deref().unwrap_or_default().trim_end(),
    )?;
    let code = normalized_code(snippet);
    let code = if rendering == CodeRendering::Comment { commented(&code) } else { code };
    writeln!(out, "<pre class=\"code\"><code>{}</code></pre>", highlighted(code.trim_end_matches('\n')))?;
    let of_the_value = of_the_value(snippet);
    let mut value = None;
    let mut written = OutputBlocks::new(out);
    walk_parts(archive, snippet, &mut |part| match part {
        Part::Display(number, display) if Some(number) == of_the_value => {
            value = Some((number, display));
            Ok(())
        }
        part => written.part(part),
    })?;
    written.end()?;
    if let Some(outcome) = &snippet.outcome {
        if let Some(result) = &outcome.result {
            match value {
                Some((number, display)) => {
                    out.write_all(shown_display(number, &display, Some(result)).as_bytes())?;
                }
                None => writeln!(out, "<pre class=\"result\">{}</pre>", escape(&plain(result)))?,
            }
        }
        if let Some(error) = &outcome.error {
            let message = plain(&error.message);
            let message = one_line(&format!("{}: {}", error.type_name, message.lines().next().unwrap_or_default()));
            writeln!(
                out,
                "<details><summary>{}</summary><pre>{}</pre></details>",
                escape(message.trim_end_matches(": ")),
                escape(&plain(&error.traceback)),
            )?;
        }
    }
    if let Some(effects) = describe_effects(snippet) {
        writeln!(out, "<p class=\"note\">{}</p>", escape(&effects))?;
    }
    if !snippet.status.is_final() || snippet.status == Status::Cancelled {
        let note = if snippet.status.is_final() { "It never ran." } else { "Not finished yet." };
        writeln!(out, "<p class=\"note\">{note}</p>")?;
    }
    out.write_all(b"</section>\n")
}

fn between(session: &SessionHeader<'_>, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
    let when = if entry_time(entry) > 0 { format!("{}: ", (session.clock)(entry_time(entry))) } else { String::new() };
    let title = escape(&one_line(&format!("{when}{}", describe_entry(entry))));
    write!(out, "<section class=\"between\">\n<p>{title}</p>\n")?;
    if let Entry::Background { output, .. } = entry {
        let mut written = OutputBlocks::new(out);
        walk_output(output, None, &mut |part| written.part(part))?;
        written.end()?;
    }
    out.write_all(b"</section>\n")
}

/// Writes output as blocks. Consecutive pages of text share a block.
struct OutputBlocks<'a> {
    out: &'a mut dyn Write,
    style: TextStyle,
    is_open: bool,
    /// Newlines that are written only if more text follows.
    ends: usize,
}

impl<'a> OutputBlocks<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self { out, style: TextStyle::default(), is_open: false, ends: 0 }
    }

    fn part(&mut self, part: Part) -> io::Result<()> {
        let markup = match part {
            Part::Text(segments) => {
                let page = for_pages(&segments, &mut self.style);
                let text = page.trim_end_matches('\n');
                if !text.is_empty() {
                    if !std::mem::replace(&mut self.is_open, true) {
                        self.out.write_all(b"<pre>")?;
                        self.ends = 0;
                    }
                    write!(self.out, "{}{text}", "\n".repeat(std::mem::take(&mut self.ends)))?;
                }
                self.ends += page.len() - text.len();
                return Ok(());
            }
            Part::Gap(gap) => format!("<p class=\"note\">{}</p>\n", escape(&gap.description())),
            Part::Dropped(count) => {
                format!("<p class=\"note\">{count} earlier displays are no longer kept</p>\n")
            }
            Part::Display(number, display) => shown_display(number, &display, None),
        };
        self.end()?;
        self.out.write_all(markup.as_bytes())
    }

    fn end(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_open) { self.out.write_all(b"</pre>\n") } else { Ok(()) }
    }
}

/// Returns the HTML of a display. `text` is the value's text, which is shown anyway.
fn shown_display(number: usize, display: &Display, text: Option<&str>) -> String {
    let label = escape(&display.label(number));
    let there = |mime: &str| display.form(mime).filter(|form| !form.is_dropped());
    let as_text = |form: &Form| std::str::from_utf8(&form.data).ok().map(str::to_owned);
    let picture = |form: &&Form| (form.is_image() || form.mime == "image/svg+xml") && !form.is_dropped();
    if let Some(form) = display.forms.iter().find(picture) {
        // An SVG in an `img` runs and loads nothing.
        let data = STANDARD.encode(&form.data);
        return format!("<figure><img alt=\"{label}\" src=\"data:{};base64,{data}\"></figure>\n", escape(&form.mime));
    }
    if let Some(document) = there("text/html").and_then(as_text) {
        return frame(&document, &label);
    }
    let plain_forms = ["text/markdown", "text/latex", "application/json", "text/plain"];
    let found = plain_forms.iter().find_map(|mime| there(mime).and_then(as_text)).or_else(|| text.map(str::to_owned));
    match found {
        Some(text) => format!("<pre class=\"result\">{}</pre>\n", escape(&plain(&text))),
        None => format!("<p class=\"note\">{label}</p>\n"),
    }
}

/// Returns a frame without scripts, forms, links to this page, or an origin. Its height cannot be measured, so it is
/// guessed from the rows; the reader can change it.
fn frame(document: &str, label: &str) -> String {
    let lines = document.matches("<tr").count().max(document.matches("<br").count() + document.matches("<p").count());
    let height = (lines * 3 / 2 + 4).clamp(6, 32);
    let inner = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <style>{}</style>{document}",
        "body{font:14px system-ui,sans-serif;margin:4px;color:#1c1c1c;background:#fff}\
         table{border-collapse:collapse}td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #ddd}"
    );
    format!(
        "<iframe sandbox title=\"{label}\" style=\"height:{height}em\" srcdoc=\"{}\"></iframe>\n",
        escape(&with_invisible_shown(&inner))
    )
}

fn highlighted(code: &str) -> String {
    let mut out = String::with_capacity(code.len() * 2);
    let mut done = 0;
    for token in tokens(code) {
        out += &escape(&visible(&code[done..token.range.start]));
        let class = match token.class {
            TokenClass::Keyword => "k",
            TokenClass::Builtin => "bi",
            TokenClass::Definition => "d",
            TokenClass::Decorator => "de",
            TokenClass::String => "s",
            TokenClass::Number => "n",
            TokenClass::Comment => "c",
            TokenClass::Operator => "o",
        };
        let _ = write!(out, "<span class=\"{class}\">{}</span>", escape(&visible(&code[token.range.clone()])));
        done = token.range.end;
    }
    out + &escape(&visible(&code[done..]))
}
