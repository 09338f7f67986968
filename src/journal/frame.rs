//! The binary format of the intake. A frame is read whole or not at all.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::flight_recorder::Losses;
use crate::domain::{Display, Event, Form, SessionInfo, SnippetId, Timestamp};
use crate::session::SessionId;

/// The start of every frame; no text and no JSON contains it.
const MAGIC: [u8; 4] = [0x00, b'4', b'h', 0x01];
/// Magic, length of the payload, checksum, kind.
const HEADER_BYTES: usize = 4 + 4 + 8 + 1;

const KIND_SESSION: u8 = 1;
const KIND_EVENT: u8 = 2;
const KIND_DISPLAY: u8 = 3;
/// Written by versions that counted only events.
const KIND_MISSED_EVENTS: u8 = 4;
const KIND_LOSSES: u8 = 5;

/// The session that the following frames belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMeta {
    pub id: SessionId,
    pub name: String,
    pub cwd: String,
    pub python: String,
    pub python_version: String,
    pub venv: Option<String>,
    pub pid: u32,
    pub boot: String,
    pub started_at: Timestamp,
}

impl SessionMeta {
    #[must_use]
    pub fn new(id: SessionId, info: &SessionInfo, boot: String) -> Self {
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        Self {
            id,
            name: info.name.clone(),
            cwd: text(&info.cwd),
            python: text(&info.python),
            python_version: info.python_version.clone(),
            venv: info.venv.as_deref().map(text),
            pid: info.pid,
            boot,
            started_at: info.started_at,
        }
    }
}

#[derive(Clone, Debug)]
pub enum IntakeFrame {
    Session(SessionMeta),
    Event(Event),
    /// Events lost before this frame.
    Missed(Losses),
}

/// The JSON header of a display, which the bytes follow.
#[derive(Serialize, Deserialize)]
struct DisplayHeader {
    snippet: SnippetId,
    at: Timestamp,
    after: u64,
    id: Option<Arc<str>>,
    replaces: bool,
    /// Media type, number of bytes that follow, and original number of bytes.
    forms: Vec<(String, usize, u64)>,
}

/// Returns whether the journal records the event. The others matter only at their moment.
#[must_use]
pub fn is_recorded(event: &Event) -> bool {
    !matches!(
        event,
        Event::Variables(_)
            | Event::Stuck { .. }
            | Event::Busy(_)
            | Event::Replay(_)
            | Event::Notice { .. }
            | Event::RiskAsked { .. }
            | Event::RiskWithdrawn { .. }
            | Event::Undoable(_)
            | Event::SafePoints(_)
            | Event::PutBack { .. }
    )
}

/// Appends the frame of `event` to `buffer`. Returns `false` and appends nothing if the event cannot be encoded.
pub fn encode_event(buffer: &mut Vec<u8>, event: &Event) -> bool {
    match event {
        Event::Displayed { snippet, display, replaces, at } => framed(buffer, KIND_DISPLAY, |buffer| {
            let forms = display.forms.iter().map(|form| (form.mime.clone(), form.data.len(), form.size)).collect();
            let (id, replaces) = (display.id.clone(), *replaces);
            let header = DisplayHeader { snippet: *snippet, at: *at, after: display.after, id, replaces, forms };
            let json = serde_json::to_vec(&header)?;
            buffer.extend_from_slice(&(json.len() as u32).to_le_bytes());
            buffer.extend_from_slice(&json);
            for form in &display.forms {
                buffer.extend_from_slice(&form.data);
            }
            Ok(())
        }),
        event => framed(buffer, KIND_EVENT, |buffer| serde_json::to_writer(buffer, event)),
    }
}

pub fn encode_session(buffer: &mut Vec<u8>, meta: &SessionMeta) -> bool {
    framed(buffer, KIND_SESSION, |buffer| serde_json::to_writer(buffer, meta))
}

pub fn encode_losses(buffer: &mut Vec<u8>, losses: Losses) -> bool {
    framed(buffer, KIND_LOSSES, |buffer| serde_json::to_writer(buffer, &losses))
}

