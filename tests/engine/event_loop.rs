//! The event loop of the session: tasks that go on while nothing runs, and context variables that stay.

use serde_json::json;

use crate::support;
use crate::support::session::{Session, in_every_python};

/// Waits until the output of a snippet contains `part`.
fn wait_for_output(session: &mut Session, snippet: u64, part: &str) -> String {
    support::wait_until(part, || {
        let page = session.client.call("read_output", json!({ "snippet": snippet }));
        let text = support::client::Client::text(&page);
        text.contains(part).then_some(text)
    })
}

fn number(run: &serde_json::Value) -> u64 {
    run["snippet"].as_u64().unwrap()
}

#[test]
fn tasks_go_on_while_nothing_runs() {
    in_every_python(|session| {
        // Without `await`, and in the snippet that imports asyncio.
        let made = session.run(
            "import asyncio
async def work():
    await asyncio.sleep(0.05)
    print('worked')
task = asyncio.create_task(work())
other = asyncio.ensure_future(asyncio.sleep(0, 'slept'))
same = asyncio.get_running_loop() is asyncio.get_event_loop() is task.get_loop()",
        );
        assert_eq!(made["status"], "ok", "{made}");
        wait_for_output(session, number(&made), "worked\n");
        assert_eq!(session.value("same, task.done(), other.result()"), "(True, True, 'slept')");
        // A server answers, here a client in a thread.
        session.run(
            "async def answer(reader, writer):
    writer.write(b'answer'); await writer.drain(); writer.close()
server = await asyncio.start_server(answer, '127.0.0.1', 0)",
        );
        let asked = session.run(
            "import threading, socket
def ask():
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        print(client.recv(100))
threading.Thread(target=ask).start()",
        );
        wait_for_output(session, number(&asked), "b'answer'");
        // Other loops are as free as ever.
        assert_eq!(session.value("asyncio.run(asyncio.sleep(0, 'own loop'))"), "'own loop'");
        let run = session.value("asyncio.get_event_loop().run_until_complete(asyncio.sleep(0, 'run'))");
        assert_eq!(run, "'run'");
        assert!(session.traceback("import threading\nasyncio._get_running_loop().stop()").contains("AttributeError"));
    });
}

#[test]
fn a_task_that_fails_floods_or_blocks_is_told_and_stops_nobody() {
    in_every_python(|session| {
        session.run("import asyncio\nasync def fail():\n    await asyncio.sleep(0)\n    1 / 0");
        let failing = session.run("kept = asyncio.create_task(fail())");
        let shown = wait_for_output(session, number(&failing), "ZeroDivisionError");
        assert!(shown.contains("A background task ended with an error:\nTraceback"), "{shown}");
        assert!(!shown.contains("asyncio/"), "{shown}");
        assert_eq!(session.value("kept.exception()"), "ZeroDivisionError('division by zero')");
        session
            .run("async def flood():\n    while True: await asyncio.sleep(0)\nflooding = asyncio.create_task(flood())");
        assert_eq!(session.value("1 + 1"), "2");
        session.run("flooding.cancel()");
        // The limit of a snippet reaches a task in front of it, also one that catches everything.
        let catches = "while True:\n        try:\n            while True: pass\n        except BaseException: pass";
        for (rest, is_told) in [("while True: pass", true), (catches, false)] {
            let blocking = session.run(&format!(
                "async def block():\n    await asyncio.sleep(0)\n    print('blocks')\n    {rest}\n\
                 blocked = asyncio.create_task(block())"
            ));
            wait_for_output(session, number(&blocking), "blocks");
            let limited = json!({"code": "'behind it'", "timeout_s": 0.3});
            let behind = session.client.call("run_python_code", limited);
            let behind = session.client.finished(behind);
            assert_eq!(behind["structuredContent"]["status"], "interrupted", "{behind}");
            if is_told {
                let shown = wait_for_output(session, number(&blocking), "KeyboardInterrupt");
                assert_eq!(shown.matches("KeyboardInterrupt").count(), 1, "{shown}");
            }
            assert_eq!(session.value("'free again'"), "'free again'");
        }
    });
}

