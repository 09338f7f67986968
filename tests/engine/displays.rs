//! Displays beside text: figures, pictures, documents, frames; and the text of values.

use crate::support;
use crate::support::client::Client;
use crate::support::session::{Session, in_every_python};
use crate::support::venv;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Returns the whole result of a run.
fn result(session: &mut Session, code: &str) -> Value {
    session.client.call("run_python_code", json!({"code": code}))
}

/// Returns the bytes of the images of a result.
fn images(result: &Value) -> Vec<Vec<u8>> {
    let blocks = result["content"].as_array().unwrap().iter().filter(|block| block["type"] == "image");
    blocks.map(|block| STANDARD.decode(block["data"].as_str().unwrap()).unwrap()).collect()
}

fn png_size(data: &[u8]) -> (u32, u32) {
    assert!(data.starts_with(b"\x89PNG\r\n\x1a\n"), "{:?}", &data[..8]);
    let side = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().unwrap());
    (side(16), side(20))
}

fn scientific() -> Session {
    Session::start(&venv::scientific())
}

#[test]
fn figures_are_shown_once_each_and_in_their_place() {
    let mut session = scientific();
    let shown = result(
        &mut session,
        "import matplotlib.pyplot as plt
print('one')
plt.plot([1, 2]); plt.show()
print('two')
fig, ax = plt.subplots(figsize=(4, 3)); ax.plot([3, 1]); fig.show()
print('three')
plt.figure(figsize=(6, 4)); plt.plot([1])
print('four')",
    );
    let sizes: Vec<_> = images(&shown).iter().map(|png| png_size(png)).collect();
    assert_eq!(sizes, [(640, 480), (400, 300), (600, 400)], "{shown}");
    let text = Client::text(&shown);
    let expected = "one\n[figure 1: 640x480 PNG]\ntwo\n[figure 2: 400x300 PNG]\nthree\nfour\n[figure 3: 600x400 PNG]\n";
    assert!(text.starts_with(expected), "{text}");
    let displays = &shown["structuredContent"]["displays"];
    assert_eq!((&displays[0]["mime"], &displays[1]["width"]), (&json!("image/png"), &json!(400)), "{displays}");
    assert_eq!(shown["structuredContent"]["stdout"], "one\ntwo\nthree\nfour\n");
    // Closed as in notebooks, so the next snippet does not show it.
    assert_eq!(session.value("plt.get_fignums()"), "[]");
    let again = result(&mut session, "ax.plot([1, 5])\nfig");
    assert_eq!(images(&again).len(), 1, "{again}");
    let stderr = session.run("plt.plot([1]); plt.show()")["stderr"].clone();
    assert_eq!(stderr, "", "a warning of the backend");
    // Progress bars that are drawn over, more than are kept, do not move the figure.
    let epochs = result(
        &mut session,
        "for epoch in range(3):
    for step in range(4000):
        print(f'\\repoch {epoch} step {step} ' + '#' * 20, end='')
    print()
    plt.plot([epoch]); plt.show()",
    );
    let text = Client::text(&epochs);
    let (mut lines, bar) = (text.lines(), "#".repeat(20));
    for epoch in 0..3 {
        assert_eq!(lines.next(), Some(format!("epoch {epoch} step 3999 {bar}").as_str()), "{text}");
        assert_eq!(lines.next(), Some(format!("[figure {}: 640x480 PNG]", epoch + 1).as_str()), "{text}");
    }
}