fn framed(buffer: &mut Vec<u8>, kind: u8, payload: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>) -> bool {
    let start = buffer.len();
    buffer.extend_from_slice(&MAGIC);
    buffer.resize(start + HEADER_BYTES, kind);
    let written = payload(buffer);
    let length = u32::try_from(buffer.len() - start - HEADER_BYTES);
    let (Ok(()), Ok(length)) = (written, length) else {
        buffer.truncate(start);
        return false;
    };
    let check = checksum(&buffer[start + HEADER_BYTES - 1..]);
    buffer[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    buffer[start + 8..start + 16].copy_from_slice(&check.to_le_bytes());
    true
}

/// The result of decoding the beginning of some bytes.
#[derive(Debug)]
pub enum Decoded {
    /// A frame and its size in bytes; `None` if this version does not know its kind.
    Frame(Option<Box<IntakeFrame>>, usize),
    /// No frame; the next may begin after this many bytes.
    Garbage(usize),
    /// Perhaps the beginning of a frame.
    Partial,
}

#[must_use]
pub fn decode(bytes: &[u8]) -> Decoded {
    if bytes.len() < MAGIC.len() {
        return if MAGIC.starts_with(bytes) { Decoded::Partial } else { garbage(bytes) };
    }
    if !bytes.starts_with(&MAGIC) {
        return garbage(bytes);
    }
    let (Some(length), Some(check)) = (number::<4>(bytes, 4), number::<8>(bytes, 8)) else { return Decoded::Partial };
    let end = HEADER_BYTES + length as usize;
    let Some(checked) = bytes.get(HEADER_BYTES - 1..end) else { return Decoded::Partial };
    if checksum(checked) != check {
        return garbage(bytes);
    }
    Decoded::Frame(read(checked[0], &checked[1..]).map(Box::new), end)
}

/// Skips to where the next frame may begin.
fn garbage(bytes: &[u8]) -> Decoded {
    let next = bytes.iter().skip(1).position(|byte| *byte == MAGIC[0]);
    Decoded::Garbage(next.map_or(bytes.len(), |at| at + 1))
}

/// Decodes all frames in `bytes`. Returns how many bytes they take, with the garbage between them.
pub fn decode_all(bytes: &[u8], mut each: impl FnMut(IntakeFrame)) -> usize {
    let mut at = 0;
    // A damaged length must not hide the frames after it.
    let mut end = 0;
    while at < bytes.len() {
        match decode(&bytes[at..]) {
            Decoded::Frame(frame, used) => {
                at += used;
                end = at;
                if let Some(frame) = frame {
                    each(*frame);
                }
            }
            Decoded::Garbage(used) => at += used,
            Decoded::Partial => at += 1,
        }
    }
    end
}

fn read(kind: u8, payload: &[u8]) -> Option<IntakeFrame> {
    match kind {
        KIND_SESSION => serde_json::from_slice(payload).ok().map(IntakeFrame::Session),
        KIND_EVENT => serde_json::from_slice(payload).ok().map(IntakeFrame::Event),
        KIND_MISSED_EVENTS => {
            let events = serde_json::from_slice(payload).ok()?;
            Some(IntakeFrame::Missed(Losses { events, snippets: 0 }))
        }
        KIND_LOSSES => serde_json::from_slice(payload).ok().map(IntakeFrame::Missed),
        KIND_DISPLAY => {
            let length = number::<4>(payload, 0)? as usize;
            let header: DisplayHeader = serde_json::from_slice(payload.get(4..4 + length)?).ok()?;
            let mut rest = payload.get(4 + length..)?;
            let mut forms = Vec::new();
            for (mime, length, size) in header.forms {
                let (data, after) = rest.split_at_checked(length)?;
                forms.push(Form { mime, data: data.into(), size });
                rest = after;
            }
            let display = Arc::new(Display { after: header.after, id: header.id, forms });
            let DisplayHeader { snippet, at, replaces, .. } = header;
            Some(IntakeFrame::Event(Event::Displayed { snippet, display, replaces, at }))
        }
        _ => None,
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + N)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Detects frames torn by a crash, not manipulation. FNV, eight bytes at a time.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |word: u64| hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    for byte in rest {
        mix(u64::from(*byte));
    }
    mix(bytes.len() as u64);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;
    use crate::domain::{Author, OutputChunk, Stream};

    fn events() -> Vec<Event> {
        let forms = vec![Form::new("image/png", vec![0, 1, 2, 255])];
        vec![
            Event::Submitted {
                snippet: SnippetId(1),
                author: Author::You,
                code: "1+1\n'\u{0}4h\u{1}'".into(),
                call: None,
                at: 5,
            },
            Event::Output { snippet: Some(SnippetId(1)), chunk: OutputChunk::of(Stream::Stderr, "é\n"), at: 6 },
            Event::Displayed {
                snippet: SnippetId(1),
                display: Display { after: 3, id: Some("x".into()), forms }.into(),
                replaces: true,
                at: 7,
            },
            Event::Ending,
        ]
    }

    fn decoded(bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        decode_all(bytes, |frame| found.push(format!("{frame:?}")));
        found
    }

    #[test]
    fn events_round_trip() {
        let mut bytes = Vec::new();
        let events = events();
        assert!(events.iter().all(|event| encode_event(&mut bytes, event)));
        let expected: Vec<_> = events.into_iter().map(|event| format!("{:?}", IntakeFrame::Event(event))).collect();
        assert_eq!(decoded(&bytes), expected);
    }

    #[test]
    fn a_damaged_frame_hides_no_other() {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for event in events() {
            encode_event(&mut bytes, &event);
            ends.push(bytes.len());
        }
        let whole = decoded(&bytes);
        for end in 0..bytes.len() {
            let complete = ends.iter().filter(|e| **e <= end).count() - 1;
            assert_eq!(decoded(&bytes[..end]), whole[..complete], "cut at {end}");
        }
        for at in 0..bytes.len() {
            for value in [0x00, 0xff] {
                let mut hurt = bytes.clone();
                if std::mem::replace(&mut hurt[at], value) == value {
                    continue;
                }
                let left = decoded(&hurt);
                let index = ends.iter().filter(|e| **e <= at).count() - 1;
                let mut expected = whole.clone();
                expected.remove(index);
                assert_eq!(left, expected, "byte {at}");
            }
        }
    }

    #[test]
    fn garbage_is_read_without_harm_and_frames_behind_it_are_found() {
        for mut random in Random::rounds(12, 2_000) {
            let mut bytes = Vec::new();
            for event in events() {
                encode_event(&mut bytes, &event);
            }
            random.spoil(&mut bytes);
            for _ in 0..random.below(40) {
                bytes.push(random.one(&[0x00, b'4', b'h', 0x01, 0xff, 2, 3]));
            }
            encode_losses(&mut bytes, Losses { events: 7, snippets: 1 });
            let found = decoded(&bytes);
            assert_eq!(found.last().unwrap(), "Missed(Losses { events: 7, snippets: 1 })", "{bytes:?}");
        }
    }
}
