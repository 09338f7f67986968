//! Tests of the registry. A lock belongs to the open file, so one process can play several.

use std::os::unix::fs::{DirBuilderExt, symlink};
use std::process::{Command, Stdio};
use std::sync::Barrier;

use super::*;
use crate::session::SessionId;

struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn paths(&self) -> Paths {
        let home = Some(self.0.path().to_owned());
        Paths { home, state: None, runtime: None, shared: self.folder("shared"), creates: true }
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).unwrap();
        fs::canonicalize(path).unwrap()
    }
}

fn names_running(paths: &Paths) -> Vec<String> {
    running_at(paths).unwrap().into_iter().map(|record| record.name).collect()
}

#[test]
fn a_claimed_session_is_found_and_leaves_nothing_behind() {
    let root = Root::new();
    let (paths, cwd) = (root.paths(), root.folder("work"));
    let mut claim = claim_at(&paths, "work", &cwd).unwrap();
    let id = SessionId::new(1);
    claim.describe(Path::new("/usr/bin/python3"), "3.12.1", true, &id, false).unwrap();
    fs::write(claim.socket(), "").unwrap();
    assert_eq!(running_at(&paths).unwrap(), [claim.record().clone()]);
    assert_eq!((&claim.record().cwd, &claim.record().id, &claim.record().held), (&cwd, &Some(id), &None));
    assert_eq!(claim.record().python_version.as_deref(), Some("3.12.1"));

    let second = claim_at(&paths, "work", &cwd).unwrap_err();
    assert!(matches!(&second, ClaimError::Taken { pid, .. } if *pid == std::process::id()));
    assert!(second.to_string().contains(&*cwd.to_string_lossy()), "{second}");

    drop(claim);
    assert!(names_running(&paths).is_empty());
    let left: Vec<_> = fs::read_dir(paths.records().unwrap()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_name_of_a_killed_guardian_is_not_running_and_can_be_claimed() {
    let root = Root::new();
    let (paths, cwd) = (root.paths(), root.folder("work"));
    let claim = claim_at(&paths, "work", &cwd).unwrap();
    let record = claim.record().clone();
    let folder = paths.records().unwrap();
    drop(claim);
    // Another process holds the lock, and dies with the record and the socket still there.
    let mut holder = Command::new("flock")
        .arg(lock_path(&folder, "work"))
        .args(["-c", "echo locked; read -r line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(holder.stdout.take().unwrap()), &mut line).unwrap();
    fs::write(record_path(&folder, "work"), serde_json::to_vec(&record).unwrap()).unwrap();
    fs::write(&record.socket, "").unwrap();
    assert_eq!(names_running(&paths), ["work"]);
    assert!(matches!(claim_at(&paths, "work", &cwd), Err(ClaimError::Taken { .. })));

    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert!(names_running(&paths).is_empty());
    // Another session's start sweeps it away.
    let other = claim_at(&paths, "other", &cwd).unwrap();
    assert!(!record_path(&folder, "work").exists() && !record.socket.exists());
    assert_eq!(names_running(&paths), ["other"]);
    drop(other);
    assert!(claim_at(&paths, "work", &cwd).is_ok());
}

#[test]
fn one_of_many_simultaneous_claims_wins_and_readers_do_no_harm() {
    let root = Root::new();
    let (paths, cwd) = (root.paths(), root.folder("work"));
    for _ in 0..20 {
        let start = Barrier::new(6);
        let claims: Vec<_> = std::thread::scope(|scope| {
            let claimers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        claim_at(&paths, "work", &cwd)
                    })
                })
                .collect();
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..50 {
                        running_at(&paths).unwrap();
                    }
                });
            }
            claimers.into_iter().map(|claimer| claimer.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1, "{claims:?}");
    }
}

#[test]
fn the_default_name_is_that_of_the_folder_with_a_number_for_another_folder() {
    let root = Root::new();
    let paths = root.paths();
    let (here, there) = (root.folder("a/work"), root.folder("b/work"));
    let first = claim_default_at(&paths, &here).unwrap();
    let second = claim_default_at(&paths, &there).unwrap();
    assert_eq!((first.name(), second.name()), ("work", "work-2"));
    let link = root.0.path().join("link");
    symlink(&here, &link).unwrap();
    assert!(matches!(claim_default_at(&paths, &link), Err(ClaimError::Taken { name, .. }) if name == "work"));
    // The name is free again, but this folder has its session.
    drop(first);
    assert!(matches!(claim_default_at(&paths, &there), Err(ClaimError::Taken { name, .. }) if name == "work-2"));
}

#[test]
fn names_are_checked_and_made_legal() {
    let root = Root::new();
    for bad in ["", ".hidden", "-x", "a/b", "..", "a b", "é", &"x".repeat(65)] {
        assert!(matches!(claim_at(&root.paths(), bad, Path::new("/")), Err(ClaimError::BadName(_))), "{bad}");
    }
    for (cwd, name) in [
        ("/", "root"),
        ("/a/my project", "my-project"),
        ("/a/.config", "config"),
        ("/a/日本", "session"),
        ("/a/b.c_d-e", "b.c_d-e"),
    ] {
        assert_eq!(default_name(Path::new(cwd)), name);
    }
    let long = PathBuf::from(format!("/{}", "x".repeat(100)));
    assert_eq!(default_name(&long).len(), name::MAX_NAME_LENGTH);
}

