//! JSON with comments and trailing commas.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode};

use crate::clients::server::{ConfiguredServer, EditError, ServerEntry};

/// What editors write and clients read. Anything beyond that is a mistake in the file.
const SYNTAX: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
};

/// The keys by which clients disable a server, each with the value that does it.
const DISABLING: [(&str, bool); 2] = [("disabled", true), ("enabled", false)];
/// The keys of clients for servers that they do not start.
const URL: [&str; 3] = ["url", "serverUrl", "httpUrl"];

#[derive(Debug)]
pub struct JsonDocument {
    root: CstRootNode,
    has_byte_order_mark: bool,
}

impl JsonDocument {
    pub fn parse(text: &str) -> Result<Self, EditError> {
        let plain = text.strip_prefix('\u{feff}');
        let root = CstRootNode::parse(plain.unwrap_or(text), &SYNTAX)
            .map_err(|error| EditError::Syntax { format: "JSON", message: error.to_string() })?;
        Ok(Self { root, has_byte_order_mark: plain.is_some() })
    }

    pub fn servers(&self, key: &str) -> Result<Vec<ConfiguredServer>, EditError> {
        let Some(servers) = self.object(&[key])? else { return Ok(Vec::new()) };
        let properties = servers.properties().into_iter();
        Ok(properties.filter_map(|server| Some(configured(&server.decoded_name()?, &server.object_value()?))).collect())
    }

    pub fn check_server(&self, key: &str, name: &str) -> Result<(), EditError> {
        let server = self.object(&[key])?.and_then(|servers| last(&servers, name));
        match server {
            Some(server) if server.object_value().is_none() => Err(shape(&[key, name], "an object")),
            _ => Ok(()),
        }
    }

    pub fn put_server(&self, key: &str, name: &str, entry: &ServerEntry, transport: bool) -> Result<(), EditError> {
        let servers = self.object_or_create(&[key])?;
        let args = CstInputValue::Array(entry.args.iter().map(|arg| arg.as_str().into()).collect());
        let Some(server) = last(&servers, name) else {
            let mut fields = vec![("command".to_owned(), entry.command.as_str().into()), ("args".to_owned(), args)];
            if transport {
                fields.insert(0, ("type".to_owned(), "stdio".into()));
            }
            servers.append(name, CstInputValue::Object(fields));
            return Ok(());
        };
        let server = server.object_value().ok_or_else(|| shape(&[key, name], "an object"))?;
        let now = configured(name, &server);
        if now.command != entry.command {
            set(&server, "command", entry.command.as_str().into());
        }
        if now.args != entry.args || now.wrong_args.is_some() {
            set(&server, "args", args);
        }
        if last(&server, "type").is_some_and(|kind| string(kind.value()).as_deref() != Some("stdio")) {
            set(&server, "type", "stdio".into());
        }
        for (name, disabling) in DISABLING {
            if boolean(&server, name) == Some(disabling) {
                set(&server, name, (!disabling).into());
            }
        }
        Ok(())
    }

    pub fn remove(&self, path: &[&str]) -> Result<(), EditError> {
        let Some((name, parents)) = path.split_last() else { return Ok(()) };
        let Some(parent) = self.object(parents)? else { return Ok(()) };
        // Of two properties with the same name, the one that remained would take effect.
        while let Some(property) = last(&parent, name) {
            property.remove();
        }
        Ok(())
    }

    pub fn set_string(&self, path: &[&str], value: &str) -> Result<(), EditError> {
        let Some((name, parents)) = path.split_last() else { return Ok(()) };
        let parent = self.object_or_create(parents)?;
        if last(&parent, name).is_none_or(|property| string(property.value()).as_deref() != Some(value)) {
            set(&parent, name, value.into());
        }
        Ok(())
    }

    pub fn list(&self, path: &[&str]) -> Result<Option<Vec<String>>, EditError> {
        Ok(self.array(path)?.map(|array| strings(&array)))
    }

