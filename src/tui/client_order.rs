//! The order in which clients came to the session, by name. It gives each client its colour, which stays the same when
//! the client comes back, and after a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Author, ClientId, Entry, Event, Transcript};

/// Stands at a place that no client has.
const FREE: &str = "";

#[derive(Debug, Default)]
pub struct ClientOrder(Vec<Arc<str>>);

impl ClientOrder {
    pub fn of(transcript: &Transcript) -> Self {
        let mut order = Self::default();
        order.extend(transcript);
        order
    }

    /// Adds the clients of a transcript, by their numbers.
    pub fn extend(&mut self, transcript: &Transcript) {
        let mut names: BTreeMap<ClientId, &Arc<str>> = BTreeMap::new();
        let entries = transcript.entries();
        let others = entries.loose().filter_map(|entry| match entry {
            Entry::Note { note, .. } => Some(&note.by),
            Entry::Reset { by, .. } => Some(by),
            Entry::Restart { restart, .. } => restart.by.as_ref(),
            Entry::Snippet(_) | Entry::Background { .. } => None,
        });
        for author in entries.authors().chain(others) {
            if let Author::Client { id, name } = author {
                names.entry(*id).or_insert(name);
            }
        }
        for client in transcript.clients() {
            names.insert(client.id, &client.name);
        }
        for name in names.into_values() {
            self.add(name);
        }
    }

    /// Follows an event, before the transcript does.
    pub fn follow(&mut self, event: &Event, transcript: &Transcript) {
        match event {
            Event::ClientJoined { name, .. } | Event::Submitted { author: Author::Client { name, .. }, .. } => {
                self.add(name);
            }
            Event::ClientNamed { client, name } => {
                let before = transcript.clients().iter().find(|known| known.id == *client).map(|known| &known.name);
                let place = before.and_then(|before| self.0.iter().position(|known| known == before));
                match place {
                    // A name that only the connection had before the client introduced itself.
                    Some(place) if !self.0.contains(name) => self.0[place] = name.clone(),
                    // The place stays free for the next client, so that nobody else changes colour.
                    Some(place) if self.0[place] != *name => self.0[place] = FREE.into(),
                    _ => self.add(name),
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, name: &Arc<str>) {
        if self.0.contains(name) {
            return;
        }
        match self.0.iter_mut().find(|known| &***known == FREE) {
            Some(free) => *free = name.clone(),
            None => self.0.push(name.clone()),
        }
    }

    /// The names of the clients that have come, whether they are still there or not.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name).filter(|name| *name != FREE)
    }

    /// The place of a client; 0 for an unknown one.
    pub fn place(&self, name: &str) -> usize {
        self.0.iter().position(|known| &**known == name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;
    use crate::tui::fixtures::{NOW, START, Story, client, ok};
    use crate::tui::view::View;

    fn joined(view: &mut View, id: u32, name: &str) {
        view.apply(&Event::ClientJoined { client: ClientId(id), name: name.into(), pid: None, at: NOW });
    }

    #[test]
    fn each_client_has_a_colour_of_its_own_which_stays() {
        let mut view = Story::default().view();
        let names = ["claude-code", "cursor", "gemini", "codex", "zed", "aider"];
        for (id, name) in (1..).zip(names) {
            joined(&mut view, id, name);
        }
        let styles: Vec<Style> = names.iter().map(|name| view.client_style(name)).collect();
        for (place, style) in styles.iter().enumerate() {
            assert!(!styles[..place].contains(style) && *style != view.author_style(&Author::You), "{place}");
            assert_ne!(style.fg, Some(view.theme.you()));
        }
        // One leaves and comes back under another number.
        view.apply(&Event::ClientLeft { client: ClientId(2), at: NOW });
        joined(&mut view, 9, "cursor");
        assert_eq!(view.client_style("cursor"), styles[1]);

        // After a restart, the transcript and the clients that came back tell the order.
        let mut story = Story::default();
        story.ran(&client(3, "gemini"), "1", "", ok(1));
        story.ran(&client(1, "claude-code"), "2", "", ok(1));
        story.join(&client(2, "cursor"), START);
        let after = story.view();
        let again: Vec<Style> = names[..3].iter().map(|name| after.client_style(name)).collect();
        assert_eq!(again, styles[..3]);
    }

    #[test]
    fn a_client_keeps_its_place_when_it_introduces_itself() {
        let mut view = Story::default().view();
        joined(&mut view, 1, "client 1");
        joined(&mut view, 2, "cursor");
        let (first, second) = (view.client_style("client 1"), view.client_style("cursor"));
        view.apply(&Event::ClientNamed { client: ClientId(1), name: "claude-code".into() });
        assert_eq!((view.client_style("claude-code"), view.client_style("cursor")), (first, second));
    }

    #[test]
    fn no_client_has_the_persons_colour_whatever_was_chosen() {
        let mut view = Story::default().view();
        view.theme.set("you", ratatui::style::Color::Magenta);
        for id in 0..9 {
            let name = format!("client-{id}");
            joined(&mut view, id, &name);
            assert_ne!(view.client_style(&name).fg, Some(ratatui::style::Color::Magenta), "{id}");
        }
    }
}
