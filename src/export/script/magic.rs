//! Translation of magic to plain Python.

use super::helpers::{Helper, Needs, string_block};
use crate::domain::lexer::{CodeMagic, Magic, code_magic, indented, string_literal};
use crate::domain::terminal_text::visible;
use crate::export::items::commented;

/// Returns `code` without magic, and comments to put above it.
pub fn plain_python(code: &str, needs: &mut Needs) -> (String, String) {
    match code_magic(code) {
        None => (code.to_owned(), String::new()),
        Some(CodeMagic::Timed(code)) => (plain_python(&code, needs).0, "# %time is left out\n".to_owned()),
        Some(CodeMagic::Cell { before, name, arguments, body }) => {
            let body = body.strip_prefix('\n').unwrap_or(body);
            let (code, notes) = cell(name, arguments, body, needs);
            (format!("{before}{code}"), notes)
        }
        Some(CodeMagic::Lines(found)) => {
            let mut out = String::with_capacity(code.len());
            let mut done = 0;
            for (range, magic, assigned) in found {
                out += &code[done..range.start];
                let position =
                    MagicPosition { assigned, indented: !assigned && !out.is_empty() && !out.ends_with('\n') };
                out += &line(&magic, position, needs);
                done = range.end;
            }
            out += &code[done..];
            (out, String::new())
        }
    }
}

#[derive(Clone, Copy)]
struct MagicPosition {
    /// The magic is the value of an assignment.
    assigned: bool,
    /// The magic is in a block, which must not become empty.
    indented: bool,
}

impl MagicPosition {
    /// Returns a comment for magic without a meaning in a script.
    fn comment(self, written: &str, why: &str) -> String {
        let note = format!("# {}  ({why})", visible(written).replace('\n', " "));
        match self {
            Self { assigned: true, .. } => format!("None  {note}"),
            Self { indented: true, .. } => format!("pass  {note}"),
            _ => note,
        }
    }
}

fn line(magic: &Magic, position: MagicPosition, needs: &mut Needs) -> String {
    match magic {
        Magic::Help { object, .. } => position.comment(&format!("{object}?"), "help for a person"),
        Magic::Shell(command) => shell(command, needs),
        Magic::Lines(command) => lines(command, needs),
        Magic::Misplaced { name, arguments } => {
            position.comment(&format!("%%{name} {arguments}"), "not the first line")
        }
        Magic::Line { name, arguments } => named(name, arguments, position, needs),
    }
}

fn named(name: &str, arguments: &str, position: MagicPosition, needs: &mut Needs) -> String {
    let written = format!("%{name} {arguments}");
    match name {
        "time" if !arguments.is_empty() => format!("{arguments}  # %time"),
        "timeit" => position.comment(&written, "only measures"),
        "pip" => install(&["sys.executable", "\"-m\"", "\"pip\""], arguments, needs),
        "uv" => match arguments.strip_prefix("pip ").map(|rest| rest.trim().split_once(' ').unwrap_or((rest, ""))) {
            Some((verb, rest)) => {
                let verb = string_literal(verb);
                install(&["\"uv\"", "\"pip\"", &verb, "\"--python\"", "sys.executable"], rest, needs)
            }
            None => install(&["\"uv\""], arguments, needs),
        },
        "cd" => change_folder(arguments, needs),
        "pwd" => {
            needs.imports.insert("os");
            "os.getcwd()".to_owned()
        }
        "env" | "set_env" => environment(arguments, position, needs),
        "ll" => shell(format!("ls -l {arguments}").trim_end(), needs),
        "ls" | "cat" | "cp" | "mv" | "rm" | "mkdir" | "rmdir" => shell(written[1..].trim_end(), needs),
        "sx" | "system" => lines(arguments, needs),
        "run" if !arguments.is_empty() => {
            needs.imports.insert("sys");
            needs.helpers.insert(Helper::RunFile);
            format!("_run_file({})", shell_words(arguments, needs))
        }
        "matplotlib" | "config" | "load_ext" | "reload_ext" | "autoreload" => {
            position.comment(&written, "no meaning in a script")
        }
        "who" | "whos" | "who_ls" | "lsmagic" => position.comment(&written, "for a person"),
        "checkpoint" | "restore" | "rewind" | "safepoint" => position.comment(&written, "of the session"),
        _ => position.comment(&written, "not known outside of the session"),
    }
}

/// Returns the text of a command, with expanded variables.
fn text(command: &str, needs: &mut Needs) -> String {
    if !command.contains(['{', '$']) {
        return string_literal(command);
    }
    needs.helpers.insert(Helper::Expand);
    format!("_expand({}, {{**globals(), **locals()}})", string_literal(command))
}

fn shell(command: &str, needs: &mut Needs) -> String {
    needs.imports.insert("subprocess");
    let run = format!("subprocess.run({}, shell=True)", text(command, needs));
    if needs.exit_codes { format!("_exit_code = {run}.returncode") } else { run }
}

