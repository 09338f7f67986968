//! Tests of the probe, with every Python of this machine and with programs that are none.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// Returns the Pythons of pyenv and of the system.
fn pythons() -> Vec<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let versions = fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("bin/python"))
        .chain([PathBuf::from("/usr/bin/python3")])
        .filter(|python| python.exists())
        .collect()
}

fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("python");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Retries while a fork of another test holds the script open for writing.
fn probe_script(folder: &Path, text: &str) -> Result<Python, String> {
    let path = script(folder, text);
    loop {
        match probe(&path) {
            Err(PythonFault::CannotStart(error)) if error.kind() == io::ErrorKind::ExecutableFileBusy => {}
            answer => return answer.map_err(|fault| fault.to_string()),
        }
    }
}

#[test]
fn old_and_new_pythons_of_this_machine_are_distinguished() {
    let mut fit = 0;
    for path in pythons() {
        let output = Command::new(&path).arg("-V").output().unwrap();
        let output = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let version = output.trim().trim_start_matches("Python ").to_owned();
        let minor: u32 = version.split('.').nth(1).unwrap().parse().unwrap();
        match probe(&path) {
            Ok(python) => {
                fit += 1;
                assert!(version.starts_with('3') && minor >= 10, "{}", path.display());
                assert_eq!((python.version, python.venv), (version, None));
                assert!(python.executable.is_file());
            }
            Err(fault) => {
                let text = fault.to_string();
                assert!(version.starts_with('2') || minor < 10, "{}: {text}", path.display());
                assert!(text.contains(&version) && text.contains("too old") && text.contains("--python"), "{text}");
            }
        }
    }
    assert!(fit > 0, "these tests need a CPython >= 3.10");
}

#[test]
fn a_virtual_environment_keeps_its_own_path() {
    let folder = tempfile::tempdir().unwrap();
    let base = pythons().into_iter().find(|path| probe(path).is_ok()).expect("a CPython >= 3.10");
    let env = folder.path().join("env");
    let made = Command::new(base).args(["-m", "venv", "--without-pip"]).arg(&env).status().unwrap();
    assert!(made.success());
    let path = env.join("bin/python");
    let python = probe(&path).unwrap();
    assert_eq!(python.executable, path);
    assert_eq!(python.venv, Some(env));
}

#[test]
fn a_shim_is_resolved_to_its_python() {
    let folder = tempfile::tempdir().unwrap();
    let base = pythons().into_iter().find(|path| probe(path).is_ok()).expect("a CPython >= 3.10");
    let python = probe_script(folder.path(), &format!("#!/bin/sh\nexec '{}' \"$@\"\n", base.display())).unwrap();
    assert!(!python.executable.starts_with(folder.path()), "{}", python.executable.display());
}

#[test]
fn other_kinds_of_python_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let answer = |facts: &str| probe_script(folder.path(), &format!("#!/bin/sh\necho '{MARK} {facts} =2f =2f =2f'\n"));
    let text = answer("pypy 3.10.14 gil 64").unwrap_err();
    assert!(text.contains("is PyPy 3.10.14, not CPython"), "{text}");
    let text = answer("cpython 3.13.1 free 64").unwrap_err();
    assert!(text.contains("free-threaded build of Python 3.13.1"), "{text}");
    let text = answer("cpython 3.12.1 gil 32").unwrap_err();
    assert!(text.contains("32-bit"), "{text}");
    let python = answer("cpython 3.14.0 gil 64").unwrap();
    assert_eq!((python.version.as_str(), python.venv), ("3.14.0", None));
}

#[test]
fn a_program_that_is_no_python_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    for (path, said) in
        [("/bin/true", "printed nothing"), ("/bin/false", "exit status: 1"), ("/bin/ls", "exit status: 2")]
    {
        let text = probe(Path::new(path)).unwrap_err().to_string();
        assert!(text.contains("not a Python interpreter") && text.contains(said), "{path}: {text}");
    }
    let text = probe_script(folder.path(), "just a text\n").unwrap_err();
    assert!(text.contains("is not a program that this machine can run"), "{text}");
    let text = probe_script(folder.path(), "#!/bin/sh\necho 'Python 3.12.1'\n").unwrap_err();
    assert!(text.contains("answered `Python 3.12.1`"), "{text}");
    let text = probe_script(folder.path(), &format!("#!/bin/sh\necho {MARK} cpython\n")).unwrap_err();
    assert!(text.contains("incomplete"), "{text}");
    let text = probe_script(folder.path(), "#!/bin/sh\nexec yes\n").unwrap_err();
    assert!(text.contains("does not end"), "a flood ends at once: {text}");
}

#[test]
fn a_dead_link_and_a_file_that_cannot_run_are_distinguished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("python");
    assert!(matches!(probe(&path), Err(PythonFault::Missing)));
    std::os::unix::fs::symlink("/no/such/python", &path).unwrap();
    assert!(matches!(probe(&path), Err(PythonFault::DeadLink)));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert!(matches!(probe(&path), Err(PythonFault::NotExecutable)));
}

#[test]
fn a_program_that_never_answers_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let text = "#!/bin/sh\nsleep 1000 & echo $! > \"$(dirname \"$0\")/child\"; wait\n";
    let began = Instant::now();
    let text = probe_script(folder.path(), text).unwrap_err();
    assert!(text.contains("within 30 s"), "{text}");
    assert!(began.elapsed() < 3 * PROBE_TIMEOUT);
    let child: i32 = fs::read_to_string(folder.path().join("child")).unwrap().trim().parse().unwrap();
    let deadline = Instant::now() + 3 * PROBE_TIMEOUT;
    while nix::sys::signal::kill(Pid::from_raw(child), None).is_ok() && !is_zombie(child) {
        assert!(Instant::now() < deadline, "its child lives on");
        std::thread::yield_now();
    }
}

fn is_zombie(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}
