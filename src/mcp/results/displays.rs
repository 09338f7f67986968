//! The displays of a snippet: a mark at their place in the output, and their text if they have one.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::images::AttachedImages;
use super::truncate::truncate_middle;
use crate::domain::terminal_text::plain;
use crate::domain::{Display, Form, Snippet};
use crate::mcp::resources::uris;

/// Characters of the text of one display.
const MAX_DISPLAY_TEXT: usize = 4_000;
/// The most displays that are listed; older ones are left out.
const MAX_DISPLAYS: usize = 50;
const NOT_DRAWN: &str = "an SVG is not drawn as a picture; display a PNG for that";

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DisplayReport {
    /// Counted from 1 within the snippet.
    pub number: usize,
    /// The best of its forms, such as `image/png`; images come as image content.
    pub mime: String,
    /// Size of that form in bytes.
    pub size: u64,
    /// Width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The text of the display, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why an image does not come with the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// URI of the resource with the complete display.
    pub uri: String,
}

pub fn reports(snippet: &Snippet, images: &AttachedImages) -> Vec<DisplayReport> {
    let skip = snippet.displays.len().saturating_sub(MAX_DISPLAYS);
    let report = |(number, display): (usize, &std::sync::Arc<Display>)| {
        let best = display.forms.first()?;
        let pixels = best.pixels();
        Some(DisplayReport {
            number,
            mime: best.mime.clone(),
            size: best.size,
            width: pixels.map(|(width, _)| width),
            height: pixels.map(|(_, height)| height),
            text: text(snippet, display),
            left_out: images.left_out.get(&number).cloned().or_else(|| is_svg(best).then(|| NOT_DRAWN.to_owned())),
            uri: uris::figure(snippet.id, number),
        })
    };
    snippet.numbered_displays().skip(skip).filter_map(report).collect()
}

/// The output of a snippet as a screen shows it in the end, with a mark for each display.
pub fn output(snippet: &Snippet, images: &AttachedImages) -> String {
    let output = &snippet.output;
    if snippet.displays.is_empty() {
        return plain(&output.text(None)).into_owned();
    }
    let mut written = String::new();
    let line = |written: &mut String, text: &str| {
        if !written.is_empty() && !written.ends_with('\n') {
            written.push('\n');
        }
        written.push_str(text);
        written.push('\n');
    };
    if snippet.displays_dropped > 0 {
        line(&mut written, &format!("[{} earlier displays are no longer kept]", snippet.displays_dropped));
    }
    let mut from = 0;
    for (number, display) in snippet.numbered_displays() {
        written.push_str(&plain(&output.slice(from, display.after).text(None)));
        from = from.max(display.after);
        if display.forms.first().is_none_or(|form| form.mime != "text/plain") {
            line(&mut written, &format!("[{}{}]", display.label(number), remark(snippet, number, display, images)));
        }
        if let Some(text) = text(snippet, display) {
            line(&mut written, &text);
        }
    }
    written.push_str(&plain(&output.slice(from, output.position()).text(None)));
    written
}

/// What a model must know about an image that it does not get whole, and where it can read a document.
fn remark(snippet: &Snippet, number: usize, display: &Display, images: &AttachedImages) -> String {
    let uri = || uris::figure(snippet.id, number);
    if let Some(why) = images.left_out.get(&number) {
        format!(", {why}")
    } else if let Some(how) = images.changed.get(&number) {
        format!(", {how}; full size: {}", uri())
    } else if display.forms.first().is_some_and(is_svg) {
        format!(", {NOT_DRAWN}; its source: {}", uri())
    } else if is_document(display) {
        format!(", {}", uri())
    } else {
        String::new()
    }
}

fn is_svg(form: &Form) -> bool {
    form.mime == "image/svg+xml" && !form.is_dropped()
}

/// Returns whether the model gets something else in place of the best form: plain text, or nothing.
fn is_document(display: &Display) -> bool {
    let Some(best) = display.forms.first().filter(|best| !best.is_dropped() && !best.is_image()) else { return false };
    match best.mime.as_str() {
        "text/plain" | "text/markdown" | "text/latex" | "application/json" => false,
        "text/html" => {
            display.form("text/plain").is_some() || best.data.len() > MAX_DISPLAY_TEXT || display.text().is_none()
        }
        _ => true,
    }
}

/// The text of a display, or the plain form of a document; nothing that the snippet's value says already.
fn text(snippet: &Snippet, display: &Display) -> Option<String> {
    let value = snippet.outcome.as_deref().and_then(|outcome| outcome.result.as_deref());
    let is_image = display.forms.first().is_some_and(Form::is_image);
    let plain_form = || std::str::from_utf8(&display.form("text/plain").filter(|_| !is_image)?.data).ok();
    let found = display.text().or_else(|| plain_form().map(Cow::Borrowed))?;
    if value.is_some_and(|value| value.trim() == found.trim()) {
        return None;
    }
    Some(truncate_middle(&plain(&found), MAX_DISPLAY_TEXT, 0).0).filter(|text| !text.is_empty())
}
