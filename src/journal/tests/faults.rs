//! What can be wrong with the files of the journal, one after the other.

use super::*;

#[test]
fn a_damaged_database_is_set_aside_and_a_new_one_begun() {
    let home = Home::new();
    fs::write(home.database(), "this is no database, whatever its name says".repeat(100)).unwrap();
    let id = id();
    let mut session = home.start(&id, "work");
    session.run(1, "1");
    let (transcript, notices) = session.close();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("damaged") && notices[0].contains("set aside as"), "{notices:?}");
    assert_eq!(told(&home.load(&id).transcript()), told(&transcript));
    let aside = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.into_iter().find(|path| path.to_string_lossy().contains("damaged")).unwrap();
    assert!(fs::read_to_string(aside).unwrap().starts_with("this is no database"));
}
