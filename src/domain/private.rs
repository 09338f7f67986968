//! `Private`: what the person does not want clients to be shown. It is advice to the tools: code of clients runs in the
//! same Python, and can read everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Author, SnippetId, Variable, VariableKind, VariableTable};

/// The word in the place of what is not shown.
pub const PRIVATE: &str = "private";

/// The name that Python gives to the last value.
pub const LAST_VALUE: &str = "_";

/// The only word of the comment in the first line of code of the person that is private from the start.
const MARK: &str = "private";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    /// Variables of which only the names are shown.
    #[serde(default)]
    pub names: BTreeSet<Arc<str>>,
    #[serde(default)]
    pub snippets: BTreeSet<SnippetId>,
}

impl Private {
    /// Whether a snippet is kept from `reader`. Its own author has seen it.
    #[must_use]
    pub fn hides(&self, snippet: SnippetId, author: &Author, reader: Option<&Author>) -> bool {
        let is_own = |reader: &Author| reader.is_you() || !author.is_you() && reader.name() == author.name();
        self.snippets.contains(&snippet) && !reader.is_some_and(is_own)
    }

    /// Whether the path of a value, such as `df["a"]`, has a private name in it that is no attribute or
    /// text. Names are
    /// compared as they are written.
    #[must_use]
    pub fn hides_path(&self, path: &str) -> bool {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let first = path.trim_start().split(|c| !is_name(c)).next().unwrap_or_default();
        if (first == "In" || first == "Out" || is_name_of_history(first)) && *self != Self::default() {
            return true;
        }
        self.names.iter().any(|name| {
            path.match_indices(&**name).any(|(place, _)| {
                let (before, behind) = (path[..place].trim_end(), &path[place + name.len()..]);
                let is_part = path[..place].ends_with(is_name) || behind.starts_with(is_name);
                !is_part && !before.ends_with(['.', '"', '\''])
            })
        })
    }

    /// The table with no more than the names of private variables; `None` if it has none of them.
    #[must_use]
    pub fn masked(&self, table: &VariableTable) -> Option<VariableTable> {
        if !table.rows.iter().any(|row| self.names.contains(row.name.as_str())) {
            return None;
        }
        let mask = |row: &Variable| {
            if !self.names.contains(row.name.as_str()) {
                return row.clone();
            }
            Variable {
                name: row.name.clone(),
                kind: VariableKind::Data,
                type_name: PRIVATE.to_owned(),
                shape: String::new(),
                size: None,
                preview: format!("<{PRIVATE}>"),
                text: None,
                set_by: row.set_by,
            }
        };
        Some(VariableTable { rows: table.rows.iter().map(mask).collect(), ..table.clone() })
    }
}

/// Whether a name stands for the code or the value of an earlier snippet, as in `IPython`: `__`, `_3`, `_i`, `_i3`.
#[must_use]
pub fn is_name_of_history(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = name.strip_prefix("_i").or_else(|| name.strip_prefix('_'));
    matches!(name, "__" | "___" | "_i" | "_ii" | "_iii" | "_ih" | "_oh") || number.is_some_and(is_number)
}

/// Whether code of the person says in its first line that it is private.
#[must_use]
pub fn says_private(code: &str) -> bool {
    code.trim_start().lines().next().is_some_and(is_mark)
}

/// Whether text is no more than that line, so that the code is still to come.
#[must_use]
pub fn is_only_mark(code: &str) -> bool {
    !code.contains('\n') && is_mark(code)
}

/// Whether a line is `# private`, in the forms in which people type a comment.
fn is_mark(line: &str) -> bool {
    let comment = line.trim().strip_prefix('#').map(|comment| comment.trim_start_matches('#').trim());
    comment.is_some_and(|comment| comment.trim_end_matches(['.', ':', '!']).eq_ignore_ascii_case(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClientId;

    #[test]
    fn a_private_snippet_is_kept_from_all_but_the_person_and_its_author() {
        let client = |name: &str| Author::Client { id: ClientId(1), name: name.into() };
        let private = Private { snippets: [SnippetId(3)].into(), names: ["key".into()].into() };
        let hides = |author: &Author, reader: &Author| private.hides(SnippetId(3), author, Some(reader));
        assert!(hides(&Author::You, &client("claude")) && hides(&client("cursor"), &client("claude")));
        assert!(!hides(&Author::You, &Author::You) && !hides(&client("claude"), &client("claude")));
        for path in ["key", " key[0]", "(key)", "f(x=key)"] {
            assert!(private.hides_path(path), "{path}");
        }
        assert!(!private.hides_path("df['key'].key") && !private.hides_path("monkey"));
        assert!(private.hides(SnippetId(3), &Author::You, None) && !private.hides(SnippetId(4), &Author::You, None));
        for (path, is_hidden) in [("key", true), (" key[0]", true), ("key.x", true), ("keys", false), ("a.key", false)]
        {
            assert_eq!(private.hides_path(path), is_hidden, "{path}");
        }
        for mark in ["# private", "\n# private", "#private", "  # Private", "#PRIVATE ", "## private:", "#\tprivate!"] {
            assert!(says_private(&format!("{mark}\nkey = 1")) && is_only_mark(mark.trim_start_matches('\n')), "{mark}");
        }
        for no_mark in ["#private 1", "# privately", "private", "# not private", "x = 1  # private", "'# private'"] {
            assert!(!says_private(no_mark) && !is_only_mark(no_mark), "{no_mark}");
        }
        assert!(!is_only_mark("# private\nkey = 1") && !says_private("key = 1\n# private"));
    }

    #[test]
    fn a_private_variable_has_only_its_name() {
        let row = |name: &str| Variable {
            name: name.to_owned(),
            kind: VariableKind::Data,
            type_name: "str".to_owned(),
            shape: "9".to_owned(),
            size: Some(60),
            preview: "'hunter2'".to_owned(),
            text: Some("hunter2".to_owned()),
            set_by: None,
        };
        let table = VariableTable { rows: [row("key"), row("x")].into(), total: 2, ..VariableTable::default() };
        let masked = Private { names: ["key".into()].into(), ..Private::default() }.masked(&table).unwrap();
        assert!(!format!("{:?}", masked.rows[0]).contains("hunter2") && masked.rows[1] == table.rows[1]);
        assert_eq!(Private::default().masked(&table), None);
    }
}
