//! How much may wait: enough for any honest client, and no more than the memory of the session can hold.

use super::{Actor, Waiting};
use crate::domain::Author;
use crate::session::QueueFull;

/// Snippets of one author that may wait, and the bytes of their code.
const OF_AUTHOR: (usize, usize) = (1_000, 64 << 20);
/// Of all together: a client that connects anew is another author.
const IN_ALL: (usize, usize) = (4_000, 256 << 20);

impl Actor {
    /// Whether `code` bytes more of `author` may wait. What can start at once always may.
    pub(super) fn has_room(&self, author: &Author, code: usize) -> Result<(), QueueFull> {
        let (mut own, mut all) = ((0, 0), (0, 0));
        for waiting in &self.waiting {
            let Waiting::Run { snippet, .. } = waiting else { continue };
            let Some(snippet) = self.transcript.snippet(*snippet) else { continue };
            all = (all.0 + 1, all.1 + snippet.code.len());
            if snippet.author == *author {
                own = (own.0 + 1, own.1 + snippet.code.len());
            }
        }
        let is_over =
            |now: (usize, usize), most: (usize, usize)| now.0 >= most.0 || (now.0 > 0 && now.1 + code > most.1);
        if is_over(own, OF_AUTHOR) {
            return Err(QueueFull::OfAuthor { snippets: own.0, bytes: own.1 });
        }
        if is_over(all, IN_ALL) {
            return Err(QueueFull::InAll { snippets: all.0, bytes: all.1 });
        }
        Ok(())
    }
}
