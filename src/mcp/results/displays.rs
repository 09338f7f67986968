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
            text: text(display),
            left_out: images.left_out.get(&number).cloned(),
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
            let mut why = images.left_out.get(&number).map(|why| format!(", {why}")).unwrap_or_default();
            if images.scaled.contains(&number) {
                why = format!(", scaled down; full size: {}", uris::figure(snippet.id, number));
            }
            line(&mut written, &format!("[{}{why}]", display.label(number)));
        }
        if let Some(text) = text(display) {
            line(&mut written, &text);
        }
    }
    written.push_str(&plain(&output.slice(from, output.position()).text(None)));
    written
}

/// The text of a display, or the plain form of a document.
fn text(display: &Display) -> Option<String> {
    let plain_form = || std::str::from_utf8(&display.form("text/plain")?.data).ok();
    let image = display.forms.first().is_some_and(Form::is_image);
    let found = display.text().or_else(|| if image { None } else { plain_form().map(Cow::Borrowed) })?;
    Some(truncate_middle(&plain(&found), MAX_DISPLAY_TEXT, 0).0).filter(|text| !text.is_empty())
}
