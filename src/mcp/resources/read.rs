//! Resources: the parts of the session that clients read without a tool call.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::ErrorData;
use rmcp::model::{
    Annotations, ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate,
};
use serde_json::json;

use super::uris;
use super::uris::Address;
use crate::domain::{
    Aspect, Author, Display, Entry, Form, InspectRequest, Snippet, SnippetId, Transcript, VariableQuery, units,
};
use crate::mcp::errors::{inspection_with_code, invalid_cursor, private_snippet, private_variable, session_ended};
use crate::mcp::results::images::AttachedImages;
use crate::mcp::results::inspection::InspectReport;
use crate::mcp::results::truncate::{MAX_TEXT, one_line, truncate_middle};
use crate::mcp::results::{history, images, inspection, output_page, summary, text, variables};
use crate::session::clock::now;
use crate::session::{CommandError, SessionHandle, as_python_reads, in_background};

/// Snippets of a page of the list.
const PAGE_LENGTH: usize = 50;
/// Figures of one snippet in the list.
const MAX_FIGURES: usize = 20;
/// Characters of the title of a snippet.
const MAX_TITLE: usize = 120;
/// A snippet with more bytes of output has a resource of its own for the output.
const LONG_OUTPUT: u64 = MAX_TEXT as u64 / 2;
/// How long a variable waits until Python is free.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

fn fixed_resources() -> Vec<Resource> {
    let one = |uri: &str, name: &str, title: &str, description: &str, priority: f32| {
        Resource::new(uri, name)
            .with_title(title)
            .with_description(description)
            .with_mime_type("text/plain")
            .with_annotations(Annotations::default().with_priority(priority))
    };
    vec![
        one(
            uris::SESSION,
            "session",
            "Session summary",
            "What a new chat needs to know: names with types and sizes, last runs, working directory, Python, \
             participants",
            1.0,
        ),
        one(uris::TRANSCRIPT, "transcript", "Transcript", "The last runs: code, author and outcome", 0.7),
        one(
            uris::VARIABLES,
            "variables",
            "Variables",
            "Variables, functions, classes and modules with their values",
            0.7,
        ),
    ]
}

pub fn templates() -> ListResourceTemplatesResult {
    let one = |place: usize, name: &str, title: &str, description: &str, mime: Option<&str>| {
        let template =
            ResourceTemplate::new(uris::TEMPLATES[place], name).with_title(title).with_description(description);
        match mime {
            Some(mime) => template.with_mime_type(mime),
            None => template,
        }
    };
    let text = Some("text/plain");
    ListResourceTemplatesResult::with_all_items(vec![
        one(0, "snippet", "A snippet", "Code, author and result of one snippet", text),
        one(1, "output", "Output of a snippet", "The whole output of a snippet; ?offset=N starts at byte N", text),
        one(2, "figure", "A figure", "A figure of a snippet in full size; numbers start at 1", None),
        one(
            3,
            "variable",
            "A variable",
            "Type, size and contents of one value, by name or by a path such as df[\"price\"]",
            text,
        ),
        one(4, "transcript_page", "Transcript after a snippet", "The entries after the snippet of this number", text),
        one(
            5,
            "variables_page",
            "Variables after a name",
            "The variables after this name; each page links to the next",
            text,
        ),
    ])
}

/// `cursor` is the number of the snippet before which the page begins.
pub async fn list(
    session: Option<(&SessionHandle, Author)>,
    cursor: Option<String>,
) -> Result<ListResourcesResult, ErrorData> {
    let before = match cursor.map(|cursor| cursor.parse::<u32>()) {
        None => None,
        Some(Ok(before)) => Some(SnippetId(before)),
        Some(Err(_)) => return Err(invalid_cursor()),
    };
    let mut resources = if before.is_none() { fixed_resources() } else { Vec::new() };
    let mut next_cursor = None;
    if let Some((session, reader)) = session {
        let (found, next) =
            session.read(move |transcript| snippets(transcript, &reader, before)).await.map_err(session_ended)?;
        resources.extend(found);
        next_cursor = next;
    }
    Ok(ListResourcesResult { next_cursor, ..ListResourcesResult::with_all_items(resources) })
}

