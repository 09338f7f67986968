//! The dashboard's state: the session as folded from its events, and the person's place in it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::client_order::ClientOrder;
use super::composer::Composer;
use super::composer::editor::Editor;
use super::composer::reply::{Asks, Reply};
use super::draw::layout::Layout;
use super::images::Figures;
use super::input::effect::Confirmed;
use super::input::keymap::{Action, Keymap};
use super::input::mouse::Mouse;
use super::layers::Layers;
use super::owner::Leaving;
use super::review::dock::Dock;
use super::search::lookup::Lookup;
use super::text;
use super::theme::{self, Theme};
use super::transcript::card::Card;
use super::transcript::viewport::{Anchor, RowIndex, Viewport};
use super::variables::VariablesPanel;
use crate::domain::{Author, Entry, Event, SessionInfo, SnippetId, Timestamp, Transcript, home_path};
use crate::session::{ClientCalls, ClientResponses, Spool};

/// The state of the dashboard. Drawing only reads it.
#[derive(Debug)]
pub struct View {
    pub info: SessionInfo,
    /// The home folder, shown as `~`.
    pub home: Option<String>,
    pub transcript: Transcript,
    pub client_order: ClientOrder,
    pub records: Records,
    pub composer: Composer,
    /// The code that waits for the person.
    pub dock: Dock,
    pub viewport: Viewport,
    /// The filter and the search.
    pub lookup: Lookup,
    pub variables: VariablesPanel,
    pub layers: Layers,
    pub pending: Pending,
    pub notice: Option<String>,
    pub mouse: Mouse,
    pub figures: Figures,
    pub frame: Option<Prepared>,
    /// Actions chosen in the palette, the last first.
    pub recent: Vec<Action>,
    pub keys: Rc<Keymap>,
    pub theme: Theme,
    pub leaving: Leaving,
}

/// Sources for what the transcript in memory does not hold.
#[derive(Debug, Default)]
pub struct Records {
    /// Whole outputs; without a spool, the dashboard shows the outputs in memory.
    pub spool: Option<Arc<Spool>>,
    /// The texts that clients received.
    pub client_responses: Option<Arc<ClientResponses>>,
    /// The calls of clients.
    pub client_calls: Option<Arc<ClientCalls>>,
}

/// Actions that wait for a second press or for the session.
#[derive(Debug, Default)]
pub struct Pending {
    /// This card runs again at the next press of the same key.
    pub run_again: Option<usize>,
    /// Python goes back to before this card at the next press of the same key.
    pub rewind: Option<usize>,
    /// The session ends at the next press of the same key, although something would be lost.
    pub quit: bool,
    /// The dashboard asked because the person wrote `exit` or `quit`. The same again quits.
    pub asked_for_word: bool,
    /// Python restarts at the next press of the same key.
    pub restart: bool,
    /// When the dashboard asked whether to quit or to restart.
    pub asked_at: Timestamp,
    /// What the person has confirmed, until that takes effect.
    pub confirmed: Option<Confirmed>,
    /// The session is ending.
    pub ending: bool,
    /// The checkpoint that the next Python must restore.
    pub restore: Option<String>,
    /// The person interrupted this snippet at that time.
    pub interrupt: Option<(SnippetId, Timestamp)>,
}

impl Pending {
    /// Drops questions to the person that the next key would have answered.
    pub fn forget(&mut self) {
        (self.quit, self.restart, self.confirmed) = (false, false, None);
    }
}

/// What is drawn, measured before drawing so that drawing changes nothing.
#[derive(Debug)]
pub struct Prepared {
    pub area: Rect,
    /// `None` on a screen that is too small.
    pub layout: Option<Layout>,
    pub window: Vec<RowIndex>,
    /// The cards in the window, by their places in the transcript.
    pub cards: BTreeMap<usize, Rc<Card>>,
}

impl View {
    pub fn new(info: SessionInfo, home: Option<String>, transcript: Transcript) -> Self {
        let seen = transcript.entries().len();
        let notice = transcript.notice().map(ToString::to_string);
        let mut view = Self {
            info,
            home,
            client_order: ClientOrder::of(&transcript),
            transcript,
            records: Records::default(),
            composer: Composer::default(),
            dock: Dock::default(),
            viewport: Viewport::new(seen),
            lookup: Lookup::default(),
            variables: VariablesPanel::default(),
            layers: Layers::default(),
            pending: Pending::default(),
            notice,
            mouse: Mouse::default(),
            figures: Figures::default(),
            frame: None,
            recent: Vec::new(),
            keys: Rc::default(),
            theme: Theme::default(),
            leaving: Leaving::default(),
        };
        view.follow_input();
        view.follow_reviews();
        view
    }

