//! Displays: figures, pictures, tables and documents that a snippet shows beside its text.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::char_boundary::floor_char_boundary;
use super::{markup, units};

/// Bytes of an HTML document that are searched for text.
const MAX_HTML_BYTES: usize = 256 << 10;

/// One representation of a display.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The media type, such as `image/png` or `text/html`. All text is UTF-8.
    pub mime: String,
    /// The bytes, not base64; empty when they were dropped to bound memory.
    pub data: Arc<[u8]>,
    /// The number of bytes when it was displayed.
    pub size: u64,
}

/// A display in all its representations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// The position in the snippet's output, as [`super::Output::position`] returned it.
    pub after: u64,
    /// The id by which code may replace the display.
    pub id: Option<Arc<str>>,
    /// The representations, the best for a person first; never empty.
    pub forms: Vec<Form>,
}

impl Form {
    #[must_use]
    pub fn new(mime: impl Into<String>, data: impl Into<Arc<[u8]>>) -> Self {
        let data = data.into();
        Self { mime: mime.into(), size: data.len() as u64, data }
    }

    #[must_use]
    pub fn is_image(&self) -> bool {
        matches!(self.mime.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp")
    }

    fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.data).ok()
    }

    /// Returns whether the bytes were dropped.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.data.is_empty() && self.size > 0
    }

    /// Returns the width and height of a PNG, JPEG, GIF or WebP, read from its header.
    #[must_use]
    pub fn pixels(&self) -> Option<(u32, u32)> {
        match self.mime.as_str() {
            "image/png" => png(&self.data),
            "image/jpeg" => jpeg(&self.data),
            "image/gif" => {
                let side = |at: usize| Some(u32::from(u16::from_le_bytes(self.data.get(at..at + 2)?.try_into().ok()?)));
                Some((side(6)?, side(8)?))
            }
            "image/webp" => webp(&self.data),
            _ => None,
        }
    }
}

impl Display {
    #[must_use]
    pub fn form(&self, mime: &str) -> Option<&Form> {
        self.forms.iter().find(|form| form.mime == mime)
    }

    /// Returns the bytes that all representations still have.
    #[must_use]
    pub fn bytes_kept(&self) -> usize {
        self.forms.iter().map(|form| form.data.len()).sum()
    }

    /// Returns a copy without the bytes.
    #[must_use]
    pub fn dropped(&self) -> Self {
        let forms = self.forms.iter().map(|form| Form { data: Arc::new([]), ..form.clone() });
        Self { after: self.after, id: self.id.clone(), forms: forms.collect() }
    }

    /// Returns the text of a display that text can stand for: Markdown, LaTeX, JSON, and HTML by its plain form or its
    /// own text.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let best = self.forms.first()?;
        if best.is_dropped() {
            return None;
        }
        match best.mime.as_str() {
            "text/markdown" | "text/latex" | "application/json" | "text/plain" => best.as_text().map(Cow::Borrowed),
            "text/html" => match self.form("text/plain") {
                Some(plain) => plain.as_text().map(Cow::Borrowed),
                None => best
                    .as_text()
                    .map(|html| Cow::Owned(markup::text_of(&html[..floor_char_boundary(html, MAX_HTML_BYTES)]))),
            },
            _ => None,
        }
        .filter(|text| !text.trim().is_empty())
    }

    /// Like [`Self::text`], but not what the snippet's `value` says already.
    #[must_use]
    pub fn text_beside(&self, value: Option<&str>) -> Option<Cow<'_, str>> {
        self.text().filter(|text| value.is_none_or(|value| value.trim() != text.trim()))
    }

    /// Returns a label such as `figure 1: 640x480 PNG`. `number` counts the displays of the snippet from 1.
    #[must_use]
    pub fn label(&self, number: usize) -> String {
        let Some(best) = self.forms.first() else { return format!("display {number}") };
        let kind = match best.mime.as_str() {
            "image/png" => "PNG",
            "image/jpeg" => "JPEG",
            "image/gif" => "GIF",
            "image/webp" => "WebP",
            "image/svg+xml" => "SVG",
            "text/html" => "HTML",
            "text/markdown" => "Markdown",
            "text/latex" => "LaTeX",
            "application/json" => "JSON",
            mime => mime,
        };
        let what = if best.is_image() { "figure" } else { "display" };
        if let Some((width, height)) = best.pixels() {
            return format!("{what} {number}: {width}x{height} {kind}");
        }
        let dropped = if best.is_dropped() { ", no longer kept" } else { "" };
        format!("{what} {number}: {kind}, {}{dropped}", units::bytes(best.size))
    }
}