/// The resources of a page of snippets, the newest first, and the cursor of the next page.
fn snippets(transcript: &Transcript, reader: &Author, before: Option<SnippetId>) -> (Vec<Resource>, Option<String>) {
    let gate = transcript.gate();
    let mut found = transcript.entries().iter().rev().filter_map(|entry| match entry {
        Entry::Snippet(snippet) if before.is_none_or(|before| snippet.id < before) => Some(snippet),
        _ => None,
    });
    let (mut resources, mut last) = (Vec::new(), None);
    for snippet in found.by_ref().take(PAGE_LENGTH) {
        last = Some(snippet.id);
        let title = format!(
            "Snippet {} by {}: {}",
            snippet.id,
            snippet.author.label_for_models(),
            summary::title_or_code(snippet, Some(reader), &gate.private)
        );
        resources.push(
            Resource::new(uris::snippet(snippet.id), format!("snippet {}", snippet.id))
                .with_title(one_line(&title, MAX_TITLE))
                .with_description(format!("Code and result, {}", snippet.status.word()))
                .with_mime_type("text/plain"),
        );
        if gate.private.hides(snippet.id, &snippet.author, Some(reader)) {
            continue;
        }
        let written = snippet.output.total();
        if written > LONG_OUTPUT {
            resources.push(
                Resource::new(uris::output(snippet.id), format!("output of snippet {}", snippet.id))
                    .with_title(format!("Output of snippet {}, {}", snippet.id, units::bytes(written)))
                    .with_mime_type("text/plain")
                    .with_size(written),
            );
        }
        for (number, display) in snippet.numbered_displays().take(MAX_FIGURES) {
            let Some(best) = display.forms.first().filter(|form| !form.is_dropped()) else { continue };
            resources.push(
                Resource::new(uris::figure(snippet.id, number), format!("snippet {} figure {number}", snippet.id))
                    .with_title(format!("Snippet {}, {}", snippet.id, display.label(number)))
                    .with_mime_type(best.mime.clone())
                    .with_size(best.size),
            );
        }
    }
    let goes_on = found.next().is_some();
    (resources, last.filter(|_| goes_on).map(|last| last.to_string()))
}

fn not_found(uri: &str) -> ErrorData {
    let known = [uris::SESSION, uris::TRANSCRIPT, uris::VARIABLES].into_iter().chain(uris::TEMPLATES);
    let text = format!("Resource not found: {uri:?}; available: {}", known.collect::<Vec<_>>().join(", "));
    ErrorData::resource_not_found(text, Some(json!({ "uri": uri })))
}

/// `text` in place of any resource, where there is no session.
pub fn offline(uri: &str, text: &str) -> Result<ReadResourceResult, ErrorData> {
    Address::parse(uri).ok_or_else(|| not_found(uri))?;
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)]))
}