    /// The editor that gets the keys now.
    pub fn input(&self, now: Timestamp) -> &Editor {
        if let Some(writing) = self.review_writing() {
            return &writing.editor;
        }
        self.open_reply(now).map_or(&self.composer.editor, |reply| &reply.editor)
    }

    /// The reply that gets the keys.
    pub fn open_reply(&self, now: Timestamp) -> Option<&Reply> {
        self.composer.open_reply(now)
    }

    /// Takes the prompts and questions that are open now.
    fn follow_input(&mut self) {
        let running = self.transcript.running();
        let asking = running.and_then(|running| {
            Some(Asks::Code { snippet: running.id, by: running.author.clone(), request: running.input.clone()? })
        });
        let is_expected = self.composer.is_expected(running.map(|running| running.id));
        let asked = asking.into_iter().chain(self.transcript.inquiries().iter().cloned().map(Asks::Client)).collect();
        let was_interrupted = self.pending.interrupt.is_some();
        self.composer.replies.follow(asked, is_expected, was_interrupted, !self.composer.editor.is_empty());
    }

    pub fn apply(&mut self, event: &Event) {
        self.client_order.follow(event, &self.transcript);
        self.transcript.apply(event);
        if matches!(
            event,
            Event::InputRequested { .. }
                | Event::InputAnswered { .. }
                | Event::InputWithdrawn { .. }
                | Event::Finished { .. }
                | Event::Inquired(_)
                | Event::InquiryEnded { .. }
        ) {
            self.follow_input();
        }
        if matches!(
            event,
            Event::Review { .. }
                | Event::Started { .. }
                | Event::Finished { .. }
                | Event::RiskAsked { .. }
                | Event::RiskAnswered { .. }
                | Event::RiskWithdrawn { .. }
        ) {
            self.follow_reviews();
        }
        if let Event::Replay(replay) = event
            && replay.is_over()
        {
            self.notice = Some(replay.to_string());
        }
        if let Event::Notice { text, .. } = event {
            self.notice = Some(text.to_string());
        }
        if let Event::Finished { snippet, .. } = event
            && self.pending.interrupt.is_some_and(|(interrupted, _)| interrupted == *snippet)
        {
            self.pending.interrupt = None;
        }
    }

    /// Replaces the transcript after missed events, and keeps the place.
    pub fn replace(&mut self, transcript: Transcript) {
        self.client_order.extend(&transcript);
        self.transcript = transcript;
        self.follow_input();
        self.follow_reviews();
        let running = self.transcript.running().map(|snippet| snippet.id);
        self.pending.interrupt = self.pending.interrupt.filter(|(snippet, _)| Some(*snippet) == running);
    }

    /// The style of an author's name, and of the bar beside the author's code.
    pub fn author_style(&self, author: &Author) -> Style {
        match author {
            Author::You => theme::YOU,
            Author::Client { name, .. } => self.client_style(name),
        }
    }

    pub fn client_style(&self, name: &str) -> Style {
        Style::new().fg(self.theme.client(self.client_order.place(name)))
    }

    /// The path with the home folder as `~`.
    pub fn short_path(&self, path: &str) -> String {
        home_path::shorten(path, self.home.as_deref())
    }

    /// Returns the session's folder with the home folder as `~`.
    pub fn short_cwd(&self) -> String {
        self.short_path(&text::name(&self.info.cwd.to_string_lossy()))
    }

    pub fn is_busy(&self) -> bool {
        self.transcript.running().is_some() || !self.transcript.queue().is_empty()
    }

    pub fn has_variables(&self) -> bool {
        self.transcript.variables().total > 0
    }

    /// The number of the input, unless another snippet is submitted first.
    pub fn next_number(&self) -> u32 {
        let last = self.transcript.entries().iter().rev().find_map(|entry| match entry {
            Entry::Snippet(snippet) => Some(snippet.id.0),
            _ => None,
        });
        last.unwrap_or(0) + 1
    }

    /// Continues the pager's search. Returns whether another frame is needed.
    pub fn search(&mut self) -> bool {
        self.layers.pager_mut().is_some_and(|pager| pager.search_on())
    }

    /// Cards that came since the end was last in sight; `None` while it is.
    pub fn below(&self) -> Option<usize> {
        (self.viewport.anchor != Anchor::Follow)
            .then(|| self.lookup.count_from(self.viewport.seen, self.transcript.entries().len()))
    }
}
