//! The inspector of values: its answers for each kind of value, and values that try to block or change the session.

use std::time::Instant;

use crate::support::client::Client;
use crate::support::session::{Session, in_every_python};
use crate::support::{DEADLINE, python, venv, wait_until};
use serde_json::{Value, json};

/// Returns the whole result of a call.
fn ask(session: &mut Session, arguments: Value) -> Value {
    session.client.call("inspect_variable", arguments)
}

/// Returns the inspection of a value for each aspect.
fn look(session: &mut Session, name: &str, what: &str) -> Value {
    page(session, name, what, 1)
}

fn page(session: &mut Session, name: &str, what: &str, page: u32) -> Value {
    let result = ask(session, json!({"name": name, "what": what, "page": page}));
    assert_ne!(result["isError"], true, "{name} {what}: {result}");
    result["structuredContent"].clone()
}

fn error(session: &mut Session, name: &str, what: &str) -> String {
    let result = ask(session, json!({"name": name, "what": what}));
    assert_eq!(result["isError"], true, "{name} {what}: {result}");
    Client::text(&result)
}

/// Returns the rows of a table, with joined cells.
fn rows(told: &Value, title: &str) -> Vec<String> {
    let table = told["tables"].as_array().unwrap().iter().find(|table| table["title"] == title);
    let table = table.unwrap_or_else(|| panic!("no table {title}: {told}"));
    let join = |row: &Value| {
        let cells = row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap());
        cells.collect::<Vec<_>>().join(" ").trim().to_owned()
    };
    table["rows"].as_array().unwrap().iter().map(join).collect()
}

const CLASSES: &str = r#"
class Base:
    "A base."
    def __init__(self): self.a = 1; self._private = 2; self.words = ["x"] * 100
    @property
    def slow(self):
        ran.append("slow")
    def go(self, n: int, *rest) -> str:
        "Goes."
        return "x"
    def __repr__(self):
        ran.append("repr"); print("printed by repr"); return "B!"
class Kid(Base):
    __slots__ = ("slot",)
    @staticmethod
    def still(x): pass
ran = []
kid = Kid()
"#;

#[test]
fn objects_classes_and_functions() {
    in_every_python(|session| {
        session.out(CLASSES);
        let told = look(session, "kid", "overview");
        assert_eq!((&told["type"], &told["bases"]), (&json!("Kid"), &json!(["Base"])));
        assert_eq!(
            rows(&told, "attributes"),
            [
                "a int 1",
                "words list ['x', 'x', 'x', 'x', 'x', 'x', …]",
                "slot attribute (not set)",
                "slow property",
                "go method (self, n, *rest)",
                "still static method (x)"
            ]
        );
        assert!(told["notes"][0].as_str().unwrap().contains("__repr__"), "{told}");
        let go = look(session, "kid.go", "overview");
        assert_eq!((&go["signature"], &go["doc"]), (&json!("go(n: int, *rest) -> str"), &json!("Goes.")));
        assert_eq!(go["defined_at"], "<snippet 1>:8", "{go}");
        assert!(look(session, "Kid", "source")["text"].as_str().unwrap().starts_with("class Kid(Base):"));
        assert!(look(session, "kid.go", "source")["text"].as_str().unwrap().contains("\"Goes.\""));
        assert_eq!(look(session, "Base", "doc")["text"], "A base.");
        assert_eq!(look(session, "len", "overview")["signature"], "len(obj, /)");
        assert!(error(session, "len", "source").contains("written in C"));
        assert_eq!(session.value("ran"), "[]", "an overview ran code of the user");
        assert_eq!(look(session, "kid", "repr")["text"], "B!");
        assert_eq!(session.value("ran"), "['repr']");
        assert_eq!(look(session, "kid.words[0]", "repr")["text"], "x");
        let math = look(session, "__builtins__", "attributes");
        assert!(math["has_more"].as_bool().unwrap(), "{math}");
    });
}

