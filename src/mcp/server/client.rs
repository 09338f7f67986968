//! Who is at the other end of a connection: its name in the session, and the quirks it is known for.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rmcp::model::Implementation;
use tokio::sync::Mutex;

use crate::domain::Author;
use crate::mcp::results::activity_since::ReadCursor;
use crate::mcp::results::{images, truncate};
use crate::session::names::{NAMELESS, cleaned};
use crate::session::{Closed, SentTo, SessionHandle};

/// How soon after the start of the session process clients of the one before come back.
const RETURN: Duration = Duration::from_secs(10);

/// What some clients need to be served otherwise; found by the name that a client gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// The model sees nothing of `content` where there is `structuredContent`: it gets `content` alone, and no output
    /// schema either, because SDKs insist on structured results where a schema was promised.
    pub text_only: bool,
    /// Characters of a result that reach the model; better to choose them here than to have them cut off there.
    pub text: usize,
    /// The same for a result that is an error.
    pub error_text: usize,
    /// Bytes of all images of a result, before base64.
    pub images: usize,
}

const NONE: Quirks = Quirks { text_only: false, text: truncate::TEXT, error_text: truncate::TEXT, images: images::ALL };

/// A part of the name, in small letters, and what goes for that client.
const QUIRKS: &[(&str, Quirks)] = &[
    // Drops all content, images too, beside structuredContent; cuts the text of errors near 11 000 characters.
    ("claude-code", Quirks { text_only: true, error_text: 9_000, ..NONE }),
    // Claude Desktop refuses results of more than 1 048 576 characters, images in base64 included.
    ("claude-ai", Quirks { images: 600_000, ..NONE }),
    // Copilot's command line cuts text at about 10 kB and drops images.
    ("copilot", Quirks { text: 9_000, error_text: 9_000, images: 0, ..NONE }),
];

impl Quirks {
    pub fn of(client: Option<&Implementation>) -> Self {
        let name = client.map_or("", |client| client.name.as_str()).to_ascii_lowercase();
        QUIRKS.iter().find(|(part, _)| name.contains(part)).map_or(NONE, |(_, quirks)| *quirks)
    }
}

/// A connection's membership in the session. It begins with the first request, so that a probe leaves no trace.
#[derive(Debug)]
pub struct Membership {
    session: SessionHandle,
    pid: Option<u32>,
    joined: Mutex<Option<Joined>>,
    /// How far it knows what happened.
    pub seen: ReadCursor,
    /// It said that it can ask its user, and did not answer.
    pub is_mute: AtomicBool,
}

#[derive(Debug)]
struct Joined {
    author: Author,
    /// The name as the client gave it.
    told: Option<String>,
}

impl Membership {
    pub fn new(session: SessionHandle, pid: Option<u32>) -> Self {
        let news = session.activity();
        // Who is here this soon was here before, when another process held the session.
        let young = session.age() < RETURN;
        let seen = ReadCursor::new(if young { 0 } else { news.count() }, !young);
        Self { session, pid, joined: Mutex::new(None), seen, is_mute: AtomicBool::new(false) }
    }

    /// The author that this client is; joins or renames it where needed. Calls that arrive together get it in their
    /// order, for the lock is fair.
    pub async fn author(&self, client: Option<&Implementation>) -> Result<Author, Closed> {
        let told = client.map(|client| client.name.as_str());
        let mut joined = self.joined.lock().await;
        match (&mut *joined, told) {
            (None, told) => {
                let name = told.map_or_else(|| NAMELESS.to_owned(), cleaned);
                let author = self.session.join(&name, self.pid).await?;
                *joined = Some(Joined { author: author.clone(), told: told.map(str::to_owned) });
                Ok(author)
            }
            (Some(joined), Some(name)) if joined.told.as_deref() != Some(name) => {
                if let Author::Client { id, .. } = joined.author {
                    joined.author = self.session.rename(id, &cleaned(name)).await?;
                    joined.told = Some(name.to_owned());
                }
                Ok(joined.author.clone())
            }
            (Some(joined), _) => Ok(joined.author.clone()),
        }
    }

    /// The client's last call was answered there.
    pub fn comes_from(&self, last: &SentTo) {
        if last.process.is_some_and(|process| process != self.session.info().pid) {
            self.seen.moved();
        }
    }

    pub async fn leave(&self) {
        if let Some(Joined { author: Author::Client { id, .. }, .. }) = self.joined.lock().await.take() {
            self.session.leave(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_go_by_the_name() {
        assert!(Quirks::of(Some(&Implementation::new("claude-code", "2.1"))).text_only);
        assert!(!Quirks::of(Some(&Implementation::new("claude-ai", "0.1"))).text_only);
        assert_eq!(Quirks::of(Some(&Implementation::new("GitHub-Copilot-CLI", "1"))).images, 0);
        assert!(!Quirks::of(None).text_only);
    }
}
