//! Fuzz test of the bridge's line reader and relay.

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::envelope::{self, Envelope};
use super::lines::{Line, LineReader, Outbox};
use super::relay::Relay;
use crate::mcp::tests::fuzz::{corrupted_lines, rounds};
use crate::session::SentTo;

async fn lines_of(outbox: &mut Outbox) -> Vec<Vec<u8>> {
    let (mut ours, mut theirs) = tokio::io::duplex(16 << 20);
    while !outbox.is_empty() {
        outbox.write_to(&mut theirs).await.unwrap();
    }
    theirs.shutdown().await.unwrap();
    drop(theirs);
    let mut bytes = Vec::new();
    ours.read_to_end(&mut bytes).await.unwrap();
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    assert_eq!(lines.pop(), Some(Vec::new()), "half a line was written");
    lines
}

/// Each line arrives unchanged, however the bytes come. Only messages go on to either side. Nothing panics.
#[tokio::test]
async fn fuzz_the_envelope_reader() {
    for mut random in rounds("the bridge's reader") {
        let bytes = corrupted_lines(&mut random, 30);
        let (mut ours, theirs) = tokio::io::duplex(1 + random.below(3_000));
        let sent = bytes.clone();
        let writing = tokio::spawn(async move { ours.write_all(&sent).await.unwrap() });
        let mut reader = LineReader::new(theirs);
        let mut read = Vec::new();
        let mut relay = Relay::default();
        relay.backend_joined(Some(SentTo::default()));
        loop {
            while let Some(line) = reader.next() {
                if random.below(2) == 0 {
                    relay.on_client_line(&line);
                } else {
                    relay.on_backend_line(&line);
                }
                let Line::Whole(line) = line else { panic!("none is that long") };
                read.push(line.to_vec());
                envelope::find_id(line, &line[line.len() / 2..]);
                if random.below(40) == 0 {
                    relay.session_lost("It has ended.", "", random.below(2) == 0);
                    relay.backend_joined(Some(SentTo::default()));
                }
            }
            if reader.ended {
                break;
            }
            reader.fill().await.unwrap();
        }
        writing.await.unwrap();
        let mut expected: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        expected.pop_if(|last| last.is_empty());
        assert_eq!(read, expected);
        relay.backend_lost("It has ended.", "", false);
        for line in lines_of(&mut relay.to_client).await {
            let text = String::from_utf8(line).unwrap();
            serde_json::from_str::<&RawValue>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert!(text.starts_with('{'), "{text}");
        }
        for line in lines_of(&mut relay.to_backend).await {
            let message = Envelope::parse(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
            assert!(message.method().is_some() || message.id.is_some(), "{:?}", serde_json::from_slice::<Value>(&line));
        }
    }
}