#[test]
fn paths_are_looked_up_and_never_run() {
    in_every_python(|session| {
        session.out("import json\nxs = [10, 20, 30]\nd = {'k': {1: 'one'}, (1, 2): 'two', -1: 'minus'}\ncounted = 0\ndef f():\n    global counted\n    counted += 1");
        for (path, text) in [
            ("xs[-1]", "30"),
            ("d['k'][1]", "one"),
            ("d[1, 2]", "two"),
            ("d[-1]", "minus"),
            ("xs[1:]", "[20, 30]"),
            ("json.decoder.NaN", "nan"),
            ("list(d.values())[1]", "two"),
            ("list(d)[2]", "-1"),
            (" xs ", "[10, 20, 30]"),
        ] {
            assert_eq!(look(session, path, "repr")["text"], text, "{path}");
        }
        for (path, said) in [
            ("f()", "would have to be run"),
            ("xs[len(d)]", "not a literal"),
            ("list(f())[0]", "would have to be run"),
            ("list(d.clear())[0]", "would have to be run"),
            ("list(xs)[99]", "not that many items"),
            ("xs[0] + 1", "would have to be run"),
            ("[1, 2]", "would have to be run"),
            ("xs[", "not a path"),
            ("", "not a path"),
            ("x = 1", "not a path"),
            ("\0", "not a path"),
            ("xs[9]", "IndexError"),
            ("d['nope']", "KeyError"),
            ("json.decode", "has no attribute 'decode'; did you mean decoder"),
            ("count", "'count' is not defined; did you mean counted"),
            ("zzzzzz", "'zzzzzz' is not defined."),
        ] {
            let told = error(session, path, "overview");
            assert!(told.contains(said), "{path:?}: {told}");
        }
        assert!(error(session, "xs", "columns").contains("has no columns; there are overview, items"));
        assert_eq!(session.value("counted"), "0");
    });
}

#[test]
fn containers_of_any_size_by_page() {
    in_every_python(|session| {
        session.out("xs = list(range(10**7)); d = dict.fromkeys(range(10**6)); text = 'é' * 10**8; rec = [1]; rec.append(rec)\nimport collections; dq = collections.deque('ab')");
        let began = Instant::now();
        let told = page(session, "xs", "items", 100_000);
        assert_eq!((&rows(&told, "items")[0][..], told["length"].as_u64()), ("4999950 int 4999950", Some(10_000_000)));
        assert_eq!(rows(&look(session, "d", "items"), "items").len(), 50);
        let repr = look(session, "xs", "repr");
        assert!(repr["text"].as_str().unwrap().starts_with("[0, 1, 2, ") && repr["has_more"] == true);
        assert!(page(session, "xs", "repr", 2)["text"].as_str().unwrap().len() > 1000);
        let text = page(session, "text", "repr", 3);
        assert_eq!(
            (&text["text_length"], text["text"].as_str().unwrap().chars().count()),
            (&json!(100_000_000), 8_000)
        );
        assert_eq!(look(session, "rec", "repr")["text"], "[1, [1, [...]]]");
        assert_eq!(rows(&look(session, "dq", "items"), "items"), ["0 str 'a'", "1 str 'b'"]);
        let behind = json!({"name": "xs", "what": "items", "page": 10_000_000});
        let refused = session.client.call("inspect_variable", behind);
        assert!(refused["isError"] == true && refused.to_string().contains("past the end"), "{refused}");
        assert!(began.elapsed() < DEADLINE, "far too slow: {:?}", began.elapsed());
    });
}

