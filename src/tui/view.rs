//! What the dashboard knows: the session as folded from its events, and where the person is in it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::composer::Composer;
use super::composer::editor::Editor;
use super::composer::reply::{Asks, Reply};
use super::draw;
use super::draw::layout::{Class, Layout};
use super::gallery::has_pictures;
use super::images::Figures;
use super::input::keymap::{Action, Keymap};
use super::input::mouse::Mouse;
use super::layers::{Layer, Layers};
use super::pager::Pager;
use super::search::prompt::Lookup;
use super::theme::Theme;
use super::transcript::card::{Card, CardLayout};
use super::transcript::viewport::{Anchor, Place, Viewport, Walk};
use super::variables::VariablesPanel;
use crate::domain::{Entry, Event, Inquiry, SessionInfo, SnippetId, Timestamp, Transcript};
use crate::session::{ClientResponses, Spool};

/// What the dashboard shows and the person does. Drawing only reads the view.
#[derive(Debug)]
pub struct View {
    pub info: SessionInfo,
    /// Shown as `~`.
    pub home: Option<String>,
    pub transcript: Transcript,
    pub records: Records,
    pub composer: Composer,
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
    /// Actions that were chosen in the palette, the last first.
    pub recent: Vec<Action>,
    pub keys: Rc<Keymap>,
    pub theme: Theme,
}

/// Where the dashboard finds what the transcript in memory does not hold.
#[derive(Debug, Default)]
pub struct Records {
    /// Whole outputs; without a spool, the dashboard shows what memory keeps.
    pub spool: Option<Arc<Spool>>,
    /// What clients received.
    pub client_responses: Option<Arc<ClientResponses>>,
}

/// Actions that wait for a second press or for the session.
#[derive(Debug, Default)]
pub struct Pending {
    /// This card runs again at the next press of the same key.
    pub run_again: Option<usize>,
    /// The session ends at the next press of the same key, although something runs.
    pub quit: bool,
    /// Python restarts at the next press of the same key.
    pub restart: bool,
    /// The session is ending.
    pub ending: bool,
    /// The checkpoint that the next Python must restore.
    pub restore: Option<String>,
    /// The person interrupted this snippet at that time.
    pub interrupt: Option<(SnippetId, Timestamp)>,
}

