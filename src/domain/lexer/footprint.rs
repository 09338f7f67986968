//! The footprint of code: the names that it reads, rebinds, changes or deletes, its imports, and calls that reach
//! beyond Python's variables. It is a look at the text, for advice only: code that means to hide something can.

mod hidden;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::keywords::{BUILTINS, KEYWORDS};
use super::notable_calls::{CallKind, call_kind, magic_kind};
use super::scan::{Lexeme, LexemeKind, scan};
use super::statements::{indent, lines, text};

/// Names of a kind, and calls, that are listed.
const MAX_NAMES: usize = 40;

/// What code seems to touch. Names are in the order of their first use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    pub reads: Vec<String>,
    pub rebinds: Vec<String>,
    /// Names of which a part is assigned or deleted: `df["x"] = 1`, `del model.cache`.
    pub changes: Vec<String>,
    pub deletes: Vec<String>,
    pub imports: Vec<String>,
    pub calls: Vec<(CallKind, String)>,
}

/// Turns a name as it is written into the name that Python reads: the domain has no tables of Unicode.
pub type Spelling = fn(&str) -> String;

/// Returns the footprint of `code`.
#[must_use]
pub fn footprint(code: &str, spelling: Spelling) -> Footprint {
    look(&with_names(code, spelling), None)
}

/// Returns which of `names` the code seems to rebind or delete, however much else it does.
#[must_use]
pub fn rebound_of(code: &str, names: &BTreeSet<Arc<str>>, spelling: Spelling) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    let mut found = look(&with_names(code, spelling), Some(names));
    found.deletes.retain(|name| !found.rebinds.contains(name));
    found.rebinds.append(&mut found.deletes);
    found.rebinds
}

/// The code with its names in this spelling. Texts within it stay: another spelling could end them elsewhere.
fn with_names(code: &str, spelling: Spelling) -> Cow<'_, str> {
    if code.is_ascii() {
        return Cow::Borrowed(code);
    }
    let (mut spelled, mut from) = (String::with_capacity(code.len()), 0);
    for lexeme in scan(code).into_iter().filter(|lexeme| lexeme.kind == LexemeKind::Name) {
        spelled.push_str(&code[from..lexeme.range.start]);
        spelled.push_str(&spelling(text(code, &lexeme)));
        from = lexeme.range.end;
    }
    spelled.push_str(&code[from..]);
    Cow::Owned(spelled)
}

fn look(code: &str, only: Option<&BTreeSet<Arc<str>>>) -> Footprint {
    let lexemes = scan(code);
    let (found, bound, aliases) = (Footprint::default(), BTreeSet::new(), BTreeMap::new());
    let mut walk = FootprintWalk { code, only, found, bound, aliases, function: None };
    for line in lines(&lexemes) {
        walk.line(line);
    }
    walk.found
}

/// The function or class whose body is being read: its names are its own.
struct FunctionBody {
    indent: usize,
    own: BTreeSet<String>,
}

struct FootprintWalk<'a> {
    code: &'a str,
    /// The names whose rebinding or deletion matters; `None` for all.
    only: Option<&'a BTreeSet<Arc<str>>>,
    found: Footprint,
    /// Names that the code has bound itself.
    bound: BTreeSet<String>,
    /// What imported names stand for.
    aliases: BTreeMap<String, String>,
    function: Option<FunctionBody>,
}

fn note(list: &mut Vec<String>, name: &str) {
    if list.len() < MAX_NAMES && !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}

