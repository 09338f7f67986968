//! The syntax of magic: lines that `IPython` understands and Python does not.

/// Returns whether magic begins here. Valid Python never looks like that at the start of a statement or a value.
pub(super) fn begins_magic(rest: &str) -> bool {
    let line = rest.split('\n').next().unwrap_or_default().trim_end();
    let name_after = |prefix| line.strip_prefix(prefix).is_some_and(|name: &str| name.starts_with(is_name_start));
    if let Some(command) = line.strip_prefix('!') {
        return !command.trim().is_empty() && !command.starts_with('=');
    }
    // A shell habit, written without a sign.
    let habit = line.starts_with("pip install ") || line.starts_with("pip uninstall ");
    habit || name_after("%") || name_after("%%") || line == "?" || help_target(line).is_some()
}

/// Returns the object of `x?`, `x??`, `?x` and `%x?`, and whether more detail is requested.
pub(super) fn help_target(line: &str) -> Option<(&str, bool)> {
    let object = line.trim_matches('?').trim();
    let marks = |text: &str| text.len() - text.trim_matches('?').len();
    let detail = match (marks(line), line.starts_with('?')) {
        (1, _) => false,
        (2, leading) => leading == line.starts_with("??"),
        _ => return None,
    };
    let name = object.trim_start_matches('%');
    // Names, attributes, and items by a number or a short string.
    let plain = |c: char| c == '_' || c.is_alphanumeric() || ".*[]'\"-".contains(c);
    (name.starts_with(|c| is_name_start(c) || c == '*') && name.chars().all(plain)).then_some((object, detail))
}

fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
