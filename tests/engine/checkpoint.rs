//! `%checkpoint` and `%restore`: picklable variables outlive their Python.

use crate::support;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use crate::support::session::{Session, in_every_python};
use crate::support::terminal::Terminal;
use crate::support::{Home, wait_until};
use serde_json::json;

/// The only folder of checkpoints.
fn folder(home: &Home) -> PathBuf {
    let all = home.path().join(".local/state/fourhands/checkpoints");
    let mut folders = fs::read_dir(all).unwrap();
    folders.next().unwrap().unwrap().path()
}

fn restart(session: &mut Session) {
    let result = session.client.call("reset_python_environment", json!({"mode": "restart"}));
    assert_eq!(result["structuredContent"]["done"], true, "{result}");
    // A call that reaches the process while it ends is answered with that.
    wait_until("the new Python", || {
        let result = session.client.call("run_python_code", json!({"code": "None"}));
        result["structuredContent"].is_object().then_some(())
    });
}

#[test]
fn picklable_variables_are_restored_in_a_new_python_and_the_others_are_named() {
    in_every_python(|session| {
        session.run("import json as j, threading\na = [1, 2]; text = 'x' * 100_000; lock = threading.Lock()");
        session.run("gen = (i for i in a)\nclass Made: pass\nmade = Made()\ndef f(): return a");
        session.out("%checkpoint only made");
        let told = session.out("%checkpoint");
        for part in ["saved 7 variables in checkpoint \"default\", 10", "lock", "TypeError: cannot pickle", "gen "] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let by_value =
            session.value("__import__('importlib.util').util.find_spec('cloudpickle') is not None") == "True";
        assert_eq!(
            told.contains("3 stored by name only; rerun their definitions (F7) before %restore: Made, f, made\n"),
            !by_value,
            "{told}"
        );
        let file = folder(&session.home).join("default.pickle");
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        assert!(session.error("%checkpoint --whole")["message"].as_str().unwrap().contains("2 variables"));

        restart(session);
        let told = session.out("%restore");
        if by_value {
            assert!(told.contains("restored 7 variables"), "{told}");
            assert_eq!(session.value("(type(made) is Made, f())"), "(True, [1, 2])");
        } else {
            let sentence = "4 restored, 3 need a definition first: rerun the code (F7), then %restore default\n";
            assert_eq!(told, format!("{sentence}not defined: Made, f, made\n"));
        }
        if !by_value {
            let error = session.error("%restore only");
            let expected = "nothing was restored; 1 needs a definition first: rerun the code (F7), then %restore only";
            assert_eq!(error["message"], expected);
        }
        let value = session.value("(a, len(text), j.dumps(1), threading.__name__)");
        assert_eq!(value, "([1, 2], 100000, '1', 'threading')");
        session.run("class Made: pass\ndef f(): return a");
        assert!(session.out("%restore default").contains("restored 7 variables"));
        assert_eq!(session.value("(type(made) is Made, f())"), "(True, [1, 2])");
    });
}

#[test]
fn chosen_variables_are_saved_checkpoints_are_listed_and_wrong_names_are_refused() {
    in_every_python(|session| {
        session.run("a, b, c = 1, 2, 3");
        assert!(session.out("%checkpoint two a b").contains("saved 2 variables in checkpoint \"two\""));
        session.out("%checkpoint");
        let listed = session.out("%checkpoint --list");
        assert!(listed.contains("two  ") && listed.contains(": a, b\n") && listed.contains(": a, b, c\n"), "{listed}");
        session.run("a = b = 0; del c");
        assert!(session.out("%restore two").contains("restored 2 variables"));
        assert_eq!(session.value("(a, b, 'c' in globals())"), "(1, 2, False)");
        for (code, part) in [
            ("%restore tow", "there is no checkpoint tow; there is default, two"),
            ("%checkpoint ../x", "cannot be the name of a checkpoint"),
            ("%restore ../../x", "cannot be the name of a checkpoint"),
            ("%checkpoint two nothing", "there is no variable nothing"),
        ] {
            let message = session.error(code)["message"].as_str().unwrap().to_owned();
            assert!(message.contains(part), "{code}: {message}");
        }
        assert!(session.out("%checkpoint?").contains("Saves variables"));
    });
}