fn png(data: &[u8]) -> Option<(u32, u32)> {
    if !data.starts_with(b"\x89PNG\r\n\x1a\n") {
        return None;
    }
    let side = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?));
    Some((side(16)?, side(20)?))
}

/// Reads the first chunk: of an extended, a lossless or a lossy picture.
fn webp(data: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize, bytes: usize| -> Option<u32> {
        let part = data.get(at..at + bytes)?;
        Some(part.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    };
    if !data.starts_with(b"RIFF") {
        return None;
    }
    match data.get(8..16)? {
        b"WEBPVP8X" => Some((number(24, 3)? + 1, number(27, 3)? + 1)),
        b"WEBPVP8L" => {
            let sides = number(21, 4)?;
            Some(((sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1))
        }
        b"WEBPVP8 " => Some((number(26, 2)? & 0x3fff, number(28, 2)? & 0x3fff)),
        _ => None,
    }
}

/// Walks the markers up to the frame header.
fn jpeg(data: &[u8]) -> Option<(u32, u32)> {
    let mut rest = data.strip_prefix(b"\xff\xd8")?;
    loop {
        let (marker, length) = (*rest.get(1)?, usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?])));
        if rest[0] != 0xff {
            return None;
        }
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let side = |at: usize| Some(u32::from(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?)));
            return Some((side(7)?, side(5)?));
        }
        rest = rest.get(2 + length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_picture_is_read_from_its_header() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x06";
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\x01\xe0\x02\x80\x03";
        let gif = b"GIF89a\x80\x02\xe0\x01";
        let webp = b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0";
        for (mime, data) in
            [("image/png", &png[..]), ("image/jpeg", &jpeg[..]), ("image/gif", &gif[..]), ("image/webp", &webp[..])]
        {
            assert_eq!(Form::new(mime, data).pixels(), Some((640, 480)), "{mime}");
            for end in 0..data.len() {
                let _ = Form::new(mime, &data[..end]).pixels();
            }
        }
    }

    #[test]
    fn plain_text_stands_for_html_and_is_not_repeated_beside_the_value() {
        let html = Form::new("text/html", &b"<p>one</p><p>two</p>"[..]);
        let alone = Display { after: 0, id: None, forms: vec![html.clone()] };
        assert_eq!(alone.text_beside(Some("Thing()")).as_deref(), Some("one\ntwo"));
        let plain = Form::new("text/plain", &b"Thing()\n"[..]);
        let both = Display { after: 0, id: None, forms: vec![html, plain] };
        assert_eq!(both.text_beside(None).as_deref(), Some("Thing()\n"));
        assert_eq!(both.text_beside(Some("Thing()")), None);
    }

    #[test]
    fn labels_describe_displays() {
        let label =
            |mime: &str, data: &[u8]| Display { after: 0, id: None, forms: vec![Form::new(mime, data)] }.label(2);
        assert_eq!(label("text/html", &[b'x'; 1500]), "display 2: HTML, 1.5 kB");
        assert_eq!(label("image/svg+xml", b"<svg/>"), "display 2: SVG, 6 B");
        assert_eq!(label("image/png", b"no PNG"), "figure 2: PNG, 6 B");
        assert_eq!(label("application/x-own", b"{}"), "display 2: application/x-own, 2 B");
    }
}
