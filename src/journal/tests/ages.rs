//! Journals of other times: an older format, and what has become too old or too much.

use rusqlite::Connection;

use super::*;

#[test]
fn an_older_journal_is_brought_up_to_date_with_all_that_is_in_it() {
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
    // A fresh one has the very same schema.
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

#[test]
fn what_is_old_or_too_much_goes_and_what_is_in_use_stays() {
    let home = Home::new();
    let ids: Vec<_> = (0..4).map(|_| id()).collect();
    for (index, id) in ids.iter().enumerate() {
        let mut session = home.start(id, "past");
        session.begin(1, "flood()");
        session.write(Some(1), Stream::Stdout, &"x".repeat(200_000));
        session.finish(1, Status::Ok);
        session.close();
        let spool = spool(&home.folder(), id);
        fs::create_dir_all(&spool).unwrap();
        fs::write(spool.join("1.out"), vec![b'x'; 300_000]).unwrap();
        let saved = checkpoints(&home, id);
        fs::create_dir_all(&saved).unwrap();
        fs::File::create(saved.join("a.pickle")).unwrap().set_len(4_000_000).unwrap();
        let connection = Connection::open(home.database()).unwrap();
        connection
            .execute(
                "UPDATE sessions SET active = ? WHERE uid = ?",
                (now() as i64 - 1_000 * (10 - index as i64), id.as_str()),
            )
            .unwrap();
    }
    let present = home.start(&ids[0], "present");
    home.wait_for_database();
    let connection = schema::open(&home.folder()).unwrap();
    let left = || home.reader().sessions().unwrap().into_iter().map(|session| session.id).collect::<Vec<_>>();
    let keep = |bytes, days| retention::prune(&connection, &home.folder(), &Limits { bytes, days }, now()).unwrap();
    keep(20_000_000, 1);
    assert!(ids.iter().all(|id| checkpoints(&home, id).exists()));
    keep(10_000_000, 1);
    assert_eq!(left().len(), 4, "what was saved costs no session");
    let saved: Vec<_> = ids.iter().map(|id| checkpoints(&home, id).exists()).collect();
    assert_eq!(saved, [true, false, false, true], "the first is in use");
    keep(1_700_000, 1);
    assert!(left().contains(&ids[0]) && !left().contains(&ids[1]) && left().contains(&ids[3]), "{:?}", left());
    assert!(!spool(&home.folder(), &ids[1]).exists() && spool(&home.folder(), &ids[3]).exists());
    keep(0, 1);
    assert_eq!(left(), [ids[0].clone()], "in use");
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0)).unwrap();
    assert_eq!(free, 0, "the room is given back");
    present.close();
}

fn checkpoints(home: &Home, id: &SessionId) -> PathBuf {
    home.folder().parent().unwrap().join("checkpoints").join(id.as_str())
}