/// Code of a value that runs in an inspection writes to no snippet, changes nothing and ends in time.
#[test]
fn hostile_values() {
    in_every_python(|session| {
        session.out(
            "import time\n\
             class Hangs:\n\
            \x20   def __repr__(self): time.sleep(1000)\n\
             class Raises:\n\
            \x20   def __repr__(self): raise ValueError('no')\n\
            \x20   def __getattr__(self, name): raise RuntimeError(name)\n\
            \x20   def __len__(self): return 10**9\n\
             class Odd:\n\
            \x20   def __repr__(self): return 7\n\
             class Exits:\n\
            \x20   def __repr__(self): raise SystemExit(3)\n\
             class Meta(type):\n\
            \x20   def __getattribute__(cls, name): raise RuntimeError(name)\n\
             class Class(metaclass=Meta): pass\n\
             class Proxy:\n\
            \x20   @property\n\
            \x20   def __class__(self): raise RuntimeError('class')\n\
             class Property:\n\
            \x20   @property\n\
            \x20   def slow(self): time.sleep(1000)\n\
             class Prints:\n\
            \x20   def __repr__(self): print('from a repr'); return 'P'\n\
             class Liar(list):\n\
            \x20   def __len__(self): return -5\n\
            \x20   def __iter__(self): raise RuntimeError('iter')\n\
            \x20   def __getitem__(self, at): raise RuntimeError('item')\n\
             hangs, raises, odd, exits, object_, proxy, prop, prints = Hangs(), Raises(), Odd(), Exits(), Class(), Proxy(), Property(), Prints()\n\
             liar = Liar([1, 2])\n\
             41",
        );
        for name in ["hangs", "raises", "odd", "exits", "object_", "Class", "proxy", "prop", "prints"] {
            look(session, name, "overview");
            look(session, name, "attributes");
        }
        assert_eq!(rows(&look(session, "liar", "items"), "items"), ["0 int 1", "1 int 2"]);
        assert!(look(session, "raises", "repr")["text"].as_str().unwrap().contains("raised ValueError: no"));
        assert!(look(session, "odd", "repr")["text"].as_str().unwrap().contains("raised TypeError"));
        assert!(look(session, "exits", "repr")["text"].as_str().unwrap().contains("raised SystemExit: 3"));
        assert!(error(session, "raises.x", "overview").contains("RuntimeError: x"));
        assert_eq!(look(session, "prints", "repr")["text"], "P");
        session.out(
            "class Interrupts:\n\
            \x20   def __repr__(self): raise KeyboardInterrupt\n\
             import enum, dataclasses\n\
             class Colour(enum.Enum): RED = 1\n\
             @dataclasses.dataclass\n\
             class Point: x: int\n\
             interrupts, huge, red, point = Interrupts(), range(10, 10**30, 7), Colour.RED, Point(1)\n\
             globals()['class'] = globals()['a b'] = 5\n\
             41",
        );
        let told = error(session, "interrupts", "repr");
        assert!(told.contains("KeyboardInterrupt") && !told.contains("took longer"), "{told}");
        assert_eq!(rows(&look(session, "huge", "items"), "items")[1], "1 int 17");
        for name in ["class", "a b"] {
            assert_eq!(look(session, name, "repr")["text"], "5");
        }
        for name in ["red", "Colour", "point", "Point"] {
            let place = look(session, name, "overview")["place"].as_str().unwrap_or_default().to_owned();
            assert!(place.is_empty() || place.starts_with("<snippet "), "{name} is said to be defined at {place}");
        }
        let beyond = session.client.call("inspect_variable", json!({"name": "liar", "what": "items", "page": 9}));
        assert!(Client::text(&beyond).contains("page 9 of liar is past the end"), "{beyond}");
        session.value("41");
        let run = session.run("_");
        assert_eq!((&run["result"], &run["stdout"]), (&json!("41"), &json!("")), "looking left something behind");
    });
}

#[test]
fn code_that_does_not_end_is_stopped_and_a_busy_session_says_so() {
    let mut session = Session::start(&python());
    session.out("class Hangs:\n    def __repr__(self):\n        while True: pass\nhangs = Hangs()");
    let told = error(&mut session, "hangs", "repr");
    assert!(told.contains("took longer than 5 s and was stopped"), "{told}");
    assert_eq!(session.value("1 + 1"), "2");

    let began = session
        .client
        .call("run_python_code", json!({"code": "n = 5\nimport time\nwhile True: time.sleep(0.01)", "wait_s": 0}));
    let number = began["structuredContent"]["snippet"].as_u64().unwrap();
    let told = error(&mut session, "hangs", "overview");
    assert!(told.contains(&format!("Python runs snippet {number}")) && told.contains("hangs was Hangs"), "{told}");
    session.client.interrupt();
    let told = wait_until("an idle session", || {
        let result = ask(&mut session, json!({"name": "n"}));
        (result["isError"] != true).then(|| result["structuredContent"].clone())
    });
    assert_eq!(told["text"], "5");
}

