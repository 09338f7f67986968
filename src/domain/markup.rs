//! The text of HTML documents, for readers who cannot see them rendered.

/// Elements whose content is not for readers.
const SKIPPED_ELEMENTS: [&str; 4] = ["script", "style", "head", "svg"];
/// Elements that begin a new line.
const BLOCK_ELEMENTS: [&str; 18] = [
    "p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "section", "caption",
    "hr",
];

/// Returns the text of `html`, with a line for each block and table row, and space between cells.
#[must_use]
pub fn text_of(html: &str) -> String {
    let mut lines = vec![String::new()];
    let mut rest = html;
    while !rest.is_empty() {
        let start = rest.find('<').unwrap_or(rest.len());
        add(&mut lines, &unescaped(&rest[..start]));
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(after) = rest.strip_prefix('<') else { break };
        if !after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
            add(&mut lines, "<");
            rest = after;
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        let tag = rest[1..end].trim_start_matches('/').to_ascii_lowercase();
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let closes = rest.starts_with("</");
        rest = &rest[end + 1..];
        if !closes && !tag.ends_with('/') && SKIPPED_ELEMENTS.contains(&name) {
            let close = format!("</{name}");
            let end = rest.as_bytes().windows(close.len()).position(|part| part.eq_ignore_ascii_case(close.as_bytes()));
            rest = end.map_or("", |end| &rest[end..]);
        } else if BLOCK_ELEMENTS.contains(&name) {
            lines.push(String::new());
        } else if matches!(name, "td" | "th") && closes {
            add(&mut lines, "  ");
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// Appends text to the last line. White space collapses to one blank, except between cells.
fn add(lines: &mut Vec<String>, text: &str) {
    if lines.is_empty() {
        lines.push(String::new());
    }
    let Some(line) = lines.last_mut() else { return };
    if text.trim().is_empty() {
        if !line.ends_with(' ') && !text.is_empty() {
            line.push(' ');
        }
        if text == "  " {
            line.push(' ');
        }
        return;
    }
    if text.starts_with(char::is_whitespace) && !line.ends_with(' ') {
        line.push(' ');
    }
    line.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if text.ends_with(char::is_whitespace) {
        line.push(' ');
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let found = end.and_then(|end| Some((entity(&rest[1..end])?, end)));
        if let Some((c, end)) = found {
            out.push(c);
            rest = &rest[end + 1..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hexadecimal = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
        return char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "times" => '×',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_remains_and_markup_goes() {
        for (html, text) in [
            ("<h1>Title</h1><p>one &amp;\n two<br/>three</p>", "Title\none & two\nthree"),
            ("<b>bold</b> and <i>not</i>", "bold and not"),
            ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>&lt;2&gt;</td></tr></table>", "a  b\n1  <2>"),
            ("<STYLE>p {}</style>x<script>if (a < b) {}</SCRIPT>y<!-- <p>no -->z", "xyz"),
            ("&#65;&#x42;&nope; &", "AB&nope; &"),
            ("a < b and <unfinished", "a < b and"),
            ("<script>never ends", ""),
            ("", ""),
        ] {
            assert_eq!(text_of(html), text, "{html}");
        }
        for end in 0.."<p a='é'>&amp;é<script>".len() {
            let _ = text_of(
                &"<p a='é'>&amp;é<script>"
                    [..crate::domain::char_boundary::floor_char_boundary("<p a='é'>&amp;é<script>", end)],
            );
        }
    }
}
