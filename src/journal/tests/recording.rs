//! Recorded sessions, and how they are found again.

use super::*;
use crate::session::HistorySource;

#[test]
fn a_session_comes_back_as_it_was() {
    let home = Home::new();
    let id = id();
    let mut session = home.start(&id, "work");
    everything(&mut session);
    let (transcript, notices) = session.close();
    assert!(notices.is_empty(), "{notices:?}");
    let recorded = home.load(&id);
    assert_eq!(describe(&recorded.transcript), describe(&transcript));
    let summary = &recorded.session;
    assert_eq!(
        (summary.name.as_str(), summary.ending, summary.snippets, summary.failed),
        ("work", SessionEnd::Closed, 3, 1)
    );
    assert_eq!(summary.authors, ["you", "claude"]);
    assert!(recorded.unfinished().is_empty());
    assert_eq!(home.database().metadata().unwrap().mode() & 0o777, 0o600);
    let left: Vec<_> = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [schema::FILE], "the intake goes, and the log with the last connection");
}

/// The next process needs the call from the moment of submission on.
#[test]
fn the_call_of_a_snippet_is_recorded() {
    let (home, id) = (Home::new(), id());
    let mut session = home.start(&id, "work");
    let call = |number| crate::domain::CallId { bridge: 0xabc << 96, number };
    let submit = |session: &mut Recording, number: u32, call| {
        let (snippet, code) = (SnippetId(number), "same()".into());
        session.event(&Event::Submitted { snippet, author: claude(), code, call, at: at(number) });
    };
    submit(&mut session, 1, Some(call(1)));
    submit(&mut session, 2, None);
    submit(&mut session, 3, Some(call(u64::MAX)));
    let expected = [(call(1), SnippetId(1)), (call(u64::MAX), SnippetId(3))].into_iter().collect();
    assert_eq!(home.load(&id).calls, expected, "from the intake or the database");
    session.finish(1, Status::Ok);
    session.stop();
    let mut session = home.start(&id, "work");
    // Unfinished snippets that are taken up are stored once more.
    session.finish(3, Status::Ok);
    session.close();
    assert_eq!(home.load(&id).calls, expected);
}