#[test]
fn hostile_values_can_be_interrupted_and_do_not_harm_a_saved_checkpoint() {
    in_every_python(|session| {
        session.run("kept = 1");
        session.out("%checkpoint");
        let file = folder(&session.home).join("default.pickle");
        let before = fs::read(&file).unwrap();
        session.run(
            "class Raises:\n    def __reduce__(self): raise SystemExit('no\\nway')\n\
             class Hangs:\n    def __reduce__(self):\n        while True: pass\n\
             class Deep:\n    def __reduce__(self): return (Deep, (Deep(),))\n\
             raises, deep = Raises(), Deep()",
        );
        let told = session.out("%checkpoint other raises deep kept");
        assert!(told.contains("saved 1 variable ") && told.contains("SystemExit: no\n"), "{told}");
        assert!(told.contains("RecursionError"), "{told}");
        session.run("hangs = Hangs()");
        let run = session.client.call("run_python_code", json!({"code": "%checkpoint", "timeout_s": 0.5}));
        assert_eq!(run["structuredContent"]["status"], "interrupted", "{run}");
        assert_eq!(fs::read(&file).unwrap(), before, "the one of before stands");
        assert_eq!(fs::read_dir(folder(&session.home)).unwrap().count(), 2, "and nothing half done is left");
    });
}

#[test]
fn only_a_private_file_of_the_user_is_loaded() {
    let mut session = Session::start(&support::python());
    session.run("x = 1");
    session.out("%checkpoint");
    let file = folder(&session.home).join("default.pickle");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(session.error("%restore")["message"].as_str().unwrap().contains("mode 600"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let bytes = fs::read(&file).unwrap();
    for damaged in [&bytes[..bytes.len() - 5], &bytes[..10], b"", &bytes[5..]] {
        fs::write(&file, damaged).unwrap();
        assert!(session.error("%restore")["message"].as_str().unwrap().contains("is damaged"));
    }
    fs::remove_file(&file).unwrap();
    let elsewhere = session.home.path().join("elsewhere");
    fs::write(&elsewhere, &bytes).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert_eq!(session.error("%restore")["type"], "OSError");
    fs::set_permissions(folder(&session.home), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(session.error("%checkpoint")["message"].as_str().unwrap().contains("chmod 700"));
}

#[test]
fn arrays_and_frames() {
    let mut session = Session::start(&support::venv::scientific());
    session.run("import numpy as np, pandas as pd\na = np.arange(1_000_000.0)\ndf = pd.DataFrame({'x': [1, 2]})");
    let told = session.out("%checkpoint");
    assert!(told.contains("saved 4 variables") && told.contains("8 MB"), "{told}");
    restart(&mut session);
    assert!(session.out("%restore").contains("restored 4 variables"));
    assert_eq!(
        session.value("(a.sum(), df.x.sum(), np.__name__)"),
        "(np.float64(499999500000.0), np.int64(3), 'numpy')"
    );
}

#[test]
fn the_restart_key_offers_to_keep_the_variables() {
    let home = Home::new();
    let python = support::python();
    let mut terminal = Terminal::start(&home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("ready") && screen.contains("▎"));
    terminal.send("kept = 41\r");
    terminal.wait_for("the variable", |screen| screen.contains("kept     int"));
    terminal.send("\x1b[19~");
    terminal.wait_for_text("s: save them first");
    terminal.send("s");
    terminal.wait_for_text("restored 1 variable of checkpoint \"restart\"");
    terminal.send("print('now', kept + 1)\r");
    terminal.wait_for_text("now 42");
    // A variable that cannot be saved must not be lost without a question.
    terminal.send("gen = (i for i in [])\r");
    terminal.wait_for_text("gen ");
    terminal.send("\x1b[19~");
    terminal.wait_for_text("s: save them first");
    terminal.send("s");
    terminal.wait_for_text("not restarted: some variables could not be saved, see 6");
    terminal.send("print('still', kept)\r");
    terminal.wait_for_text("still 41");
    wait_until("the file", || folder(&home).join("restart.pickle").exists().then_some(()));
}
