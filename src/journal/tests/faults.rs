//! Problems with the files of the journal.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicU64;

use nix::fcntl::{Flock, FlockArg};
use rusqlite::Connection;

use super::*;
use crate::domain::random::Random;

fn aside(home: &Home) -> Vec<PathBuf> {
    let all = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.to_string_lossy().contains("damaged")).collect()
}

/// Records one snippet, and checks that it comes back.
pub fn works(home: &Home, notices: usize) -> Vec<String> {
    let id = id();
    let mut session = home.start(&id, "after");
    session.run(1, "after()");
    let (transcript, told_notices) = session.close();
    assert_eq!(told_notices.len(), notices, "{told_notices:?}");
    assert_eq!(describe(&home.load(&id).transcript), describe(&transcript));
    told_notices
}

#[test]
fn a_damaged_database_is_set_aside_and_replaced() {
    let home = Home::new();
    fs::write(home.database(), "this is no database, whatever its name says".repeat(100)).unwrap();
    let notices = works(&home, 1);
    assert!(notices[0].contains("damaged") && notices[0].contains("moved to"), "{notices:?}");
    assert!(fs::read_to_string(&aside(&home)[0]).unwrap().starts_with("this is no database"));
}

/// The text of the warning, and the cause.
type Case = (&'static str, fn(&Path));

#[test]
fn foreign_and_newer_databases_are_left_untouched() {
    let cases: [Case; 4] = [
        ("newer fourhands", |path| {
            schema::open(path.parent().unwrap()).unwrap().pragma_update(None, "user_version", 99).unwrap();
        }),
        ("not created by fourhands", |path| {
            let other = Connection::open(path).unwrap();
            other.execute_batch("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')").unwrap();
        }),
        ("not created by fourhands", |path| fs::create_dir(path).unwrap()),
        ("not created by fourhands", |path| std::os::unix::fs::symlink("/dev/null", path).unwrap()),
    ];
    for (words, prepare) in cases {
        let home = Home::new();
        prepare(&home.database());
        let before = fs::read(home.database()).ok();
        let mut session = home.start(&id(), "work");
        session.run(1, "1");
        session.wait_for_notice(words);
        session.run(2, "2");
        let (_, notices) = session.close();
        assert!(notices.is_empty(), "told once: {notices:?}");
        assert_eq!(fs::read(home.database()).ok(), before, "{words}");
        let left: Vec<_> = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [schema::FILE], "{words}");
    }
}

