//! What people know from `IPython` beyond its simple magics: its shell, modules that are read again, scripts,
//! `%%capture`.

use serde_json::json;

use crate::support;
use crate::support::session::{Session, in_every_python};

#[test]
fn autoreload_renews_functions_and_classes_in_place() {
    in_every_python(|session| {
        session.out(
            "open('shop.py', 'w').write('''
def price(): return 1
class Base:
    def name(self): return 'old'
class Item(Base):
    def name(self): return 'item ' + super().name()
''')
import os
from shop import price, Item
item = Item()
%load_ext autoreload
%autoreload 2",
        );
        session.out(
            "open('shop.py', 'a').write('''
def price(): return 2
class Item(Base):
    kind = 'new'
    def name(self): return 'renewed ' + super().name()
''')
later = os.stat('shop.py').st_mtime + 10; os.utime('shop.py', (later, later))",
        );
        let renewed =
            "import shop; price(), item.name(), Item().kind, isinstance(item, shop.Item), shop.price is price";
        assert_eq!(session.value(renewed), "(2, 'renewed old', 'new', True, True)");
        // A file that cannot be read is told once, and the module stays as it was.
        session.out("open('shop.py', 'a').write('def price(: broken'); os.utime('shop.py', (later + 10, later + 10))");
        let broken = session.run("price()");
        assert_eq!(broken["result"], "2", "{broken}");
        let told = broken["stderr"].as_str().unwrap();
        assert!(told.contains("%autoreload: shop could not be read again") && told.contains("SyntaxError"), "{told}");
        assert_eq!(session.run("price()")["stderr"], "");
        // A module that was imported after the magic, and changes before the next snippet.
        session.out("open('fresh.py', 'w').write('def f(): return 1')");
        assert_eq!(session.value("import fresh; fresh.f()"), "1");
        let folder = session.out("print(os.getcwd(), end='')");
        std::fs::write(format!("{folder}/fresh.py"), "def f(): return 22").unwrap();
        assert_eq!(session.value("fresh.f()"), "22");
        assert_eq!(session.error("%load_ext cython")["type"], "UsageError");
    });
}

#[test]
fn earlier_snippets_have_ipythons_names() {
    in_every_python(|session| {
        let first = session.run("6 * 7");
        let number = first["snippet"].as_u64().unwrap();
        assert_eq!(session.value("'second'"), "'second'");
        let code = format!("_, __, _{number}, Out[{number}], In[{number}], _i{number}, _i, _ih is In, _oh is Out");
        let found = "('second', 42, 42, 42, '6 * 7', '6 * 7', \"'second'\", True, True)";
        assert_eq!(session.value(&code), found);
        assert_eq!(
            session.value("In[-1], In[-2] == _i, len(In) > 3, In[0]"),
            "('In[-1], In[-2] == _i, len(In) > 3, In[0]', True, True, '')"
        );
        assert_eq!(session.value(&format!("{number} in Out, Out.get(10_000), Out.get(10_000, 5)")), "(True, None, 5)");
        assert!(
            session.traceback("Out[10_000]").contains("KeyError") && session.traceback("_10000").contains("NameError")
        );
        // Nothing of them is a variable, and one of the user comes first.
        let list = session.client.call("list_defined_variables", json!({}));
        let listed = support::client::Client::text(&list);
        assert!(!listed.contains("Out") && !listed.contains("In ("), "{listed}");
        let own = session.run(&format!("In = 'mine'; _{number} = 'also'; In, _{number}"));
        assert_eq!(own["result"], "('mine', 'also')");
        assert_eq!(own["variables"]["added"], json!(["In"]), "{own}");
        assert!(own["clashes"].is_null(), "{own}");
        session.run(&format!("del In, _{number}"));
        assert_eq!(session.value(&format!("In[{number}], _{number}")), "('6 * 7', 42)");
        // A large value is kept only as long as a variable has it, a small one for long.
        let large =
            session.run("class Large:\n    def __del__(self): print('gone')\nLarge()")["snippet"].as_u64().unwrap();
        let blob = session.run("bytes(2 << 20)")["snippet"].as_u64().unwrap();
        let gone = session.run(&format!("0, {large} in Out, {blob} in Out, {number} in Out"));
        assert_eq!(gone["result"], "(0, False, True, True)", "{gone}");
        assert_eq!(session.value(&format!("{blob} in Out")), "False");
        session.client.call("reset_python_environment", json!({}));
        assert_eq!(session.value(&format!("Out, In[{number}]")), "({}, '6 * 7')");
    });
}

#[test]
fn get_ipython_has_the_calls_that_code_makes() {
    in_every_python(|session| {
        let code = "shell = get_ipython(); shell.run_line_magic('pwd', '') == __import__('os').getcwd()";
        assert_eq!(session.value(code), "True");
        assert_eq!(session.value("get_ipython().getoutput('echo a; echo b')"), "['a', 'b']");
        assert_eq!(session.out("get_ipython().system('echo from below')"), "from below\n");
        assert_eq!(session.out("get_ipython().run_cell_magic('bash', '', 'echo $((1 + 1))')"), "2\n");
        assert_eq!(session.value("get_ipython().magic('time 6 * 7')"), "42");
        assert_eq!(session.value("from IPython import get_ipython as other; other().ev('1 + 1')"), "2");
        let timed = session.run("get_ipython().run_cell_magic('time', '', 'import os\\n%pwd\\nos.getcwd()')");
        assert!(timed["stdout"].as_str().unwrap().contains("Wall time"), "{timed}");
        assert!(timed["result"].as_str().unwrap().contains('/'), "{timed}");
        let ran = session.run("ran = get_ipython().run_cell('!echo cell\\n6 * 7'); ran.result, ran.success");
        assert_eq!((&ran["stdout"], &ran["result"]), (&json!("cell\n42\n"), &json!("(42, True)")), "{ran}");
        let ran = session.run("ran = get_ipython().run_cell('1 / 0'); ran.success, type(ran.error_in_exec).__name__");
        assert_eq!(ran["result"], "(False, 'ZeroDivisionError')", "{ran}");
        assert!(ran["stderr"].as_str().unwrap().contains("division by zero"), "{ran}");
        session.run("del ran, os");
        // Holoviews and its kind take the builtin for IPython, whose shell they would then ask.
        session.out("import builtins; open('pyviz_comms.py', 'w').write('_in_ipython = True')");
        assert_eq!(session.value("import pyviz_comms; pyviz_comms._in_ipython"), "False");
        session.run("del builtins, pyviz_comms");
        let error = session.error("get_ipython().kernel");
        assert!(error["message"].as_str().unwrap().contains("run_line_magic"), "{error}");
        assert_eq!(session.run("1")["variables"]["added"], json!([]));
    });
}

#[test]
fn scripts_run_with_their_folder_and_leave_their_names() {
    in_every_python(|session| {
        session.out(
            "import os, sys; os.makedirs('tools', exist_ok=True)
open('tools/helper.py', 'w').write('value = 5')
open('tools/job.py', 'w').write('import sys, helper\\ndef made(): return helper.value\\nargs = sys.argv[1:]\\nsys.exit(3)')
open('tools/fails.py', 'w').write('before = 1\\nprint(__name__)\\n1 / 0')
open('uses.py', 'w').write('seen = before + 1')",
        );
        let run = session.run("%run tools/job.py a 'b c'\nmade(), args, _exit_code");
        let expected = (&json!("(5, ['a', 'b c'], 3)"), &json!("exit code 3\n"));
        assert_eq!((&run["result"], &run["stderr"]), expected, "{run}");
        assert_eq!(session.value("'tools' in ' '.join(sys.path)"), "False");
        session.run("%cd -q /");
        let source = session.value("import inspect; inspect.getsource(made)");
        assert_eq!(source, "'def made(): return helper.value\\n'");
        session.run("%cd -q -");
        let fails = session.run("%run -n tools/fails.py");
        let expected = (&json!("ZeroDivisionError"), &json!("fails\n"));
        assert_eq!((&fails["error"]["type"], &fails["stdout"]), expected, "{fails}");
        assert_eq!(session.value("before"), "1");
        assert_eq!(session.value("%run -i -t uses.py\nseen"), "2");
        assert!(session.out("%run -m timeit -n 1 -r 1 pass").contains("1 loop"));
    });
}

#[test]
fn capture_keeps_all_that_a_snippet_shows() {
    in_every_python(|session| {
        let code = "%%capture kept
import sys, os
print('text'); print('warning', file=sys.stderr); os.write(1, b'below\\n')
os.system('echo command')
display({'text/html': '<b>x</b>', 'image/svg+xml': '<svg/>'}, raw=True)
'value'";
        let run = session.run(code);
        assert_eq!((&run["stdout"], &run["stderr"], &run["displays"]), (&json!(""), &json!(""), &json!([])), "{run}");
        let texts = "kept.stdout.split(), kept.stderr";
        assert_eq!(session.value(texts), "(['text', 'below', 'command'], 'warning\\n')");
        let forms = session.value("[sorted(output.data) for output in kept.outputs]");
        assert_eq!(forms, "[['image/svg+xml', 'text/html'], ['text/plain']]");
        let shown = session.run("kept.show()");
        assert!(shown["stdout"].as_str().unwrap().ends_with("'value'\n"), "{shown}");
        assert_eq!(
            (&shown["stderr"], shown["displays"].as_array().unwrap().len()),
            (&json!("warning\n"), 1),
            "{shown}"
        );
        let failed = session.run("%%capture --no-stderr after\nprint('kept'); print('shown', file=sys.stderr); 1 / 0");
        assert_eq!((&failed["status"], &failed["stderr"]), (&json!("error"), &json!("shown\n")), "{failed}");
        assert_eq!(session.value("after.stdout, str(after)"), "('kept\\n', 'kept\\n')");
        let shown = session.run("%%capture --no-display text\ndisplay(3); print('kept')");
        assert_eq!(shown["displays"].as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(session.value("text.stdout, text.outputs"), "('kept\\n', [])");
        assert_eq!(session.out("print('free')"), "free\n");
    });
}

#[test]
fn magics_for_errors_history_profiles_and_programs() {
    let mut session = Session::start(&support::python());
    session.run("def broken(): 1 / 0\nbroken()");
    assert!(session.run("%tb")["stderr"].as_str().unwrap().contains("ZeroDivisionError"));
    assert_eq!(session.out("%history 1"), "def broken(): 1 / 0\nbroken()\n");
    assert!(session.out("%prun sum(range(10))").contains("function calls"));
    assert_eq!(session.out("%%python\nimport sys; print(2 * 21)"), "42\n");
    assert_eq!(session.out("%%script sh -s a\necho got $1"), "got a\n");
    session.run("%%bash --out text --no-raise-error\necho kept; exit 3");
    assert_eq!(session.value("text, _exit_code"), "('kept\\n', 3)");
    session.run("%%bash --bg --proc process\nread line; echo $line > written; sleep 1000");
    assert_eq!(session.value("process.poll() is None"), "True");
    session.run("process.kill()");
    assert_eq!(session.run("%%html\n<b>bold</b>")["displays"][0]["mime"], "text/html");
    let pip = session.run("%pip install --no-index no-such-package-at-all");
    assert_eq!((&pip["status"], &pip["returncode"]), (&json!("error"), &json!(1)), "{pip}");
    assert_eq!(session.error("%px 1")["type"], "UsageError");
    session.run("%reset -f");
    assert_eq!(session.error("broken")["type"], "NameError");
}