#[test]
fn a_failed_snippet_shows_its_figure_and_a_figure_that_cannot_be_drawn_is_reported() {
    let mut session = scientific();
    let failed = result(&mut session, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n1 / 0");
    assert_eq!(failed["structuredContent"]["status"], "error");
    assert_eq!(images(&failed).len(), 1);
    let broken = session.run(
        "from matplotlib.artist import Artist
class Broken(Artist):
    def draw(self, renderer): raise ValueError('no ink')
plt.gcf().add_artist(Broken()); plt.show()
print('after')",
    );
    assert_eq!(broken["stdout"], "after\n");
    assert_eq!(broken["stderr"], "a figure could not be drawn: ValueError: no ink\n");
    // A display that never ends is interrupted, and does not come back.
    let result = session.client.call(
        "run_python_code",
        json!({"code": "import time
class Slow(Artist):
    def draw(self, renderer):
        while True: time.sleep(0.01)
plt.gcf().add_artist(Slow())", "timeout_s": 2}),
    );
    assert_eq!(result["structuredContent"]["status"], "interrupted", "{result}");
    assert_eq!(session.value("plt.get_fignums()"), "[]");
}

#[test]
fn the_users_choice_of_a_backend_is_respected_and_children_draw_as_well() {
    let mut session = scientific();
    assert_eq!(session.value("import os; os.environ['MPLBACKEND']"), "'agg'");
    let chosen = result(
        &mut session,
        "import matplotlib\nmatplotlib.use('svg')\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()
matplotlib.get_backend()",
    );
    assert_eq!((images(&chosen).len(), &chosen["structuredContent"]["result"]), (1, &json!("'svg'")), "{chosen}");
    let child = session.out(
        "import subprocess, sys
print(subprocess.run([sys.executable, '-c', 'import matplotlib.pyplot as p; p.plot([1]); p.show(); print(p.get_backend())'], \
capture_output=True, text=True))",
    );
    assert!(child.contains("stdout='agg\\n', stderr=''"), "{child}");
}

#[test]
fn large_images_are_scaled_for_clients_and_their_number_is_bounded() {
    let mut session = scientific();
    let noise = result(
        &mut session,
        "import numpy as np, matplotlib.pyplot as plt
plt.figure(figsize=(19, 12)).figimage(np.random.default_rng(1).random((1200, 1900)))",
    );
    let found = images(&noise);
    assert_eq!(noise["structuredContent"]["displays"][0]["width"], 1900);
    assert!(found.len() == 1 && found[0].len() * 4 / 3 < 700_000 && found[0].len() > 200_000, "{}", found[0].len());
    let (width, height) = png_size(&found[0]);
    assert!((f64::from(width) / f64::from(height) - 1900.0 / 1200.0).abs() < 0.02);
    let many = result(&mut session, "for n in range(12):\n    plt.plot([n]); plt.show()");
    assert_eq!(images(&many).len(), 10);
    assert_eq!(many["structuredContent"]["displays"].as_array().unwrap().len(), 12);
    assert!(Client::text(&many).contains("[figure 12: 640x480 PNG]"));
    let huge = result(&mut session, "plt.figure(figsize=(60, 36)); plt.plot([1])");
    let (width, height) = png_size(&images(&huge)[0]);
    assert!(width <= 2_000 && height <= 2_000);
}

#[test]
fn open_figures_are_updated_in_place_and_those_of_children_are_not_shown() {
    let mut session = scientific();
    let live = result(
        &mut session,
        "import matplotlib.pyplot as plt, os
fig, ax = plt.subplots()
for n in range(3):
    ax.plot([n, 2]); plt.pause(0.01)
print('end')
ax.set_title('changed')",
    );
    assert!(Client::text(&live).starts_with("[figure 1: 640x480 PNG]\nend\n"), "{live}");
    // The last state is shown, although drawing has left the figure fresh.
    let animated = "fig, ax = plt.subplots(); ax.plot([1, 2])
for n in range(3):
    ax.set_title(f'frame {n}'); plt.pause(0.01)";
    let whole = "fig, ax = plt.subplots(); ax.plot([1, 2]); ax.set_title('frame 2'); plt.show()";
    let [animated, whole] = [animated, whole].map(|code| images(&result(&mut session, code)));
    assert!(animated == whole && whole.len() == 1);
    let drawn = "fig, ax = plt.subplots(); ax.plot([1, 2]); display(fig); ax.set_title('frame 2'); fig.canvas.draw()";
    assert_eq!(images(&result(&mut session, drawn)).last(), whole.first());
    assert_eq!(images(&live).len(), 1);
    let forked = result(
        &mut session,
        "import warnings; warnings.simplefilter('ignore')
pid = os.fork()
if pid == 0:
    plt.plot([1]); plt.show(); display(plt.figure()); plt.plot([2])
else:
    os.waitpid(pid, 0)
    plt.plot([3])",
    );
    assert_eq!((images(&forked).len(), &forked["structuredContent"]["status"]), (1, &json!("ok")), "{forked}");
    // Also after builtins and streams were changed.
    let hostile = result(
        &mut session,
        "import builtins, sys
plt.plot([1])
sys.stdout = sys.stderr = None; del builtins.isinstance, builtins.sorted; sys.meta_path.clear()
class Thing: __repr__ = lambda self: 'a thing'
Thing()",
    );
    assert_eq!(hostile["structuredContent"]["result"], "a thing", "{hostile}");
}

const FORMS: &str = "import zlib, struct, base64
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def png(width, height):
    rows = b''.join(b'\\0' + bytes(3 * width) for _ in range(height))
    return (b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
class Rich:
    def __init__(self, **forms): self.forms = forms
    def __repr__(self): return 'a rich thing'
    def _repr_png_(self): return self.forms.get('png')
    def _repr_html_(self): return self.forms.get('html')
    def _repr_markdown_(self): return self.forms.get('markdown')
    def _repr_svg_(self):
        if self.forms.get('svg') == 'fails': raise ValueError('no svg today')
        return self.forms.get('svg')
";

#[test]
fn a_value_is_shown_in_the_forms_that_it_has() {
    in_every_python(|session| {
        session.out(FORMS);
        for data in ["png(30, 20)", "(png(30, 20), {'width': 30})", "base64.b64encode(png(30, 20)).decode()"] {
            let shown = result(session, &format!("Rich(png={data})"));
            assert_eq!(images(&shown).iter().map(|png| png_size(png)).collect::<Vec<_>>(), [(30, 20)], "{data}");
            assert_eq!(shown["structuredContent"]["result"], "a rich thing");
        }
        let shown = result(session, "print('before')\nRich(markdown='# A *title*', html='<h1>A title</h1>')");
        let text = Client::text(&shown);
        assert!(text.starts_with("before\n[display 1: Markdown, 11 B]\n# A *title*\nResult: a rich thing\n"), "{text}");
        let html = session.run("Rich(html='<p>' * 1000)");
        assert_eq!((&html["displays"][0]["mime"], &html["displays"][0]["size"]), (&json!("text/html"), &json!(3000)));
        // Text that says something stands for HTML, once; HTML is told as text if the value has no such text.
        let drowned = result(session, "Rich(html='<table>' + '<tr><td>cell</td></tr>' * 300 + '</table>')");
        let (text, number) = (Client::text(&drowned), &drowned["structuredContent"]["snippet"]);
        let expected =
            format!("[display 1: HTML, 6.6 kB, fourhands://snippet/{number}/figure/1]\nResult: a rich thing\n");
        assert!(text.starts_with(&expected), "{text}");
        assert_eq!(drowned["structuredContent"]["displays"][0].get("text"), None, "{drowned}");
        // A table in LaTeX stays out beside its text.
        let table = "type('T', (), {'_repr_html_': lambda s: '<p>html</p>', '_repr_latex_': lambda s: 'tabular' * 99,
            '__repr__': lambda s: 'text of it'})()";
        let text = Client::text(&result(session, table));
        assert!(text.contains("HTML") && text.contains("Result: text of it") && !text.contains("tabular"), "{text}");
        let text = Client::text(&result(session, "display(Rich(html='<p>no</p>'))"));
        assert!(text.contains("]\na rich thing\n") && !text.contains("no\n"), "{text}");
        let text = Client::text(&result(session, "type('Bare', (), {'_repr_html_': lambda s: '<p>told</p>'})()"));
        assert!(text.starts_with("[display 1: HTML, 11 B]\ntold\nResult: <__main__.Bare object at 0x"), "{text}");
        // Forms that fail or have a wrong type are named, and the others are shown.
        let failed = session.run("Rich(svg='fails', html=42, markdown='fine', png=b'no picture')");
        assert_eq!(failed["status"], "ok");
        let stderr = failed["stderr"].as_str().unwrap();
        assert!(stderr.contains("_repr_svg_ of Rich failed: ValueError: no svg today"), "{stderr}");
        assert!(stderr.contains("text/html of Rich is int, not str"), "{stderr}");
        assert_eq!(failed["displays"][0]["mime"], "image/png");
        assert!(failed["displays"][0]["left_out"].as_str().unwrap().contains("not attached"), "{failed}");
        // A bundle; a class; an object that claims to have every attribute.
        let bundle = session.run(
            "class B:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {'text/plain': 'plain b', 'text/latex': '$x$'}, {}
B()",
        );
        assert_eq!((&bundle["result"], &bundle["displays"][0]["text"]), (&json!("plain b"), &json!("$x$")));
        // An SVG is named with its size and its resource.
        let drawn = result(session, "Rich(svg='<svg/>')");
        let uri = drawn["structuredContent"]["displays"][0]["uri"].as_str().unwrap();
        let text = Client::text(&drawn);
        let expected = "[display 1: SVG, 6 B, an SVG is not drawn as a picture; display a PNG for that; its source: ";
        assert!(text.starts_with(&format!("{expected}{uri}]\n")), "{text}");
        assert!(drawn["structuredContent"]["displays"][0]["left_out"].as_str().is_some(), "{drawn}");
        let source = session.client.request("resources/read", json!({"uri": uri}));
        let source = &source["result"]["contents"][0];
        assert!(source["text"] == "<svg/>" || source["blob"] == "PHN2Zy8+", "{source}");
        for code in [
            "Rich",
            "from unittest.mock import MagicMock; MagicMock()",
            "type('P', (), {'__getattr__': lambda s, n: s})()",
        ] {
            let run = session.run(code);
            assert_eq!(
                (&run["status"], &run["displays"], &run["stderr"]),
                (&json!("ok"), &json!([]), &json!("")),
                "{code}"
            );
        }
        let hangs = session.client.call(
            "run_python_code",
            json!({"code": "class H:\n    def _repr_html_(self):\n        while True: pass\nH()", "timeout_s": 1}),
        );
        assert_eq!(hangs["structuredContent"]["status"], "interrupted");
    });
}

#[test]
fn display_is_a_builtin_and_ipython_has_a_stand_in() {
    in_every_python(|session| {
        session.out(FORMS);
        let shown = result(session, "display(42, Rich(png=png(3, 2)), 'x')\nprint('end')");
        assert!(Client::text(&shown).starts_with("42\n[figure 1: 3x2 PNG]\n'x'\nend\n"), "{shown}");
        let handle =
            session.run("h = display('0 %', display_id=True); print('work'); h.update('50 %'); h.update('done')");
        assert_eq!(handle["displays"].as_array().unwrap().len(), 1, "{handle}");
        assert_eq!(handle["displays"][0]["text"], "'done'");
        let cleared = session.run(
            "from IPython.display import display, clear_output, HTML, Markdown, Image
for n in range(3):
    clear_output(wait=True); display(Markdown(f'step {n}'))
display(Image(data=png(5, 4)))",
        );
        let displays = cleared["displays"].as_array().unwrap();
        assert_eq!(displays.iter().map(|d| d["mime"].clone()).collect::<Vec<_>>(), ["text/markdown", "image/png"]);
        assert_eq!(displays[0]["text"], "step 2");
        // Clearing takes text as well, at once or when more comes.
        assert_eq!(session.out("print('a'); clear_output(); print('b')"), "b\n");
        let epochs = session.run(
            "import os, sys
for n in range(3):
    clear_output(wait=True); os.write(1, b'below\\n'); print('epoch', n); print('warns', n, file=sys.stderr)
clear_output(wait=True)",
        );
        assert_eq!(
            (&epochs["stdout"], &epochs["stderr"]),
            (&json!("below\nepoch 2\n"), &json!("warns 2\n")),
            "{epochs}"
        );
        // An update from a later snippet goes to the display.
        let first = session.run("shown = display('before', display_id='one')");
        assert_eq!(session.run("shown.update('after')")["displays"], json!([]));
        let first = session.client.call("wait_for_snippet", json!({"snippet": first["snippet"]}));
        assert_eq!(first["structuredContent"]["displays"][0]["text"], "'after'", "{first}");
        assert_eq!(session.value("display = 5; display"), "5");
        // An indirect import finds the stand-in as well; a check whether IPython is there does not.
        session.out(
            "open('shows.py', 'w').write('from IPython.display import HTML, SVG\\n')
open('asks.py', 'w').write('try:\\n import IPython\\n there = True\\nexcept ImportError: there = False\\n')",
        );
        session.client.call("reset_python_environment", json!({}));
        assert!(session.value("display").contains("display"));
        let installed = session.value("import importlib.machinery as m; m.PathFinder.find_spec('IPython') is not None");
        assert_eq!(session.value("import asks; asks.there"), installed);
        assert_eq!(session.value("import shows; str(shows.HTML('x'))"), "'<IPython.core.display.HTML object>'");
        // A thread that outlives its snippet still displays for that snippet.
        let started = session.run(
            "import threading; go = threading.Event()
threading.Thread(target=lambda: (go.wait(), display({'late': 1}, display_id=True), done.set())).start()
done = threading.Event()",
        );
        assert_eq!(session.run("go.set(); done.wait()")["displays"], json!([]));
        let late = session.client.call("wait_for_snippet", json!({"snippet": started["snippet"]}));
        assert_eq!(late["structuredContent"]["displays"][0]["text"], "{'late': 1}", "{late}");
    });
}

#[test]
fn ipython_itself_reaches_the_session_and_pictures_are_shown() {
    let python = support::python();
    let python = support::pythons().into_iter().find(|p| support::version(p) == "3.12").unwrap_or(python);
    let mut session = Session::start(&venv::environment("display", &python, &["ipython", "pillow", "polars"]));
    assert_eq!(session.value("import sys; 'IPython' in sys.modules"), "False");
    let shown = result(
        &mut session,
        "from IPython.display import display, Image, HTML, Markdown, update_display, clear_output, publish_display_data
import IPython, io
from PIL import Image as PIL
buffer = io.BytesIO(); PIL.new('RGB', (8, 6)).save(buffer, 'JPEG')
print('a'); display(Image(buffer.getvalue())); print('b')
display(HTML('<b>x</b>')); display(Markdown('**m**'), display_id='m'); update_display(Markdown('**n**'), display_id='m')
publish_display_data({'text/latex': '$y$'})
PIL.new('RGB', (50, 40), 'red')",
    );
    let text = Client::text(&shown);
    let expected = "a\n[figure 1: 8x6 JPEG]\nb\n[display 2: HTML, 8 B]\nx\n[display 3: Markdown, 5 B]\n**n**\n\
        [display 4: LaTeX, 3 B]\n$y$\n[figure 5: 50x40 PNG]\nResult: <PIL.Image.Image";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(images(&shown).len(), 2);
    let pretty = "class Pretty:\n    def _repr_pretty_(self, printer, cycle): printer.text('as it says')\nPretty()";
    assert_eq!(session.value(pretty), "as it says");
    // Libraries, which ask whether they run in IPython, get none.
    assert_eq!(session.value("IPython.get_ipython().ev('6 * 7')"), "42");
    assert_eq!(session.value("eval(compile('IPython.get_ipython() is None', '/lib/python3/x.py', 'eval'))"), "True");
    let frame = session.value("import polars as pl; pl.DataFrame({'a': [1, 2], 'name': ['x', 'y']})");
    assert!(frame.starts_with("DataFrame: 2 rows x 2 columns\n| a "), "{frame}");
}

#[test]
fn frames_and_arrays_are_shown_with_shape_and_types() {
    let mut session = scientific();
    let frame = session.value(
        "import pandas as pd, numpy as np
pd.DataFrame({'id': range(1000), 'price': np.linspace(0, 1, 1000), 'name': ['n'] * 1000})",
    );
    assert!(frame.starts_with("DataFrame: 1,000 rows x 3 columns\n"), "{frame}");
    assert!(frame.contains("types: int64: id; float64: price; ") && frame.lines().count() < 16, "{frame}");
    assert!(frame.contains("999"), "{frame}");
    let wide = session.value("pd.DataFrame(np.zeros((3, 500)), columns=[f'c{n}' for n in range(500)])");
    assert!(wide.lines().all(|line| line.len() < 2_000) && wide.contains("types: float64: c0, c1"), "{wide}");
    assert_eq!(session.value("np.arange(3)"), "array([0, 1, 2])");
    let array = session.value("np.zeros((1000, 200))");
    assert!(array.starts_with("ndarray of shape (1000, 200), float64\n[[0., 0., 0., ..., 0., 0., 0.],"), "{array}");
    // The user's own display options hold.
    let own = session.value("pd.set_option('display.max_rows', 4)\npd.DataFrame({'id': range(1000)})");
    assert!(!own.starts_with("DataFrame:") && own.contains("[1000 rows x 1 columns]"), "{own}");
    assert_eq!(session.run("pd.DataFrame({'a': [1]})")["displays"], json!([]));
}

#[test]
fn a_display_hook_of_the_user_decides_about_the_text_alone() {
    in_every_python(|session| {
        session.out(FORMS);
        session.run("import sys\nsys.displayhook = lambda value: print('hooked', type(value).__name__)");
        let shown = result(session, "Rich(png=png(30, 20))");
        assert_eq!(
            (images(&shown).len(), &shown["structuredContent"]["result"]),
            (1, &json!("hooked Rich")),
            "{shown}"
        );
        assert_eq!(session.value("_"), "hooked Rich");
        assert_eq!(session.run("sys.displayhook = lambda value: None\n5")["result"], json!(null));
        assert_eq!(
            session.value("def hook(value): sys.__displayhook__(value)\nsys.displayhook = hook\n[1, 2]"),
            "[1, 2]"
        );
        assert_eq!(session.value("_"), "[1, 2]");
    });
}

#[test]
fn the_text_of_a_value_is_pythons_own_until_it_is_too_long() {
    in_every_python(|session| {
        for code in [
            "v = [1, 'a', None, [2.5, ()], (3,), {'k': {4}}, frozenset({5}), b'x', set(), {}, frozenset(), ...]",
            "v = [1]; v.append(v)",
            "v = {}; v['d'] = (v,)",
            "v = 'é\\x00\\n\\''",
            "v = [bytearray(b'x'), 2**1000, -0.0, 1j, range(3), True]",
            "v = []\nfor _ in range(90): v = [v]",
        ] {
            session.out(code);
            assert_eq!(session.value("v"), session.out("print(repr(v), end='')"), "{code}");
        }
        for (code, told) in [
            ("'x' * 1_000_000_000", "[... 999991808 characters left out ...]"),
            ("b'x' * 300_000_000", "[... 299991808 bytes left out ...]"),
            ("list(range(3_000_000))", "more items left out ...]]"),
            ("{n: str(n) for n in range(300_000)}", "more items left out ...]}"),
            ("[['x' * 100_000_000] * 3]", "characters left out"),
            (
                "2 ** 100_000",
                "<int of 100001 bits, about 30103 digits: too long to write out (sys.set_int_max_str_digits sets the limit)>",
            ),
            ("[1, 2 ** 10_000_000]", "[1, <int of 10000001 bits, about 3010300 digits: too long to write out>]"),
        ] {
            let run = session.run(code);
            assert_eq!(run["status"], "ok", "{code}: {}", run["error"]);
            let text = run["result"].as_str().unwrap();
            assert!(text.len() < 300_000 && text.contains(told), "{code}: {}", &text[text.len().saturating_sub(200)..]);
            session.run("_ = None; import builtins; builtins._ = None");
        }
        let wrong = session.error("class W:\n    def __repr__(self): return 5\nW()");
        assert!(wrong["message"].as_str().unwrap().contains("__repr__ returned non-string"), "{wrong}");
        let raises = session.traceback("class R:\n    def __repr__(self): raise OSError('no text')\nR()");
        assert!(raises.contains("in __repr__") && !raises.contains("fourhands"), "{raises}");
    });
}
