//! Output of any size and form: within bounds in memory, whole on disk, and readable to its end.

use crate::support;
use std::path::PathBuf;

use crate::support::session::{Session, in_every_python};
use crate::support::{python, wait_until};
use serde_json::{Value, json};

/// The memory that a flood may add to the session process, in kB.
const FEW_MB: u64 = 24 << 10;

/// Returns a line of `/proc/PID/status`, in kB.
fn memory(pid: &str, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Runs `code`. Returns the peak of the session process's memory above its idle size, in kB, and the run.
fn peak(session: &mut Session, code: &str) -> (u64, Value) {
    let pid = session.value("import os, sys; os.getpid()");
    let before = memory(&pid, "VmRSS");
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    let run = session.run(code);
    (memory(&pid, "VmHWM").saturating_sub(before), run)
}

/// Returns the file with the whole output of a run.
fn spooled(session: &Session, run: &Value) -> PathBuf {
    let spools = session.home.path().join(".local/state/fourhands/spool");
    let folder = std::fs::read_dir(spools).unwrap().next().unwrap().unwrap().path();
    folder.join(format!("{}.out", run["snippet"]))
}

/// Returns the structured result of `read_output`.
fn read(session: &mut Session, arguments: Value) -> Value {
    let result = session.client.call("read_output", arguments);
    assert_eq!(result["isError"], false, "{result}");
    result["structuredContent"].clone()
}

#[test]
fn floods_of_every_form_stay_within_bounds() {
    let mut session = Session::start(&python());
    let session = &mut session;
    session.run(
        "import os, sys\ntext = '0123456789' * 3_000_000\nraw = b'\\xff\\x00' * 2_000_000\nwide = 'é' * 1_000_000",
    );
    for (code, size) in [
        ("sys.stdout.write(text); None", 30_000_000),
        ("sys.stdout.buffer.write(raw); None", 2_000_000 * 4),
        ("for _ in range(5): sys.stderr.write(wide)", 10_000_000),
        ("for n in range(60_000): print(n)", 348_890),
        ("for _ in range(50_000): sys.stdout.write('aaa'), sys.stderr.write('bbb')", 300_000),
        ("for _ in range(200): os.write(1, text[:65_536].encode())", 200 * 65_536),
        ("os.system('head -c 30000000 /dev/zero | tr \"\\\\0\" z')\nNone", 30_000_000),
    ] {
        let (peak, run) = peak(session, code);
        assert_eq!((&run["status"], &run["truncated"]), (&json!("ok"), &json!(true)), "{code}: {run}");
        assert!(peak < FEW_MB, "{code}: {peak} kB");
        let read = read(session, json!({"snippet": run["snippet"], "offset": -20}));
        assert_eq!((&read["total"], &read["next_offset"]), (&json!(size), &Value::Null), "{code}: {read}");
        let file = spooled(session, &run);
        assert_eq!(file.metadata().unwrap().len(), size, "{code}");
        std::fs::remove_file(file).unwrap();
        // Output up to this size is in the journal as well.
        if size > 2_000_000 {
            let left = self::read(session, json!({"snippet": run["snippet"], "limit": 50}));
            let missing = left["missing"].as_str().unwrap_or_default();
            assert!(missing.contains("cannot be read"), "{code}: somebody removed the file: {left}");
        }
    }
}

#[test]
fn small_prints_keep_their_place_among_raw_writes_and_threads() {
    in_every_python(|session| {
        let mut expected = String::new();
        for n in 0..400 {
            for m in 0..n % 4 {
                expected += &format!("p {n} {m}\n");
            }
            expected += &format!("raw {n}\n");
        }
        session.run("import asyncio, os, sys, threading");
        let code = "for n in range(400):\n    for m in range(n % 4): print('p', n, m, flush=n % 3 == 0)\n    \
                    os.write(1, b'raw %d\\n' % n)";
        assert_eq!(session.out(code), expected);
        // With an event loop, each write asks for the snippet of its task.
        assert_eq!(session.out(&format!("await asyncio.sleep(0)\n{code}")), expected);
        let run = session.run("for n in range(300):\n    print('o', n)\n    print('e', n, file=sys.stderr)");
        let lines = |name| (0..300).fold(String::new(), |all, n| all + &format!("{name} {n}\n"));
        assert_eq!((&run["stdout"], &run["stderr"]), (&json!(lines("o")), &json!(lines("e"))));
        let threads = session.out(
            "def work(name):\n    for n in range(150): sys.stdout.write(f'{name} {n}\\n')\n\
             all = [threading.Thread(target=work, args=(name,)) for name in 'abc']\n\
             for thread in all: thread.start()\n\
             for thread in all: thread.join()\nprint('end')",
        );
        assert!(threads.ends_with("end\n"), "{threads}");
        for name in ["a", "b", "c"] {
            // What is written at one go is not torn.
            let own: Vec<&str> = threads.lines().filter(|line| line.starts_with(name)).collect();
            assert_eq!(own, (0..150).map(|n| format!("{name} {n}")).collect::<Vec<_>>());
        }
    });
}

#[test]
#[ignore = "takes minutes: tests/long runs it"]
fn two_million_small_prints() {
    let mut session = Session::start(&python());
    let run = session.run("print('begin')\nfor n in range(2_000_000): print(n)\nprint('end')");
    let snippet = run["snippet"].clone();
    assert!(run["stdout"].as_str().unwrap().ends_with("\n1999999\nend\n"), "{}", run["status"]);
    // A slow machine may need more than one call.
    let (mut lines, mut offset) = (Vec::new(), json!(0));
    while !offset.is_null() {
        let pattern = "^(begin|end|1234567|1654321)$";
        let found = read(&mut session, json!({"snippet": snippet, "grep": pattern, "offset": offset}));
        lines.extend(found["matches"].as_array().unwrap().iter().map(|found| found["line"].as_u64().unwrap()));
        assert_ne!(found["next_offset"], offset, "no call may be in vain");
        offset = found["next_offset"].clone();
    }
    assert_eq!(lines, [1, 1_234_569, 1_654_323, 2_000_002]);
    let page = read(&mut session, json!({"snippet": snippet, "offset": 8_000_000, "limit": 30}));
    let total: u64 = 6 + 14_888_890 + 4;
    assert_eq!(page["total"], total);
    let text = std::fs::read_to_string(spooled(&session, &json!({"snippet": snippet}))).unwrap();
    assert!(text[8_000_000..].starts_with(page["text"].as_str().unwrap()), "{page}");
}

#[test]
fn cut_output_can_be_read_to_its_end() {
    let mut session = Session::start(&python());
    let code =
        "import sys\nfor n in range(40_000):\n    print(f'line {n} é', file=sys.stderr if n % 5 == 0 else sys.stdout)";
    let result = session.client.call("run_python_code", json!({"code": code}));
    let shown = support::client::Client::text(&result);
    let call = shown.split("read_output with snippet=1, offset=").nth(1).expect("the call that reads the rest");
    let mut offset: u64 = call.split(' ').next().unwrap().parse().unwrap();
    let (beginning, _) = shown.split_once("\n[... ").unwrap();
    let mut text = beginning.to_owned();
    loop {
        let page = read(&mut session, json!({"snippet": 1, "offset": offset, "limit": 40_000}));
        text.push_str(page["text"].as_str().unwrap());
        match page["next_offset"].as_u64() {
            Some(next) => offset = next,
            None => break,
        }
    }
    let expected: String = (0..40_000).flat_map(|n| ["line ".to_owned(), n.to_string(), " é\n".to_owned()]).collect();
    assert!(text == expected, "{} of {} bytes", text.len(), expected.len());
    let err = read(&mut session, json!({"snippet": 1, "stream": "stderr", "limit": 40}));
    assert_eq!(err["text"], "line 0 é\nline 5 é\nline 10 é\nline 15 é\n");

    // While it runs.
    let code = "import time\nfor n in range(30_000): print('tick', n)\ntime.sleep(1000)";
    let run = session.client.call("run_python_code", json!({"code": code, "wait_s": 0}));
    assert_eq!(run["structuredContent"]["status"], "running");
    wait_until("the end of what a running snippet wrote", || {
        let page = read(&mut session, json!({"snippet": 2, "offset": 0, "grep": "^tick 29999$"}));
        (page["running"] == true && page["matches"][0]["line"] == 30_000).then_some(())
    });
    session.client.call("interrupt_snippet", json!({"snippet": 2}));
}

/// The output of a process can be read after another process has taken the session over.
#[test]
fn output_from_before_a_restart_can_be_read() {
    let mut session = Session::start(&python());
    session.out("print('small')");
    session.run("for n in range(100_000): print('line', n)");
    session.client.call("reset_python_environment", json!({"mode": "restart"}));
    assert_eq!(session.value("6 * 7"), "42");
    assert_eq!(read(&mut session, json!({"snippet": 1}))["text"], "small\n");
    assert_eq!(read(&mut session, json!({"snippet": 2, "offset": -11}))["text"], "line 99999\n");
    let found = read(&mut session, json!({"snippet": 2, "grep": "^line 50000$"}));
    assert_eq!(found["matches"][0]["line"], 50_001, "{found}");
}

#[test]
#[ignore = "takes minutes: tests/long runs it"]
fn beyond_the_cap_the_rest_is_counted() {
    let mut session = Session::start(&python());
    session.run("text = 'x' * 100_000_000");
    let (peak, run) = peak(&mut session, "for _ in range(3): print(text)");
    assert!(run["status"] == "ok" && peak < FEW_MB, "{peak} kB {}", run["status"]);
    let page = read(&mut session, json!({"snippet": run["snippet"], "limit": 10}));
    assert_eq!((&page["total"], &page["text"]), (&json!(256 << 20), &json!("xxxxxxxxxx")));
    let missing = page["missing"].as_str().unwrap();
    assert!(missing.starts_with("31.6 MB at the end") && missing.contains("for one snippet is 268 MB"), "{missing}");
    assert_eq!(spooled(&session, &run).metadata().unwrap().len(), 256 << 20);
    assert_eq!(session.out("print('next')"), "next\n");
}

#[test]
fn a_full_disk_stops_no_snippet() {
    for code in [
        // The folder is made when it is first needed.
        "import pathlib\nplace = pathlib.Path.home() / '.local/state/fourhands/spool'\nplace.parent.mkdir(parents=True, exist_ok=True)\nplace.write_text('')",
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))",
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 4096))",
    ] {
        let mut session = Session::start(&python());
        assert_eq!(session.run(code)["status"], "ok", "{code}");
        let run = session.run("print('first')\nfor n in range(20_000): print(f'{n:070}')");
        assert_eq!(run["status"], "ok", "{run}");
        assert!(run["stdout"].as_str().unwrap().ends_with("00019999\n"), "{code}");
        let notice = run["notice"].as_str().unwrap();
        assert!(notice.contains("were not kept") && notice.contains("cannot be written"), "{notice}");
        let page = read(&mut session, json!({"snippet": 2, "limit": 10}));
        assert!(page["text"].as_str().unwrap().starts_with("first\n"), "{code}: {page}");
        let missing = page["missing"].as_str().unwrap();
        assert!(missing.contains("at the end cannot be read") && missing.contains("cannot be written"), "{missing}");
        assert_eq!(session.out("print('next')"), "next\n");
    }
}

#[test]
fn a_flood_is_interrupted_at_once() {
    in_every_python(|session| {
        for code in ["while True: print('flood')", "import os\nwhile True: os.write(1, b'flood\\n' * 1000)"] {
            let id = session.client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
            let snippet = session.client.interrupt();
            let run = session.client.answer(id)["result"].clone();
            let run = session.client.finished(run)["structuredContent"].clone();
            assert_eq!((&run["status"], &run["snippet"]), (&json!("interrupted"), &snippet), "{run}");
        }
        assert_eq!(session.out("print('next')"), "next\n");
    });
}
