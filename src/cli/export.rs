//! `fourhands export`: writes a running or past session to a file.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;

use super::past;
use crate::cli::output::{self, UNKNOWN, USAGE, fail, listed};
use crate::domain::terminal_text::visible;
use crate::domain::{Entry, Transcript, units};
use crate::export::{self, Exists, ExportOptions, FailedCode, FigureFolder, Format, SessionHeader, SnippetNumbers};
use crate::journal::{JournalArchive, SessionEnd};
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry::{self, SessionEntry};
use crate::session::discovery::status::{self, SessionStatus, StatusReply};

/// The longest wait for the journal to store the last events of running sessions.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);

/// Authors named in an error.
const MAX_AUTHORS: usize = 8;

const AFTER_LONG_HELP: &str = "\
Formats:
  py     A script that runs as it is: !commands and %magics become plain Python, `await` works
  ipynb  A Jupyter notebook with all outputs; cell metadata has the authors
  md     A Markdown document; figures are embedded, or in a folder with --figures
  html   A single page that loads nothing and runs nothing
  json   All recorded data, for programs; fields are in assets/docs/export.md

Examples:
  fourhands export -o work.ipynb                    The session of this folder, else the last one
  fourhands export sales --to py > sales.py         A session by name (see `fourhands sessions --all`)
  fourhands export --to py --only-ok --author you   Your own snippets, without failures
  fourhands export --snippets 3,5-9,12- -o part.md  Some snippets";

#[derive(Args, Debug)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub struct ExportArguments {
    /// Name or id of a session [default: this folder's, else the last]
    #[arg(value_name = "SESSION")]
    session: Option<String>,
    /// py, ipynb, md, html or json [default: by extension]
    #[arg(long, value_name = "FORMAT", value_parser = format_of)]
    to: Option<Format>,
    /// Output file, or `-` for stdout [default: -]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    /// Failed snippets: omit, comment or keep
    ///
    /// What to do with snippets that did not succeed: omit them, comment them out, or keep them. Default: comment in
    /// py; keep elsewhere, but ipynb comments out interrupted snippets.
    #[arg(long, value_name = "HOW", value_parser = failed)]
    failed: Option<FailedCode>,
    /// Same as --failed omit
    #[arg(long, conflicts_with = "failed")]
    only_ok: bool,
    /// Only snippets of this author; `you` is the person
    ///
    /// The option can be repeated.
    #[arg(long = "author", value_name = "NAME")]
    authors: Vec<String>,
    /// Only these snippets, such as 3,5-9,12-
    #[arg(long, value_name = "NUMBERS", allow_hyphen_values = true)]
    snippets: Option<SnippetNumbers>,
    /// Folder for the figures of a Markdown file
    ///
    /// Relative to FILE. Without this option, figures are embedded in the document.
    #[arg(long, value_name = "DIR")]
    figures: Option<String>,
}

fn format_of(text: &str) -> Result<Format, String> {
    let text = text.to_ascii_lowercase();
    let found = Format::ALL.into_iter().find(|format| format.name() == text);
    found.or_else(|| Format::of(Path::new(&format!("_.{text}")))).ok_or_else(|| format!("use {}", Format::list("")))
}

fn failed(text: &str) -> Result<FailedCode, String> {
    match text {
        "omit" => Ok(FailedCode::Omit),
        "comment" => Ok(FailedCode::Comment),
        "keep" => Ok(FailedCode::Keep),
        _ => Err("use omit, comment or keep".to_owned()),
    }
}

pub fn run(arguments: &ExportArguments) -> ExitCode {
    let file = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    let Some(format) = arguments.to.or_else(|| Format::of(file?)) else {
        let what = match file {
            Some(file) => format!("the extension of {} is not a known format", file.display()),
            None => "no format given".to_owned(),
        };
        // A session that is not there is the greater mistake, but for a format in its place.
        let unknown = |name: &str| recorded(&Paths::of_this_process(), Some(name)).err();
        if let Some((code, fault)) = arguments.session.as_deref().and_then(unknown) {
            let session = arguments.session.as_deref().unwrap_or_default();
            return match format_of(session) {
                Ok(format) => fail(USAGE, &format_args!("{what}; did you mean --to {}?", format.name())),
                Err(_) => fail(code, &fault),
            };
        }
        return fail(USAGE, &format_args!("{what}; add --to FORMAT ({}).", Format::list("")));
    };
    if arguments.figures.is_some() && (format != Format::Md || file.is_none()) {
        return fail(USAGE, &"--figures works only for Markdown written to a file: --to md -o FILE.");
    }
    let paths = Paths::of_this_process();
    let archive = match recorded(&paths, arguments.session.as_deref()) {
        Ok(found) => found,
        Err((code, what)) => return fail(code, &what),
    };
    let options = ExportOptions {
        failed: if arguments.only_ok { Some(FailedCode::Omit) } else { arguments.failed },
        authors: arguments.authors.clone(),
        numbers: arguments.snippets.clone(),
        figures: arguments.figures.clone(),
    };
    if let Some(nothing) = nothing_wanted(&archive.recorded.transcript, &options) {
        return fail(1, &nothing);
    }
    let session = &archive.recorded.session;
    let about = SessionHeader {
        name: &session.name,
        id: Some(session.id.as_str()),
        cwd: &session.cwd,
        python: &session.python,
        python_version: &session.python_version,
        started: session.started,
        clock: export::local_time,
    };
    let Some(file) = file else {
        return to_stdout(|out| export::write(format, &about, &archive, &options, &mut |_, _| Ok(()), out));
    };
    let figures = arguments.figures.as_deref().map(|folder| file.with_file_name(folder));
    let exists = if arguments.force { Exists::Replace } else { Exists::Refuse };
    let mut beside = FigureFolder { folder: figures.as_deref(), exists };
    let written = export::save(file, exists, |out| {
        export::write(format, &about, &archive, &options, &mut |name, data| beside.save(name, data), out)
    });
    match written {
        Ok(snippets) => {
            let count = units::count(snippets, "snippet");
            output::print(&format!("Exported {count} of session \"{}\" to {}\n", session.name, file.display()));
            ExitCode::SUCCESS
        }
        Err(what) => {
            let hint = if what.ends_with("already exists") { "; use --force to replace it" } else { "" };
            fail(1, &format_args!("{what}{hint}."))
        }
    }
}

