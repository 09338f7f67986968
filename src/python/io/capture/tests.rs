//! Tests of the capture.

use super::*;
use crate::domain::Output;

fn writer_on(thread: ThreadId) -> OutputWriter {
    OutputWriter { thread, snippet: None }
}

fn text(capture: &Capture) -> String {
    let mut output = Output::default();
    for (_, shown) in capture.take() {
        if let EngineOutput::Text(chunk) = shown {
            output.push(&chunk);
        }
    }
    output.text(None)
}

#[test]
fn a_character_that_is_cut_between_two_writes_is_joined() {
    let capture = Capture::new(Arc::default(), UnreadOutput::default(), || {});
    for byte in "aé漢🎹b".as_bytes() {
        capture.write_bytes(writer_on(1), Stream::Stdout, &[*byte]);
    }
    assert_eq!(text(&capture), "aé漢🎹b");
}

#[test]
fn invalid_bytes_are_replaced_and_all_others_are_kept() {
    let capture = Capture::new(Arc::default(), UnreadOutput::default(), || {});
    capture.write_bytes(writer_on(1), Stream::Stdout, b"a\xff\xfe b \xe6");
    capture.write_bytes(writer_on(1), Stream::Stdout, b"c");
    assert_eq!(text(&capture), "a\u{fffd}\u{fffd} b \u{fffd}c");
}

#[test]
fn output_belongs_to_the_snippet_that_ran() {
    let capture = Capture::new(Arc::default(), UnreadOutput::default(), || {});
    capture.write(writer_on(1), Stream::Stdout, "before");
    capture.begin(SnippetId(1));
    capture.write(writer_on(1), Stream::Stdout, "one");
    capture.end();
    capture.write(writer_on(1), Stream::Stderr, "after");
    let owners: Vec<_> = capture.take().into_iter().map(|(snippet, _)| snippet).collect();
    assert_eq!(owners, [None, Some(SnippetId(1)), None]);
}

#[test]
fn a_thread_writes_for_the_snippet_that_it_works_for() {
    let capture = Capture::new(Arc::default(), UnreadOutput::default(), || {});
    let owner = |thread| {
        capture.write(writer_on(thread), Stream::Stdout, "x");
        capture.take()[0].0.map(|snippet| snippet.0)
    };
    let threads = |waits: [bool; 2]| [7, 8].map(|n| UserThread { ident: n, waits: waits[n as usize - 7] });
    capture.begin(SnippetId(1));
    capture.end();
    capture.adopt(&threads([false, true]), SnippetId(1));
    // Between snippets, both belong to the snippet that started them; later only the one that does not serve.
    assert_eq!([owner(7), owner(8), owner(9)], [Some(1), Some(1), None]);
    capture.begin_serving(&threads([false, true]));
    capture.begin(SnippetId(2));
    assert_eq!([owner(7), owner(8), owner(9)], [Some(1), Some(2), Some(2)]);
    capture.inherit(9, SnippetId(1));
    assert_eq!(owner(9), Some(1));
    capture.end();
    capture.adopt(&threads([false, false]), SnippetId(2));
    assert_eq!([owner(7), owner(8), owner(9)], [Some(1), Some(2), None], "work goes on, and the last has ended");
}

#[test]
fn small_writes_keep_their_order_and_their_owners() {
    let capture = Capture::new(Arc::default(), UnreadOutput::default(), || {});
    let task = OutputWriter { thread: 1, snippet: Some(SnippetId(9)) };
    let mut expected: Vec<(Option<u32>, Stream, String)> = Vec::new();
    let mut write = |writer: OutputWriter, owner, stream, text: &str| {
        capture.write(writer, stream, text);
        match expected.last_mut() {
            Some((last, kind, all)) if (*last, *kind) == (owner, stream) => all.push_str(text),
            _ => expected.push((owner, stream, text.to_owned())),
        }
    };
    capture.begin(SnippetId(1));
    for n in 0..4_000 {
        let (owner, writer) = if n % 1_000 < 20 { (Some(9), task) } else { (Some(1), writer_on(1 + n / 500)) };
        let stream = if n % 700 < 5 { Stream::Stderr } else { Stream::Stdout };
        write(writer, owner, stream, &format!("line {n}"));
        write(writer, owner, stream, "\n");
    }
    capture.inherit(1, SnippetId(3));
    write(writer_on(1), Some(3), Stream::Stdout, "of a thread");
    write(writer_on(1), Some(3), Stream::Stdout, &"long ".repeat(10_000));
    capture.end();
    write(writer_on(2), None, Stream::Stdout, "between snippets");
    let mut seen: Vec<(Option<u32>, Stream, String)> = Vec::new();
    for (owner, output) in capture.take() {
        let EngineOutput::Text(chunk) = output else { continue };
        for segment in chunk.head.into_iter().chain(chunk.tail) {
            let owner = owner.map(|snippet| snippet.0);
            match seen.last_mut() {
                Some((last, kind, all)) if (*last, *kind) == (owner, segment.stream) => all.push_str(&segment.text),
                _ => seen.push((owner, segment.stream, segment.text)),
            }
        }
    }
    assert_eq!(seen, expected);
}

#[test]
fn pending_output_is_announced_once() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = count.clone();
    let capture = Capture::new(Arc::default(), UnreadOutput::default(), move || {
        seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    capture.write(writer_on(1), Stream::Stdout, "a");
    capture.write(writer_on(1), Stream::Stdout, "b");
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1);
    capture.take();
    capture.write(writer_on(1), Stream::Stdout, "c");
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 2);
}
