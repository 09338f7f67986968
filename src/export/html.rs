//! A page of its own: nothing is loaded from elsewhere, nothing on it runs, and it follows the reader's light or dark.
//!
//! Everything a session wrote is text. Documents that it displayed stand in frames without any rights, and the page's
//! policy allows neither scripts nor loading, should anything be wrong with that.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Session;
use super::colours::for_pages;
use super::items::{
    Item, Part, Treatment, at, code, commented, ending, happened, of_the_value, one_line, parts, push_text, time,
};
use crate::domain::lexer::{Class, tokens};
use crate::domain::terminal_text::{Look, plain, visible};
use crate::domain::{Display, Entry, Form, Snippet, Status};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";

pub fn html(session: &Session<'_>, items: &[Item<'_>]) -> String {
    let name = escape(&one_line(session.name));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{name}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
         <header><h1>{name}</h1><p>{}, Python {} in {}</p></header>\n<main>\n",
        include_str!("page.css"),
        (session.clock)(session.started),
        escape(&one_line(session.python_version)),
        escape(&one_line(&session.cwd.to_string_lossy())),
    );
    for item in items {
        match item {
            Item::Snippet(snippet, treatment) => page += &section(session, snippet, *treatment),
            Item::Between(entry) => page += &between(session, entry),
        }
    }
    page += "</main>\n</body>\n</html>\n";
    page
}

fn section(session: &Session<'_>, snippet: &Snippet, treatment: Treatment) -> String {
    let status = snippet.status.word();
    let mut out = format!(
        "<section class=\"{status}\" id=\"snippet-{0}\">\n<h2><a href=\"#snippet-{0}\">{0}</a> <b>{1}</b> <span>{2}, {3}</span></h2>\n",
        snippet.id,
        escape(&one_line(snippet.author.name())),
        (session.clock)(time(snippet)),
        escape(&ending(snippet)),
    );
    let code = code(snippet);
    let code = if treatment == Treatment::Comment { commented(&code) } else { code };
    let _ = writeln!(out, "<pre class=\"code\"><code>{}</code></pre>", highlighted(code.trim_end_matches('\n')));
    let parts = parts(snippet);
    let of_the_value = of_the_value(snippet, &parts);
    let mut look = Look::default();
    for (index, part) in parts.iter().enumerate() {
        if Some(index) != of_the_value {
            out += &shown(part, &mut look);
        }
    }
    if snippet.output.omitted() > 0
        && let Some(path) = (session.whole)(snippet.id)
    {
        let _ = writeln!(out, "<p class=\"note\">The whole output lies in {}</p>", escape(&path.to_string_lossy()));
    }
    if let Some(outcome) = &snippet.outcome {
        if let Some(result) = &outcome.result {
            match of_the_value.map(|place| &parts[place]) {
                Some(Part::Display(number, display)) => out += &shown_display(*number, display, Some(result)),
                _ => {
                    let _ = writeln!(out, "<pre class=\"result\">{}</pre>", escape(&plain(result)));
                }
            }
        }
        if let Some(error) = &outcome.error {
            let said = plain(&error.message);
            let said = one_line(&format!("{}: {}", error.type_name, said.lines().next().unwrap_or_default()));
            let _ = writeln!(
                out,
                "<details><summary>{}</summary><pre>{}</pre></details>",
                escape(said.trim_end_matches(": ")),
                escape(&plain(&error.traceback)),
            );
        }
    }
    if !snippet.status.is_final() || snippet.status == Status::Cancelled {
        let _ = writeln!(
            out,
            "<p class=\"note\">{}</p>",
            if snippet.status.is_final() { "It never ran." } else { "Not at its end yet." }
        );
    }
    out + "</section>\n"
}

fn between(session: &Session<'_>, entry: &Entry) -> String {
    let when = if at(entry) > 0 { format!("{}: ", (session.clock)(at(entry))) } else { String::new() };
    let mut out =
        format!("<section class=\"between\">\n<p>{}</p>\n", escape(&one_line(&format!("{when}{}", happened(entry)))));
    if let Entry::Background { output, .. } = entry {
        let mut parts = Vec::new();
        push_text(&mut parts, output);
        let mut look = Look::default();
        out.extend(parts.iter().map(|part| shown(part, &mut look)));
    }
    out + "</section>\n"
}

fn shown(part: &Part<'_>, look: &mut Look) -> String {
    match part {
        Part::Text(segments) => {
            let text = for_pages(segments, look);
            let text = text.trim_end_matches('\n');
            if text.is_empty() { String::new() } else { format!("<pre>{text}</pre>\n") }
        }
        Part::Gap(bytes) => format!("<p class=\"note\">{bytes} bytes left out</p>\n"),
        Part::Dropped(count) => format!("<p class=\"note\">{count} displays before these are no longer kept</p>\n"),
        Part::Display(number, display) => shown_display(*number, display, None),
    }
}

/// `text` is what is shown of a value in any case.
fn shown_display(number: usize, display: &Display, text: Option<&str>) -> String {
    let label = escape(&display.label(number));
    let there = |mime: &str| display.form(mime).filter(|form| !form.is_dropped());
    let as_text = |form: &Form| std::str::from_utf8(&form.data).ok().map(str::to_owned);
    let picture = |form: &&Form| (form.is_image() || form.mime == "image/svg+xml") && !form.is_dropped();
    if let Some(form) = display.forms.iter().find(picture) {
        // An SVG within an image runs nothing and loads nothing.
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

/// A document without scripts, forms, links to this page, or an origin. Nobody can ask it for its height, so that is
/// guessed from its rows; the reader can change it.
fn frame(document: &str, label: &str) -> String {
    let lines = document.matches("<tr").count().max(document.matches("<br").count() + document.matches("<p").count());
    let height = (lines * 3 / 2 + 4).clamp(6, 32);
    let inner = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <style>{}</style>{document}",
        "body{font:14px system-ui,sans-serif;margin:4px;color:#1c1c1c;background:#fff}\
         table{border-collapse:collapse}td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #ddd}"
    );
    format!("<iframe sandbox title=\"{label}\" style=\"height:{height}em\" srcdoc=\"{}\"></iframe>\n", escape(&inner))
}

fn highlighted(code: &str) -> String {
    let mut out = String::with_capacity(code.len() * 2);
    let mut done = 0;
    for token in tokens(code) {
        out += &escape(&visible(&code[done..token.range.start]));
        let class = match token.class {
            Class::Keyword => "k",
            Class::Builtin => "bi",
            Class::Definition => "d",
            Class::Decorator => "de",
            Class::String => "s",
            Class::Number => "n",
            Class::Comment => "c",
            Class::Operator => "o",
        };
        let _ = write!(out, "<span class=\"{class}\">{}</span>", escape(&visible(&code[token.range.clone()])));
        done = token.range.end;
    }
    out + &escape(&visible(&code[done..]))
}

/// Text that is no markup, also within quotes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}
