//! Input of running code: `input()`, `sys.stdin`, `getpass`, pdb and help, answered by clients and by a person.

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, each_python, python, wait_until};
use serde_json::{Value, json};

fn connect(home: &Home, name: &str) -> Client {
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "test"]);
    Client::start(bridge, name, Era::Legacy)
}

fn answer(client: &mut Client, snippet: &Value, text: &str) -> Value {
    let result = client.call("answer_input", json!({"snippet": snippet, "text": text}));
    assert!(result["structuredContent"].is_object(), "{result}");
    result["structuredContent"].clone()
}

/// Runs code that asks for input, and returns its report.
fn ask(client: &mut Client, code: &str) -> Value {
    let run = client.run(code);
    assert_eq!(run["status"], "waiting_for_input", "{code}\n{run}");
    run
}

fn serve(home: &Home, python: &std::path::Path) -> (Server, Client) {
    let server = home.serve_with("test", python);
    let client = connect(home, "tester");
    (server, client)
}

#[test]
fn a_client_answers_prompts_in_every_python() {
    each_python(|python| {
        let home = Home::new();
        let (_server, mut client) = serve(&home, python);

        let run = ask(&mut client, "name = input('name? ')\nprint('hello', name)");
        assert_eq!(run["input_prompt"], "name?", "{run}");
        let notice = run["notice"].as_str().unwrap();
        assert!(notice.contains("answer_input") && !notice.contains("dashboard"), "nobody is at one: {run}");
        let run = answer(&mut client, &run["snippet"], "Ada é漢");
        assert_eq!((&run["status"], &run["stdout"]), (&json!("ok"), &json!("hello Ada é漢\n")), "what is new: {run}");
        assert_eq!(run["variables"]["added"], json!(["name"]));
        let whole = client.call("read_output", json!({"snippet": run["snippet"]}));
        assert_eq!(
            whole["structuredContent"]["text"], "name? Ada é漢\nhello Ada é漢\n",
            "the answer is part of the output"
        );

        let run = ask(&mut client, "import sys\nrest = [line for line in sys.stdin]\nrest");
        let again = answer(&mut client, &run["snippet"], "one");
        assert_eq!(again["status"], "waiting_for_input");
        answer(&mut client, &run["snippet"], "");
        let done = client.call("answer_input", json!({"snippet": run["snippet"], "text": "", "eof": true}));
        assert_eq!(done["structuredContent"]["result"], "['one\\n', '\\n']", "{done}");

        let run = ask(&mut client, "sys.stdin.readline(2), sys.stdin.read(2), sys.stdin.buffer.readline()");
        let run = answer(&mut client, &run["snippet"], "abc");
        let run = answer(&mut client, &run["snippet"], "é");
        assert_eq!(run["result"], "('ab', 'c\\n', b'\\xc3\\xa9\\n')", "{run}");

        let kind = client.run("import io\nisinstance(sys.stdin, io.TextIOBase), sys.stdin.isatty(), sys.stdin.closed");
        assert_eq!(kind["result"], "(True, False, False)");
        // The session's stdin is restored for the next snippet.
        client.run("sys.stdin.close()\nsys.stdin = None");
        let run = ask(&mut client, "input()");
        let done = client.call("answer_input", json!({"snippet": run["snippet"], "text": "", "eof": true}));
        assert_eq!(done["structuredContent"]["error"]["type"], "EOFError", "{done}");

        // The debugger, one command at a time; its trace function must not run in the engine.
        let run = ask(&mut client, "def double(n):\n    breakpoint()\n    twice = n * 2\n    return twice\ndouble(21)");
        assert_eq!(run["input_prompt"], "(Pdb)");
        let run = answer(&mut client, &run["snippet"], "p n + 1");
        assert_eq!(run["stdout"], "22\n(Pdb) ", "without what came before: {run}");
        let mut run = answer(&mut client, &run["snippet"], "n");
        while run["status"] == "waiting_for_input" {
            run = answer(&mut client, &run["snippet"], "n");
        }
        assert_eq!((&run["status"], &run["result"]), (&json!("ok"), &json!("42")), "{run}");
        assert_eq!(client.run("sys.gettrace()")["result"], Value::Null);
        let run = ask(&mut client, "breakpoint()\n1");
        let run = answer(&mut client, &run["snippet"], "q");
        assert_eq!(run["status"], "error", "{run}");

        // The last exception can be debugged, as at Python's own prompt.
        client.run("def broken(n):\n    return n / 0\nbroken(5)");
        let run = ask(&mut client, "import pdb; pdb.pm()");
        assert!(run["stdout"].as_str().unwrap().contains("return n / 0\n"), "{run}");
        let run = answer(&mut client, &run["snippet"], "p n + 1");
        assert_eq!(run["stdout"], "6\n(Pdb) ", "{run}");
        assert_eq!(answer(&mut client, &run["snippet"], "q")["status"], "ok");
        assert_eq!(client.run("type(sys.last_value).__name__")["result"], "'ZeroDivisionError'");
        client.call("reset_python_environment", json!({}));
        assert_eq!(client.run("import sys; hasattr(sys, 'last_value')")["result"], "False");

        let help = client.run("help(len)");
        assert!(help["stdout"].as_str().unwrap().contains("Return the number of items"), "{help}");

        // The next snippet does not get the rest of a line.
        let run = ask(&mut client, "sys.stdin.readline(1)");
        answer(&mut client, &run["snippet"], "left");
        let run = ask(&mut client, "sys.stdin.readline()");
        assert_eq!(answer(&mut client, &run["snippet"], "new")["result"], "'new\\n'");

        // Child processes read the end of the input.
        let code = "import subprocess\nsubprocess.run(['cat'], capture_output=True, timeout=20).stdout, \
                    subprocess.run(['cat'], stdin=sys.stdin, capture_output=True, timeout=20).stdout";
        assert_eq!(client.run(code)["result"], "(b'', b'')");
        let code = "import os\npid = os.fork()\nif pid == 0:\n    try: input()\n    except EOFError: os._exit(7)\n\
                    os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])";
        assert_eq!(client.run(code)["result"], "7");
        assert_eq!(client.run("6 * 7")["result"], "42");
    });
}