    pub fn change_list(&self, path: &[&str], items: &[String], add: bool) -> Result<(), EditError> {
        let array = self.array(path)?;
        if !add {
            let elements = array.map(|array| array.elements()).unwrap_or_default();
            let is_one = |element: &CstNode| string(Some(element.clone())).is_some_and(|text| items.contains(&text));
            elements.into_iter().filter(is_one).for_each(CstNode::remove);
            return Ok(());
        }
        let Some((name, parents)) = path.split_last() else { return Ok(()) };
        if let Some(array) = array {
            let there = strings(&array);
            for item in items.iter().filter(|item| !there.contains(item)) {
                array.append(item.as_str().into());
            }
        } else {
            let items = items.iter().map(|item| item.as_str().into()).collect();
            let property = self.object_or_create(parents)?.append(name, CstInputValue::Array(items));
            if let Some(array) = property.array_value() {
                array.ensure_multiline();
            }
        }
        Ok(())
    }

    pub fn text(&self) -> String {
        let mark = if self.has_byte_order_mark { "\u{feff}" } else { "" };
        format!("{mark}{}", self.root)
    }

    fn top(&self) -> Result<CstObject, EditError> {
        self.root.object_value_or_create().ok_or_else(|| EditError::Shape("the top level".to_owned(), "an object"))
    }

    fn object(&self, path: &[&str]) -> Result<Option<CstObject>, EditError> {
        let mut object = self.top()?;
        for (depth, name) in path.iter().enumerate() {
            let Some(property) = last(&object, name) else { return Ok(None) };
            object = property.object_value().ok_or_else(|| shape(&path[..=depth], "an object"))?;
        }
        Ok(Some(object))
    }

    fn object_or_create(&self, path: &[&str]) -> Result<CstObject, EditError> {
        let mut object = self.top()?;
        for (depth, name) in path.iter().enumerate() {
            let property =
                last(&object, name).unwrap_or_else(|| object.append(name, CstInputValue::Object(Vec::new())));
            object = property.object_value().ok_or_else(|| shape(&path[..=depth], "an object"))?;
        }
        Ok(object)
    }

    fn array(&self, path: &[&str]) -> Result<Option<CstArray>, EditError> {
        let Some((name, parents)) = path.split_last() else { return Ok(None) };
        let Some(property) = self.object(parents)?.and_then(|parent| last(&parent, name)) else { return Ok(None) };
        property.array_value().map(Some).ok_or_else(|| shape(path, "a list"))
    }
}

/// The property that holds: of several with one name, parsers take the last.
fn last(object: &CstObject, name: &str) -> Option<CstObjectProp> {
    object.properties().into_iter().rfind(|property| property.decoded_name().as_deref() == Some(name))
}

fn set(object: &CstObject, name: &str, value: CstInputValue) {
    match last(object, name) {
        Some(property) => property.set_value(value),
        None => drop(object.append(name, value)),
    }
}

fn string(value: Option<CstNode>) -> Option<String> {
    value?.as_string_lit()?.decoded_value().ok()
}

fn boolean(object: &CstObject, name: &str) -> Option<bool> {
    Some(last(object, name)?.value()?.as_boolean_lit()?.value())
}

fn strings(array: &CstArray) -> Vec<String> {
    array.elements().into_iter().filter_map(|element| string(Some(element))).collect()
}

fn configured(name: &str, server: &CstObject) -> ConfiguredServer {
    let command = last(server, "command").and_then(|command| string(command.value())).unwrap_or_default();
    let written = last(server, "args").and_then(|args| args.value());
    let args = written.as_ref().and_then(CstNode::as_array).map(|args| strings(&args));
    let wrong_args = written.filter(|written| !is_list_of_texts(written)).map(|written| written.to_string());
    let url = URL.iter().find_map(|url| string(last(server, url)?.value()));
    let is_disabled = DISABLING.iter().any(|(name, disabling)| boolean(server, name) == Some(*disabling));
    ConfiguredServer { name: name.to_owned(), command, args: args.unwrap_or_default(), wrong_args, url, is_disabled }
}

fn is_list_of_texts(value: &CstNode) -> bool {
    let is_text = |element: &CstNode| element.as_string_lit().is_some();
    value.as_array().is_some_and(|array| array.elements().iter().all(is_text))
}

fn shape(path: &[&str], expected: &'static str) -> EditError {
    EditError::Shape(path.join("."), expected)
}