#[test]
fn a_lasting_lock_is_reported_and_nothing_is_lost() {
    let home = Home::new();
    works(&home, 0);
    let other = Connection::open(home.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let [locked_out, patient] = [id(), id()];
    let mut session = home.start(&locked_out, "locked out");
    everything(&mut session);
    let (kept, _) = session.close();

    let mut session = home.start(&patient, "patient");
    session.run(1, "1");
    let told_first = session.wait_for_notice("locked");
    assert!(told_first.contains("kept in a file beside it"), "{told_first}");
    other.execute_batch("ROLLBACK").unwrap();
    session.wait_for_notice("recorded again");
    session.run(2, "2");
    let (transcript, notices) = session.close();
    assert!(notices.is_empty(), "{notices:?}");
    assert_eq!(describe(&home.load(&patient).transcript), describe(&transcript));
    let recorded = home.load(&locked_out);
    assert_eq!(describe(&recorded.transcript), describe(&kept), "taken in by the one that came later");
    assert_eq!(recorded.session.ending, SessionEnd::Closed);
}

#[test]
fn events_behind_a_lock_are_read_from_the_intake() {
    let home = Home::new();
    let (before, only) = (id(), id());
    let mut session = home.start(&before, "work");
    everything(&mut session);
    session.begin(4, "while True: pass");
    session.write(Some(4), Stream::Stdout, "stored, ");
    session.stop();
    // The session continues while the database is locked, and so does one that the database does not know.
    let other = Connection::open(home.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut expected = Vec::new();
    for (id, name) in [(&before, "work"), (&only, "new")] {
        let mut session = home.start(id, name);
        session.transcript = home.reader().load(id).unwrap().map(|found| found.transcript).unwrap_or_default();
        if id == &before {
            session.write(Some(4), Stream::Stdout, "not stored\n");
            session.finish(4, Status::Error);
        }
        session.run(5, "locked_out()");
        session.submit(6, claude(), "waiting");
        assert_eq!(describe(&home.load(id).transcript), describe(&session.transcript), "while it runs");
        let (transcript, _) = session.stop();
        let recorded = home.load(id);
        assert_eq!(describe(&recorded.transcript), describe(&transcript));
        assert_eq!((&*recorded.session.name, recorded.session.ending), (name, SessionEnd::Died));
        assert_eq!(recorded.unfinished(), [(SnippetId(6), false)]);
        expected.push((id, describe(&transcript)));
    }
    other.execute_batch("ROLLBACK").unwrap();
    for (id, expected) in expected {
        let recorded = home.load(id);
        assert_eq!(describe(&recorded.transcript), expected, "the same once the events are in the database");
        assert_eq!(recorded.unfinished(), [(SnippetId(6), false)]);
    }
}

#[test]
fn a_full_disk_is_reported_and_recording_continues_later() {
    let home = Home::new();
    let id = id();
    let mut session = home.start(&id, "work");
    session.run(1, "1");
    let mut full = IntakeFile {
        path: "/dev/full".into(),
        file: Flock::lock(File::options().read(true).write(true).open("/dev/full").unwrap(), FlockArg::LockShared)
            .unwrap(),
        written: AtomicU64::new(0),
    };
    full.path = home.database();
    let shared = session.recorder.shared.clone();
    let good = shared.writing().intake_file.replace(Arc::new(full));
    session.run(2, "waits()");
    session.wait_for_notice("is full");
    shared.writing().intake_file = good;
    assert!(session.wait_for_notice("recorded again").contains("nothing is missing"), "without another event");
    session.run(3, "3");
    let (transcript, _) = session.close();
    assert_eq!(describe(&home.load(&id).transcript), describe(&transcript));
    assert_eq!(home.load(&id).session.missed, 0);
}

/// A disk that stays full longer than memory can hold the events, over several processes.
#[test]
fn losses_are_counted_across_processes() {
    static LOST: crate::domain::flight_recorder::SharedLosses = crate::domain::flight_recorder::SharedLosses::new();
    let home = Home::new();
    let id = id();
    let full = || {
        let file = File::options().read(true).write(true).open("/dev/full").unwrap();
        let file = Flock::lock(file, FlockArg::LockShared).unwrap();
        Arc::new(IntakeFile { path: home.database(), file, written: AtomicU64::new(0) })
    };
    for process in 0..3 {
        let mut session = home.start(&id, "work");
        {
            // Under one lock, or the thread could record the losses before the disk is full.
            let mut writing = session.recorder.shared.writing();
            writing.intake_file = Some(full());
            (writing.missed, writing.missed_in_all, writing.lost) = (LOST.get(), LOST.get(), Some(&LOST));
        }
        for n in 0..7 {
            session.run(1 + process * 7 + n, "lost()");
        }
        assert_eq!(LOST.get().snippets, u64::from(process + 1) * 7);
        // As if killed: the losses in its memory are gone.
        session.recorder.shared.writing().lost = None;
        session.stop();
    }
    let (recorder, journal, told) =
        start(home.paths(), id.clone(), &info("work"), RetentionLimits::default(), Some(&LOST), true);
    let mut session = Recording { recorder, journal, told, transcript: Transcript::default() };
    session.run(22, "kept()");
    assert_eq!(LOST.get(), crate::domain::flight_recorder::Losses::default());
    let told = session.wait_for_notice("recorded again");
    assert!(told.contains("21 snippets (84 events in all) could not be recorded"), "{told}");
    session.close();
    let summary = home.load(&id).session;
    assert_eq!((summary.lost, summary.missed, summary.snippets), (21, 84, 1));
}

#[test]
fn sessions_survive_the_removal_of_their_files() {
    let vanish: [fn(&Home); 3] = [
        |home| fs::remove_file(home.database()).unwrap(),
        |home| {
            for end in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(format!("{}{end}", home.database().display()));
            }
        },
        |home| fs::remove_dir_all(home.folder()).unwrap(),
    ];
    for remove in vanish {
        let home = Home::new();
        let id = id();
        let mut session = home.start(&id, "work");
        session.run(1, "1");
        session.begin(2, "still_running()");
        session.write(Some(2), Stream::Stdout, "before\n");
        let deadline = Instant::now() + LIMIT;
        let snippets = || Some(JournalReader::open(&home.folder()).ok()??.find("work").ok()??.snippets);
        while snippets() != Some(2) {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
        remove(&home);
        session.write(Some(2), Stream::Stdout, "after\n");
        session.finish(2, Status::Ok);
        let (_, notices) = session.close();
        assert!(notices.len() == 1 && notices[0].contains("was removed while in use"), "{notices:?}");
        let transcript = home.load(&id).transcript;
        assert_eq!(transcript.snippet(SnippetId(1)).unwrap().output.text(None), "out 1\n", "{notices:?}");
        let snippet = transcript.snippet(SnippetId(2)).unwrap();
        assert_eq!((snippet.output.text(None).as_str(), snippet.status), ("before\nafter\n", Status::Ok));
    }
}

#[test]
fn random_damage_crashes_nothing_and_loses_no_live_session() {
    let mut random = Random::new(20_261_123);
    for round in 0..60 {
        let home = Home::new();
        let (past, killed, present) = (id(), id(), id());
        let mut session = home.start(&past, "past");
        everything(&mut session);
        session.close();
        // A killed session's intake, and garbage over parts of it and of the database, perhaps while it is in use.
        let meta = frame::SessionMeta::new(killed.clone(), &info("killed"), String::new());
        let intake_file = IntakeFile::create(&home.folder(), &meta, 1, 0).unwrap();
        let shared = Arc::new(SharedIntake::default());
        shared.writing().intake_file = Some(intake_file.clone());
        JournalRecorder { shared, buffer: Vec::new() }.event(&Event::Reset {
            by: Author::You,
            report: Arc::default(),
            at: at(1),
        });
        spoil_file(&mut random, &intake_file.path);
        drop(intake_file);
        let early = random.below(2) == 0;
        if early {
            spoil_file(&mut random, &home.database());
        }
        let mut session = home.start(&present, "present");
        session.run(1, "1");
        if !early {
            home.wait_for_database();
            spoil_file(&mut random, &home.database());
        }
        everything_again(&mut session);
        let (transcript, notices) = session.close();
        let reader = JournalReader::open(&home.folder());
        let loaded = reader.and_then(|reader| reader.unwrap().load(&present));
        let damage_is_known = notices.iter().any(|text| text.contains("damaged") || text.contains("not recorded"));
        match loaded {
            Ok(Some(recorded)) => {
                // Snippets stored before the damage may be in the database that was set aside.
                let kept = describe(&recorded.transcript);
                assert!(describe(&transcript).ends_with(&kept[kept.len().min(1)..]), "round {round}: {notices:?}");
            }
            // Nobody has read the damaged part yet; the next reader sets the database aside.
            Ok(None) | Err(_) => assert!(!early || damage_is_known, "round {round}: {loaded:?} {notices:?}"),
        }
    }
}

/// As if the removal of a stored file failed, or the process was killed before it.
#[test]
fn stored_events_are_not_stored_twice() {
    let home = Home::new();
    let id = id();
    let meta = frame::SessionMeta::new(id.clone(), &info("killed"), String::new());
    let intake_files: Vec<_> =
        (0..2).map(|number| IntakeFile::create(&home.folder(), &meta, 1, number).unwrap()).collect();
    for intake_file in &intake_files {
        let shared = Arc::new(SharedIntake::default());
        shared.writing().intake_file = Some(intake_file.clone());
        let event = Event::Output { snippet: None, chunk: OutputChunk::of(Stream::Stdout, "once\n"), at: at(1) };
        JournalRecorder { shared, buffer: Vec::new() }.event(&event);
    }
    let files: Vec<_> = intake_files.iter().map(|file| (file.path.clone(), fs::read(&file.path).unwrap())).collect();
    drop(intake_files);
    let mut connection = schema::open(&home.folder()).unwrap();
    for kept in [0..0, 0..1, 1..2, 0..2] {
        for (path, bytes) in &files[kept] {
            fs::write(path, bytes).unwrap();
        }
        recover::dead_sessions(&home.folder(), &mut connection).unwrap();
        assert_eq!(describe(&home.load(&id).transcript), ["background \"once\\nonce\\n\""]);
        assert!(intake::list(&home.folder()).unwrap().is_empty());
    }
}

/// The same after a first snippet.
fn everything_again(session: &mut Recording) {
    for n in 2..6 {
        session.run(n, "later()");
    }
}

impl Home {
    pub fn wait_for_database(&self) {
        let deadline = Instant::now() + LIMIT;
        while self.database().metadata().map_or(0, |facts| facts.len()) == 0 {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Overwrites some bytes of a file, or all, or truncates it.
fn spoil_file(random: &mut Random, path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let length = bytes.len();
    match random.below(4) {
        0 => bytes.truncate(random.below(length + 1)),
        1 => bytes.iter_mut().for_each(|byte| *byte = random.below(256) as u8),
        _ => {
            for _ in 0..=random.below(200) {
                let at = random.below(length);
                bytes[at] = random.below(256) as u8;
            }
        }
    }
    // In place, so that processes that have it open see it.
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
}