/// Threads ask one after the other, as long as their snippet runs.
#[test]
fn threads_can_ask_for_input() {
    each_python(|python| {
        let home = Home::new();
        let (_server, mut client) = serve(&home, python);
        let run = ask(&mut client, "import asyncio\nawait asyncio.to_thread(input, 'beside? ')");
        assert_eq!(run["input_prompt"], "beside?", "{run}");
        assert_eq!(answer(&mut client, &run["snippet"], "yes")["result"], "'yes'");

        let code = "import threading\nsaid = []\nthreads = [threading.Thread(target=lambda: said.append(input())) \
                    for _ in range(3)]\nfor t in threads: t.start()\nsaid.append(input())\n\
                    for t in threads: t.join()\nsorted(said)";
        let mut run = ask(&mut client, code);
        for line in ["a", "b", "c"] {
            run = answer(&mut client, &run["snippet"], line);
            assert_eq!(run["status"], "waiting_for_input", "{run}");
        }
        let run = answer(&mut client, &run["snippet"], "d");
        assert_eq!(run["result"], "['a', 'b', 'c', 'd']", "{run}");

        let code = "def late():\n    for n in range(2):\n        try: input('late? ')\n        \
                    except EOFError as e: said.append(str(e))\n\
                    said.clear(); late = threading.Thread(target=late); late.start(); late.join()";
        let run = ask(&mut client, code);
        client.call("interrupt_snippet", json!({"snippet": run["snippet"]}));
        // Not by `join`: after an interrupted join Python may take the thread for ended.
        let run = client.run("import time\nwhile len(said) < 2: time.sleep(0.01)\nsaid");
        let ended = "the snippet that started this thread has ended: nobody is asked for it any more";
        assert_eq!(run["result"], format!("['{ended}', '{ended}']"), "{run}");
        let run = ask(&mut client, "input('still? ')");
        assert_eq!(answer(&mut client, &run["snippet"], "here")["result"], "'here'");
    });
}