/// Returns the archive of the session, or the exit code and the error.
fn recorded(paths: &Paths, named: Option<&str>) -> Result<JournalArchive, (u8, String)> {
    let cannot = |why: String| (1, format!("the journal cannot be read: {why}"));
    let nothing = || (UNKNOWN, "no sessions are recorded. Start one with `fourhands`.".to_owned());
    let reader = past::journal(paths).map_err(cannot)?.ok_or_else(nothing)?;
    let live = running(paths);
    reader.catch_up(CATCH_UP_TIMEOUT);
    let sessions = reader.sessions().map_err(|fault| cannot(fault.to_string()))?;
    let cwd = std::env::current_dir().and_then(|cwd| cwd.canonicalize()).unwrap_or_default();
    let found = past::find(&sessions, named, &cwd).map_err(|what| (UNKNOWN, what))?;
    let (id, name) = (found.id.clone(), found.name.clone());
    let opened = JournalArchive::open(reader, &id, paths.spools().ok().as_deref());
    let mut archive = opened.map_err(|fault| cannot(fault.to_string()))?.ok_or_else(nothing)?;
    if archive.recorded.session.ending == SessionEnd::Running {
        archive.recorded.end_unrecorded(live.get(&name));
    } else {
        archive.recorded.end_unfinished("the end of the session");
    }
    Ok(archive)
}

/// Returns the status of each running session by its name.
fn running(paths: &Paths) -> BTreeMap<String, SessionStatus> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return BTreeMap::new();
    };
    let records = registry::running_at(paths).unwrap_or_default();
    let ask = |entry: SessionEntry| async move {
        match status::ask(&entry.socket).await {
            StatusReply::Live(live) => Some((entry.name, live)),
            StatusReply::Closed | StatusReply::Silent => None,
        }
    };
    runtime.block_on(join_all(records.into_iter().map(ask))).into_iter().flatten().collect()
}

/// Returns an error if the options select none of the session's snippets.
fn nothing_wanted(transcript: &Transcript, options: &ExportOptions) -> Option<String> {
    let snippets = || {
        transcript.entries().iter().filter_map(|entry| match entry {
            Entry::Snippet(snippet) => Some(snippet),
            _ => None,
        })
    };
    if !options.selects_part() || snippets().any(|snippet| options.takes(snippet)) {
        return None;
    }
    let mut authors: Vec<&str> = snippets().map(|snippet| snippet.author.name()).collect();
    authors.sort_unstable();
    authors.dedup();
    Some(match snippets().next_back() {
        Some(last) => format!(
            "no snippet matches; the session has snippets 1 to {}, by {}.",
            last.id,
            listed(authors.iter().copied(), MAX_AUTHORS)
        ),
        None => "the session has no snippets.".to_owned(),
    })
}

fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<usize>) -> ExitCode {
    let stdout = io::stdout();
    // A terminal gets visible characters only, as the session's text may contain any.
    let written = if stdout.is_terminal() {
        let mut shown = VisibleWriter { out: BufWriter::new(stdout.lock()), begun: Vec::new() };
        write(&mut shown).and_then(|_| shown.flush())
    } else {
        let mut out = BufWriter::new(stdout.lock());
        write(&mut out).and_then(|_| out.flush())
    };
    match written {
        // The reader has closed the pipe.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(1, &format_args!("the export cannot be written: {error}"))
        }
        _ => ExitCode::SUCCESS,
    }
}

/// A writer for terminals, which makes control characters visible.
struct VisibleWriter<W: Write> {
    out: W,
    /// The first bytes of an incomplete character.
    begun: Vec<u8>,
}

impl<W: Write> Write for VisibleWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.begun.len(),
        };
        let text = String::from_utf8_lossy(&self.begun[..whole]);
        self.out.write_all(visible(&text).as_bytes())?;
        self.begun.drain(..whole);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