/// The clock may be set back between two processes of a session.
#[test]
fn a_clock_that_is_set_back_hides_no_events() {
    let (home, id) = (Home::new(), id());
    drop(home.start(&self::id(), "other").close());
    let (intake_file, mut ahead) = home.of_run(&id, u64::MAX / 2);
    ahead.run(1, "a");
    drop((intake_file, ahead));
    assert_eq!(home.load(&id).transcript.entries().len(), 1);
    // The next process that opens the journal recovers these events.
    let lock = rusqlite::Connection::open(home.database()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut session = home.start(&id, "work");
    session.run(2, "b");
    session.stop();
    drop(lock);
    assert_eq!(home.load(&id).transcript.entries().len(), 2);
}

#[test]
fn floods_and_many_small_pieces_are_bounded_as_in_memory() {
    let home = Home::new();
    let id = id();
    let mut session = home.start(&id, "work");
    session.begin(1, "flood()");
    session.begin(2, "drip()");
    for n in 0..3_000 {
        session.write(Some(1), Stream::Stdout, &format!("line {n} é {}\n", "x".repeat(200)));
        session.write(Some(2), if n % 2 == 0 { Stream::Stdout } else { Stream::Stderr }, "drip ");
        session.write(None, Stream::Stdout, "background ");
        if n == 1_500 {
            let skipped = OutputChunk {
                head: vec![Piece { stream: Stream::Stdout, text: "before\n".into() }],
                skipped: 12_345_678,
                tail: vec![Piece { stream: Stream::Stderr, text: "after\n".into() }],
            };
            session.event(&Event::Output { snippet: Some(SnippetId(1)), chunk: skipped, at: 1 });
            // The end replaces the pieces stored before.
            std::thread::sleep(Duration::from_millis(250));
        }
    }
    session.finish(1, Status::Ok);
    session.finish(2, Status::Ok);
    let (transcript, _) = session.close();
    assert_eq!(describe(&home.load(&id).transcript), describe(&transcript));
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM output WHERE snippet = 1", [], |r| r.get(0)).unwrap();
    let bytes: i64 = connection.query_row("SELECT sum(length(text)) FROM output", [], |r| r.get(0)).unwrap();
    assert!(rows < 40 && bytes < 600_000, "{rows} pieces, {bytes} bytes");
}

#[test]
fn the_next_process_recovers_a_killed_ones_intake() {
    let home = Home::new();
    let (killed, follower) = (id(), id());
    let (intake_file, mut session) = home.without_thread(&killed);
    everything(&mut session);
    session.begin(4, "while True: pass");
    session.write(Some(4), Stream::Stdout, "on and on");
    session.submit(5, claude(), "waiting");
    let transcript = session.transcript.clone();
    assert!(JournalReader::open(&home.folder()).unwrap().is_none(), "a session that lives is left alone");
    drop(intake_file);
    drop(session);

    let (_, notices) = home.start(&follower, "follower").close();
    assert_eq!(notices, [""; 0]);
    let mut left = home.load(&killed);
    assert_eq!(describe(&left.transcript), describe(&transcript));
    assert_eq!(left.session.ending, SessionEnd::Died);
    assert_eq!(left.unfinished(), [(SnippetId(4), true), (SnippetId(5), false)]);
    left.end_unfinished("the crash");
    let ended = left.transcript;
    assert!(ended.running().is_none() && ended.queue().is_empty());
    assert_eq!(ended.snippet(SnippetId(4)).unwrap().status, Status::Interrupted);
    assert_eq!(ended.snippet(SnippetId(5)).unwrap().status, Status::Cancelled);
    assert!(home.reader().find("follower").unwrap().is_none(), "nothing was done in it");
}

#[test]
fn the_predecessors_intake_is_stored_first() {
    let home = Home::new();
    let id = id();
    // The predecessor's file is locked: it is dying, or being recovered.
    let (intake_file, mut first) = home.without_thread(&id);
    everything(&mut first);
    let mut second = home.start(&id, "killed");
    second.transcript = first.transcript.clone();
    drop(first);
    second.run(5, "5");
    second.wait_for_notice("locked");
    drop(intake_file);
    second.wait_for_notice("recorded again");
    let (transcript, _) = second.close();
    assert_eq!(describe(&home.load(&id).transcript), describe(&transcript));
}

#[test]
fn another_process_takes_the_session_over() {
    let home = Home::new();
    let id = id();
    let mut first = home.start(&id, "work");
    everything(&mut first);
    first.begin(4, "os.abort()");
    first.write(Some(4), Stream::Stdout, "last words");
    let (before, _) = first.stop();

    let mut recorded = home.load(&id);
    let mut second = home.start(&id, "work");
    second.transcript = recorded.transcript.clone();
    assert_eq!(describe(&second.transcript), describe(&before));
    recorded.end_unfinished("the crash");
    let ended = recorded.transcript.snippet(SnippetId(4)).unwrap().outcome.clone().unwrap();
    second.event(&Event::Finished { snippet: SnippetId(4), outcome: ended, at: recorded.session.last_active });
    second.run(5, "5");
    second.write(None, Stream::Stdout, "a thread of the second");
    let (transcript, _) = second.close();
    let again = home.load(&id);
    assert_eq!(describe(&again.transcript), describe(&transcript));
    assert_eq!(again.session.ending, SessionEnd::Closed);
    assert!(again.unfinished().is_empty());
}

#[test]
fn two_sessions_write_at_once_and_the_history_has_both() {
    let home = Home::new();
    let ids = [id(), id()];
    std::thread::scope(|scope| {
        for (index, id) in ids.iter().enumerate() {
            let home = &home;
            scope.spawn(move || {
                let mut session = home.start(id, ["one", "two"][index]);
                for n in 1..=400 {
                    session.run(n, &format!("value_{index} = {}", n % 100));
                    if n % 50 == 0 {
                        std::thread::sleep(Duration::from_millis(60));
                    }
                }
                assert_eq!(session.close().1, [""; 0]);
            });
        }
    });
    let reader = home.reader();
    let sessions = reader.sessions().unwrap();
    assert_eq!(sessions.iter().map(|s| s.snippets).collect::<Vec<_>>(), [400, 400]);
    for (id, name) in ids.iter().zip(["one", "two"]) {
        assert_eq!(reader.find(name).unwrap().unwrap().id, *id);
        assert_eq!(reader.load(id).unwrap().unwrap().transcript.entries().len(), 400);
    }
    let found = reader.history(None).unwrap();
    assert_eq!(found.len(), 200, "each once");
    let zero: Vec<_> = found.iter().filter(|past| past.code.starts_with("value_0")).collect();
    assert!(&*zero[0].code == "value_0 = 0" && &*zero[0].session == "one" && zero[0].ok && zero[0].mine);
    assert!(reader.history(Some(&ids[0])).unwrap().iter().all(|past| &*past.session == "two"));
}

/// As while a session creates the journal on a busy disk.
#[test]
fn the_history_waits_for_a_writer_that_has_locked_the_journal() {
    let home = Home::new();
    let mut session = home.start(&id(), "work");
    session.run(1, "recorded()");
    session.close();
    let writer = rusqlite::Connection::open(home.database()).unwrap();
    writer.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    let history = JournalHistory { paths: home.paths(), session: id() };
    let reading = std::thread::spawn(move || history.past());
    // One attempt gives up sooner.
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(!reading.is_finished());
    writer.execute_batch("ROLLBACK").unwrap();
    drop(writer);
    let found = reading.join().unwrap().unwrap();
    assert_eq!(found.iter().map(|past| &*past.code).collect::<Vec<_>>(), ["recorded()"]);
}

#[test]
fn effects_are_recorded_also_after_their_snippet_has_ended() {
    let home = Home::new();
    let id = id();
    let mut session = home.start(&id, "work");
    let mut effects = SideEffects::default();
    let mut did = |session: &mut Recording, target: &str| {
        effects.add(SideEffect::new(SideEffectKind::Delete, target));
        session.event(&Event::Effects { snippet: SnippetId(1), effects: effects.clone().into() });
    };
    session.begin(1, "clean()");
    did(&mut session, "a");
    session.finish(1, Status::Ok);
    session.run(2, "2");
    home.wait_for_database();
    did(&mut session, "b");
    session.run(3, "3");
    session.close();
    let recorded = home.load(&id).transcript;
    let effects = |number| recorded.snippet(SnippetId(number)).unwrap().effects.phrases();
    assert_eq!((effects(1), effects(2)), (vec!["deleted a, b".to_owned()], Vec::new()));
}

#[test]
fn hidden_input_is_in_no_file() {
    let home = Home::new();
    let id = id();
    let mut session = home.start(&id, "work");
    session.begin(1, "getpass()");
    let ask = |number, hidden| {
        let request = crate::domain::InputRequest { number, prompt: "Password:".into(), hidden, at: 1, until: 2 };
        Event::InputRequested { snippet: SnippetId(1), request: request.into() }
    };
    for (number, hidden, text) in [(1, true, None), (2, false, Some("Ada".into()))] {
        session.event(&ask(number, hidden));
        session.event(&Event::InputAnswered { snippet: SnippetId(1), by: Author::You, text, at: 3 });
    }
    session.finish(1, Status::Ok);
    let (transcript, _) = session.close();
    let recorded = home.load(&id).transcript;
    assert_eq!(describe(&recorded), describe(&transcript), "the echo of an answer included");
    assert_eq!(recorded.snippet(SnippetId(1)).unwrap().output.text(None), "\nAda\n");
}

impl Home {
    /// Starts an intake whose thread never runs.
    fn without_thread(&self, id: &SessionId) -> (Arc<IntakeFile>, Recording) {
        self.of_run(id, 7)
    }

    fn of_run(&self, id: &SessionId, run: u64) -> (Arc<IntakeFile>, Recording) {
        let meta = frame::SessionMeta::new(id.clone(), &info("killed"), "boot".into());
        let intake_file = IntakeFile::create(&self.folder(), &meta, run, 0).unwrap();
        let shared = Arc::new(SharedIntake::default());
        shared.writing().intake_file = Some(intake_file.clone());
        let recorder = JournalRecorder { shared, buffer: Vec::new() };
        let (_, done) = mpsc::channel();
        let (_, told) = unbounded_channel();
        (intake_file, Recording { recorder, journal: Journal { done }, told, transcript: Transcript::default() })
    }
}