#[test]
fn arrays_and_pandas_frames() {
    let mut session = Session::start(&venv::scientific());
    let session = &mut session;
    session.out(
        "import numpy as np, pandas as pd\n\
         pd.set_option('display.max_rows', None); np.set_printoptions(threshold=10**9)\n\
         n = 3_000_000\n\
         df = pd.DataFrame({'day': np.arange(n) % 365, 'x': np.linspace(0, 1, n), 'w': np.where(np.arange(n) % 2, 'a', 'b')})\n\
         df.loc[7, 'x'] = np.nan\n\
         small = pd.DataFrame({'a': [1, 2, None], 'o': [[1], {}, object()]}, index=['p', 'q', 'r'])\n\
         a = np.arange(12.0).reshape(3, 4); a[0, 0] = np.nan; big = np.ones((5000, 5000), dtype='f4')\n\
         empty = np.array([]); things = np.array([object()])",
    );
    let told = look(session, "df", "overview");
    assert_eq!((&told["type"], &told["shape"]), (&json!("pandas.DataFrame"), &json!("3000000×3")));
    let columns = rows(&told, "columns");
    assert_eq!(columns[0], "day int64 0 ~365 (sample) 0 364 0", "{told}");
    assert!(columns[1].starts_with("x float64 1 "), "{columns:?}");
    assert_eq!(told["notes"][0], "Sampled: unique counts and non-numeric statistics use every 31st of 3,000,000 rows");
    assert!(columns[1].contains("~96,775 (sample)"), "a sampled count says so in its own cell: {columns:?}");
    let far = page(session, "df", "rows", 50_000);
    assert_eq!(rows(&far, "rows")[0], format!("2499950 {} {} b", 2_499_950 % 365, "0.833317"));
    assert_eq!(rows(&look(session, "small", "rows"), "rows")[..2], ["'p' 1.0 [1]", "'q' 2.0 {}"]);
    assert_eq!(rows(&look(session, "small", "columns"), "columns")[0], "a float64 █▁▁▁▁▁▁█ 1 2 1.0 2.0 1.0");
    assert!(rows(&look(session, "small['a']", "stats"), "stats").contains(&"mean 1.5".to_owned()));
    assert!(rows(&look(session, "small.index", "stats"), "stats").contains(&"unique 3".to_owned()));
    // A range has no mean; an array may have masked values.
    session.out("span = pd.RangeIndex(3); masked = np.ma.array([1, 2], mask=[0, 1])");
    assert!(rows(&look(session, "span", "overview"), "stats").contains(&"max 2".to_owned()));
    let facts = ["dtype int64", "shape 2", "masked 1"];
    assert_eq!(rows(&look(session, "masked", "overview"), "facts"), facts);
    let stats = rows(&look(session, "a", "stats"), "stats");
    for row in ["dtype float64", "nan 1", "min 1.0", "max 11.0", "mean 6.0"] {
        assert!(stats.contains(&row.to_owned()), "{row}: {stats:?}");
    }
    assert_eq!(rows(&look(session, "a", "rows"), "rows")[1], "1 4.0, 5.0, 6.0, 7.0");
    let told = look(session, "big", "overview");
    assert_eq!(told["size_bytes"], 100_000_000);
    assert!(told["notes"][0].as_str().unwrap().contains("sampled: 1,000,000 of 25,000,000"), "{told}");
    for name in ["df", "big", "a", "small", "empty", "things"] {
        assert!(look(session, name, "repr")["text"].as_str().unwrap().len() < 9_000, "{name}");
        look(session, name, "overview");
    }
    assert_eq!(
        session.value("np.get_printoptions()['threshold'], pd.get_option('display.max_rows')"),
        "(1000000000, None)"
    );
}

/// Statistics of values of a user's class would have to run the class's `__hash__` and `__eq__`.
#[test]
fn no_code_of_values_in_a_frame_runs() {
    let mut session = Session::start(&venv::scientific());
    let session = &mut session;
    session.out(
        "import pandas as pd\nran = []\n\
         class Odd:\n\
         \x20   def __hash__(self): ran.append('hash'); return 1\n\
         \x20   def __eq__(self, other): ran.append('eq'); return True\n\
         \x20   def __repr__(self): ran.append('repr'); return 'odd'\n\
         \x20   def __str__(self): ran.append('str'); return 'odd'\n\
         class float64(Odd):\n\
         \x20   def __float__(self): ran.append('float'); return 1.0\n\
         label = Odd(); df = pd.DataFrame({'o': [Odd(), float64()], 'n': [1, 2]}); s = df['o']\n\
         named = pd.DataFrame([[1]], columns=pd.Index([label], dtype=object)); ran.clear()",
    );
    for (name, aspects) in [("df", &["overview", "columns", "rows"][..]), ("s", &["overview", "stats", "rows"])] {
        for aspect in aspects {
            look(session, name, aspect);
        }
    }
    assert_eq!(rows(&look(session, "named", "rows"), "rows"), ["0 1"]);
    assert_eq!(session.value("ran"), "[]");
    assert_eq!(rows(&look(session, "df", "columns"), "columns")[0], "o object  0    <Odd>");
    assert_eq!(look(session, "df", "stats")["tables"], look(session, "df", "columns")["tables"], "as models ask");
}

