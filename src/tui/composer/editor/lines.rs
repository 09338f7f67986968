//! A text as its lines: reading and replacing a range.

use std::borrow::Cow;
use std::ops::Range;

use super::position::Pos;

pub fn split(text: &str) -> Vec<String> {
    text.split('\n').map(str::to_owned).collect()
}

pub fn slice(lines: &[String], range: &Range<Pos>) -> String {
    let (from, to) = (range.start, range.end);
    if from.row == to.row {
        return lines[from.row][from.byte..to.byte].to_owned();
    }
    let mut text = lines[from.row][from.byte..].to_owned();
    for line in &lines[from.row + 1..to.row] {
        text.push('\n');
        text.push_str(line);
    }
    text.push('\n');
    text.push_str(&lines[to.row][..to.byte]);
    text
}

pub fn replace(lines: &mut Vec<String>, range: Range<Pos>, text: &str) {
    let Range { start, end } = range;
    if start.row == end.row && !text.contains('\n') {
        lines[start.row].replace_range(start.byte..end.byte, text);
    } else {
        let (first, last) = (&lines[start.row][..start.byte], &lines[end.row][end.byte..]);
        let whole = [first, text, last].concat();
        lines.splice(start.row..=end.row, whole.split('\n').map(str::to_owned));
    }
}

/// Removes carriage returns at the ends of lines.
pub fn without_returns(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    Cow::Owned(lines.join("\n"))
}