#[test]
fn sessions_of_two_homes_do_not_share_a_socket() {
    let root = Root::new();
    let cwd = root.folder("work");
    let in_home = |home: &str| Paths {
        creates: true,
        state: None,
        home: Some(root.folder(home)),
        runtime: Some(root.folder("run")),
        shared: root.folder("shared"),
    };
    let one = claim_at(&in_home("one"), "work", &cwd).unwrap();
    let two = claim_at(&in_home("two"), "work", &cwd).unwrap();
    assert_eq!(one.socket(), root.folder("run").join("fourhands/work.sock"));
    assert_ne!(one.socket(), two.socket());
}

#[test]
fn a_folder_that_is_not_utf8_survives_the_record() {
    use std::os::unix::ffi::OsStrExt;
    let root = Root::new();
    let cwd = root.folder("x").join(std::ffi::OsStr::from_bytes(b"d\xff"));
    fs::create_dir(&cwd).unwrap();
    let claim = claim_at(&root.paths(), "x", &cwd).unwrap();
    assert_eq!(running_at(&root.paths()).unwrap()[0].cwd, cwd);
    assert_eq!(claim.record().cwd, cwd);
}

#[test]
fn a_session_of_another_machine_on_the_same_home_is_neither_running_here_nor_touched() {
    let root = Root::new();
    let (paths, cwd) = (root.paths(), root.folder("work"));
    let mut far = claim_at(&paths, "work", &cwd).unwrap();
    far.record.boot = "another".to_owned();
    far.record.machine = "another".to_owned();
    far.write().unwrap();
    assert!(names_running(&paths).is_empty());
    assert!(matches!(claim_at(&paths, "work", &cwd), Err(ClaimError::Elsewhere(_))));
    assert_eq!(claim_default_at(&paths, &cwd).unwrap().name(), "work-2");
    assert!(record_path(&paths.records().unwrap(), "work").exists());
}

#[test]
fn garbage_among_the_records_is_skipped() {
    let root = Root::new();
    let (paths, cwd) = (root.paths(), root.folder("work"));
    let claim = claim_at(&paths, "good", &cwd).unwrap();
    let folder = paths.records().unwrap();
    let text = fs::read(record_path(&folder, "good")).unwrap();
    let mut seed = 3_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for round in 0..300 {
        let mut bad = text.clone();
        for _ in 0..=next(4) {
            let at = next(bad.len());
            let end = (at + next(30)).min(bad.len());
            match next(3) {
                0 => bad[at] = next(256) as u8,
                1 if end - at < bad.len() => drop(bad.drain(at..end)),
                _ => bad.extend_from_within(at..end),
            }
        }
        // Of the session that lives, and of one that does not.
        for name in ["good", "bad"] {
            fs::write(record_path(&folder, name), &bad).unwrap();
        }
        assert!(recorded_at(&paths).unwrap().iter().all(|(record, _)| record.name == "good"), "round {round}");
        clean_up(&paths, "bad").unwrap();
    }
    fs::write(record_path(&folder, "good"), &text).unwrap();
    assert_eq!(names_running(&paths), ["good"]);
    drop(claim_at(&paths, "bad", &cwd).unwrap());
    drop(claim);
}

#[test]
fn a_claim_restores_lost_files() {
    use std::os::unix::fs::PermissionsExt;

    let root = tempfile::tempdir().unwrap();
    let runtime = root.path().join("run");
    fs::create_dir(&runtime).unwrap();
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
    let mut paths = Paths {
        creates: true,
        home: Some(root.path().to_owned()),
        state: None,
        runtime: Some(runtime.clone()),
        shared: root.path().join("tmp"),
    };
    let mut claim = claim_at(&paths, "s", root.path()).unwrap();
    let in_runtime = runtime.join("fourhands/s.sock");
    assert_eq!(claim.socket(), in_runtime);
    assert!(claim.is_whole() && !claim.renew_at(&paths).unwrap());
    let folder = paths.records().unwrap();
    let is_there = |claim: &Claim| {
        let records: Vec<_> = running_at(&paths).unwrap().into_iter().map(|record| record.socket).collect();
        assert_eq!(records, [claim.socket()]);
        assert!(claim.is_whole() && matches!(claim_at(&paths, "s", root.path()), Err(ClaimError::Taken { .. })));
    };
    for lost in [lock_path(&folder, "s"), record_path(&folder, "s"), runtime.join("fourhands/s.lock")] {
        fs::remove_file(&lost).unwrap();
        assert!(!claim.is_whole() && claim.renew_at(&paths).unwrap(), "{}", lost.display());
        is_there(&claim);
    }
    fs::remove_dir_all(runtime.join("fourhands")).unwrap();
    assert!(claim.renew_at(&paths).unwrap());
    assert_eq!(claim.socket(), in_runtime);
    fs::remove_dir_all(&folder).unwrap();
    assert!(claim.renew_at(&paths).unwrap());
    is_there(&claim);
    // Opened to others, the folder is not used any more.
    fs::set_permissions(runtime.join("fourhands"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(claim.renew_at(&paths).unwrap());
    assert_eq!(claim.socket(), folder.join("s.sock"));
    is_there(&claim);
    paths.runtime = None;
    assert!(!claim.renew_at(&paths).unwrap());

    // Somebody else has been quicker.
    let lock = lock_path(&folder, "s");
    fs::remove_file(&lock).unwrap();
    let _other = super::lock(&lock).unwrap().unwrap();
    assert!(matches!(claim.renew_at(&paths), Err(ClaimError::Starting(_))));
}
