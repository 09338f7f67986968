//! What is wrong with an entry that a client has, and how it is mended.

use std::path::Path;

use clap::Parser;

use crate::cli::bridge::BridgeArguments;
use crate::cli::serve::ServeArguments;
use crate::clients::{ClientSetup, ConfiguredServer, KnownClient, Scope};

/// The commands that are MCP servers.
#[derive(Parser)]
#[command(no_binary_name = true)]
enum ServerCommand {
    Bridge(BridgeArguments),
    Serve(ServeArguments),
}

/// Whether fourhands would be an MCP server with these arguments.
pub fn starts_a_server(args: &[String]) -> bool {
    match ServerCommand::try_parse_from(args) {
        Ok(ServerCommand::Bridge(_)) => true,
        Ok(ServerCommand::Serve(serve)) => serve.stdio,
        Err(_) => false,
    }
}

/// Returns what is wrong with what an entry starts, as words that follow a semicolon.
pub fn fault(client: KnownClient, server: &ConfiguredServer) -> Option<String> {
    if let Some(wrong) = &server.wrong_args {
        return Some(format!("its arguments `{wrong}` are no list of texts, which is what the client reads"));
    }
    // Clients start a program without a shell; VS Code alone knows `~`, and several know `${...}`.
    let command = server.command.as_str();
    let is_of_shell = command.starts_with('~') && client != KnownClient::VsCode
        || command.starts_with('$') && !command.starts_with("${");
    if is_of_shell {
        return Some(format!("its program `{command}` is no path: only a shell replaces its beginning"));
    }
    if server.is_fourhands() {
        let is_wrong = server.other_way().is_none() && !starts_a_server(&server.args);
        return is_wrong.then(|| match server.args.as_slice() {
            [] => "its entry has no arguments, so no MCP server starts".to_owned(),
            args => format!("its arguments `{}` start no MCP server", args.join(" ")),
        });
    }
    // An entry without a command is found by its name.
    let way = server.other_way().unwrap_or_default();
    let does =
        if way.is_empty() { "starts nothing".to_owned() } else { format!("leads to {way}, which is another server") };
    Some(format!("its entry `{}` {does}", server.name))
}

/// What is wrong with a program that cannot be started.
pub fn fault_of_program(command: &str) -> &'static str {
    if Path::new(command).exists() { "is no program" } else { "does not exist" }
}

/// The command that mends or makes the entry of a client.
pub fn remedy(status: &ClientSetup, server: &ConfiguredServer) -> String {
    let project = if status.scope == Scope::Project { " --project" } else { "" };
    let setup = format!("fourhands setup {}{project}", status.client.name());
    if server.other_way().is_some() {
        format!("run `{setup} --remove`, then `{setup}`")
    } else {
        format!("run `{setup}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(line: &str) -> ConfiguredServer {
        let mut words = line.split(' ').map(str::to_owned);
        let (command, args) = (words.next().unwrap_or_default(), words.collect());
        ConfiguredServer {
            name: "fourhands".to_owned(),
            command,
            args,
            wrong_args: None,
            url: None,
            is_disabled: false,
        }
    }

    #[test]
    fn an_entry_that_starts_no_server_is_faulty() {
        for (line, expected) in [
            ("/bin/fourhands bridge --serve", None),
            ("/bin/fourhands serve --stdio --with numpy", None),
            ("ssh -T -o BatchMode=yes host /bin/fourhands bridge", None),
            ("uvx --from . fourhands bridge", None),
            ("docker run -i image fourhands bridge", None),
            ("/bin/fourhands brige", Some("arguments `brige` start no MCP server")),
            ("/bin/fourhands bridge --sesion x", Some("arguments `bridge --sesion x` start no")),
            ("/bin/fourhands serve", Some("`serve` start no")),
            ("/bin/fourhands", Some("has no arguments")),
            ("~/bin/fourhands bridge", Some("`~/bin/fourhands` is no path")),
            ("$HOME/bin/fourhands bridge", Some("is no path")),
            ("node server.js", Some("`fourhands` leads to node server.js, which is another server")),
        ] {
            let found = fault(KnownClient::Cursor, &server(line));
            assert_eq!(found.is_some(), expected.is_some(), "{line}: {found:?}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{line}");
        }
        assert_eq!(fault(KnownClient::VsCode, &server("~/bin/fourhands bridge")), None);
        assert_eq!(fault(KnownClient::Cursor, &server("${userHome}/bin/fourhands bridge")), None);
        let as_text = ConfiguredServer { wrong_args: Some("\"bridge\"".to_owned()), ..server("/bin/fourhands") };
        let told = fault(KnownClient::Cursor, &as_text).unwrap();
        assert!(told.contains("`\"bridge\"` are no list of texts"), "{told}");
    }
}
