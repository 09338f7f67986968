//! The membership of a connection in the session: the author that its client is, and how far it has read the activity.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rmcp::model::Implementation;
use tokio::sync::Mutex;

use crate::domain::Author;
use crate::mcp::results::activity_since::ReadCursor;
use crate::session::client_names::{NAMELESS, cleaned};
use crate::session::{Closed, Overview, SentTo, SessionHandle};

/// A client that connects this soon after the start of the session process was connected to the process before.
const RETURN_WINDOW: Duration = Duration::from_secs(10);

/// It begins with the first request, so a probe of the socket leaves no trace.
#[derive(Debug)]
pub struct Membership {
    pub session: SessionHandle,
    pid: Option<u32>,
    joined: Mutex<Option<Joined>>,
    pub read_cursor: ReadCursor,
    /// The client said that it can ask its user, and did not answer a question in time.
    pub is_mute: AtomicBool,
}

#[derive(Debug)]
struct Joined {
    author: Author,
    /// The name as the client gave it.
    given_name: Option<String>,
    has_left: bool,
}

impl Membership {
    pub fn new(session: SessionHandle, pid: Option<u32>) -> Self {
        let returned = session.age() < RETURN_WINDOW;
        let position = if returned { 0 } else { session.activity().count() };
        let read_cursor = ReadCursor::new(position, !returned);
        Self { session, pid, joined: Mutex::new(None), read_cursor, is_mute: AtomicBool::new(false) }
    }

    /// The author that this client is. The client joins or is renamed where that is needed. Calls that arrive together
    /// keep their order, because the lock is fair.
    pub async fn author(&self, client: Option<&Implementation>) -> Result<Author, Closed> {
        let given = client.map(|client| client.name.as_str());
        let mut joined = self.joined.lock().await;
        match (&mut *joined, given) {
            (None, given) => {
                let name = given.map_or_else(|| NAMELESS.to_owned(), cleaned);
                let author = self.session.join(&name, self.pid).await?;
                if let Author::Client { id, .. } = author
                    && let Some(place) = self.session.activity().returning(id)
                {
                    self.read_cursor.go_on_from(place);
                }
                let given_name = given.map(str::to_owned);
                *joined = Some(Joined { author: author.clone(), given_name, has_left: false });
                Ok(author)
            }
            (Some(joined), Some(name)) if joined.given_name.as_deref() != Some(name) => {
                if let Author::Client { id, .. } = joined.author {
                    joined.author = self.session.rename(id, &cleaned(name)).await?;
                    joined.given_name = Some(name.to_owned());
                }
                Ok(joined.author.clone())
            }
            (Some(joined), _) => Ok(joined.author.clone()),
        }
    }

    /// Notes which process answered the last call of the client.
    pub fn reconnected(&self, last: &SentTo) {
        if last.process.is_some_and(|process| process != self.session.info().pid) {
            self.read_cursor.set_changed_process();
        }
    }

    /// Lets the client leave. Calls that have not ended keep their author.
    pub async fn leave(&self) {
        let mut joined = self.joined.lock().await;
        let Some(Joined { author, has_left, .. }) = joined.as_mut().filter(|joined| !joined.has_left) else { return };
        let author = &*author;
        let Author::Client { id, .. } = author else { return };
        if let Ok(Overview { running, queue, .. }) = self.session.overview().await {
            let own = running.into_iter().chain(queue).filter(|(_, by)| by == author);
            own.for_each(|(snippet, _)| self.read_cursor.keep_open(snippet));
        }
        // Only now, for the wait before may be given up.
        *has_left = true;
        self.session.activity().leave(*id, self.read_cursor.place());
        self.session.leave(*id);
    }
}
