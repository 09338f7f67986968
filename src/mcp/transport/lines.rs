//! The transport: one JSON-RPC message on a line, over any pair of streams.
//!
//! The transport of rmcp would not do: it drops a line that it cannot parse without an answer, and reports that the
//! client is gone only after the open calls have ended.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorCode, GetMeta, JsonRpcMessage, JsonRpcNotification,
    RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::client_state::ClientState;
use super::malformed;
use super::outgoing::Outgoing;
use crate::mcp::bridge_protocol::{RESULTS, RequestedForm, UNANSWERED};
use crate::mcp::era::FIRST_STATELESS_VERSION;
use crate::mcp::results::visible;
use crate::mcp::tools;

/// A longer line is answered with an error.
pub const MAX_LINE: usize = 64 << 20;
/// A longer message is replaced by an error: many clients drop lines of 16 MiB and more without a word.
pub const MAX_MESSAGE: usize = 4 << 20;
const READ_BUFFER_SIZE: usize = 64 << 10;
/// Bytes of the line buffer that stay allocated after a long line.
const LINE_CAPACITY: usize = 1 << 20;
/// Requests of one client without an answer, and the bytes of their lines.
const MAX_OPEN: usize = 1_000;
const MAX_OPEN_BYTES: usize = 2 * MAX_LINE;
/// At these limits the server stops reading until an answer goes out. After this time it reads on, and refuses
/// requests.
const STALL_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of long lines that are being read, of all clients together.
const MAX_LONG_LINES: usize = 512 << 20;
/// With so many open requests, answers that are ready go before more requests.
const MANY_OPEN: usize = 64;

pub struct LineTransport<R, W> {
    reader: BufReader<R>,
    line: Vec<u8>,
    reserved: Reservation,
    max_line: usize,
    /// Beginning and end of a line that is too long and has not been read to its end.
    overlong: Option<malformed::Ends>,
    out: Arc<Outgoing<W>>,
    client: ClientState,
    /// Requests without an answer, and the lengths of their lines. rmcp would confuse two requests with the same id,
    /// and interrupt one when the other ends.
    open: HashMap<RequestId, usize>,
    open_bytes: usize,
    /// Requests of the server without an answer. rmcp closes the connection of a stateless client that answers a
    /// request which nobody has made.
    own_requests: HashSet<RequestId>,
    /// While too much is open: the time of the last answer.
    stalled_since: Option<Instant>,
    first_request_deadline: Option<Instant>,
    has_request: bool,
    /// A request has come that begins a conversation. Before, rmcp ends a connection at a message that is not a
    /// request.
    has_begun: bool,
}

