//! The numbers of lines of code, in cards and in the input.

/// Shorter code has no numbers: its lines are found without them.
const MIN_LINES: usize = 5;
/// Cells between the number and the code.
const GAP: u16 = 2;

/// The cells that the numbers of so many lines take, with the gap; 0 without numbers.
pub fn width(lines: usize) -> u16 {
    if lines < MIN_LINES { 0 } else { lines.ilog10() as u16 + 1 + GAP }
}

/// A number, aligned on the right of its column.
pub fn label(line: usize, width: u16) -> String {
    format!("{line:>digits$}", digits = usize::from(width - GAP.min(width)))
}