/// Paging through a large frame copies only a page, and the distribution of a column uses a sample.
#[test]
fn a_frame_of_ten_million_rows_is_paged_without_a_copy() {
    let mut session = Session::start(&venv::scientific());
    let session = &mut session;
    session.out(
        "import numpy as np, pandas as pd\n\
         n = 10_000_000\n\
         df = pd.DataFrame({'i': np.arange(n), 'x': np.sqrt(np.arange(n)), 'y': np.where(np.arange(n) % 4, 0.0, 1e308)})\n\
         odd = pd.DataFrame({'nan': [np.nan] * 3, 'inf': [1.0, np.inf, 3.0], 'wide': [-1.7e308, 0.0, 1.7e308], 'same': [1] * 3, 'yes': [True] * 3})\n\
         def resident():\n\
         \x20   with open('/proc/self/status') as status: return next(int(line.split()[1]) for line in status if line.startswith('VmRSS'))",
    );
    look(session, "df", "rows");
    let before: i64 = session.value("resident()").parse().unwrap();
    let last = page(session, "df", "rows", 200_000);
    assert_eq!(rows(&last, "rows").last().unwrap(), &format!("9999999 9999999 {} 0.0", "3162.28"));
    for number in [1, 2, 100_000, 199_999] {
        page(session, "df", "rows", number);
    }
    let after: i64 = session.value("resident()").parse().unwrap();
    assert!(after - before < 50_000, "paging took {} kB", after - before);

    let columns = rows(&look(session, "df", "columns"), "columns");
    assert!(columns[0].starts_with("i int64 ███"), "{columns:?}");
    assert!(columns[1].starts_with("x float64 ▂▃"), "{columns:?}");
    let columns = rows(&look(session, "odd", "columns"), "columns");
    assert!(columns[1].starts_with("inf float64 █▁▁▁▁▁▁█"), "{columns:?}");
    assert!([0, 2, 3, 4].iter().all(|at| !columns[*at].contains(['▁', '█'])), "{columns:?}");
}

#[test]
fn other_frames() {
    let mut session =
        Session::start(&venv::environment("frames", &venv::scientific_base(), &["polars", "xarray", "pyarrow"]));
    let session = &mut session;
    session.out(
        "import polars as pl, xarray as xr, pyarrow as pa, numpy as np\n\
         df = pl.DataFrame({'a': [3, 1, None], 'b': ['x', 'y', 'z']}); lazy = df.lazy(); s = df['a']\n\
         da = xr.DataArray(np.zeros((2, 3)), dims=('time', 'x')); ds = xr.Dataset({'t': da})\n\
         table = pa.table({'n': [1, None], 'w': ['a', 'b']})",
    );
    assert_eq!(rows(&look(session, "df", "columns"), "columns"), ["a Int64 █▁▁▁▁▁▁█ 1 3 1 3 3", "b String  0 3   x"]);
    assert_eq!(rows(&look(session, "df", "rows"), "rows")[2], "2 None z");
    assert_eq!(rows(&look(session, "lazy", "columns"), "columns"), ["a Int64", "b String"]);
    assert!(error(session, "lazy", "rows").contains("collected"));
    assert!(rows(&look(session, "s", "stats"), "stats").contains(&"nulls 1".to_owned()));
    assert_eq!(rows(&look(session, "ds", "overview"), "variables"), ["t float64 time, x 2×3"]);
    let facts = ["dtype float64", "shape 2 × 3", "dimensions time, x"];
    assert_eq!(rows(&look(session, "da", "overview"), "facts")[..3], facts);
    assert_eq!(rows(&look(session, "table", "columns"), "columns"), ["n int64 1", "w string 0"]);
    assert_eq!(rows(&look(session, "table", "rows"), "rows")[1], "1 None b");
}
