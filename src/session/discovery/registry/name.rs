//! Names of sessions.

use std::path::Path;

use crate::domain::terminal_text::visible;

/// Longest name of a session.
pub const MAX_NAME_LENGTH: usize = 64;

/// A text that cannot be the name of a session. Displays as one sentence with the rule.
#[derive(Debug, thiserror::Error)]
#[error(
    "\"{}\" is not a valid session name: use 1 to 64 of the characters A-Z a-z 0-9 . _ - and do not start with . or -",
    shown(.0)
)]
pub struct BadName(String);

/// Returns any text as one line of limited length.
fn shown(text: &str) -> String {
    let line = visible(text).replace(['\n', '\t'], " ");
    if line.chars().count() > MAX_NAME_LENGTH {
        line.chars().take(MAX_NAME_LENGTH).collect::<String>() + "…"
    } else {
        line
    }
}

/// Returns the default name of a session in `cwd`.
pub fn default_name(cwd: &Path) -> String {
    let Some(base) = cwd.file_name() else { return "root".to_owned() };
    let base = base.to_string_lossy();
    let legal = base.chars().map(|c| if is_name_char(c) { c } else { '-' });
    let legal: String = legal.skip_while(|c| matches!(c, '.' | '-')).take(MAX_NAME_LENGTH).collect();
    if legal.is_empty() { "session".to_owned() } else { legal }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Allows only names that are safe in a file name, on a command line and on a screen.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let fits =
        (1..=MAX_NAME_LENGTH).contains(&name.len()) && name.chars().all(is_name_char) && !name.starts_with(['.', '-']);
    if fits { Ok(()) } else { Err(BadName(name.to_owned())) }
}

/// Returns `base`, cut to make room, with the suffix and the number.
pub fn numbered(base: &str, suffix: &str, number: usize) -> String {
    let end = if number == 1 { suffix.to_owned() } else { format!("{suffix}-{number}") };
    format!("{}{end}", &base[..base.len().min(MAX_NAME_LENGTH - end.len())])
}
