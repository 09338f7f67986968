//! Indentation of Python code.

/// Columns of one level.
pub const INDENT: usize = 4;

/// Counts the spaces that a line begins with.
pub fn leading_spaces(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

/// Removes empty lines around the code, and the indentation that all its lines share: code is pasted from anywhere.
pub fn dedented(code: &str) -> String {
    let lines: Vec<&str> = code.trim_end().lines().skip_while(|line| line.trim().is_empty()).collect();
    let first = lines.first().copied().unwrap_or_default();
    let indent = &first[..first.len() - first.trim_start().len()];
    let is_shared = lines.iter().all(|line| line.trim().is_empty() || line.starts_with(indent));
    let indent = if is_shared { indent } else { "" };
    let lines: Vec<&str> = lines.iter().map(|line| line.strip_prefix(indent).unwrap_or_default()).collect();
    lines.join("\n")
}