/// What is drawn, measured before drawing so that drawing changes nothing.
#[derive(Debug)]
pub struct Prepared {
    pub area: Rect,
    /// `None` on a screen that is too small.
    pub layout: Option<Layout>,
    pub window: Vec<Place>,
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
            transcript,
            records: Records::default(),
            composer: Composer::default(),
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
        };
        view.follow_input();
        view
    }

    /// What takes the keys now.
    pub fn input(&self, now: Timestamp) -> &Editor {
        self.open_reply(now).map_or(&self.composer.editor, |reply| &reply.editor)
    }

    /// The reply that takes the keys.
    pub fn open_reply(&self, now: Timestamp) -> Option<&Reply> {
        self.composer.reply.as_ref().filter(|reply| reply.is_open(&self.composer.editor, now))
    }

    /// What a client asks, where it is shown in full.
    pub fn question(&self) -> Option<&Arc<Inquiry>> {
        self.composer.reply.as_ref().and_then(|reply| reply.shown(&self.composer.editor))
    }

    /// Begins a reply where somebody asks, and drops one that nobody wants any more. Code that waits goes first.
    fn follow_input(&mut self) {
        let asking = self.transcript.running().and_then(|running| Some((running.id, running.input.clone()?)));
        let same =
            match (self.composer.reply.as_ref().map(|reply| &reply.asks), &asking, self.transcript.inquiries().first())
            {
                (Some(Asks::Code { request, .. }), Some((_, asked)), _) => request.number == asked.number,
                (Some(Asks::Client(inquiry)), None, Some(asked)) => inquiry.number == asked.number,
                (None, None, None) => true,
                _ => false,
            };
        if same {
            return;
        }
        self.composer.reply = if let Some((snippet, request)) = asking {
            let expected = self.composer.last_answered == Some(snippet);
            Some(Reply::to_code(snippet, request, expected))
        } else {
            let inquiry = self.transcript.inquiries().first();
            inquiry.map(|inquiry| Reply::to_client(inquiry.clone(), self.composer.typed_at))
        };
    }

    pub fn apply(&mut self, event: &Event) {
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

    /// After events were missed: the same place in a newer transcript.
    pub fn replace(&mut self, transcript: Transcript) {
        self.transcript = transcript;
        self.follow_input();
        let running = self.transcript.running().map(|snippet| snippet.id);
        self.pending.interrupt = self.pending.interrupt.filter(|(snippet, _)| Some(*snippet) == running);
    }

    pub fn is_busy(&self) -> bool {
        self.transcript.running().is_some() || !self.transcript.queue().is_empty()
    }

    pub fn has_variables(&self) -> bool {
        self.transcript.variables().total > 0
    }

    /// The number that the input will have if nobody is quicker.
    pub fn next_number(&self) -> u32 {
        let last = self.transcript.entries().iter().rev().find_map(|entry| match entry {
            Entry::Snippet(snippet) => Some(snippet.id.0),
            _ => None,
        });
        last.unwrap_or(0) + 1
    }

    fn layout(&self, area: Rect) -> Option<Layout> {
        Layout::new(area, self.variables.sidebar_width, |width| {
            let reply = self.composer.reply.as_ref().map_or(0, |reply| reply.editor.rows(width));
            let question = self.question().map_or(0, |inquiry| draw::question_rows(inquiry, width).len());
            (self.composer.editor.rows(width).max(reply), question)
        })
    }

    /// Measures what is to be drawn. Call it before each drawing.
    pub fn prepare(&mut self, area: Rect) {
        let layout = self.layout(area);
        let mut window = Vec::new();
        let mut cards = BTreeMap::new();
        if let Some(layout) = layout {
            self.look(&layout);
            let anchor = self.viewport.anchor;
            let anchor = self.walk(&layout, |walk, height| {
                let mut anchor = anchor;
                window = walk.window(&mut anchor, height);
                for index in window.chunk_by(|a, b| a.card == b.card).map(|rows| rows[0].card) {
                    cards.extend(walk.card(index).map(|card| (index, card)));
                }
                anchor
            });
            self.viewport.anchor = anchor;
            if anchor == Anchor::Follow {
                self.viewport.seen = self.transcript.entries().len();
            }
        }
        self.want_figures(area, &window, &cards);
        if let Some(pager) = self.layers.pager_mut() {
            pager.prepare(area, &self.transcript, self.records.spool.as_deref());
        }
        if let Some(layout) = &layout {
            self.find_suggestion();
            let text = layout.editor_text();
            self.composer.editor.fit(text.width, text.height);
            if let Some(reply) = &mut self.composer.reply {
                reply.editor.fit(text.width, text.height);
            }
            self.clamp_layers(layout);
        }
        self.mark(&cards, layout.as_ref());
        self.frame = Some(Prepared { area, layout, window, cards });
    }

    /// Scrolling ends where the last row is in sight.
    fn clamp_layers(&mut self, layout: &Layout) {
        if self.layers.is_empty() {
            return;
        }
        let drawer = draw::drawer_rows(self).saturating_sub(usize::from(layout.drawer.height).saturating_sub(2));
        let help = draw::help_hidden(self, layout);
        let inspector = draw::inspector_hidden(self, layout);
        for layer in self.layers.iter_mut() {
            match layer {
                Layer::Help { scroll } => *scroll = (*scroll).min(help),
                Layer::Drawer { scroll } => *scroll = (*scroll).min(drawer),
                Layer::Inspector { scroll } => *scroll = (*scroll).min(inspector),
                _ => {}
            }
        }
    }

    pub(super) fn walk<T>(&mut self, layout: &Layout, walk: impl FnOnce(&mut Walk<'_>, usize) -> T) -> T {
        let height = self.height_of_window(layout);
        let (unfolded, all, folded) = (&self.viewport.unfolded, self.viewport.unfold_all, self.folded(layout));
        let columns = &self.viewport.columns;
        let column = |index: usize| columns.get(&index).copied().unwrap_or(0);
        let shape =
            |index: usize| CardLayout { open: unfolded.contains(&index) != all, column: column(index), ..folded };
        let (shown, figures) = (self.lookup.shown(), &self.figures);
        let mut walker =
            Walk { transcript: &self.transcript, cards: &mut self.viewport.cards, figures, shape: &shape, shown };
        walk(&mut walker, height)
    }

    /// The shape of a card that is folded.
    pub(super) fn folded(&self, layout: &Layout) -> CardLayout {
        let compact = layout.class == Class::Compact;
        CardLayout { width: layout.card_text(), compact, open: false, figures: self.figured(layout), column: 0 }
    }

    fn height_of_window(&self, layout: &Layout) -> usize {
        let covered = self.layers.iter().any(|layer| matches!(layer, Layer::Drawer { .. }));
        usize::from(if covered { layout.drawer.y - layout.transcript.y } else { layout.transcript.height })
    }

    /// Rows of the transcript that are in sight.
    pub fn page(&self) -> usize {
        self.frame
            .as_ref()
            .and_then(|frame| frame.layout.as_ref())
            .map_or(1, |layout| self.height_of_window(layout).max(1))
    }

    /// Moves the window by `rows`, up if negative.
    pub fn scroll(&mut self, rows: isize) {
        let Some(layout) = self.frame.as_ref().and_then(|frame| frame.layout) else { return };
        let anchor = self.viewport.anchor;
        self.viewport.anchor = self.walk(&layout, |walk, height| {
            let first = match anchor {
                Anchor::At(place) => place,
                Anchor::Follow => walk.bottom(height),
            };
            Anchor::At(if rows < 0 {
                walk.up(first, rows.unsigned_abs())
            } else {
                walk.down(first, rows.unsigned_abs())
            })
        });
    }

    /// Puts the head of a card at the top of the window.
    pub fn jump(&mut self, card: usize) {
        self.viewport.anchor = Anchor::At(Place { card, row: 0 });
    }

    /// Selects the card above or below the selected one; below the last, none, and the end is followed.
    pub fn select(&mut self, up: bool) {
        let count = self.transcript.entries().len();
        let last_in_sight = self.frame.as_ref().and_then(|frame| frame.window.last()).map(|place| place.card);
        let next = match (self.viewport.selected, up) {
            (None, true) => last_in_sight,
            (None, false) => None,
            (Some(card), true) => self.lookup.before(card).or(Some(card)),
            (Some(card), false) => self.lookup.after(card, count),
        };
        self.viewport.selected = next;
        match next {
            Some(card) => self.show(card),
            None => self.viewport.anchor = Anchor::Follow,
        }
    }

    /// Brings a card into sight, its head at any rate.
    pub(super) fn show(&mut self, card: usize) {
        let Some(layout) = self.frame.as_ref().and_then(|frame| frame.layout) else { return };
        let anchor = self.viewport.anchor;
        self.viewport.anchor = self.walk(&layout, |walk, height| {
            let head = Place { card, row: 0 };
            let first = match anchor {
                Anchor::At(place) => place,
                Anchor::Follow => walk.bottom(height),
            };
            let last = walk.up(Place { card: card + 1, row: 0 }, height);
            if head < first || last > head {
                Anchor::At(head)
            } else if last > first {
                Anchor::At(last)
            } else {
                Anchor::At(first)
            }
        });
    }

    /// Unfolds or folds the selected card, or the last one in sight that hides something.
    pub fn fold(&mut self) {
        let in_sight = || {
            let cards = &self.frame.as_ref()?.cards;
            cards.iter().rfind(|(_, card)| card.foldable).map(|(index, _)| *index)
        };
        let Some(card) = self.viewport.selected.or_else(in_sight) else { return };
        if !self.viewport.unfolded.remove(&card) {
            self.viewport.unfolded.insert(card);
        }
        if self.viewport.selected.is_some() || self.viewport.anchor != Anchor::Follow {
            self.show(card);
        }
    }

    /// Unfolds or folds all cards.
    pub fn fold_all(&mut self) {
        self.viewport.unfold_all = !self.viewport.unfold_all;
        self.viewport.unfolded.clear();
        if let Some(card) = self.viewport.selected {
            self.show(card);
        }
    }

    /// Shows the figures or the whole output of the selected card, or of the last one in sight that wrote something.
    pub fn open_pager(&mut self) {
        let wrote = |card: &usize| {
            has_pictures(&self.transcript, *card)
                || Pager::output(&self.transcript, *card).is_some_and(|output| !output.is_empty())
        };
        let in_sight = || self.frame.as_ref()?.cards.keys().rev().copied().find(wrote);
        let card = self.viewport.selected.or_else(in_sight).filter(wrote);
        match card {
            Some(card) if self.open_gallery(card) => {}
            Some(card) => {
                let snippet = match &self.transcript.entries()[card] {
                    Entry::Snippet(snippet) => Some(snippet.id),
                    _ => None,
                };
                let answers =
                    self.records.client_responses.as_ref().zip(snippet).map(|(answers, snippet)| answers.of(snippet));
                self.layers.clear();
                self.layers.push(Layer::Pager(Pager::of_output(card, answers.unwrap_or_default())));
            }
            None => self.notice = Some("no output to show".to_owned()),
        }
    }

    /// Searches a little further in the whole output that is shown. Answers whether there is more to do.
    pub fn search(&mut self) -> bool {
        self.layers.pager_mut().is_some_and(Pager::search_on)
    }

    /// Cards that came since the end was last in sight; `None` while it is.
    pub fn below(&self) -> Option<usize> {
        (self.viewport.anchor != Anchor::Follow)
            .then(|| self.lookup.count_from(self.viewport.seen, self.transcript.entries().len()))
    }
}
