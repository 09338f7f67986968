//! What snippets do beyond Python's variables, as CPython tells and as clients read it.

use crate::support::session::{Session, in_every_python};
use serde_json::{Value, json};

/// Returns the effects of the last snippet, as the history tells them.
fn effects(session: &mut Session) -> Vec<String> {
    let history = session.client.call("session_history", json!({"limit": 1}));
    let effects = &history["structuredContent"]["entries"][0]["effects"];
    effects
        .as_array()
        .map(|all| all.iter().map(|effect| effect.as_str().unwrap().to_owned()).collect())
        .unwrap_or_default()
}

/// Code, and the effects that it has. `PORT` is a port of the loopback interface where somebody listens. The files `a`,
/// `b` and `folder/c` exist before.
const CASES: &[(&str, &[&str])] = &[
    // Files.
    ("open('new', 'w').close()", &["created new"]),
    ("open('a', 'w').close()", &["wrote a"]),
    ("open('a', 'a').close()", &["wrote a"]),
    ("open('a', 'r+').close()", &["wrote a"]),
    ("open('new', 'x').close()", &["created new"]),
    ("open(b'new', 'wb').close()", &["created new"]),
    ("open('a').read(); open('b', 'rb').read()", &[]),
    ("try: open('a', 'x')\nexcept FileExistsError: pass", &[]),
    ("try: open('nowhere/a', 'w')\nexcept FileNotFoundError: pass", &[]),
    ("open('new', 'w').close(); open('new', 'a').close()", &["created new"]),
    ("open('new', 'w').close(); os.remove('new')", &[]),
    ("open('a', 'w').close(); os.remove('a'); open('a', 'w').close()", &["deleted a", "wrote a", "created a"]),
    (
        "open('d', 'w').close(); os.chdir('folder'); open('d', 'w').close()",
        &["created d, folder/d", "changed folder to folder"],
    ),
    ("os.close(os.open('new', os.O_WRONLY | os.O_CREAT))", &["created new"]),
    ("os.close(os.open('a', os.O_RDWR))", &["wrote a"]),
    ("os.close(os.open('a', os.O_RDONLY))", &[]),
    ("Path('new').write_text('x')", &["created new"]),
    ("Path('folder/d').touch()", &["created folder/d"]),
    ("Path('a').unlink()", &["deleted a"]),
    ("Path('gone').unlink(missing_ok=True)", &[]),
    ("os.remove('folder/c')", &["deleted folder/c"]),
    ("os.rename('a', 'z')", &["renamed a → z"]),
    ("Path('a').replace('b')", &["renamed a → b"]),
    ("open('t', 'w').close(); os.replace('t', 'a')", &["wrote a"]),
    ("os.mkdir('new')", &["made folder new"]),
    ("os.makedirs('new/er/est', exist_ok=True)", &["made folder new, new/er, new/er/est"]),
    ("os.makedirs('folder', exist_ok=True)", &[]),
    ("os.remove('folder/c'); os.rmdir('folder')", &["deleted folder/c", "removed folder folder"]),
    ("shutil.rmtree('folder')", &["removed folder folder (1 entries)"]),
    ("shutil.copy('a', 'z')", &["created z"]),
    ("shutil.move('a', 'folder')", &["renamed a → folder/a"]),
    ("os.symlink('a', 'link')", &["created link"]),
    ("os.link('a', 'link')", &["created link"]),
    ("os.truncate('a', 0)", &["wrote a"]),
    ("os.chmod('a', 0o600)", &["changed permissions of a"]),
    ("os.chown('c', -1, -1, dir_fd=os.open('folder', os.O_RDONLY))", &["changed permissions of folder/c"]),
    ("os.utime('a')", &[]),
    ("for i in range(1000): open(f'folder/{i}', 'w').close()", &["created 1000 files in folder/"]),
    ("tempfile.NamedTemporaryFile().close()", &[]),
    ("import json.tool, colorsys", &[]),
    (
        "open('loads.py', 'w').write('import os, ctypes; os.environ[\"LOADS\"] = \"1\"; ctypes.CDLL(\"libc.so.6\")')\nimport loads",
        &["created loads.py"],
    ),
    // Processes.
    ("subprocess.run(['true', Path('a')])", &["started true a"]),
    ("subprocess.run('true; true', shell=True)", &["started true; true"]),
    ("try: subprocess.run(['no-such-program'])\nexcept FileNotFoundError: pass", &[]),
    ("os.system('true')", &["started true"]),
    ("!true", &["started true"]),
    ("os.posix_spawn('/bin/true', ['true'], os.environ); os.wait()", &["started true"]),
    ("pid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)", &["started a fork of Python"]),
    ("for i in range(3): subprocess.run(['true'])", &["started true ×3"]),
    (
        "subprocess.run(['pip', 'install', '-q', 'six', '--dry-run'], env={'PATH': str(Path('bin').absolute())})",
        &["installed six"],
    ),
    ("os.kill(os.getpid(), 0)", &[]),
    ("signal.signal(signal.SIGUSR2, lambda *_: None); os.kill(os.getpid(), signal.SIGUSR2)", &["sent SIGUSR2 to PID"]),
    // Connections.
    ("socket.create_connection(('127.0.0.1', PORT)).close()", &["contacted 127.0.0.1:PORT"]),
    ("socket.create_connection(('localhost', PORT)).close()", &["contacted 127.0.0.1:PORT (localhost)"]),
    (
        "try: http.client.HTTPConnection('localhost', PORT, timeout=.01).request('GET', '/')\nexcept OSError: pass",
        &["contacted 127.0.0.1:PORT (localhost)"],
    ),
    ("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.close()", &["listened on 127.0.0.1:0"]),
    (
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
        &["contacted 127.0.0.1:PORT"],
    ),
    (
        "import asyncio\nreader, writer = await asyncio.open_connection('127.0.0.1', PORT)\nwriter.close()",
        &["contacted 127.0.0.1:PORT"],
    ),
    // Others.
    ("sqlite3.connect('data.db').close()", &["opened database data.db"]),
    ("sqlite3.connect(':memory:').close()", &[]),
    ("ctypes.CDLL('libc.so.6')", &["loaded library libc.so.6"]),
    ("os.environ['SOME_KEY'] = 'secret'; del os.environ['SOME_KEY']", &["set environment variable SOME_KEY ×2"]),
    (
        "os.chdir('folder'); open('d', 'w').close(); os.chdir('..')",
        &["created folder/d", "changed folder to folder, ."],
    ),
    // Other threads.
    ("t = threading.Thread(target=os.remove, args=('a',)); t.start(); t.join()", &["deleted a"]),
    ("import asyncio\nawait asyncio.to_thread(os.remove, 'a')", &["deleted a"]),
    // What fails in the middle has done what came before.
    ("os.remove('a')\n1/0", &["deleted a"]),
    // Nothing at all.
    ("x = [i for i in range(1000)]", &[]),
];

