//! Older formats, and retention.

use rusqlite::Connection;

use super::*;

#[test]
fn an_older_journal_is_migrated_with_its_content() {
    let home = Home::new();
    let old = Connection::open(home.database()).unwrap();
    old.execute_batch(include_str!("version1.sql")).unwrap();
    drop(old);
    fs::set_permissions(home.database(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(faults::works(&home, 0), [""; 0]);
    assert_eq!(home.database().metadata().unwrap().mode() & 0o777, 0o600, "nobody else may read it");
    let recorded = home.load(&SessionId::parse("0123456789abcdef0123").unwrap());
    let snippet = recorded.transcript.snippet(SnippetId(1)).unwrap().clone();
    assert_eq!((&*snippet.code, snippet.output.text(None).as_str()), ("6*7", "hello\n"));
    assert_eq!(snippet.outcome.unwrap().result.as_deref(), Some("42"));
    let version: usize = Connection::open(home.database())
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
        .unwrap() as usize;
    assert_eq!(version, schema::VERSION);
    // A new database has the same schema.
    let fresh = Home::new();
    faults::works(&fresh, 0);
    let schema = |home: &Home| {
        let connection = Connection::open(home.database()).unwrap();
        let mut select = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows =
            select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))).unwrap();
        let tidy = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        rows.map(|row| row.map(|(name, sql)| (name, sql.map(tidy))).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(schema(&home), schema(&fresh));
}

/// Records sessions of 500 kB each, the first one used longest ago.
fn past(home: &Home, ids: &[SessionId]) {
    for (index, id) in ids.iter().enumerate() {
        let mut session = home.start(id, &format!("past{index}"));
        session.begin(1, "flood()");
        session.write(Some(1), Stream::Stdout, &"x".repeat(200_000));
        session.finish(1, Status::Ok);
        session.close();
        let spool = spool_folder(&home.folder(), id);
        fs::create_dir_all(&spool).unwrap();
        fs::write(spool.join("1.out"), vec![b'x'; 300_000]).unwrap();
        let saved = checkpoints(home, id);
        fs::create_dir_all(&saved).unwrap();
        fs::File::create(saved.join("a.pickle")).unwrap().set_len(4_000_000).unwrap();
        let at = now() as i64 - 1_000 * (10 - index as i64);
        let connection = Connection::open(home.database()).unwrap();
        connection.execute("UPDATE sessions SET active = ? WHERE uid = ?", (at, id.as_str())).unwrap();
    }
}

fn left(home: &Home) -> Vec<SessionId> {
    let all = home.reader().sessions().unwrap();
    all.into_iter().filter(|session| session.set_aside.is_none()).map(|session| session.id).collect()
}

#[test]
fn expired_sessions_go_and_used_ones_stay() {
    let home = Home::new();
    let ids: Vec<_> = (0..4).map(|_| id()).collect();
    past(&home, &ids);
    let present = home.start(&ids[0], "present");
    // Between two processes only the guardian holds the session.
    let between = crate::session::discovery::session_lock::hold(&home.paths(), &ids[1]).unwrap();
    home.wait_for_database();
    let connection = schema::open(&home.folder()).unwrap();
    let keep_on = |bytes, days, missing| {
        let limits = RetentionLimits { bytes, days, refused: None };
        retention::prune_for(&connection, &home.folder(), &limits, now(), missing).unwrap()
    };
    let keep = |bytes, days| keep_on(bytes, days, 0);
    let refused = RetentionLimits { bytes: 5, days: 0, refused: Some("no".into()) };
    assert_eq!(retention::prune(&connection, &home.folder(), &refused, now()).unwrap(), None);
    assert_eq!(keep(20_000_000, 1), None);
    assert!(ids.iter().all(|id| checkpoints(&home, id).exists()));
    let told_of = keep(10_000_000, 1).unwrap();
    assert!(told_of.contains("saved variables (%checkpoint) of 1 session") || told_of.contains("of 2"), "{told_of}");
    assert_eq!(left(&home).len(), 4, "what was saved costs no session");
    let saved: Vec<_> = ids.iter().map(|id| checkpoints(&home, id).exists()).collect();
    assert_eq!(saved[..2], [true, true], "in use");
    let is_aside = |id: &SessionId| crate::journal::has_variables_aside(&home.folder(), id);
    assert!(ids.iter().zip(saved).all(|(id, is_there)| is_aside(id) != is_there), "nothing is lost");
    assert!(told_of.contains("kept for a week; `fourhands sessions --restore NAME`"), "{told_of}");
    assert!(crate::journal::restore(&home.folder(), &ids[2], now()).unwrap());
    assert!(checkpoints(&home, &ids[2]).join("a.pickle").exists() && !is_aside(&ids[2]));
    assert!(keep(10_000_000, 1).is_some() && is_aside(&ids[2]), "still too much");
    let limits = RetentionLimits { bytes: 20_000_000, days: 1_000, refused: None };
    let in_a_week = now() + 8 * 24 * 3_600_000;
    retention::prune_for(&connection, &home.folder(), &limits, in_a_week, 0).unwrap();
    assert!(!is_aside(&ids[2]) && left(&home).len() == 4, "the week is over");
    let told_of = keep(1_300_000, 1).unwrap();
    assert!(told_of.contains("(past2, past3)") && told_of.contains("--restore NAME"), "{told_of}");
    assert_eq!(left(&home).len(), 2, "{told_of}");
    assert!(left(&home).iter().all(|id| ids[..2].contains(id)), "in use");
    assert!(keep(1_300_000, 1).is_none(), "told once");
    assert!(keep(1, 1).is_none(), "a lower limit deletes nothing of what was set aside");
    let told_of = keep_on(1, 1, u64::MAX).unwrap();
    assert!(told_of.contains("2 sessions (past2, past3) that could still be restored are deleted"), "{told_of}");
    assert_eq!(left(&home).len(), 2, "in use");
    drop(between);
    let told_of = keep_on(1, 1, u64::MAX).unwrap();
    assert!(told_of.contains("1 session (past1)") && told_of.contains("so they are deleted"), "{told_of}");
    assert_eq!(left(&home), [ids[0].clone()]);
    while retention::tidy(&connection).unwrap() {}
    assert_eq!(retention::pragma(&connection, "freelist_count").unwrap(), 0, "the room is given back");
    assert!(ids[1..].iter().all(|id| !spool_folder(&home.folder(), id).exists()));
    present.close();
}

#[test]
fn no_more_is_removed_than_needed_and_it_can_be_restored_for_a_week() {
    let home = Home::new();
    let ids: Vec<_> = (0..4).map(|_| id()).collect();
    past(&home, &ids);
    let before = describe(&home.load(&ids[0]).transcript);
    let connection = schema::open(&home.folder()).unwrap();
    let limits = RetentionLimits { bytes: 1_700_000, days: 90, refused: None };
    let keep = |now| retention::prune(&connection, &home.folder(), &limits, now).unwrap();
    let plan = retention::plan(&connection, &home.folder(), &limits, now()).unwrap();
    assert_eq!(plan.over_limit.iter().map(|kept| &kept.id).collect::<Vec<_>>(), [&ids[0]], "one is enough: {plan:?}");
    assert_eq!(left(&home).len(), 4, "a preview changes nothing");
    keep(now());
    assert_eq!(left(&home).len(), 3);
    assert!(home.reader().history(None).unwrap().iter().all(|past| &*past.session != "past0"));
    while retention::tidy(&connection).unwrap() {}
    assert!(retention::restore(&connection, &ids[0], now()).unwrap());
    assert_eq!(describe(&home.load(&ids[0]).transcript), before);
    assert!(spool_folder(&home.folder(), &ids[0]).exists());
    // The restored session counts as used now, so another one is removed.
    keep(now());
    assert!(left(&home).contains(&ids[0]) && !left(&home).contains(&ids[1]));
    keep(now() + 8 * 24 * 3_600_000);
    while retention::tidy(&connection).unwrap() {}
    assert!(!retention::restore(&connection, &ids[1], now()).unwrap());
    assert!(home.reader().find("past1").unwrap().is_none() && !spool_folder(&home.folder(), &ids[1]).exists());
}

#[test]
fn what_is_deleted_at_once_is_named() {
    let home = Home::new();
    let ids: Vec<_> = (0..4).map(|_| id()).collect();
    past(&home, &ids);
    let connection = schema::open(&home.folder()).unwrap();
    let total = retention::plan(&connection, &home.folder(), &RetentionLimits::default(), now()).unwrap().total;
    // Room for one session that stays, and on the disk for one that is set aside.
    let limits = RetentionLimits { bytes: total / 4 + total / 16, days: 90, refused: None };
    let missing = total / 4 + total / 16;
    let told_of = retention::prune_for(&connection, &home.folder(), &limits, now(), missing).unwrap().unwrap();
    assert!(told_of.contains("removed 3 sessions (past0, past1, past2)"), "{told_of}");
    assert!(told_of.contains("nearly full, so 2 (past0, past1) are deleted"), "{told_of}");
    assert!(told_of.contains("the others (past2) are kept for a week"), "{told_of}");
}

#[test]
fn an_erased_session_is_in_no_file() {
    let home = Home::new();
    let (secret, other) = (id(), id());
    let mut session = home.start(&secret, "secret");
    session.begin(1, "key = 'hunter2-code'");
    for n in 0..400 {
        session.write(Some(1), Stream::Stdout, &format!("hunter2-output {n} {}\n", "x".repeat(500)));
        if n % 100 == 0 {
            // Stored output is replaced, so that older data lies in free pages.
            std::thread::sleep(Duration::from_millis(150));
        }
    }
    session.finish(1, Status::Ok);
    session.close();
    for folder in [spool_folder(&home.folder(), &secret), checkpoints(&home, &secret)] {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("1.out"), "hunter2-file").unwrap();
    }
    // Another session has the database open.
    let mut session = home.start(&other, "other");
    session.run(1, "other()");
    let found = || {
        let mut folders = vec![home.0.path().to_owned()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if fs::read(&path).unwrap().windows(8).any(|bytes| bytes == b"hunter2-") {
                    found.push(path);
                }
            }
        }
        found
    };
    // The log of the database may have the text as well.
    assert!(found().len() >= 3, "{:?}", found());
    let held = crate::session::discovery::session_lock::hold(&home.paths(), &secret).unwrap();
    assert!(matches!(erase(&home.folder(), &secret), Err(EraseError::InUse)));
    drop(held);
    assert!(matches!(erase(&home.folder(), &other), Err(EraseError::InUse)));
    let erased = erase(&home.folder(), &secret).unwrap();
    assert!(erased.remains.is_none() && erased.copies.is_empty(), "{erased:?}");
    assert_eq!(found(), [] as [PathBuf; 0]);
    session.run(2, "other()");
    let (transcript, notices) = session.close();
    assert_eq!(notices, [""; 0]);
    assert_eq!(describe(&home.load(&other).transcript), describe(&transcript));
    assert!(home.reader().find("secret").unwrap().is_none());
    assert_eq!(found(), [] as [PathBuf; 0]);
}

fn checkpoints(home: &Home, id: &SessionId) -> PathBuf {
    home.folder().parent().unwrap().join("checkpoints").join(id.as_str())
}
