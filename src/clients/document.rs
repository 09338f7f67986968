//! A configuration as a document that is edited in place.

mod json;
mod toml;

use self::json::JsonDocument;
use self::toml::TomlDocument;
use super::known_client::ConfigFormat;
use super::server::{ConfiguredServer, EditError, ServerEntry};

#[derive(Debug)]
pub enum ConfigDocument {
    Json(JsonDocument),
    Toml(Box<TomlDocument>),
}

impl ConfigDocument {
    pub fn parse(text: &str, format: ConfigFormat) -> Result<Self, EditError> {
        Ok(match format {
            ConfigFormat::Json => Self::Json(JsonDocument::parse(text)?),
            ConfigFormat::Toml => Self::Toml(Box::new(TomlDocument::parse(text)?)),
        })
    }

    pub fn servers(&self, key: &str) -> Result<Vec<ConfiguredServer>, EditError> {
        match self {
            Self::Json(json) => json.servers(key),
            Self::Toml(toml) => toml.servers(key),
        }
    }

    /// Fails if there is something of this name that is no server.
    pub fn check_server(&self, key: &str, name: &str) -> Result<(), EditError> {
        match self {
            Self::Json(json) => json.check_server(key, name),
            Self::Toml(toml) => toml.check_server(key, name),
        }
    }

    /// Adds a server, or changes the command of one and keeps its other settings.
    pub fn put_server(&mut self, key: &str, name: &str, entry: &ServerEntry, transport: bool) -> Result<(), EditError> {
        match self {
            Self::Json(json) => json.put_server(key, name, entry, transport),
            Self::Toml(toml) => toml.put_server(key, name, entry),
        }
    }

    /// Removes a key with its value. A missing key is no error.
    pub fn remove(&mut self, path: &[&str]) -> Result<(), EditError> {
        match self {
            Self::Json(json) => json.remove(path),
            Self::Toml(toml) => toml.remove(path),
        }
    }

    pub fn set_string(&mut self, path: &[&str], value: &str) -> Result<(), EditError> {
        match self {
            Self::Json(json) => json.set_string(path, value),
            Self::Toml(toml) => toml.set_string(path, value),
        }
    }

    /// Returns the strings of a list. `None` if there is no such list.
    pub fn list(&self, path: &[&str]) -> Result<Option<Vec<String>>, EditError> {
        match self {
            Self::Json(json) => json.list(path),
            Self::Toml(_) => Ok(None),
        }
    }

    /// Adds strings to a list, which is created if needed, or removes them from it.
    pub fn change_list(&mut self, path: &[&str], items: &[String], add: bool) -> Result<(), EditError> {
        match self {
            Self::Json(json) => json.change_list(path, items, add),
            Self::Toml(_) => Ok(()),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Json(json) => json.text(),
            Self::Toml(toml) => toml.text(),
        }
    }
}