impl<'a> FootprintWalk<'a> {
    fn text(&self, lexeme: &Lexeme) -> &'a str {
        text(self.code, lexeme)
    }

    fn is(&self, lexeme: Option<&Lexeme>, expected: &str) -> bool {
        lexeme.is_some_and(|lexeme| self.text(lexeme) == expected)
    }

    fn line(&mut self, line: &[Lexeme]) {
        let column = indent(self.code, line);
        if self.function.as_ref().is_some_and(|function| column <= function.indent) {
            self.function = None;
        }
        let kept: Vec<Lexeme> = line
            .iter()
            .filter(|lexeme| !matches!(lexeme.kind, LexemeKind::Comment | LexemeKind::Newline))
            .filter(|lexeme| lexeme.kind != LexemeKind::Operator('\\'))
            .cloned()
            .collect();
        let mut rest = kept.as_slice();
        while !rest.is_empty() {
            let end = self.end_of_statement(rest);
            self.statement(&rest[..end], column, self.is_case(rest));
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }

    /// The place of the `;`, or of the `:` that opens a block.
    fn end_of_statement(&self, rest: &[Lexeme]) -> usize {
        const BLOCKS: [&str; 13] = [
            "if", "elif", "else", "for", "while", "with", "try", "except", "finally", "def", "class", "async", "match",
        ];
        let opens_block = rest.first().is_some_and(|first| BLOCKS.contains(&self.text(first))) || self.is_case(rest);
        let (mut depth, mut lambdas) = (0_usize, 0_usize);
        for (index, lexeme) in rest.iter().enumerate() {
            match lexeme.kind {
                LexemeKind::Operator('(' | '[' | '{') => depth += 1,
                LexemeKind::Operator(')' | ']' | '}') => depth = depth.saturating_sub(1),
                LexemeKind::Operator(';') if depth == 0 => return index,
                LexemeKind::Name if depth == 0 && self.text(lexeme) == "lambda" => lambdas += 1,
                LexemeKind::Operator(':') if depth == 0 && lambdas > 0 => lambdas -= 1,
                LexemeKind::Operator(':') if depth == 0 && opens_block && !self.is_walrus(rest, index) => return index,
                _ => {}
            }
        }
        rest.len()
    }

    fn statement(&mut self, all: &[Lexeme], column: usize, is_case: bool) {
        let Some(first) = all.first() else { return };
        if let Some(magic) = all.iter().find(|lexeme| lexeme.kind == LexemeKind::Magic) {
            if let Some(kind) = magic_kind(self.text(magic)) {
                self.call(kind, self.text(magic).lines().next().unwrap_or_default());
            }
            self.magic(magic);
            return self.assignments(all);
        }
        for string in all.iter().filter(|lexeme| matches!(lexeme.kind, LexemeKind::String { .. })) {
            self.string(string);
        }
        match self.text(first) {
            "case" if is_case => self.case(&all[1..]),
            "import" => self.import(&all[1..]),
            "from" => self.import_from(&all[1..]),
            "del" => self.delete(&all[1..]),
            "global" | "nonlocal" => {
                for name in all[1..].iter().filter(|lexeme| lexeme.kind == LexemeKind::Name) {
                    let name = self.text(name);
                    if self.matters(name) {
                        note(&mut self.found.rebinds, name);
                    }
                }
            }
            "async" => self.statement(&all[1..], column, false),
            "def" => self.define(&all[1..], column),
            "class" => {
                self.bind(all.get(1));
                self.reads(all.get(2..).unwrap_or_default());
                self.function.get_or_insert(FunctionBody { indent: column, own: BTreeSet::new() });
            }
            "for" => {
                let middle = all.iter().position(|lexeme| self.text(lexeme) == "in").unwrap_or(all.len());
                self.targets(&all[1..middle]);
                self.reads(&all[middle..]);
            }
            _ => self.assignments(all),
        }
    }

    fn import(&mut self, rest: &[Lexeme]) {
        for part in rest.split(|lexeme| lexeme.kind == LexemeKind::Operator(',')) {
            let as_at = part.iter().position(|lexeme| self.text(lexeme) == "as");
            let module: String = part[..as_at.unwrap_or(part.len())].iter().map(|lexeme| self.text(lexeme)).collect();
            let top = module.split('.').next().unwrap_or_default().to_owned();
            note(&mut self.found.imports, &module);
            let name = as_at.and_then(|at| part.get(at + 1)).or(part.first());
            if let Some(name) = name {
                self.aliases.insert(self.text(name).to_owned(), if as_at.is_some() { module } else { top });
            }
            self.bind(name);
        }
    }

    fn import_from(&mut self, rest: &[Lexeme]) {
        let Some(at) = rest.iter().position(|lexeme| self.text(lexeme) == "import") else { return };
        let module: String = rest[..at].iter().map(|lexeme| self.text(lexeme)).collect();
        note(&mut self.found.imports, &module);
        let names: Vec<Lexeme> = rest[at + 1..]
            .iter()
            .filter(|l| matches!(l.kind, LexemeKind::Name | LexemeKind::Operator(',')))
            .cloned()
            .collect();
        for part in names.split(|lexeme| lexeme.kind == LexemeKind::Operator(',')) {
            if let (Some(first), Some(last)) = (part.first(), part.last()) {
                self.aliases.insert(self.text(last).to_owned(), format!("{module}.{}", self.text(first)));
                self.bind(Some(last));
            }
        }
    }

    fn delete(&mut self, rest: &[Lexeme]) {
        for (index, lexeme) in rest.iter().enumerate() {
            if lexeme.kind != LexemeKind::Name || self.is(index.checked_sub(1).and_then(|before| rest.get(before)), ".")
            {
                continue;
            }
            let name = self.text(lexeme);
            let has_part = rest.get(index + 1).is_some_and(|next| matches!(self.text(next), "." | "["));
            if self.is_own(name) {
                continue;
            }
            if has_part {
                note(&mut self.found.changes, name);
            } else if self.matters(name) {
                note(&mut self.found.deletes, name);
            }
        }
    }

    fn define(&mut self, rest: &[Lexeme], column: usize) {
        self.bind(rest.first());
        let rest = rest.get(1..).unwrap_or_default();
        let mut own = BTreeSet::new();
        for (index, lexeme) in rest.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| rest.get(before));
            if lexeme.kind == LexemeKind::Name && before.is_some_and(|l| matches!(self.text(l), "(" | "," | "*")) {
                own.insert(self.text(lexeme).to_owned());
            }
        }
        match &mut self.function {
            Some(outer) => outer.own.extend(own),
            None => self.function = Some(FunctionBody { indent: column, own }),
        }
        self.reads(rest);
    }

    /// A statement with any number of `=`; each part before one is a target.
    fn assignments(&mut self, all: &[Lexeme]) {
        let mut depth = 0_usize;
        let mut from = 0;
        let mut targets = Vec::new();
        let mut augmented = false;
        for (index, lexeme) in all.iter().enumerate() {
            match lexeme.kind {
                LexemeKind::Operator('(' | '[' | '{') => depth += 1,
                LexemeKind::Operator(')' | ']' | '}') => depth = depth.saturating_sub(1),
                LexemeKind::Operator('=') if depth == 0 => match self.equals_sign(all, index) {
                    EqualsSign::Compares => {}
                    EqualsSign::Assigns => {
                        targets.push(from..index);
                        from = index + 1;
                    }
                    EqualsSign::Augments(operator) => {
                        targets.push(from..index - operator);
                        augmented = true;
                        from = index + 1;
                    }
                },
                _ => {}
            }
        }
        self.reads(&all[from..]);
        for target in targets {
            if augmented {
                self.reads(&all[target.clone()]);
            }
            // Without an annotation.
            let target = &all[target];
            let end = target.iter().position(|l| l.kind == LexemeKind::Operator(':')).filter(|_| !has_bracket(target));
            self.targets(&target[..end.unwrap_or(target.len())]);
            self.reads(&target[end.unwrap_or(target.len())..]);
        }
    }

    fn equals_sign(&self, all: &[Lexeme], index: usize) -> EqualsSign {
        let sign = &all[index];
        let touching = |back: usize| {
            let before = all.get(index.checked_sub(back)?)?;
            let is_adjacent = all[index + 1 - back].range.start == before.range.end;
            is_adjacent.then(|| self.text(before))
        };
        let next = all.get(index + 1).filter(|next| next.range.start == sign.range.end);
        if self.is(next, "=") {
            return EqualsSign::Compares;
        }
        match touching(1) {
            Some(sign @ ("<" | ">" | "*" | "/")) if touching(2) == Some(sign) => EqualsSign::Augments(2),
            Some("=" | "!" | ":" | "<" | ">") => EqualsSign::Compares,
            Some("+" | "-" | "*" | "/" | "%" | "&" | "|" | "^" | "@") => EqualsSign::Augments(1),
            _ => EqualsSign::Assigns,
        }
    }

    fn is_walrus(&self, all: &[Lexeme], colon: usize) -> bool {
        let next = all.get(colon + 1).filter(|next| next.range.start == all[colon].range.end);
        self.is(next, "=")
    }

    /// The target of an assignment: names, tuples of names, or parts of objects.
    fn targets(&mut self, target: &[Lexeme]) {
        let mut depth = 0_usize;
        for (index, lexeme) in target.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| target.get(before));
            match lexeme.kind {
                // A bracket after a value is an index.
                LexemeKind::Operator('[' | '(') if before.is_some_and(|l| ends_value(self.text(l), l.kind)) => {
                    depth += 1;
                }
                LexemeKind::Operator('[' | '(') if depth > 0 => depth += 1,
                LexemeKind::Operator(']' | ')') => depth = depth.saturating_sub(1),
                LexemeKind::Operator(':') if self.is_walrus(target, index) => self.bind(before),
                LexemeKind::Name if !self.is(before, ".") => {
                    let next = target.get(index + 1);
                    let name = self.text(lexeme);
                    if depth > 0 {
                        self.read(target, index);
                    } else if next.is_some_and(|next| matches!(self.text(next), "." | "[" | "(")) {
                        if !self.is_own(name) {
                            note(&mut self.found.changes, name);
                        }
                    } else {
                        self.bind(Some(lexeme));
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether the name belongs to the code itself, and not to the session.
    fn is_own(&self, name: &str) -> bool {
        match &self.function {
            Some(function) => function.own.contains(name) || self.bound.contains(name),
            None => self.bound.contains(name),
        }
    }

    fn matters(&self, name: &str) -> bool {
        self.only.is_none_or(|only| only.contains(name))
    }

    fn bind(&mut self, name: Option<&Lexeme>) {
        let Some(name) = name.filter(|name| name.kind == LexemeKind::Name).map(|name| self.text(name)) else { return };
        if KEYWORDS.contains(&name) {
            return;
        }
        if let Some(function) = &mut self.function {
            function.own.insert(name.to_owned());
            return;
        }
        if self.matters(name) {
            note(&mut self.found.rebinds, name);
        }
        self.bound.insert(name.to_owned());
    }

    /// An expression.
    fn reads(&mut self, part: &[Lexeme]) {
        let mut own = Vec::new();
        for (index, lexeme) in part.iter().enumerate() {
            match self.text(lexeme) {
                // The names of a comprehension are its own.
                "for" => own.extend(self.names_until(&part[index + 1..], "in")),
                "lambda" => own.extend(self.names_until(&part[index + 1..], ":")),
                "as" => self.bind(part.get(index + 1)),
                ":" if self.is_walrus(part, index) => self.bind(index.checked_sub(1).and_then(|name| part.get(name))),
                _ => {}
            }
        }
        for (index, lexeme) in part.iter().enumerate() {
            if lexeme.kind == LexemeKind::Name && !own.iter().any(|name| name == self.text(lexeme)) {
                self.read(part, index);
            }
        }
    }

    fn names_until(&self, part: &[Lexeme], end: &str) -> Vec<String> {
        let names = part.iter().take_while(|lexeme| self.text(lexeme) != end);
        names.filter(|lexeme| lexeme.kind == LexemeKind::Name).map(|lexeme| self.text(lexeme).to_owned()).collect()
    }

    fn read(&mut self, part: &[Lexeme], index: usize) {
        let name = self.text(&part[index]);
        let is_attribute = self.is(index.checked_sub(1).and_then(|before| part.get(before)), ".");
        if is_attribute {
            // Of a call's result, whose class the text does not tell.
            let is_of_name =
                index.checked_sub(2).and_then(|of| part.get(of)).is_some_and(|of| of.kind == LexemeKind::Name);
            if !is_of_name
                && self.is(part.get(index + 1), "(")
                && let Some((kind, what)) = call_kind(name, true)
            {
                self.call(kind, &format!(".{}", what.trim_start_matches('.')));
            }
            return;
        }
        let chain = self.chain(&part[index..]);
        let is_called = self.is(part.get(index + 2 * chain.len() - 1), "(");
        if is_called && let Some((kind, what)) = call_kind(&self.full_name(&chain), chain.len() > 1) {
            self.call(kind, &what);
        }
        let is_argument = self.is(part.get(index + 1), "=") && !self.is(part.get(index + 2), "=");
        let is_known =
            KEYWORDS.contains(&name) || BUILTINS.contains(&name) || matches!(name, "True" | "False" | "None");
        if !is_known && !is_argument && !self.is_own(name) {
            note(&mut self.found.reads, name);
        }
    }

    /// The names of `a.b.c` at the beginning of `part`.
    fn chain(&self, part: &[Lexeme]) -> Vec<&'a str> {
        let mut chain = vec![self.text(&part[0])];
        let mut index = 1;
        while self.is(part.get(index), ".") && part.get(index + 1).is_some_and(|next| next.kind == LexemeKind::Name) {
            chain.push(self.text(&part[index + 1]));
            index += 2;
        }
        chain
    }

    /// The name with what its first part was imported as.
    fn full_name(&self, chain: &[&str]) -> String {
        let first = self.aliases.get(chain[0]).map_or(chain[0], String::as_str);
        [&[first], &chain[1..]].concat().join(".")
    }

    fn call(&mut self, kind: CallKind, what: &str) {
        let known = self.found.calls.iter().any(|(known, name)| *known == kind && name == what);
        if !known && self.found.calls.len() < MAX_NAMES {
            self.found.calls.push((kind, what.to_owned()));
        }
    }
}

enum EqualsSign {
    Compares,
    Assigns,
    /// With an operator of so many characters.
    Augments(usize),
}

fn has_bracket(part: &[Lexeme]) -> bool {
    part.iter().any(|lexeme| matches!(lexeme.kind, LexemeKind::Operator('[' | '(' | '{')))
}

fn ends_value(text: &str, kind: LexemeKind) -> bool {
    matches!(kind, LexemeKind::Name | LexemeKind::String { .. }) || matches!(text, ")" | "]")
}

#[cfg(test)]
#[path = "footprint_tests.rs"]
mod tests;
