//! Writing the session to a file: the prompt for its name, and the writing.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::domain::{Display, Entry, SessionInfo, SnippetId, Timestamp, Transcript, units};
use crate::export::{self, Archive, Exists, ExportOptions, Format, OutputFile, Pages, SessionHeader};
use crate::session::Spool;
use crate::tui::composer::editor::Editor;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::transcript::copy;
use crate::tui::transcript::copy::Piece;
use crate::tui::view::View;

#[derive(Debug)]
pub struct ExportPrompt {
    /// Only the output of this card, and how the card is called.
    pub card: Option<(usize, String)>,
    pub editor: Editor,
    /// What is wrong with the name that was entered.
    pub refused: Option<String>,
    /// The file that is there already: the same name once more means it.
    there: Option<String>,
    /// It is being written.
    pub busy: bool,
}

/// Why a file was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub why: String,
    /// The file is there; the person may want to replace it.
    pub exists: bool,
}

impl ExportPrompt {
    fn new(name: &str) -> Self {
        let mut editor = Editor::default();
        editor.paste(name);
        Self { card: None, editor, refused: None, there: None, busy: false }
    }

    pub fn file(&self) -> String {
        self.editor.code()
    }

    /// One line it stays.
    pub fn paste(&mut self, text: &str) {
        self.refused = None;
        self.editor.paste(&text.trim_matches(['\r', '\n']).replace(['\r', '\n'], " "));
    }

    /// The same name with the ending of the next format.
    fn next_format(&mut self) {
        let file = self.file();
        let format = Format::of(Path::new(&file));
        let next = Format::ALL.iter().position(|other| Some(*other) == format).map_or(0, |place| place + 1);
        let next = Format::ALL[next % Format::ALL.len()];
        let stem = match format {
            Some(_) => file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem),
            None => file.as_str(),
        };
        *self = Self::new(&format!("{stem}.{next}"));
    }
}

impl View {
    pub fn open_export(&mut self, now: Timestamp) {
        self.composer.completion.close();
        let name = format!("{}-{}.ipynb", self.info.name, export::local_date(now));
        self.layers.push(Layer::Export(ExportPrompt::new(&name)));
    }

    /// Asks where to write the output of a card.
    pub fn open_save(&mut self, card: usize) {
        let Some(entry) = self.transcript.entries().get(card) else { return };
        let (file, name) = match entry {
            Entry::Snippet(snippet) => (format!("{}-{}.txt", self.info.name, snippet.id), snippet.id.to_string()),
            _ => (format!("{}-output.txt", self.info.name), copy::name(entry)),
        };
        self.composer.completion.close();
        let prompt = ExportPrompt { card: Some((card, name)), ..ExportPrompt::new(&file) };
        self.layers.push(Layer::Export(prompt));
    }

    /// Keys while the file is asked for.
    pub fn on_export(&mut self, key: KeyEvent) -> Option<Effect> {
        let contexts = [Context::Prompt, Context::Session, Context::Input, Context::Transcript];
        let action = self.keys.find(key, &contexts);
        let prompt = self.layers.export_mut()?;
        match action {
            Some(Action::Back | Action::Export) => drop(self.layers.pop()),
            Some(Action::Suspend) => return Some(Effect::Suspend),
            Some(Action::Redraw) => return Some(Effect::Redraw),
            _ if prompt.busy => {}
            Some(Action::Choose) => {
                let file = prompt.file();
                if prompt.card.is_none() && Format::of(Path::new(&file)).is_none() {
                    prompt.refused = Some("the name must end in .py, .ipynb, .md, .html or .json".to_owned());
                    return None;
                }
                prompt.busy = true;
                prompt.refused = None;
                let replaces = prompt.there.as_ref() == Some(&file);
                return Some(match prompt.card {
                    Some((card, _)) => Effect::Save { card, file, replaces },
                    None => Effect::Export { file, replaces },
                });
            }
            Some(Action::NextFormat) if prompt.card.is_none() => prompt.next_format(),
            None | Some(Action::QuitOrDelete) => {
                prompt.refused = None;
                prompt.editor.key(key);
            }
            Some(_) => {}
        }
        None
    }