fn lines(command: &str, needs: &mut Needs) -> String {
    needs.imports.insert("subprocess");
    let text = text(command, needs);
    let run =
        format!("subprocess.run({text}, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)");
    let lines = format!("{run}.stdout.splitlines()");
    if !needs.rich_lines {
        return lines;
    }
    needs.helpers.insert(Helper::Lines);
    format!("_Lines({lines})")
}

/// Returns whether code may use `IPython`'s methods on output lines: `files.n`, `files.grep("x")`.
pub fn looks_at_lines(code: &str) -> bool {
    let names = ["n", "s", "l", "p", "nlstr", "spstr", "list", "grep", "fields"];
    code.split('.').skip(1).any(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        names.contains(&&rest[..end])
    })
}

/// Splits arguments like a shell.
fn shell_words(arguments: &str, needs: &mut Needs) -> String {
    let simple = |c: char| c.is_alphanumeric() || c.is_whitespace() || "-_./=<>~![],:+@%^".contains(c);
    if arguments.chars().all(simple) {
        return arguments.split_whitespace().map(string_literal).collect::<Vec<_>>().join(", ");
    }
    needs.imports.insert("shlex");
    format!("*shlex.split({})", text(arguments, needs))
}

fn install(command: &[&str], arguments: &str, needs: &mut Needs) -> String {
    needs.imports.extend(["subprocess", "sys"]);
    let shell_words = shell_words(arguments, needs);
    let parts: Vec<&str> =
        command.iter().copied().chain([shell_words.as_str()]).filter(|part| !part.is_empty()).collect();
    format!("subprocess.run([{}])", parts.join(", "))
}

fn change_folder(arguments: &str, needs: &mut Needs) -> String {
    needs.imports.insert("os");
    needs.helpers.insert(Helper::ChangeFolder);
    let folder = arguments.trim_start_matches("-q").trim();
    let bare = folder.trim_matches(['\'', '"']);
    match bare {
        "" => "_change_folder(os.path.expanduser(\"~\"))".to_owned(),
        "-" => "_change_folder(\"-\")".to_owned(),
        folder if folder.starts_with('~') => format!("_change_folder(os.path.expanduser({}))", string_literal(folder)),
        // The session, too, takes this folder literally.
        folder => format!("_change_folder({})", string_literal(folder)),
    }
}

fn environment(arguments: &str, position: MagicPosition, needs: &mut Needs) -> String {
    needs.imports.insert("os");
    if arguments.is_empty() {
        return if position.assigned {
            "dict(os.environ)".to_owned()
        } else {
            position.comment("%env", "for a person")
        };
    }
    let divided = arguments.split_once('=').or_else(|| arguments.split_once(char::is_whitespace));
    match divided {
        Some((name, value)) => {
            let value = text(value.trim(), needs);
            format!("os.environ[{}] = {value}", string_literal(name.trim()))
        }
        None => format!("os.environ[{}]", string_literal(arguments)),
    }
}

/// Translates cell magic to code, and comments to put above it.
fn cell(name: &str, arguments: &str, body: &str, needs: &mut Needs) -> (String, String) {
    let note = format!("# {}\n", visible(format!("%%{name} {arguments}").trim_end()));
    let body_as_comment = || commented(body);
    match name {
        "time" => {
            let statement = if arguments.is_empty() { body.to_owned() } else { format!("{arguments}\n{body}") };
            (plain_python(&statement, needs).0, "# %%time is left out\n".to_owned())
        }
        "bash" | "sh" => {
            needs.imports.insert("subprocess");
            let arguments =
                if arguments.is_empty() { String::new() } else { format!(", {}", shell_words(arguments, needs)) };
            (
                format!("subprocess.run([\"{name}\"{arguments}], input={}, text=True)\n", string_block(body)),
                String::new(),
            )
        }
        "writefile" => {
            let (mode, file) = match arguments.strip_prefix("-a ") {
                Some(file) => ("a", file),
                None => ("w", arguments),
            };
            let file = text(file.trim().trim_matches(['\'', '"']), needs);
            let end = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
            needs.imports.insert("os");
            let code = format!(
                "with open(os.path.expanduser({file}), \"{mode}\", encoding=\"utf-8\") as _file:\n    _file.write({})\n",
                string_block(&format!("{body}{end}"))
            );
            (code, String::new())
        }
        "capture" => {
            needs.imports.extend(["contextlib", "io", "types"]);
            let (code, _) = plain_python(body, needs);
            let code = indented(&format!("pass\n{}\n", code.trim_end()), "    ");
            let assignments = arguments.split_whitespace().filter(|name| !name.starts_with('-')).map(|name| {
                format!("{name} = types.SimpleNamespace(stdout=_out.getvalue(), stderr=_err.getvalue())\n")
            });
            let code = format!(
                "_out, _err = io.StringIO(), io.StringIO()\n\
                 with contextlib.redirect_stdout(_out), contextlib.redirect_stderr(_err):\n{code}{}",
                assignments.collect::<String>()
            );
            (code, note)
        }
        "timeit" => (String::new(), format!("# %%timeit only measures:\n{note}{}", body_as_comment())),
        _ => (String::new(), format!("# not known outside of the session:\n{note}{}", body_as_comment())),
    }
}
