//! TOML.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use crate::clients::server::{ConfiguredServer, EditError, ServerEntry};

#[derive(Debug)]
pub struct TomlDocument {
    document: DocumentMut,
    /// The parser drops the mark.
    has_byte_order_mark: bool,
    /// Lines end as on Windows. New lines must do the same.
    has_carriage_returns: bool,
}

impl TomlDocument {
    pub fn parse(text: &str) -> Result<Self, EditError> {
        let plain = text.strip_prefix('\u{feff}');
        let document = plain.unwrap_or(text).parse::<DocumentMut>().map_err(|error| {
            // The first line has the place, the last one the message; between them is a picture of the line.
            let text = error.to_string();
            let place = text.lines().next().unwrap_or_default().trim_start_matches("TOML parse error ").to_owned();
            EditError::Syntax { format: "TOML", message: format!("{} {place}", error.message()) }
        })?;
        Ok(Self { document, has_byte_order_mark: plain.is_some(), has_carriage_returns: text.contains("\r\n") })
    }

    pub fn servers(&self, key: &str) -> Result<Vec<ConfiguredServer>, EditError> {
        let Some(item) = self.document.get(key) else { return Ok(Vec::new()) };
        let servers = item.as_table_like().ok_or_else(|| EditError::Shape(key.to_owned(), "a table"))?;
        let tables = servers.iter().filter_map(|(name, item)| Some((name, item.as_table_like()?)));
        Ok(tables.map(|(name, server)| configured(name, server)).collect())
    }

    pub fn check_server(&self, key: &str, name: &str) -> Result<(), EditError> {
        let servers = self.document.get(key).and_then(Item::as_table_like);
        match servers.and_then(|servers| servers.get(name)) {
            Some(server) if !server.is_table_like() => Err(EditError::Shape(format!("{key}.{name}"), "a table")),
            _ => Ok(()),
        }
    }

    pub fn put_server(&mut self, key: &str, name: &str, entry: &ServerEntry) -> Result<(), EditError> {
        let servers = descend(self.document.as_table_mut(), &[key])?;
        if servers.get(name).is_none() {
            servers.insert(name, Item::Table(Table::new()));
        }
        let server = servers.get_mut(name).and_then(Item::as_table_like_mut);
        let server = server.ok_or_else(|| EditError::Shape(format!("{key}.{name}"), "a table"))?;
        let now = configured(name, server);
        if now.command != entry.command || server.get("command").is_none() {
            set(server, "command", Value::from(entry.command.as_str()));
        }
        if now.args != entry.args || now.wrong_args.is_some() || server.get("args").is_none() {
            set(server, "args", Value::Array(entry.args.iter().collect::<Array>()));
        }
        if now.is_disabled {
            set(server, "enabled", Value::from(true));
        }
        Ok(())
    }

    pub fn remove(&mut self, path: &[&str]) -> Result<(), EditError> {
        let Some((name, parents)) = path.split_last() else { return Ok(()) };
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for parent in parents {
            match table.get_mut(parent) {
                None => return Ok(()),
                Some(item) => {
                    let found = item.as_table_like_mut();
                    table = found.ok_or_else(|| EditError::Shape((*parent).to_owned(), "a table"))?;
                }
            }
        }
        table.remove(name);
        Ok(())
    }

    pub fn set_string(&mut self, path: &[&str], value: &str) -> Result<(), EditError> {
        let Some((name, parents)) = path.split_last() else { return Ok(()) };
        let table = descend(self.document.as_table_mut(), parents)?;
        if table.get(name).and_then(Item::as_str) != Some(value) {
            set(table, name, Value::from(value));
        }
        Ok(())
    }

    pub fn text(&self) -> String {
        let mark = if self.has_byte_order_mark { "\u{feff}" } else { "" };
        let text = self.document.to_string();
        let text = if self.has_carriage_returns { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text };
        format!("{mark}{text}")
    }
}

/// Returns the table at `path`. Tables that are missing are created, without a header of their own.
fn descend<'a>(table: &'a mut dyn TableLike, path: &[&str]) -> Result<&'a mut dyn TableLike, EditError> {
    let mut table = table;
    for name in path {
        if table.get(name).is_none() {
            let mut parent = Table::new();
            parent.set_implicit(true);
            table.insert(name, Item::Table(parent));
        }
        let found = table.get_mut(name).and_then(Item::as_table_like_mut);
        table = found.ok_or_else(|| EditError::Shape((*name).to_owned(), "a table"))?;
    }
    Ok(table)
}

/// Changes a value, and keeps the space and the comment around it.
fn set(table: &mut dyn TableLike, name: &str, mut value: Value) {
    if let Some(old) = table.get_mut(name).and_then(Item::as_value_mut) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
    } else {
        table.insert(name, Item::Value(value));
    }
}

fn configured(name: &str, server: &dyn TableLike) -> ConfiguredServer {
    let command = server.get("command").and_then(Item::as_str).unwrap_or_default().to_owned();
    let written = server.get("args");
    let is_list_of_texts = |written: &Item| written.as_array().is_some_and(|args| args.iter().all(Value::is_str));
    // Without the comment behind it.
    let text = |written: &Item| match written.as_value() {
        Some(value) => value.clone().decorated("", "").to_string(),
        None => written.to_string(),
    };
    let wrong_args = written.filter(|written| !is_list_of_texts(written)).map(text);
    let args = written.and_then(Item::as_array).into_iter().flatten();
    let args = args.filter_map(Value::as_str).map(str::to_owned).collect();
    let url = server.get("url").and_then(Item::as_str).map(str::to_owned);
    let is_disabled = server.get("enabled").and_then(Item::as_bool) == Some(false);
    ConfiguredServer { name: name.to_owned(), command, args, wrong_args, url, is_disabled }
}