pub async fn read(session: &SessionHandle, reader: Author, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let address = Address::parse(uri).ok_or_else(|| not_found(uri))?;
    let gate = session.gate();
    let (own, private) = (reader.clone(), &gate.private);
    let find = async |id: SnippetId| {
        let found = session.snippet(id).await.map_err(session_ended)?.ok_or_else(|| not_found(uri))?;
        if private.hides(id, &found.author, Some(&own)) {
            return Err(ErrorData::invalid_request(private_snippet(id), None));
        }
        Ok(found)
    };
    let text = match address {
        Address::Session => summary::of(session, Some(reader), summary::FULL).await.map_err(session_ended)?,
        Address::Transcript(since) => {
            let page = move |transcript: &Transcript| history::page(transcript, since, &reader, now());
            let (text, next) = session.read(page).await.map_err(session_ended)?;
            match next {
                Some(next) => format!("{text}\n({}?since={next})", uris::TRANSCRIPT),
                None => text,
            }
        }
        Address::Variables(cursor) => {
            let running = session.overview().await.map_err(session_ended)?.running.map(|(id, _)| id.0);
            let query = VariableQuery::new("", cursor);
            let table = session.variables(query.clone()).await.map_err(session_ended)?;
            let masked = private.masked(&table);
            let (text, list) = variables::list(masked.as_ref().unwrap_or(&table), &query, running);
            match list.next_cursor {
                Some(next) => format!("{text}\n({})", uris::variables(&next)),
                None => text,
            }
        }
        Address::Variable(name) if private.hides_path(&as_python_reads(&name)) => {
            return Err(ErrorData::invalid_request(private_variable(&name), None));
        }
        Address::Variable(name) => {
            let request = InspectRequest { path: name.clone(), ..InspectRequest::default() };
            if request.may_run_code() && session.gate().keeps_back(&reader) {
                return Err(ErrorData::invalid_request(inspection_with_code(&name), None));
            }
            match session.inspect(request, BUSY_TIMEOUT).await {
                Ok(inspection) => InspectReport::new(*inspection).text(),
                Err(CommandError::Closed(closed)) => return Err(session_ended(closed)),
                Err(CommandError::Refused(error)) => inspection::error(&name, Aspect::Overview, error),
            }
        }
        Address::Snippet(id) => code_and_result(&find(id).await?, &reader),
        Address::Output(id, offset) => {
            let page = output_page::resource_page(session, find(id).await?, offset).await;
            let (text, next) = page.map_err(|error| ErrorData::invalid_params(error, None))?;
            match next {
                Some(next) => format!("{text}\n[continues: {}?offset={next}]", uris::output(id)),
                None => text,
            }
        }
        Address::Figure(id, number) => {
            let snippet = find(id).await?;
            let display = snippet.numbered_displays().find(|(n, _)| *n == number).map(|(_, display)| display.clone());
            let mut display = display.ok_or_else(|| not_found(uri))?;
            if display.forms.iter().any(Form::is_dropped) {
                let spool = session.spool().clone();
                let recorded = in_background(move || spool.display(id, number)).await.flatten();
                display = recorded.map_or(display, Arc::new);
            }
            return Ok(ReadResourceResult::new(vec![figure(display, uri.to_owned()).await?]));
        }
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)]))
}

fn code_and_result(snippet: &Snippet, reader: &Author) -> String {
    let title = snippet.title.as_ref().map(|title| format!(", {title}")).unwrap_or_default();
    let (result, _) = text::run(snippet, 0, now(), None, MAX_TEXT, &AttachedImages::default());
    let code = truncate_middle(&snippet.code, MAX_TEXT, 0).0;
    format!("Snippet {} by {}{title}:\n\n{}\n\n{result}", snippet.id, snippet.author.label_for(reader), code.trim_end())
}

/// A display in its full size, or as large as a message may be.
async fn figure(display: Arc<Display>, uri: String) -> Result<ResourceContents, ErrorData> {
    let Some(best) = display.forms.first() else {
        return Err(ErrorData::internal_error("the display is empty", None));
    };
    if best.is_dropped() {
        let text = "the figure is no longer kept: too much was displayed after it";
        return Err(ErrorData::resource_not_found(text, Some(json!({ "uri": uri }))));
    }
    if !best.is_image() || best.mime.contains("svg") {
        let text = String::from_utf8_lossy(&best.data);
        let text = truncate_middle(&text, output_page::MAX_RESOURCE_PAGE, 0).0;
        return Ok(ResourceContents::text(text, uri).with_mime_type(best.mime.clone()));
    }
    let fitted = in_background(move || images::whole(&display)).await;
    let (mime, data) = fitted
        .unwrap_or_else(|| Err("it cannot be decoded".to_owned()))
        .map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(ResourceContents::blob(STANDARD.encode(&data), uri).with_mime_type(mime))
}
