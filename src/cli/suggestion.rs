//! Suggestions for words and options that the command line does not have.

use std::ffi::OsString;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// What people type who know other programs, and the command that does that here.
const WORDS: &[(&str, &str)] = &[
    ("resume continue reopen restore", "fourhands --resume [SESSION]"),
    ("replay rerun", "fourhands --resume [SESSION] --replay"),
    ("start open run new dashboard repl shell console python", "fourhands"),
    ("connect mcp client clients register install add configure", "fourhands setup [CLIENT]"),
    ("attach reattach", "fourhands --session NAME"),
    ("daemon server headless", "fourhands serve"),
    ("session list ls ps status history", "fourhands sessions"),
    ("prune clean gc", "fourhands sessions --prune"),
    ("delete remove rm erase", "fourhands sessions --erase SESSION"),
    ("kill quit exit end shutdown", "fourhands stop NAME"),
    ("save write notebook convert", "fourhands export -o FILE"),
    ("check diagnose diagnostics debug info health", "fourhands doctor"),
    ("settings", "fourhands config"),
    ("uninstall unregister disconnect", "fourhands setup CLIENT --remove"),
    ("script", "fourhands --script FILE"),
    ("packages package", "fourhands --with PACKAGES"),
];

/// Adds to the error what was probably meant.
pub fn add(mut error: Error, cli: &Command) -> Error {
    let kind = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        _ => return error,
    };
    let Some(ContextValue::String(given)) = error.get(kind) else { return error };
    if let Some(meant) = meant(given, cli, std::env::args_os().skip(1)) {
        // The other suggestions of clap are only similar words.
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(format!("try `{meant}`"))]));
    }
    error
}

fn meant(given: &str, cli: &Command, arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let subcommand = arguments.into_iter().find_map(|word| cli.find_subcommand(word));
    let (name, command) = match subcommand {
        Some(command) => (format!("fourhands {}", command.get_name()), command),
        None => ("fourhands".to_owned(), cli),
    };
    let is_word = |words: &str| words.split(' ').any(|word| word == given);
    let by_word = || WORDS.iter().find(|(words, _)| subcommand.is_none() && is_word(words));
    // An option without its dashes, such as `fourhands sessions prune`.
    // clap adds `--version` when it builds the command.
    let option = |given: &str| {
        given == "version" && subcommand.is_none()
            || command.get_arguments().any(|argument| argument.get_long() == Some(given))
    };
    if let Some((_, meant)) = by_word() {
        return Some((*meant).to_owned());
    }
    let is_script = std::path::Path::new(given).extension().is_some_and(|extension| extension == "py");
    if subcommand.is_none() && is_script {
        return Some(format!("fourhands --script {given}"));
    }
    if !given.starts_with('-') && option(given) {
        return Some(format!("{name} --{given}"));
    }
    if let Some(meant) = subcommand.is_none().then(|| similar(given, cli)).flatten() {
        return Some(meant);
    }
    // A command as an option, such as `fourhands --sessions`, or an option of one command alone.
    let word = given.strip_prefix("--")?;
    if let Some(command) = cli.find_subcommand(word) {
        return Some(format!("fourhands {}", command.get_name()));
    }
    if subcommand.is_some() {
        return None;
    }
    let has_option = |command: &&Command| command.get_arguments().any(|argument| argument.get_long() == Some(word));
    let mut with_option = cli.get_subcommands().filter(has_option);
    let only = with_option.next()?;
    with_option.next().is_none().then(|| format!("fourhands {} --{word}", only.get_name()))
}

/// Returns what a word with a slip of the keys was to be. clap's own suggestion knows the commands alone, and takes
/// `stauts` for `setup`.
fn similar(given: &str, cli: &Command) -> Option<String> {
    // A slip in each three letters.
    let most = (given.chars().count() / 3).min(2);
    let commands = cli.get_subcommands().map(Command::get_name).map(|name| (name, format!("fourhands {name}")));
    let words = WORDS.iter().flat_map(|(words, meant)| words.split(' ').map(|word| (word, (*meant).to_owned())));
    // Of several, the commands come first.
    let near = commands.chain(words).map(|(word, meant)| (strsim::damerau_levenshtein(given, word), meant));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, meant)| meant)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Cli;
    use super::*;

    #[test]
    fn a_wrong_word_is_answered_with_what_was_meant() {
        let meant = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let wrong = words.last().unwrap();
            meant(wrong, &Cli::command(), words.iter().map(OsString::from))
        };
        for (line, expected) in [
            ("resume", Some("fourhands --resume [SESSION]")),
            ("plain", Some("fourhands --plain")),
            ("version", Some("fourhands --version")),
            ("uninstall", Some("fourhands setup CLIENT --remove")),
            ("--erase", Some("fourhands sessions --erase SESSION")),
            ("--no-images", None),
            ("--until-unused", Some("fourhands serve --until-unused")),
            ("serve --erase", None),
            ("--no-such", None),
            ("a.py", Some("fourhands --script a.py")),
            ("ls", Some("fourhands sessions")),
            ("sessions prune", Some("fourhands sessions --prune")),
            ("--sessions", Some("fourhands sessions")),
            ("stauts", Some("fourhands sessions")),
            ("sesions", Some("fourhands sessions")),
            ("setpu", Some("fourhands setup")),
            ("exprot", Some("fourhands export")),
            ("histroy", Some("fourhands sessions")),
            ("kil", Some("fourhands stop NAME")),
            ("hlep", Some("fourhands help")),
            ("-x", None),
            ("export kill", None),
            ("export setpu", None),
            ("sales", None),
        ] {
            assert_eq!(meant(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn words_are_no_commands() {
        for word in WORDS.iter().flat_map(|(words, _)| words.split(' ')) {
            assert!(Cli::command().find_subcommand(word).is_none(), "{word}");
        }
    }
}
