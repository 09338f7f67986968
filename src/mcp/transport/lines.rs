//! The transport: one JSON-RPC message on a line, over any pair of streams.
//!
//! Our own in place of rmcp's, because that one drops what it cannot parse without an answer, and tells nobody that
//! the client is gone until it has waited for the calls in flight.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta, JsonRpcMessage, ProtocolVersion, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::malformed;
use super::outgoing::Outgoing;
use crate::mcp::results::visible;
use crate::mcp::server::handler::UNANSWERED;
use crate::mcp::tools::schema;

/// A longer line is answered with an error.
pub const MAX_LINE: usize = 64 << 20;
/// A longer message does not go out: many clients drop lines of 16 MiB and more in silence.
pub const MAX_MESSAGE: usize = 4 << 20;
const READ_BUFFER: usize = 64 << 10;
/// What a long line leaves allocated.
const KEPT_CAPACITY: usize = 1 << 20;
/// Requests of one client that may be open, and the bytes of their lines.
const MOST_OPEN: usize = 1_000;
const MOST_OPEN_BYTES: usize = 2 * MAX_LINE;
/// A client that is over that waits for answers; if none goes out for so long, requests are refused.
const STALL: Duration = Duration::from_secs(1);
/// Bytes of long lines that are being read, of all clients together.
const LONG_LINES: usize = 512 << 20;
/// From so many open requests on, answers that are ready go before more requests.
const MANY: usize = 64;

pub struct LineTransport<R, W> {
    reader: BufReader<R>,
    line: Vec<u8>,
    share: Share,
    max_line: usize,
    /// Beginning and end of a line that is too long, while the rest of it is read.
    overlong: Option<malformed::Ends>,
    out: Arc<Outgoing<W>>,
    /// Cancelled when the client has closed its side.
    gone: CancellationToken,
    /// Requests without an answer yet, and the lengths of their lines: rmcp would mix up two of the same id, and interrupt
    /// one when the other ends.
    open: HashMap<RequestId, usize>,
    open_bytes: usize,
    /// Our own requests without an answer yet: rmcp hangs up on a client of the stateless era that answers what nobody asked.
    asked: HashSet<RequestId>,
    /// While too much is open: since when no answer has gone out.
    stalled_since: Option<Instant>,
    /// When the first request must have come.
    opened_by: Option<Instant>,
    /// Whether a request has come.
    opened: bool,
    /// Whether one came that a conversation begins with. Before it, rmcp ends a connection at what is not a request.
    begun: bool,
}

impl<R, W> LineTransport<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    pub fn new(reader: R, writer: W, gone: CancellationToken) -> Self {
        Self {
            reader: BufReader::with_capacity(READ_BUFFER, reader),
            line: Vec::new(),
            share: Share::default(),
            max_line: MAX_LINE,
            overlong: None,
            out: Outgoing::new(writer),
            gone,
            open: HashMap::new(),
            open_bytes: 0,
            asked: HashSet::new(),
            stalled_since: None,
            opened_by: None,
            opened: false,
            begun: false,
        }
    }

    /// A client that has not made its first request by then is taken to be gone.
    pub fn expecting(mut self, opened_by: Instant) -> Self {
        self.opened_by = Some(opened_by);
        self
    }

    #[cfg(test)]
    pub fn with_max_line(mut self, max_line: usize) -> Self {
        self.max_line = max_line;
        self
    }

    /// Reads until a whole line is in `self.line`. Nothing is lost when this future is dropped half way.
    async fn read_line(&mut self) -> io::Result<Line> {
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                // The last line may lack its newline.
                return Ok(match self.overlong.take() {
                    Some(ends) => Line::TooLong(ends),
                    None if self.line.is_empty() => Line::End,
                    None => Line::Whole,
                });
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..newline.unwrap_or(available.len())];
            if let Some(ends) = &mut self.overlong {
                ends.push(part);
            } else if self.line.len() + part.len() > self.max_line || !self.share.grow(self.line.len() + part.len()) {
                let mut ends = malformed::Ends::default();
                ends.push(&self.line);
                ends.push(part);
                self.overlong = Some(ends);
                self.line = Vec::new();
                self.share = Share::default();
            } else {
                self.line.extend_from_slice(part);
            }
            let taken = part.len() + usize::from(newline.is_some());
            self.reader.consume(taken);
            if newline.is_some() {
                return Ok(self.overlong.take().map_or(Line::Whole, Line::TooLong));
            }
        }
    }

    /// The message in `self.line`, and how long that was.
    fn parse(&mut self) -> Result<Option<(ClientJsonRpcMessage, usize)>, Option<String>> {
        let length = self.line.len();
        let line = self.line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.line).trim_ascii();
        let parsed = if line.is_empty() {
            Ok(None)
        } else {
            match serde_json::from_slice(line) {
                Ok(message) => Ok(Some((message, length))),
                Err(error) => Err(malformed::answer(line, &error)),
            }
        };
        self.line.clear();
        self.line.shrink_to(KEPT_CAPACITY);
        self.share = Share::default();
        parsed
    }

    /// Passes on what rmcp can deal with.
    fn admit(&mut self, message: ClientJsonRpcMessage, length: usize) -> Option<ClientJsonRpcMessage> {
        match &message {
            JsonRpcMessage::Request(request) => {
                self.opened = true;
                if is_old_ping(&request.request) {
                    // rmcp answers the first ones of a connection in any era.
                    let id = serde_json::to_value(&request.id).unwrap_or_default();
                    self.reply(malformed::no_such_method(&id, "ping"));
                    return None;
                }
                self.begun = self.begun || begins(&request.request);
                if self.open.contains_key(&request.id) {
                    self.reply(malformed::id_in_use(&request.id));
                    return None;
                }
                if self.is_full() && !eases(&request.request) {
                    self.reply(malformed::too_many(request));
                    return None;
                }
                self.open.insert(request.id.clone(), length);
                self.open_bytes += length;
                if self.is_full() {
                    self.stalled_since.get_or_insert_with(Instant::now);
                }
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    // Not answered any more.
                    self.close_request(&id.clone());
                }
            }
            JsonRpcMessage::Response(response) if !self.asked.remove(&response.id) => return None,
            JsonRpcMessage::Error(error) if !error.id.as_ref().is_some_and(|id| self.asked.remove(id)) => return None,
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        (self.begun || matches!(message, JsonRpcMessage::Request(_))).then_some(message)
    }

    fn is_full(&self) -> bool {
        self.open.len() >= MOST_OPEN || self.open_bytes >= MOST_OPEN_BYTES
    }

    /// Whether a request of that id was open.
    fn close_request(&mut self, id: &RequestId) -> bool {
        let Some(length) = self.open.remove(id) else { return false };
        self.open_bytes -= length;
        if self.stalled_since.is_some() {
            self.stalled_since = self.is_full().then(Instant::now);
        }
        true
    }

    /// Answers from a task of its own: `receive` may be dropped at any await, which would cut the line in two.
    fn reply(&self, mut text: String) {
        text.push('\n');
        tokio::spawn(self.out.line(text.into_bytes()));
    }
}

