//! Tracebacks for people: the line of their own code that failed, and the whole traceback in colours.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::lines;
use crate::tui::{text, theme};

/// A frame of a printed traceback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub file: &'a str,
    pub line: &'a str,
    /// The function, or `<module>` outside of functions.
    pub function: &'a str,
    /// The line of code; empty if Python did not find it.
    pub source: &'a str,
}

/// The innermost frame in a snippet or in a file of the user, not in Python or a package.
pub fn own_frame(traceback: &str) -> Option<Frame<'_>> {
    // In a chain, the last exception was not caught. In a group, the text after it belongs to its parts.
    let start = traceback.rfind("Traceback (most recent call last)").unwrap_or(0);
    // Each line with its indentation.
    let lines: Vec<(usize, &str)> = traceback[start..]
        .lines()
        .take_while(|line| !line.trim_start().starts_with("+-+--"))
        .map(|line| (line, line.trim_start_matches([' ', '|', '+'])))
        .map(|(line, inner)| (line.len() - inner.len(), inner))
        .collect();
    let frames = lines.iter().enumerate().filter_map(|(place, (indent, line))| {
        let (file, rest) = line.strip_prefix("File \"")?.split_once("\", line ")?;
        let (line, function) = rest.split_once(", in ")?;
        let source = lines.get(place + 1).filter(|(deeper, _)| deeper > indent).map_or("", |(_, source)| source);
        Some(Frame { file, line, function, source })
    });
    frames.rev().find(|frame| !is_library(frame.file))
}

fn is_library(file: &str) -> bool {
    let of_python = ["/site-packages/", "/dist-packages/", "/lib/python3", "/lib64/python3"];
    of_python.iter().any(|part| file.contains(part)) || (file.starts_with('<') && !file.starts_with("<snippet "))
}

/// The failing line on one row: `at <snippet 3> line 2: x/0`.
pub fn place(frame: Frame<'_>, width: u16) -> Line<'static> {
    let file = frame.file.rsplit('/').next().unwrap_or(frame.file);
    let function = if frame.function.starts_with('<') { String::new() } else { format!(" in {}", frame.function) };
    let at = format!("at {} line {}{function}", text::name(file), frame.line);
    let at = text::cut(&at, width.into()).into_owned();
    let room = usize::from(width).saturating_sub(text::width(&at) + 2);
    let source = text::cut(frame.source, room).into_owned();
    let mut spans = vec![Span::styled(at, theme::DIM)];
    if !source.is_empty() {
        spans.push(Span::styled(": ", theme::DIM));
        let code = lines::highlight(&source).into_iter().flatten();
        spans.extend(code.map(|(text, style)| Span::styled(text, style)));
    }
    Line::from(spans)
}

/// The lines of a traceback as styled pieces.
pub fn coloured(traceback: &str) -> Vec<Vec<(String, Style)>> {
    let mut after_file = false;
    let line = |line: &str| {
        let inner = line.trim_start_matches([' ', '|']);
        let is_source =
            std::mem::take(&mut after_file) && line.starts_with([' ', '|']) && !inner.starts_with("File \"");
        if let Some((file, rest)) = inner.strip_prefix("File ").and_then(|rest| rest.split_once(", line ")) {
            after_file = true;
            let (number, function) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            let style = if is_library(file.trim_matches('"')) { theme::DIM } else { theme::BOLD };
            let indent = &line[..line.len() - inner.len()];
            let start = format!("{indent}File ");
            return vec![
                (start, theme::DIM),
                (file.to_owned(), style),
                (", line ".to_owned(), theme::DIM),
                (number.to_owned(), style),
                (function.to_owned(), theme::DIM),
            ];
        }
        if is_source {
            let mut pieces = vec![(line[..line.len() - inner.len()].to_owned(), theme::DIM)];
            pieces.extend(lines::highlight(inner).into_iter().flatten());
            return pieces;
        }
        let is_mark = !inner.is_empty() && inner.chars().all(|c| matches!(c, '^' | '~' | ' '));
        let is_ours = inner.ends_with("(most recent call last):") || inner.starts_with("[Previous line repeated");
        let joins = inner.ends_with(", another exception occurred:")
            || inner == "The above exception was the direct cause of the following exception:";
        let style = match () {
            () if is_mark => theme::ERROR,
            () if is_ours || joins => theme::DIM,
            () if !line.starts_with(' ') => theme::ERROR,
            () => theme::PLAIN,
        };
        vec![(line.to_owned(), style)]
    };
    traceback.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEEP: &str = "Traceback (most recent call last):
  File \"<snippet 4>\", line 1, in <module>
    f(0)
    ~^^^
  File \"<snippet 3>\", line 2, in f
    return pd.concat([x])
           ~~~~~~~~~^^^^^
  File \"/w/.venv/lib/python3.13/site-packages/pandas/core/concat.py\", line 382, in concat
    op = _Concatenator(
TypeError: cannot concatenate";

    #[test]
    fn the_users_own_line_is_found() {
        let frame = own_frame(DEEP).unwrap();
        assert_eq!(frame, Frame { file: "<snippet 3>", line: "2", function: "f", source: "return pd.concat([x])" });
        assert_eq!(place(frame, 80).to_string(), "at <snippet 3> line 2 in f: return pd.concat([x])");
        assert_eq!(place(frame, 40).to_string(), "at <snippet 3> line 2 in f: return pd.c…");
        assert_eq!(place(frame, 12).to_string(), "at <snippet…");
        let chained = format!(
            "{DEEP}\n\nDuring handling of the above exception, another exception occurred:\n\n\
            Traceback (most recent call last):\n  File \"/w/tools.py\", line 7, in <module>\nKeyError: 1"
        );
        assert_eq!(own_frame(&chained).map(|frame| (frame.file, frame.source)), Some(("/w/tools.py", "")));
        let group = "  + Exception Group Traceback (most recent call last):\n  |   File \"<snippet 2>\", line 3, in <module>\n  \
            |     run()\n  | ExceptionGroup: two (1 sub-exception)\n  +-+---------------- 1 ----------------\n    \
            | File \"<snippet 2>\", line 9, in g\n";
        assert_eq!(own_frame(group).map(|frame| (frame.line, frame.source)), Some(("3", "run()")));
        assert_eq!(own_frame("SystemExit: 1"), None);
        assert_eq!(own_frame("  File \"<frozen importlib>\", line 1, in find"), None);
    }

    #[test]
    fn colours_change_no_text() {
        let joined: Vec<String> =
            coloured(DEEP).into_iter().map(|line| line.into_iter().map(|(t, _)| t).collect()).collect();
        assert_eq!(joined.join("\n"), DEEP);
        let lines = coloured(DEEP);
        assert_eq!(lines[1][1], ("\"<snippet 4>\"".to_owned(), theme::BOLD));
        assert!(
            lines[2][1..].iter().any(|(_, style)| *style == theme::code(crate::domain::lexer::TokenClass::Number)),
            "code is coloured"
        );
        assert_eq!(lines[3][0].1, theme::ERROR);
        assert_eq!(lines[7][1].1, theme::DIM, "what is not theirs stands back");
        assert_eq!(lines.last().unwrap()[0].1, theme::ERROR);
    }
}
