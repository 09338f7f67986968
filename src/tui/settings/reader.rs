//! Reading sections of `config.toml`: entries with their places, and problems.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;

/// The text of the file, and the problems found so far.
pub struct Reader<'a> {
    text: &'a str,
    pub problems: Vec<Problem>,
}

/// A key of the file, its place and its value.
pub type ConfigEntry<'a> = (&'a str, Range<usize>, &'a Spanned<DeValue<'a>>);

impl<'a> Reader<'a> {
    pub const fn new(text: &'a str) -> Self {
        Self { text, problems: Vec::new() }
    }

    pub fn wrong(&mut self, at: &Range<usize>, what: String) {
        self.problems.push(Problem { place: Some(place(self.text, at.start)), what });
    }

    pub fn expected(&mut self, value: &Spanned<DeValue<'_>>, what: &str) {
        let found = value.get_ref().type_str();
        self.wrong(&value.span(), format!("expected {what}, found {}", an(found)));
    }

    pub fn switch(&mut self, value: &Spanned<DeValue<'_>>, setting: &mut bool) {
        match value.get_ref().as_bool() {
            Some(on) => *setting = on,
            None => self.expected(value, "true or false"),
        }
    }

    pub fn table<'v>(&mut self, value: &'v Spanned<DeValue<'v>>, what: &str) -> Vec<ConfigEntry<'v>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.expected(value, what);
        }
        table.map(entries).unwrap_or_default()
    }

    pub fn line_of(&self, at: &Range<usize>) -> usize {
        place(self.text, at.start).0
    }
}

/// The entries of a table in the order of the file.
pub fn entries<'a>(table: &'a DeTable<'a>) -> Vec<ConfigEntry<'a>> {
    let mut entries: Vec<ConfigEntry<'a>> =
        table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect();
    entries.sort_by_key(|(_, span, _)| span.start);
    entries
}

/// Line and column of a byte, from 1.
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

pub fn an(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {type_name}")
}
