//! The metadata of a script, as PEP 723 defines them: which Python and which packages it needs.

use serde::Deserialize;

/// What a script asks for in its block `# /// script`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScriptMetadata {
    /// A range of versions, such as `>=3.12`.
    pub requires_python: Option<String>,
    /// Packages as pip takes them.
    #[serde(default)]
    pub dependencies: Vec<String>,
}

/// What is wrong with a block. The text follows the name of the script.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("line {0}: the block `# /// script` has no end, a line `# ///`; all its lines begin with `# `")]
    Open(usize),
    #[error("line {second}: a second block `# /// script`; the first is in line {first}, and PEP 723 allows one")]
    Second { first: usize, second: usize },
    #[error("line {line}: {what}")]
    Invalid { line: usize, what: String },
}

/// Reads the block of a script; `None` if there is none.
pub fn read(script: &str) -> Result<Option<ScriptMetadata>, MetadataError> {
    let lines: Vec<&str> = script.trim_start_matches('\u{feff}').lines().collect();
    let mut found: Option<(usize, ScriptMetadata)> = None;
    let mut at = 0;
    while at < lines.len() {
        let begin = at;
        at += 1;
        if !opens_a_block(lines[begin]) {
            continue;
        }
        let length = lines[at..].iter().take_while(|line| **line == "#" || line.starts_with("# ")).count();
        let comment = &lines[at..at + length];
        let is_script = lines[begin] == "# /// script";
        // The last line that can end the block does.
        let Some(end) = comment.iter().rposition(|line| *line == "# ///") else {
            if is_script {
                return Err(MetadataError::Open(begin + 1));
            }
            continue;
        };
        at += end + 1;
        if !is_script {
            continue;
        }
        if let Some((first, _)) = found {
            return Err(MetadataError::Second { first: first + 1, second: begin + 1 });
        }
        found = Some((begin, parse(&comment[..end], begin + 2)?));
    }
    Ok(found.map(|(_, metadata)| metadata))
}

fn opens_a_block(line: &str) -> bool {
    let kind = line.strip_prefix("# /// ").unwrap_or_default();
    !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Parses the comment lines of a block, of which the first is line `first` of the script.
fn parse(comment: &[&str], first: usize) -> Result<ScriptMetadata, MetadataError> {
    let text: String = comment.iter().flat_map(|line| [line.strip_prefix("# ").unwrap_or_default(), "\n"]).collect();
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        MetadataError::Invalid { line: first + before.matches('\n').count(), what: error.message().to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_a_script_is_read() {
        let script = "#!/usr/bin/env python\n# /// script\n# requires-python = \">=3.11\"\n# dependencies = [\n#   \"rich\",\n#\n\
                      #   \"pandas>=2\",\n# ]\n# [tool.uv]\n# index = []\n# ///\nimport rich\n";
        for script in [script.to_owned(), script.replace('\n', "\r\n"), format!("\u{feff}{script}")] {
            let found = read(&script).unwrap().unwrap();
            assert_eq!(found.dependencies, ["rich", "pandas>=2"]);
            assert_eq!(found.requires_python.as_deref(), Some(">=3.11"));
        }
        for none in ["import rich\n", "", "# // script\n# ///\n", "# /// other\n# a = 3\n# ///\n", "#/// script\n"] {
            assert_eq!(read(none), Ok(None), "{none:?}");
        }
        let empty = read("# /// script\n# ///\n").unwrap().unwrap();
        assert!(empty.dependencies.is_empty() && empty.requires_python.is_none());
    }

    #[test]
    fn the_last_line_that_can_end_a_block_does() {
        let script = "# /// script\n# dependencies = []\n# x = '''\n# ///\n# '''\n# ///\n# a comment\n";
        assert!(read(script).unwrap().is_some());
    }

    #[test]
    fn a_broken_block_is_told_with_its_line() {
        let said = |script: &str| read(script).unwrap_err().to_string();
        assert!(said("# /// script\n# dependencies = []\nimport x\n").starts_with("line 1: the block"));
        assert!(said("\n# /// script\n# dependencies = 3\n# ///\n").starts_with("line 3: invalid type"));
        assert!(said("# /// script\n# a = 1\n# = 2\n# ///\n").starts_with("line 3: "));
        let twice = "# /// script\n# dependencies = []\n# ///\nimport x\n# /// script\n# dependencies = []\n# ///\n";
        assert_eq!(read(twice), Err(MetadataError::Second { first: 1, second: 5 }));
        // Another kind of block is nobody's business here, even a broken one.
        assert!(read("# /// other\n# = 2\nx\n# /// script\n# dependencies = ['a']\n# ///\n").unwrap().is_some());
    }
}