/// Whether rmcp takes a request for the beginning of a conversation: others it answers, and still waits for one.
fn begins(request: &ClientRequest) -> bool {
    let version = ProtocolVersion::V_2026_07_28;
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => {
            let meta = request.get_meta();
            meta.protocol_version() == Some(version.clone()) && meta.missing_required_keys(&version).is_empty()
        }
    }
}

/// A ping of the stateless era, which has none.
fn is_old_ping(request: &ClientRequest) -> bool {
    matches!(request, ClientRequest::PingRequest(_))
        && request.get_meta().protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

/// What a long line takes of [`LONG_LINES`]. Short ones cost nothing.
#[derive(Default)]
struct Share(usize);

static TAKEN: AtomicUsize = AtomicUsize::new(0);

impl Share {
    /// Whether there is room for a line of so many bytes.
    fn grow(&mut self, length: usize) -> bool {
        if length <= KEPT_CAPACITY {
            return true;
        }
        let more = length.saturating_sub(self.0);
        if TAKEN.fetch_add(more, Ordering::Relaxed) + more > LONG_LINES {
            TAKEN.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.0 += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        TAKEN.fetch_sub(self.0, Ordering::Relaxed);
    }
}

enum Line {
    Whole,
    TooLong(malformed::Ends),
    End,
}

impl<R, W> Transport<RoleServer> for LineTransport<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        match &message {
            JsonRpcMessage::Response(response) => self.close_request(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref().is_some_and(|id| self.close_request(id)),
            JsonRpcMessage::Request(request) => self.asked.insert(request.id.clone()),
            JsonRpcMessage::Notification(_) => false,
        };
        let unanswered = matches!(&message, JsonRpcMessage::Error(error) if error.error.code.0 == UNANSWERED);
        let sent = (!unanswered).then(|| encode(&message).map(|line| self.out.line(line)));
        async move {
            match sent {
                Some(sent) => sent?.await,
                None => Ok(()),
            }
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            self.out.has_room().await;
            if self.open.len() >= MANY {
                tokio::task::yield_now().await;
            }
            if let Some(since) = self.stalled_since {
                // An answer that goes out ends this wait: rmcp drops this future then and asks again.
                sleep_until(since + STALL).await;
            }
            let out = self.out.clone();
            let reading = async {
                match self.opened_by.filter(|_| !self.opened) {
                    None => self.read_line().await,
                    Some(by) => timeout_at(by, self.read_line()).await.unwrap_or(Ok(Line::End)),
                }
            };
            let line = tokio::select! {
                biased;
                line = reading => line,
                () = out.broken.cancelled() => Ok(Line::End),
            };
            match line {
                Ok(Line::Whole) => match self.parse() {
                    Ok(Some((message, length))) => {
                        if let Some(message) = self.admit(message, length) {
                            return Some(message);
                        }
                    }
                    Ok(None) | Err(None) => {}
                    Err(Some(answer)) => self.reply(answer),
                },
                Ok(Line::TooLong(ends)) => self.reply(malformed::too_long(&ends, self.max_line)),
                Ok(Line::End) | Err(_) => {
                    self.gone.cancel();
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.out.close().await
    }
}

/// What helps a client that has too much open.
fn eases(request: &ClientRequest) -> bool {
    matches!(request, ClientRequest::CallToolRequest(call) if call.params.name == schema::INTERRUPT)
}

fn encode(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut bytes = visible::to_line(message)?;
    if bytes.len() > MAX_MESSAGE
        && let JsonRpcMessage::Response(response) = message
    {
        let size = crate::domain::units::bytes(bytes.len() as u64);
        let text = format!("The result was too large to send ({size}). Ask for less of it at a time.");
        bytes = malformed::error(&serde_json::to_value(&response.id)?, -32603, &text).into_bytes();
    }
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_share_what_there_is_and_give_it_back() {
        // The only test that comes near the limit; others run beside it.
        let mut shares: Vec<Share> = std::iter::repeat_with(Share::default).take(7).collect();
        assert!(shares.iter_mut().all(|share| share.grow(MAX_LINE / 2) && share.grow(MAX_LINE)));
        let mut late = Share::default();
        assert!(!late.grow(MAX_LINE + 1));
        assert!(late.grow(KEPT_CAPACITY), "short lines always fit");
        shares.pop();
        assert!(late.grow(MAX_LINE));
    }
}
