//! Bindings that are no assignments to look at: patterns of `case`, `:=` within a formatted string, code behind
//! `%time`.

use super::{FootprintWalk, Lexeme, LexemeKind, lines, scan};

impl FootprintWalk<'_> {
    /// Whether the statement is a `case` of `match`, and not a name.
    pub(super) fn is_case(&self, all: &[Lexeme]) -> bool {
        let is_word = all.first().is_some_and(|first| self.text(first) == "case");
        let names_it = all.get(1).is_none_or(|next| matches!(self.text(next), "=" | ":" | "." | "," | ")" | ";"));
        is_word && !names_it && all.iter().any(|lexeme| lexeme.kind == LexemeKind::Operator(':'))
    }

    /// A pattern with its guard: names that are no part of another one, no class and no keyword are bound.
    pub(super) fn case(&mut self, rest: &[Lexeme]) {
        let guard = rest.iter().position(|lexeme| self.text(lexeme) == "if").unwrap_or(rest.len());
        for (index, lexeme) in rest[..guard].iter().enumerate() {
            let is_part = self.is(index.checked_sub(1).and_then(|before| rest.get(before)), ".");
            let is_head = rest.get(index + 1).is_some_and(|next| matches!(self.text(next), "." | "(" | "="));
            if lexeme.kind == LexemeKind::Name
                && !is_part
                && !is_head
                && !matches!(self.text(lexeme), "_" | "None" | "True" | "False")
            {
                self.bind(Some(lexeme));
            }
        }
        self.reads(&rest[guard..]);
    }

    /// `:=` in the replacement fields of a string, where brackets are around it.
    pub(super) fn string(&mut self, string: &Lexeme) {
        let text = self.text(string);
        let is_formatted = text.split(['"', '\'']).next().is_some_and(|prefix| prefix.contains(['f', 'F', 't', 'T']));
        for (sign, _) in text.match_indices(":=").filter(|_| is_formatted) {
            let before = text[..sign].trim_end();
            let start = before.rfind(|c: char| c != '_' && !c.is_alphanumeric());
            if let Some(start) = start.filter(|start| before[*start..].starts_with('(')) {
                let range = string.range.start + start + 1..string.range.start + before.len();
                self.bind(Some(&Lexeme { range, kind: LexemeKind::Name }));
            }
        }
    }

    /// Names that a magic deletes or binds: `%reset` all, `%%capture` the one that it is given.
    pub(super) fn magic(&mut self, magic: &Lexeme) {
        let mut words = self.text(magic).lines().next().unwrap_or_default().split_whitespace();
        match words.next() {
            Some("%reset" | "reset") => {
                let all = self.only.into_iter().flatten();
                self.found.deletes.extend(all.map(ToString::to_string));
            }
            Some("%%capture") => {
                if let Some(name) = words.find(|word| !word.starts_with('-')) {
                    let start = magic.range.start + self.text(magic).find(name).unwrap_or_default();
                    self.bind(Some(&Lexeme { range: start..start + name.len(), kind: LexemeKind::Name }));
                }
            }
            _ => self.timed(magic),
        }
    }

    /// Code that a magic runs as it stands.
    fn timed(&mut self, magic: &Lexeme) {
        let text = self.text(magic);
        let Some(code) = text.strip_prefix("%time").filter(|code| code.starts_with([' ', '\t'])) else { return };
        let offset = magic.range.end - code.len();
        let mut lexemes = scan(code);
        for lexeme in &mut lexemes {
            lexeme.range = lexeme.range.start + offset..lexeme.range.end + offset;
        }
        for line in lines(&lexemes) {
            self.line(line);
        }
    }
}