#[test]
fn a_waiting_prompt_is_interrupted_at_once() {
    let home = Home::new();
    let (_server, mut client) = serve(&home, &python());
    let run = ask(&mut client, "input('? ')");
    let stopped = client.call("interrupt_snippet", json!({"snippet": run["snippet"]}));
    assert_eq!(stopped["structuredContent"]["ended"], true, "{stopped}");
    let run = client.call("wait_for_snippet", json!({"snippet": run["snippet"]}));
    assert_eq!(run["structuredContent"]["status"], "interrupted", "{run}");
    let late = client.call("answer_input", json!({"snippet": 1, "text": "late"}));
    assert!(late["isError"] == true && Client::text(&late).contains("is not waiting for input"), "{late}");

    // The snippet's time limit and its own alarms end the wait too.
    let run = client.call("run_python_code", json!({"code": "input('? ')", "timeout_s": 0.2}));
    let run = client.call("wait_for_snippet", json!({"snippet": run["structuredContent"]["snippet"], "wait_s": 0}));
    let snippet = run["structuredContent"]["snippet"].clone();
    wait_until("the time limit", || {
        let run = client.call("wait_for_snippet", json!({"snippet": snippet, "wait_s": 0}));
        (run["structuredContent"]["status"] == "interrupted").then_some(())
    });
    let code = "import signal\ndef late(*_): raise TimeoutError('own alarm')\nsignal.signal(signal.SIGALRM, late)\n\
                signal.setitimer(signal.ITIMER_REAL, 0.2)\ninput('? ')";
    let run = ask(&mut client, code);
    wait_until("the alarm", || {
        let run = client.call("wait_for_snippet", json!({"snippet": run["snippet"], "wait_s": 0}));
        (run["structuredContent"]["error"]["type"] == "TimeoutError").then_some(())
    });
    assert_eq!(client.run("1 + 1")["result"], "2");
}

#[test]
fn the_person_answers_and_the_draft_comes_back() {
    let home = Home::new();
    let python = python();
    let mut terminal = Terminal::start(&home, &["--session", "test", "--python", python.to_str().unwrap()], 30, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
    let mut client = connect(&home, "tester");

    terminal.send("my_draft");
    terminal.wait_for_text("my_draft");
    let run = ask(&mut client, "name = input('name? ')\nname + '!'");
    terminal.wait_for_text("wants input: name?");
    terminal.send("\u{1b}");
    terminal.wait_for("the reply in place of the draft", |screen| !screen.contains("my_draft"));
    terminal.send("Ada\r");
    terminal.wait_for_text("my_draft");
    // The draft comes back before the answer reaches the code.
    terminal.wait_for_text("'Ada!'");
    let done = client.call("wait_for_snippet", json!({"snippet": run["snippet"]}));
    assert_eq!(done["structuredContent"]["result"], "'Ada!'", "{done}");
    terminal.send("\u{3}");
    terminal.wait_for("the draft to go", |screen| !screen.contains("my_draft"));

    // A password: shown as dots, answered by the person only, and stored nowhere.
    let run = ask(&mut client, "import getpass\nsecret = getpass.getpass('Key: ')\nlen(secret)");
    assert_eq!(run["input_prompt"], "Key:");
    let refused = client.call("answer_input", json!({"snippet": run["snippet"], "text": "guess"}));
    assert!(refused["isError"] == true && Client::text(&refused).contains("Only the person"), "{refused}");
    terminal.wait_for("a password prompt", |screen| screen.contains("wants hidden input: Key:"));
    terminal.wait_for_text("Enter answer");
    terminal.send("s3same");
    let screen = terminal.wait_for_text("••••••");
    assert!(!screen.contains("s3same"), "{screen}");
    terminal.send("\r");
    terminal.wait_for_row("6");
    let done = client.call("wait_for_snippet", json!({"snippet": run["snippet"]}));
    assert_eq!(done["structuredContent"]["result"], "6", "{done}");
    assert!(!done.to_string().contains("s3same"), "{done}");
    client.run("del secret");
    terminal.wait_for("the variable to go", |screen| !screen.contains("s3same"));

    // pdb: commands one after another without a pause, the end of the input, and an interrupt.
    terminal.send("breakpoint(); x = 6 * 7\r");
    terminal
        .wait_for("the debugger", |screen| screen.contains("wants input: (Pdb)") && screen.contains("Enter answer"));
    terminal.send("p 40 + 1\r");
    terminal.wait_for("the next prompt", |screen| {
        let answered = screen.lines().any(|row| row.trim_start().starts_with("41"));
        answered && screen.contains("wants input: (Pdb)") && screen.contains("Enter answer")
    });
    terminal.send("c\r");
    terminal.wait_for("the end of pdb", |screen| !screen.contains("wants input: (Pdb)"));
    terminal.send("input('more? ')\r");
    terminal.wait_for("a prompt", |screen| screen.contains("wants input: more?") && screen.contains("Enter answer"));
    terminal.send("\u{4}");
    terminal.wait_for_text("EOFError");
    terminal.send("input('stop? ')\r");
    terminal.wait_for("a prompt", |screen| screen.contains("wants input: stop?") && screen.contains("Enter answer"));
    terminal.send("\u{3}");
    terminal.wait_for_text("interrupted");
    let run = client.run("x");
    assert_eq!(run["result"], "42", "{run}");
}
