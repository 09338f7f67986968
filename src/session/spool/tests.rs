//! Tests of the spool.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::domain::Segment;

const ONE: SnippetId = SnippetId(1);
const TIMEOUT: Duration = Duration::from_secs(120);

struct Rig {
    spool: Arc<Spool>,
    worker: Option<thread::JoinHandle<()>>,
    _root: tempfile::TempDir,
    folder: PathBuf,
}

impl Rig {
    fn new(limits: Limits) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("spool/session");
        let spool = Arc::new(Spool::new(Some(folder.clone()), limits));
        let worker = spool.clone();
        let worker = Some(thread::spawn(move || worker.work(drop)));
        Self { spool, worker, _root: root, folder }
    }

    fn write(&self, snippet: SnippetId, stream: Stream, text: &str) {
        self.spool.wait_for_room();
        self.spool.push(snippet, stream, text);
    }

    fn whole(&self, snippet: SnippetId) -> Whole {
        self.spool.settle(TIMEOUT);
        self.spool.whole(snippet).unwrap().unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.spool.close();
        self.worker.take().unwrap().join().unwrap();
    }
}

fn text(whole: &Whole) -> String {
    let (_, segments) = whole.read(0, usize::MAX).unwrap();
    segments.iter().map(|segment| segment.text.as_str()).collect()
}

const SMALL: Limits = Limits { snippet: 100_000, session: 150_000, memory: 1_000, memories: 3_000 };

#[test]
fn small_output_stays_in_memory() {
    let rig = Rig::new(Limits::default());
    rig.write(ONE, Stream::Stdout, "a\n");
    rig.write(ONE, Stream::Stderr, "é\n");
    rig.write(SnippetId(2), Stream::Stdout, "other\n");
    rig.write(ONE, Stream::Stdout, "c\n");
    let whole = rig.whole(ONE);
    assert_eq!(text(&whole), "a\né\nc\n");
    let segment = |stream, text: &str| Segment { stream, text: text.to_owned() };
    let cut = vec![segment(Stream::Stderr, "\n"), segment(Stream::Stdout, "c\n")];
    assert_eq!(whole.read(3, 10).unwrap(), (4, cut), "no character is cut");
    assert!(rig.spool.whole(SnippetId(3)).unwrap().is_none());
    assert!(!rig.folder.exists());
}

#[test]
fn large_output_goes_to_disk_and_can_be_read_anywhere() {
    let rig = Rig::new(Limits::default());
    let mut all = String::new();
    for n in 0..60_000 {
        let line = format!("line {n} é\n");
        rig.write(ONE, if n % 3 == 0 { Stream::Stderr } else { Stream::Stdout }, &line);
        all.push_str(&line);
    }
    let whole = rig.whole(ONE);
    assert_eq!((whole.length(), whole.missing()), (all.len() as u64, None));
    assert_eq!(text(&whole), all);
    for offset in [0, 1, 77_777, 400_000, all.len() - 20] {
        let (start, segments) = whole.read(offset as u64, 5_000).unwrap();
        let read: String = segments.iter().map(|segment| segment.text.as_str()).collect();
        assert!(!read.is_empty() && all[start as usize..].starts_with(&read), "{offset}");
        for segment in segments.iter().filter(|segment| segment.text.starts_with("line ")) {
            let number: usize = segment.text[5..].split(' ').next().unwrap().parse().unwrap_or(1);
            assert!((segment.stream == Stream::Stderr) == number.is_multiple_of(3) || segment.text.len() < 12);
        }
    }
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&rig.folder), mode(&rig.folder.join("1.out"))), (0o700, 0o600));
    assert_eq!(std::fs::read_to_string(rig.folder.join("1.out")).unwrap(), all);
}

#[test]
fn output_beyond_the_limits_is_counted() {
    let rig = Rig::new(SMALL);
    for _ in 0..1_500 {
        rig.write(ONE, Stream::Stdout, &"x".repeat(100));
    }
    let whole = rig.whole(ONE);
    assert_eq!((whole.length(), whole.missing().unwrap().bytes), (100_000, 50_000));
    assert!(whole.missing().unwrap().why.contains("for one snippet"));
    for _ in 0..600 {
        rig.write(SnippetId(2), Stream::Stdout, &"y".repeat(100));
    }
    assert_eq!(text(&rig.whole(SnippetId(2))).len(), 60_000);
    let removed = rig.whole(ONE);
    assert_eq!((removed.length(), removed.missing().unwrap().bytes), (0, 150_000));
    assert!(removed.missing().unwrap().why.contains("newer output"));
    assert!(!rig.folder.join("1.out").exists());
    for n in 10..20 {
        rig.write(SnippetId(n), Stream::Stdout, &"z".repeat(900));
    }
    rig.spool.settle(TIMEOUT);
    assert!(rig.folder.join("10.out").exists() && !rig.folder.join("19.out").exists(), "old small ones go to disk");
    assert_eq!(text(&rig.whole(SnippetId(10))), "z".repeat(900));
}

#[test]
fn an_unwritable_folder_is_reported_and_stops_no_writer() {
    let rig = Rig::new(SMALL);
    std::fs::write(rig.folder.parent().unwrap(), "a file").unwrap();
    for _ in 0..100 {
        rig.write(ONE, Stream::Stdout, &"x".repeat(100));
    }
    let whole = rig.whole(ONE);
    assert_eq!(whole.length() + whole.missing().unwrap().bytes, 10_000);
    assert!(whole.length() >= 900 && whole.missing().unwrap().why.contains("cannot be written"));
}

#[test]
fn a_slow_disk_loses_output_and_never_hangs() {
    let spool = Spool::default();
    let piece = "x".repeat(64 << 10);
    for _ in 0..100 {
        spool.wait_for_room();
        spool.push(ONE, Stream::Stdout, &piece);
    }
    let queue = spool.queue.lock();
    assert!(queue.size() < 2 * QUEUE_CAPACITY && queue.lost[0].1 > 4 << 20);
}