    /// What became of the file.
    pub fn on_exported(&mut self, written: Result<String, Refused>) {
        match (written, self.layers.export_mut()) {
            (Ok(told), _) => {
                self.layers.close(|layer| matches!(layer, Layer::Export(_)));
                self.notice = Some(told);
            }
            (Err(refused), Some(prompt)) => {
                prompt.busy = false;
                prompt.there = refused.exists.then(|| prompt.file());
                let hint = self.keys.hints(Context::Prompt, &[(&[Action::Choose], "replaces it")], "");
                prompt.refused = Some(if refused.exists { format!("{}; {hint}", refused.why) } else { refused.why });
            }
            (Err(refused), None) => self.notice = Some(refused.why),
        }
    }
}

/// What is on the screen, and whole outputs: all there is of a session that is not recorded.
pub struct OnScreen {
    pub transcript: Transcript,
    pub spool: Option<Arc<Spool>>,
}

impl Archive for OnScreen {
    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn entry(&self, place: usize) -> Option<Cow<'_, Entry>> {
        self.transcript.entries().get(place).map(Cow::Borrowed)
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>> {
        self.transcript.display(snippet, number)
    }

    fn file(&self, snippet: SnippetId) -> Option<OutputFile> {
        let spool = self.spool.as_ref()?;
        let pages = spool.whole(snippet).transpose()?.map(|whole| Box::new(whole) as Box<dyn Pages>);
        Some(OutputFile { path: spool.folder().unwrap_or_default().join(format!("{snippet}.out")), pages })
    }
}

/// Writes the session, and answers what the person should know.
pub fn write(
    file: &str,
    replaces: bool,
    info: &SessionInfo,
    home: Option<&str>,
    archive: &dyn Archive,
) -> Result<String, Refused> {
    let path = path_of(file, info, home);
    let refused = |why| Refused { why, exists: false };
    let Some(format) = Format::of(&path) else { return Err(refused(format!("{file} has no format's ending"))) };
    let session = SessionHeader {
        name: &info.name,
        id: archive.id(),
        cwd: &info.cwd,
        python: &info.python,
        python_version: &info.python_version,
        started: info.started_at,
        clock: export::local_time,
    };
    let exists = if replaces { Exists::Replace } else { Exists::Refuse };
    let written = export::save(&path, exists, |out| {
        export::write(format, &session, archive, &ExportOptions::default(), &mut |_, _| Ok(()), out)
    });
    match written {
        Ok(snippets) => Ok(format!("{} written to {}", units::count(snippets, "snippet"), path.display())),
        Err(why) => Err(Refused { exists: why.ends_with("there already"), why }),
    }
}

fn path_of(file: &str, info: &SessionInfo, home: Option<&str>) -> PathBuf {
    match (file.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        // User code may have gone to another folder since.
        _ => info.cwd.join(file),
    }
}

/// Writes the output of a card, and answers what the person should know.
pub fn write_output(
    file: &str,
    replaces: bool,
    info: &SessionInfo,
    home: Option<&str>,
    entry: &Entry,
    spool: Option<&Spool>,
) -> Result<String, Refused> {
    let path = path_of(file, info, home);
    let text = copy::of(entry, Piece::Output, spool);
    let exists = if replaces { Exists::Replace } else { Exists::Refuse };
    let written = export::save(&path, exists, |out| match &text {
        Some(text) => text.write(out),
        None => out.write_all(b"\n").map(|()| 1),
    });
    match written {
        Ok(bytes) => {
            Ok(format!("output of {}, {}, written to {}", copy::name(entry), units::bytes(bytes), path.display()))
        }
        Err(why) => Err(Refused { exists: why.ends_with("there already"), why }),
    }
}