const PREPARE: &str =
    "import os, shutil, subprocess, socket, sqlite3, ctypes, signal, tempfile, threading, http.client, json
from pathlib import Path
root = Path.cwd()
listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen(100); PORT = listener.getsockname()[1]
(PORT, os.getpid())";

const BETWEEN: &str = "import os
os.chdir(root)
for entry in root.iterdir():
    shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
for name in 'a', 'b': Path(name).write_text(name)
for name in 'folder', 'bin': Path(name).mkdir()
Path('folder/c').write_text('c'); Path('bin/pip').write_text('#!/bin/sh\\n'); Path('bin/pip').chmod(0o755)";

#[test]
fn a_snippet_tells_what_it_did_to_the_world() {
    in_every_python(|session| {
        let prepared = session.value(PREPARE);
        let (port, pid) = prepared.trim_matches(['(', ')']).split_once(", ").unwrap();
        let mut wrong = Vec::new();
        for (code, expected) in CASES {
            session.run(BETWEEN);
            session.run(code);
            let found = effects(session);
            let expected: Vec<_> =
                expected.iter().map(|effect| effect.replace("PORT", port).replace("PID", pid)).collect();
            if found != expected {
                wrong.push(format!("{code}\n   {found:?} instead of\n   {expected:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn a_client_is_told_of_surprising_effects_only() {
    in_every_python(|session| {
        session.run("import os, subprocess\nopen('a', 'w').close()");
        let result = session.run("open('b', 'w').close()\nos.remove('a')\nchild = subprocess.Popen(['sleep', '1000'])");
        let pid = session.value("child.pid");
        assert_eq!(result["effects"], json!(["deleted a", format!("left running {pid} sleep 1000")]), "{result}");
        session.run("child.kill(); child.wait()");
        let result = session.run("open('c', 'w').close()");
        assert_eq!(result["effects"], Value::Null);
    });
}

/// A process may end Python, and the next one still tells what was done.
#[test]
fn effects_outlive_the_end_of_python() {
    in_every_python(|session| {
        session.run("import os, time\nopen('a', 'w').close()");
        session.client.call("run_python_code", json!({"code": "os.remove('a'); time.sleep(0.5); os._exit(3)"}));
        let history = session.client.call("session_history", json!({"limit": 3}));
        let text = history["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("Effects: deleted a"), "{text}");
    });
}

/// `os.putenv` is the session's: C's own frees what a thread of the host may be reading.
#[test]
fn environment_variables_change_as_in_plain_python() {
    in_every_python(|session| {
        session.run("import os, subprocess, sys, ctypes, pathlib");
        assert_eq!(
            session.value("os.environ['NEW'] = 'grün'; os.environb[b'RAW'] = b'\\xff'; os.environb[b'RAW']"),
            "b'\\xff'"
        );
        assert_eq!(session.value("subprocess.check_output(['printenv', 'NEW']).decode()"), "'grün\\n'");
        let c = "get = ctypes.CDLL(None).getenv; get.restype = ctypes.c_char_p; get(b'RAW')";
        assert_eq!(session.value(c), "b'\\xff'");
        assert_eq!(session.value("(os.putenv(pathlib.Path('P'), b'1'), get(b'P'))"), "(None, b'1')");
        for (wrong, error) in [
            ("os.environ['a=b'] = ''", "ValueError"),
            ("os.environ['a\\0'] = ''", "ValueError"),
            ("os.environ['a'] = 'b\\0'", "ValueError"),
            ("os.environ[''] = ''", "OSError"),
            ("os.environ['a'] = 1", "TypeError"),
            ("os.putenv('a')", "TypeError"),
            ("os.putenv(name='a', value='b')", "TypeError"),
        ] {
            assert_eq!(session.error(wrong)["type"], error, "{wrong}");
        }
        let fork = "if (pid := os.fork()) == 0:\n    os.environ['CHILD'] = '1'\n    os._exit(7)\nos.waitpid(pid, 0)[1] >> 8, get(b'CHILD')";
        assert_eq!(session.value(fork), "(7, None)");
    });
}
