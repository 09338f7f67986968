//! A streaming writer of pretty JSON. Large objects and arrays are opened and closed; small ones are values.

use std::io::{self, Write};

use serde_json::Value;

use crate::domain::terminal_text::visible;

pub struct JsonWriter<'a> {
    out: &'a mut dyn Write,
    /// Whether each open object or array has an element.
    open: Vec<bool>,
}

impl<'a> JsonWriter<'a> {
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, open: Vec::new() }
    }

    fn line(&mut self) -> io::Result<()> {
        write!(self.out, "\n{:1$}", "", 2 * self.open.len())
    }

    /// Begins the next element.
    fn next(&mut self, key: Option<&str>) -> io::Result<()> {
        if let Some(filled) = self.open.last_mut() {
            if std::mem::replace(filled, true) {
                self.out.write_all(b",")?;
            }
            self.line()?;
        }
        match key {
            Some(key) => write!(self.out, "\"{key}\": "),
            None => Ok(()),
        }
    }

    /// Opens an object (`{`) or an array (`[`).
    pub fn begin(&mut self, key: Option<&str>, bracket: char) -> io::Result<()> {
        self.next(key)?;
        self.open.push(false);
        write!(self.out, "{bracket}")
    }

    pub fn end(&mut self, bracket: char) -> io::Result<()> {
        if self.open.pop().unwrap_or_default() {
            self.line()?;
        }
        write!(self.out, "{bracket}")?;
        if self.open.is_empty() { self.out.write_all(b"\n") } else { Ok(()) }
    }

    /// Writes an element of an array.
    pub fn element(&mut self, value: &Value) -> io::Result<()> {
        self.put(None, value)
    }

    pub fn field(&mut self, key: &str, value: impl Into<Value>) -> io::Result<()> {
        self.put(Some(key), &value.into())
    }

    /// Writes the fields of an object.
    pub fn fields(&mut self, object: &Value) -> io::Result<()> {
        object.as_object().into_iter().flatten().try_for_each(|(key, value)| self.put(Some(key), value))
    }

    fn put(&mut self, key: Option<&str>, value: &Value) -> io::Result<()> {
        self.next(key)?;
        let text = escaped(&serde_json::to_string_pretty(value).map_err(io::Error::other)?);
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.line()?;
            }
            self.out.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

/// Escapes the characters in JSON that a terminal would not show. serde leaves some of them.
#[must_use]
pub fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while !rest.is_empty() {
        let plain = rest.bytes().position(|byte| !matches!(byte, b' '..=b'~' | b'\n')).unwrap_or(rest.len());
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let Some(c) = rest.chars().next() else { break };
        if visible(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
        rest = &rest[c.len_utf8()..];
    }
    text
}