#[test]
fn a_task_that_never_yields_is_named_and_can_be_interrupted_while_nothing_runs() {
    const TASK: &str = "async def block():\n    print('blocks')\n    {loop}\ntask = asyncio.create_task(block())";
    const CALL: &str =
        "def block():\n    print('blocks')\n    {loop}\nhandle = asyncio.get_running_loop().call_soon(block)";
    // Python 3.11 and 3.12 catch nothing that is raised where a loop jumps back, so the loop is in a call.
    const CATCHES: &str = "def spin():\n        while True: pass\n    while True:\n        try: spin()\n        \
        except BaseException: print('caught')";
    in_every_python(|session| {
        session.run("import asyncio\nx = 1");
        for (code, is_caught) in [(TASK, false), (CALL, false), (TASK, true)] {
            let body = if is_caught { CATCHES } else { "while True: pass" };
            let made = session.run(&code.replace("{loop}", body));
            assert_eq!(made["status"], "ok", "{made}");
            let number = number(&made);
            let named = format!("background task of snippet {number} does not yield");
            support::wait_until("the list to name the task", || {
                let list = session.client.call("list_defined_variables", json!({}));
                support::client::Client::text(&list).contains(&named).then_some(())
            });
            let refused = session.client.call("inspect_variable", json!({"name": "x"}));
            assert!(support::client::Client::text(&refused).contains(&named), "{refused}");
            let behind = session.client.call("run_python_code", json!({"code": "x + 1", "wait_s": 1}));
            let notice = behind["structuredContent"]["notice"].as_str().unwrap_or_default();
            assert!(notice.contains(&named) && notice.contains("has not begun"), "{behind}");
            for force in 0..=u8::from(is_caught) {
                let stopped = session.client.call("interrupt_snippet", json!({"snippet": number}));
                let ended = !is_caught || force > 0;
                assert_eq!(stopped["structuredContent"]["ended"], ended, "{stopped}");
            }
            let behind = json!({"snippet": behind["structuredContent"]["snippet"]});
            let ended = session.client.call("wait_for_snippet", behind);
            assert_eq!(ended["structuredContent"]["result"], "2", "{ended}");
            let shown = wait_for_output(session, number, if is_caught { "caught" } else { "KeyboardInterrupt" });
            assert!(is_caught || shown.contains("A background task ended with an error"), "{shown}");
            assert_eq!(session.value("x"), "1");
        }
        // Without a number: the client's own.
        session.run(&TASK.replace("{loop}", "while True: pass"));
        support::wait_until("the interrupt", || {
            let stopped = session.client.call("interrupt_snippet", json!({}));
            (stopped["structuredContent"]["ended"] == true && !stopped["structuredContent"]["snippet"].is_null())
                .then_some(())
        });
        assert_eq!(session.value("task.done()"), "True");
        // A reset ends such a task too.
        session.run(&TASK.replace("{loop}", "while True: pass"));
        session.client.call("reset_python_environment", json!({}));
        assert_eq!(session.value("'task' in globals()"), "False");
    });
}

#[test]
fn context_variables_belong_to_the_session() {
    in_every_python(|session| {
        session.run(
            "import asyncio, contextvars, decimal
variable = contextvars.ContextVar('variable', default='unset')
token = variable.set('set')
await asyncio.sleep(0)
decimal.getcontext().prec = 5",
        );
        assert_eq!(session.value("variable.get(), decimal.Decimal(1) / 3"), "('set', Decimal('0.33333'))");
        assert_eq!(session.value("await asyncio.sleep(0); variable.reset(token); variable.get()"), "'unset'");
        // A task has a copy, as everywhere.
        let code = "async def change(): variable.set('in a task')\nawait asyncio.create_task(change())\nvariable.get()";
        assert_eq!(session.value(code), "'unset'");
    });
}
