//! Commands that snippets start, as effects name them.

use crate::domain::{SideEffect, SideEffectKind};

/// Characters of a command that are kept.
const MAX_COMMAND: usize = 120;
/// Programs that install packages by `install` or `add`.
const INSTALLERS: [&str; 9] = ["pip", "pip3", "uv", "conda", "mamba", "micromamba", "poetry", "pdm", "pixi"];

/// Returns the effect of starting a command: the start of a program, or an installation.
pub fn effect(words: &[String]) -> SideEffect {
    let line = line(words);
    if let Some(packages) = installed(&line) {
        return SideEffect::new(SideEffectKind::Install, cut(&packages));
    }
    let program = line.split(' ').next().unwrap_or_default().to_owned();
    let short = program.rsplit('/').next().unwrap_or_default();
    SideEffect::new(SideEffectKind::Start, cut(&format!("{short}{}", &line[program.len()..])))
}

/// Returns the program that a command starts, as the command writes it.
pub fn program(words: &[String]) -> String {
    line(words).split(' ').next().unwrap_or_default().to_owned()
}

fn line(words: &[String]) -> String {
    // The shell that runs a command line is not worth a word.
    let line = match words {
        [shell, option, line, ..] if is_shell(shell) && option.starts_with('-') && option.ends_with('c') => {
            line.clone()
        }
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    };
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_shell(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("sh" | "bash" | "dash" | "zsh"))
}

/// Returns what a command line installs.
fn installed(line: &str) -> Option<String> {
    let mut words = line.split(' ').peekable();
    let program = words.next()?.rsplit('/').next()?;
    let installer = if program.starts_with("python") && words.peek() == Some(&"-m") {
        words.next();
        words.next()?
    } else {
        program
    };
    if !INSTALLERS.contains(&installer) {
        return None;
    }
    let mut words = words.skip_while(|word| word.starts_with('-'));
    let mut verb = words.next()?;
    if verb == "pip" {
        verb = words.find(|word| !word.starts_with('-'))?;
    }
    if !matches!(verb, "install" | "add") {
        return None;
    }
    let mut packages = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "-r" | "--requirement" | "-e" | "--editable" => {
                packages.push(format!("{word} {}", words.next().unwrap_or_default()));
            }
            "-p" | "--python" | "-i" | "--index-url" | "--extra-index-url" | "-c" | "--constraint" | "--target"
            | "-t" | "--prefix" | "-n" | "--find-links" | "-f" => drop(words.next()),
            ";" | "&&" | "|" | "||" | ">" | "2>&1" => break,
            word if word.starts_with('-') => {}
            word => packages.push(word.to_owned()),
        }
    }
    (!packages.is_empty()).then(|| packages.join(" "))
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '\'' | '"' | '\\' | '$' | '`');
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_COMMAND) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_named_briefly_and_installations_by_their_packages() {
        let name = |words: &[&str]| {
            let effect = effect(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            format!("{} {}", effect.kind.verb(), effect.target)
        };
        assert_eq!(name(&["/usr/bin/git", "status", "a b"]), "started git status 'a b'");
        assert_eq!(name(&["/bin/sh", "-c", "ls -l  | wc"]), "started ls -l | wc");
        assert_eq!(name(&["bash", "-lc", "make"]), "started make");
        assert_eq!(
            name(&["/venv/bin/python", "-m", "pip", "install", "-q", "six", "numpy==2"]),
            "installed six numpy==2"
        );
        assert_eq!(name(&["uv", "pip", "install", "--python", "x", "six"]), "installed six");
        assert_eq!(name(&["/bin/sh", "-c", "pip install -r requirements.txt && ls"]), "installed -r requirements.txt");
        assert_eq!(name(&["pip", "list"]), "started pip list");
        assert_eq!(name(&["echo", &"é".repeat(200)]).chars().count(), "started ".len() + MAX_COMMAND + 1);
    }
}