impl<R, W> LineTransport<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    pub fn new(reader: R, writer: W, client: ClientState) -> Self {
        Self {
            reader: BufReader::with_capacity(READ_BUFFER_SIZE, reader),
            line: Vec::new(),
            reserved: Reservation::default(),
            max_line: MAX_LINE,
            overlong: None,
            out: Outgoing::new(writer),
            client,
            open: HashMap::new(),
            open_bytes: 0,
            own_requests: HashSet::new(),
            stalled_since: None,
            first_request_deadline: None,
            has_request: false,
            has_begun: false,
        }
    }

    /// A client without a request at this time counts as gone.
    pub fn with_first_request_by(mut self, deadline: Instant) -> Self {
        self.first_request_deadline = Some(deadline);
        self
    }

    #[cfg(test)]
    pub fn with_max_line(mut self, max_line: usize) -> Self {
        self.max_line = max_line;
        self
    }

    /// Reads until a whole line is in `self.line`. This future may be dropped at any time without losing input.
    async fn read_line(&mut self) -> io::Result<IncomingLine> {
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                // The last line may lack its newline.
                return Ok(match self.overlong.take() {
                    Some(ends) => IncomingLine::TooLong(ends),
                    None if self.line.is_empty() => IncomingLine::End,
                    None => IncomingLine::Whole,
                });
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..newline.unwrap_or(available.len())];
            if let Some(ends) = &mut self.overlong {
                ends.push(part);
            } else if self.line.len() + part.len() > self.max_line || !self.reserved.grow(self.line.len() + part.len())
            {
                let mut ends = malformed::Ends::default();
                ends.push(&self.line);
                ends.push(part);
                self.overlong = Some(ends);
                self.line = Vec::new();
                self.reserved = Reservation::default();
            } else {
                self.line.extend_from_slice(part);
            }
            let taken = part.len() + usize::from(newline.is_some());
            self.reader.consume(taken);
            if newline.is_some() {
                return Ok(self.overlong.take().map_or(IncomingLine::Whole, IncomingLine::TooLong));
            }
        }
    }

    /// Parses the message in `self.line`. Returns it with the length of the line, or the answer to a line that is none.
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
        self.line.shrink_to(LINE_CAPACITY);
        self.reserved = Reservation::default();
        parsed
    }

    /// Returns the message if rmcp may have it. The transport answers other requests itself.
    fn admit(&mut self, message: ClientJsonRpcMessage, length: usize) -> Option<ClientJsonRpcMessage> {
        match &message {
            JsonRpcMessage::Request(request) => {
                self.has_request = true;
                if is_stateless_ping(&request.request) {
                    // rmcp answers the first pings of a connection in any era.
                    let id = serde_json::to_value(&request.id).unwrap_or_default();
                    self.reply(malformed::no_such_method(&id, "ping"));
                    return None;
                }
                self.has_begun = self.has_begun || begins_conversation(&request.request);
                if self.open.contains_key(&request.id) {
                    self.reply(malformed::id_in_use(&request.id));
                    return None;
                }
                if self.is_full() && !ends_calls(&request.request) {
                    self.reply(malformed::too_many(request));
                    return None;
                }
                self.open.insert(request.id.clone(), length);
                self.open_bytes += length;
                if self.is_full() {
                    self.stalled_since.get_or_insert_with(Instant::now);
                }
            }
            JsonRpcMessage::Notification(JsonRpcNotification {
                notification: ClientNotification::CustomNotification(custom),
                ..
            }) if custom.method == RESULTS => {
                if let Ok(Some(RequestedForm { form })) = custom.params_as() {
                    let _ = self.client.form.set(form);
                }
                return None;
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    if self.open.contains_key(id) {
                        self.client.note_cancellation(id, cancelled.params.reason.as_deref());
                    }
                    // rmcp does not answer a cancelled request.
                    self.close_request(&id.clone());
                }
            }
            JsonRpcMessage::Response(response) if !self.own_requests.remove(&response.id) => return None,
            JsonRpcMessage::Error(error) if !error.id.as_ref().is_some_and(|id| self.own_requests.remove(id)) => {
                return None;
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        (self.has_begun || matches!(message, JsonRpcMessage::Request(_))).then_some(message)
    }

    fn is_full(&self) -> bool {
        self.open.len() >= MAX_OPEN || self.open_bytes >= MAX_OPEN_BYTES
    }

    /// Returns whether a request with this id was open.
    fn close_request(&mut self, id: &RequestId) -> bool {
        let Some(length) = self.open.remove(id) else { return false };
        self.open_bytes -= length;
        if self.stalled_since.is_some() {
            self.stalled_since = self.is_full().then(Instant::now);
        }
        true
    }

    /// Answers in a new task: `receive` may be dropped at any await, which would cut the line in two.
    fn reply(&self, mut text: String) {
        text.push('\n');
        tokio::spawn(self.out.line(text.into_bytes()));
    }
}

/// Returns whether rmcp begins a conversation with this request. rmcp answers other requests, and still waits for such
/// a one.
fn begins_conversation(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => {
            let meta = request.get_meta();
            meta.protocol_version() == Some(FIRST_STATELESS_VERSION)
                && meta.missing_required_keys(&FIRST_STATELESS_VERSION).is_empty()
        }
    }
}

