//! A Python script that runs without a session: magic and top-level `await` become plain Python.

mod helpers;
mod magic;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use self::helpers::{Helper, Needs, string_block};
use super::archive::Archive;
use super::items::{
    CodeRendering, ExportItem, commented, complete_snippet, describe_effects, describe_ending, describe_entry,
    entry_time, may_exit, normalized_code, one_line, snippet_time,
};
use super::session_header::SessionHeader;
use crate::domain::lexer::{
    awaits, code_magic, globals_of_function, indented, last_statement, reads_variable, split_future_imports,
    unwrap_pasted,
};
use crate::domain::{Entry, Snippet, SnippetId, Status};

pub fn script(
    session: &SessionHeader<'_>,
    archive: &dyn Archive,
    items: &[ExportItem<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let (mut needs, wanted_values) = needs_and_values(archive, items);
    // The head depends on all cells, so a first pass makes them without output.
    cells(session, archive, items, &wanted_values, &mut needs, &mut io::sink())?;
    out.write_all(head(session, items, &needs).as_bytes())?;
    cells(session, archive, items, &wanted_values, &mut needs, out)
}

fn cells(
    session: &SessionHeader<'_>,
    archive: &dyn Archive,
    items: &[ExportItem<'_>],
    wanted_values: &BTreeSet<SnippetId>,
    needs: &mut Needs,
    out: &mut dyn Write,
) -> io::Result<()> {
    for item in items {
        match item {
            ExportItem::Snippet(index, known, rendering) => {
                let snippet = coded(archive, *index, known);
                let head = format!(
                    "[{}] {}, {}, {}",
                    snippet.id,
                    one_line(snippet.author.name()),
                    (session.clock)(snippet_time(&snippet)),
                    describe_ending(&snippet)
                );
                let title = snippet.title.as_ref().map(|title| format!("\n# {}", one_line(title)));
                let effects = describe_effects(&snippet).map(|effects| format!("\n# {effects}"));
                // A snippet with a syntax error would keep the whole script from running.
                let broken = is_syntax_error(&snippet);
                let body = if *rendering == CodeRendering::Code && !broken {
                    live_code(&snippet, wanted_values.contains(&snippet.id), needs)
                } else {
                    commented(&normalized_code(&snippet))
                };
                let end = if body.ends_with('\n') { "" } else { "\n" };
                write!(
                    out,
                    "\n# %%\n# {head}{}{}\n{body}{end}",
                    title.unwrap_or_default(),
                    effects.unwrap_or_default()
                )?;
            }
            ExportItem::Between(_, Entry::Background { .. }) => {}
            ExportItem::Between(_, entry) => {
                write!(
                    out,
                    "\n# %%\n# {}: {}\n",
                    (session.clock)(entry_time(entry)),
                    one_line(&describe_entry(entry))
                )?;
            }
        }
    }
    Ok(())
}

/// Returns the snippet with all of its code.
fn coded<'a>(archive: &'a dyn Archive, index: usize, known: &'a Snippet) -> Cow<'a, Snippet> {
    if known.code_omitted == 0 { Cow::Borrowed(known) } else { complete_snippet(archive, index, known) }
}

/// Returns the needs of all cells together, and the snippets whose value a later one reads as `_`.
fn needs_and_values(archive: &dyn Archive, items: &[ExportItem<'_>]) -> (Needs, BTreeSet<SnippetId>) {
    let mut needs = Needs::default();
    let mut last = None;
    let mut values = BTreeSet::new();
    for item in items {
        if let ExportItem::Snippet(index, known, CodeRendering::Code) = item {
            let snippet = coded(archive, *index, known);
            needs.exit_codes |= reads_variable(&snippet.code, "_exit_code");
            needs.rich_lines |= magic::looks_at_lines(&snippet.code);
            if reads_variable(&snippet.code, "_") {
                values.extend(last);
            }
            let has_value = snippet.outcome.as_ref().is_some_and(|outcome| outcome.result.is_some());
            last = has_value.then_some(snippet.id).or(last);
        }
    }
    (needs, values)
}

fn is_syntax_error(snippet: &Snippet) -> bool {
    let error = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
    snippet.status == Status::Error
        && error.is_some_and(|e| matches!(e.type_name.as_str(), "SyntaxError" | "IndentationError" | "TabError"))
}

fn head(session: &SessionHeader<'_>, items: &[ExportItem<'_>], needs: &Needs) -> String {
    let mut authors: Vec<&str> = Vec::new();
    let mut left = 0;
    for item in items {
        if let ExportItem::Snippet(_, snippet, rendering) = item {
            left += usize::from(*rendering == CodeRendering::Comment);
            if !authors.contains(&snippet.author.name()) {
                authors.push(snippet.author.name());
            }
        }
    }
    // The encoding stands first, or text in the lines below could set another.
    let mut text = format!(
        "# -*- coding: utf-8 -*-\n# The session \"{}\" of {}, written by fourhands.\n# Python {} in {}\n",
        one_line(session.name),
        (session.clock)(session.started),
        one_line(session.python_version),
        one_line(&session.cwd.to_string_lossy()),
    );
    if !authors.is_empty() {
        text += &format!("# By {}.", one_line(&authors.join(", ")));
        if left > 0 {
            text += " Snippets that failed are commented out.";
        }
        text.push('\n');
    }
    if !needs.futures.is_empty() {
        let features: Vec<&str> = needs.futures.iter().map(String::as_str).collect();
        text += &format!("\nfrom __future__ import {}\n", features.join(", "));
    }
    if !needs.imports.is_empty() {
        text.push('\n');
        text.extend(needs.imports.iter().map(|module| format!("import {module}\n")));
    }
    for helper in &needs.helpers {
        text += &format!("\n{}", helper.source());
    }
    text
}

/// Returns the code as plain Python, with a final newline.
fn live_code(snippet: &Snippet, keeps_value: bool, needs: &mut Needs) -> String {
    let code = normalized_code(snippet);
    let code = unwrap_pasted(&code).unwrap_or(code);
    let is_python = code_magic(&code).is_none();
    let (code, notes) = magic::plain_python(&code, needs);
    let (features, mut code) = split_future_imports(&code);
    needs.futures.extend(features);
    if reads_variable(&code, "display") {
        needs.helpers.insert(Helper::Display);
    }
    if code.to_ascii_lowercase().contains("\\ud") || code.contains("surrogate") {
        needs.imports.insert("sys");
        needs.helpers.insert(Helper::Output);
    }
    if code.contains("IPython") {
        needs.helpers.insert(Helper::Ipython);
        needs.imports.extend(["importlib.util", "sys", "types"]);
    }
    if keeps_value
        && is_python
        && let Some(at) = last_statement(&code)
    {
        code.insert_str(at, "_ = ");
    }
    let mut code = format!("{}\n", code.trim_end());
    if awaits(&code) {
        needs.imports.insert("asyncio");
        needs.helpers.insert(Helper::Loop);
        code = if let Some(names) = globals_of_function(&code) {
            let function = format!("_snippet_{}", snippet.id);
            let names = if names.is_empty() { String::new() } else { format!("    global {}\n", names.join(", ")) };
            let body = indented(&code, "    ");
            format!("async def {function}():\n{names}{body}\n\n_loop.run_until_complete({function}())\n")
        } else {
            // The code annotates names or imports `*`, which functions may not.
            needs.imports.insert("ast");
            needs.helpers.insert(Helper::RunAwait);
            format!("_run_await({})\n", string_block(&code))
        };
    }
    // In the session, `exit()` was a normal end of the snippet.
    if snippet.status == Status::Ok && may_exit(&code) {
        code = format!("try:\n{}except SystemExit:\n    pass\n", indented(&code, "    "));
    }
    notes + &code
}
