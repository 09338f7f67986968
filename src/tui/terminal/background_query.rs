//! The query for the terminal's background colour (OSC 11), sent whenever the screen is entered. Nothing waits for the
//! answer: it comes among the keys, early, late over a slow line, or never.

use crate::tui::theme::Ground;

/// The query ends with BEL, because every terminal then ends its answer.
pub const QUERY: &[u8] = b"\x1b]11;?\x07";

const PREFIXES: [&str; 2] = ["11;rgb:", "11;rgba:"];

/// Returns whether to send the query. Some terminals print unknown sequences, or send the answer to the wrong program.
pub fn answers(term: &str) -> bool {
    !matches!(term, "" | "dumb" | "linux" | "screen" | "Eterm")
        && !term.starts_with("screen.")
        && !term.starts_with("eterm")
}

/// Parses the answer: `11;rgb:` and three parts of one to four hexadecimal digits. `None` for any other text.
pub fn ground(text: &str) -> Option<Ground> {
    let colour = PREFIXES.iter().find_map(|head| text.strip_prefix(head))?;
    let part = |text: &str| {
        let max_value = 16_u32.checked_pow(text.len() as u32)? - 1;
        Some(u32::from_str_radix(text, 16).ok()? as f32 / max_value as f32)
    };
    let parts: Vec<f32> =
        colour.split('/').map(|text| part(text).filter(|_| (1..=4).contains(&text.len()))).collect::<Option<_>>()?;
    match parts[..] {
        [red, green, blue] | [red, green, blue, _] => Some(Ground::of(red, green, blue)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_tells_the_ground() {
        for (answer, expected) in [
            ("11;rgb:ffff/ffff/ffff", Some(Ground::Light)),
            ("11;rgb:FDFD/F6F6/E3E3", Some(Ground::Light)),
            ("11;rgb:00/2b/36", Some(Ground::Dark)),
            ("11;rgba:0000/0000/0000/ffff", Some(Ground::Dark)),
            ("11;rgb:f/f/f", Some(Ground::Light)),
            ("10;rgb:f/f/f", None),
            ("11;rgb:fffff/0/0", None),
            ("11;rgb:ff", None),
            ("11;rgb:é/0/0", None),
            ("", None),
        ] {
            assert_eq!(ground(answer), expected, "{answer:?}");
        }
    }
}
