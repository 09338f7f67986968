//! Coloured output as it ends up on a terminal, for notebooks and HTML pages.

use std::fmt::Write;

use crate::domain::terminal_text::{Colour, StyledText, TextStyle, styled};
use crate::domain::{Segment, Stream};

/// Returns the text of each stream in the order written, with escape sequences for colours only. `style` is the style
/// at the beginning, and becomes the style at the end.
pub fn for_terminals(segments: &[Segment], style: &mut TextStyle) -> Vec<(Stream, String)> {
    let mut shown = TextStyle::default();
    let mut runs: Vec<(Stream, String)> = Vec::new();
    let mut add = |stream: Stream, text: &str, style: TextStyle| {
        let changed = if style == shown { String::new() } else { sequence(style) };
        shown = style;
        match runs.last_mut() {
            Some((last, run)) if *last == stream => *run += &(changed + text),
            _ => runs.push((stream, changed + text)),
        }
    };
    let first = segments.first().map_or(Stream::Stdout, |segment| segment.stream);
    let mut stream = first;
    for (row, line) in styled(&texts(segments), style).iter().enumerate() {
        if row > 0 {
            // The line ends in the style of the next line, which saves a sequence.
            add(stream, "\n", line.first().map_or(TextStyle::default(), |piece| piece.style));
        }
        for StyledText { text, style, stream: of, .. } in line {
            add(*of, text, *style);
            stream = *of;
        }
    }
    if shown != TextStyle::default()
        && let Some((_, run)) = runs.last_mut()
    {
        *run += "\u{1b}[0m";
    }
    runs
}

fn texts(segments: &[Segment]) -> Vec<(&str, Stream)> {
    segments.iter().map(|segment| (segment.text.as_str(), segment.stream)).collect()
}

fn sequence(style: TextStyle) -> String {
    if style == TextStyle::default() { "\u{1b}[0m".to_owned() } else { style.sequence() }
}

/// Returns the output as HTML. Text of stderr has a class.
pub fn for_pages(segments: &[Segment], style: &mut TextStyle) -> String {
    let mut out = String::new();
    for (row, line) in styled(&texts(segments), style).iter().enumerate() {
        if row > 0 {
            out.push('\n');
        }
        for StyledText { text, style, stream, .. } in line {
            let (class, css) = marks(*style, *stream);
            let text = crate::export::html_escape::escape(text);
            if class.is_empty() && css.is_empty() {
                out += &text;
                continue;
            }
            let attribute = |name, value: &str| match value {
                "" => String::new(),
                value => format!(" {name}=\"{}\"", value.trim_end()),
            };
            let _ = write!(out, "<span{}{}>{text}</span>", attribute("class", &class), attribute("style", &css));
        }
    }
    out
}

/// Returns classes for the styles that the page defines, and inline styles for the rest.
fn marks(style: TextStyle, stream: Stream) -> (String, String) {
    let (mut class, mut css) = (String::new(), String::new());
    if stream == Stream::Stderr {
        class += "err ";
    }
    let (mut fg, mut bg) = (style.fg, style.bg);
    if style.reverse {
        std::mem::swap(&mut fg, &mut bg);
        if fg.is_none() && bg.is_none() {
            class += "rev ";
        }
    }
    for (colour, letter, property) in [(fg, 'f', "color"), (bg, 'b', "background")] {
        match colour {
            Some(Colour::Indexed(index @ 0..16)) => {
                let _ = write!(class, "{letter}{index} ");
            }
            Some(Colour::Indexed(index)) => {
                let (r, g, b) = of_the_palette(index);
                let _ = write!(css, "{property}:#{r:02x}{g:02x}{b:02x};");
            }
            Some(Colour::Rgb(r, g, b)) => {
                let _ = write!(css, "{property}:#{r:02x}{g:02x}{b:02x};");
            }
            None => {}
        }
    }
    for (set, name) in [
        (style.bold, "bold "),
        (style.dim, "dim "),
        (style.italic, "ital "),
        (style.underline, "undl "),
        (style.crossed_out, "strk "),
    ] {
        class += if set { name } else { "" };
    }
    (class, css)
}

/// Returns a colour from 16 on. These are the same on all terminals.
fn of_the_palette(index: u8) -> (u8, u8, u8) {
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return (grey, grey, grey);
    }
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let cube = index - 16;
    (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(stream: Stream, text: &str) -> Segment {
        Segment { stream, text: text.to_owned() }
    }

    #[test]
    fn only_colour_sequences_remain_and_bars_are_collapsed() {
        let segments = [
            segment(Stream::Stdout, "a\r\u{1b}[31mb\u{1b}[0m\u{1b}]0;title\u{7}\n10 %\r99 %\n"),
            segment(Stream::Stderr, "\u{1b}[2Jw\n"),
            segment(Stream::Stdout, "c\n"),
        ];
        let runs = for_terminals(&segments, &mut TextStyle::default());
        let red = "\u{1b}[0;38;5;1mb\u{1b}[0m\n99 %\n";
        assert_eq!(
            runs,
            [(Stream::Stdout, red.to_owned()), (Stream::Stderr, "w\n".into()), (Stream::Stdout, "c\n".into())]
        );
    }

    #[test]
    fn pages_get_classes_and_escaped_text() {
        let mut style = TextStyle::default();
        let page = for_pages(&[segment(Stream::Stderr, "\u{1b}[1;32m<b>\u{1b}[38;5;208mx\u{1b}[0m&")], &mut style);
        assert_eq!(
            page,
            "<span class=\"err f2 bold\">&lt;b&gt;</span><span class=\"err bold\" style=\"color:#ff8700;\">x</span>\
             <span class=\"err\">&amp;</span>"
        );
        assert_eq!(of_the_palette(255), (238, 238, 238));
        assert_eq!(of_the_palette(231), (255, 255, 255));
    }
}