/// Returns whether this is a ping of the stateless era, which has no such method.
fn is_stateless_ping(request: &ClientRequest) -> bool {
    matches!(request, ClientRequest::PingRequest(_))
        && request.get_meta().protocol_version().is_some_and(|version| version >= FIRST_STATELESS_VERSION)
}

/// The bytes of [`MAX_LONG_LINES`] that a long line has reserved. Short lines need no reservation.
#[derive(Default)]
struct Reservation(usize);

/// Bytes that all reservations have together.
static RESERVED: AtomicUsize = AtomicUsize::new(0);

impl Reservation {
    /// Reserves room for a line of this length. Returns whether there is room.
    fn grow(&mut self, length: usize) -> bool {
        if length <= LINE_CAPACITY {
            return true;
        }
        let more = length.saturating_sub(self.0);
        if RESERVED.fetch_add(more, Ordering::Relaxed) + more > MAX_LONG_LINES {
            RESERVED.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.0 += more;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        RESERVED.fetch_sub(self.0, Ordering::Relaxed);
    }
}

enum IncomingLine {
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
            JsonRpcMessage::Request(request) => self.own_requests.insert(request.id.clone()),
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
            if self.open.len() >= MANY_OPEN {
                tokio::task::yield_now().await;
            }
            if let Some(since) = self.stalled_since {
                // An answer that goes out ends this wait: rmcp drops this future and calls `receive` again.
                sleep_until(since + STALL_TIMEOUT).await;
            }
            let out = self.out.clone();
            let reading = async {
                match self.first_request_deadline.filter(|_| !self.has_request) {
                    None => self.read_line().await,
                    Some(deadline) => timeout_at(deadline, self.read_line()).await.unwrap_or(Ok(IncomingLine::End)),
                }
            };
            let line = tokio::select! {
                biased;
                line = reading => line,
                () = out.broken.cancelled() => Ok(IncomingLine::End),
            };
            match line {
                Ok(IncomingLine::Whole) => match self.parse() {
                    Ok(Some((message, length))) => {
                        if let Some(message) = self.admit(message, length) {
                            return Some(message);
                        }
                    }
                    Ok(None) | Err(None) => {}
                    Err(Some(answer)) => self.reply(answer),
                },
                Ok(IncomingLine::TooLong(ends)) => self.reply(malformed::too_long(&ends, self.max_line)),
                Ok(IncomingLine::End) | Err(_) => {
                    self.client.gone.cancel();
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.out.close().await
    }
}

/// Returns whether this request can end calls of a client that has too many open.
fn ends_calls(request: &ClientRequest) -> bool {
    let ClientRequest::CallToolRequest(call) = request else { return false };
    tools::get(&call.params.name).is_some_and(|tool| tool.ends_calls)
}

fn encode(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut bytes = visible::to_line(message)?;
    if bytes.len() > MAX_MESSAGE
        && let JsonRpcMessage::Response(response) = message
    {
        let size = crate::domain::units::bytes(bytes.len() as u64);
        let text = format!("The result was too large to send ({size}). Ask for less at a time.");
        bytes = malformed::error(&serde_json::to_value(&response.id)?, ErrorCode::INTERNAL_ERROR.0, &text).into_bytes();
    }
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_share_a_limit() {
        // Other tests run at the same time, and none comes near the limit.
        let mut reservations: Vec<Reservation> = std::iter::repeat_with(Reservation::default).take(7).collect();
        assert!(reservations.iter_mut().all(|one| one.grow(MAX_LINE / 2) && one.grow(MAX_LINE)));
        let mut late = Reservation::default();
        assert!(!late.grow(MAX_LINE + 1));
        assert!(late.grow(LINE_CAPACITY), "short lines always fit");
        reservations.pop();
        assert!(late.grow(MAX_LINE));
    }
}
