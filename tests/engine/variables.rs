//! The table of variables: descriptions of values, made without running user code.

use crate::support::session::{Session, in_every_python};
use crate::support::{python, venv};
use serde_json::{Value, json};

fn list(session: &mut Session) -> Value {
    session.client.call("list_defined_variables", json!({}))["structuredContent"].clone()
}

/// Returns the row of a name.
fn row(session: &mut Session, name: &str) -> Value {
    let list = list(session);
    let found = list["variables"].as_array().unwrap().iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not listed: {list}")).clone()
}

/// Returns type, shape, size and preview of a name.
fn told(session: &mut Session, name: &str) -> (String, String, Option<u64>, String) {
    let row = row(session, name);
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    (text("type"), text("shape"), row["size_bytes"].as_u64(), text("preview"))
}

/// Returns type, shape and preview, and whether the size is known.
fn brief(session: &mut Session, name: &str) -> (String, String, String, bool) {
    let (kind, shape, size, preview) = told(session, name);
    (kind, shape, preview, size.is_some())
}

fn brief_is(session: &mut Session, name: &str, kind: &str, shape: &str, preview: &str, has_size: bool) {
    let found = brief(session, name);
    assert_eq!(found, (kind.to_owned(), shape.to_owned(), preview.to_owned(), has_size), "{name}");
}

#[test]
fn standard_types_with_their_sizes() {
    in_every_python(|session| {
        session.out(
            "import sys, datetime, collections, decimal, fractions\n\
             xs = list(range(1000)); d = {'a': 1}; s = 'é' * 100; n = 7; big = 1 << 100_000\n\
             r = range(10**5000); dq = collections.deque([1, 2])\n\
             cut = fractions.Fraction(1 << 10_000_000, 3); dec = decimal.Decimal('1.50')\n\
             sizes = [sys.getsizeof(v) for v in (xs, d, s)]",
        );
        let sizes: Vec<u64> = serde_json::from_str(&session.value("sizes")).unwrap();
        assert_eq!(told(session, "xs").2, Some(sizes[0]));
        assert_eq!(told(session, "d").2, Some(sizes[1]));
        assert_eq!(told(session, "s").2, Some(sizes[2]));
        brief_is(session, "n", "int", "", "7", true);
        brief_is(session, "big", "int", "", "<int of 100001 bits>", true);
        brief_is(session, "r", "range", "", "<range>", false);
        brief_is(session, "dq", "deque", "2", "<deque>", false);
        brief_is(session, "cut", "Fraction", "", "<Fraction>", false);
        brief_is(session, "dec", "Decimal", "", "1.50", false);
    });
}

/// Describing values must call none of their methods, which record that they ran.
#[test]
fn no_code_of_the_user_runs() {
    in_every_python(|session| {
        session.out(
            "import datetime, types\n\
             ran = []\n\
             class Meta(type):\n\
            \x20   def __getattribute__(cls, name): ran.append(name); return type.__getattribute__(cls, name)\n\
            \x20   def __instancecheck__(cls, other): ran.append('instancecheck'); return True\n\
            \x20   def __repr__(cls): ran.append('repr'); return 'M'\n\
             class Evil(metaclass=Meta):\n\
            \x20   def __getattribute__(self, name): ran.append(name); raise SystemExit\n\
            \x20   def __repr__(self): ran.append('repr'); return 'E'\n\
            \x20   def __len__(self): ran.append('len'); return -1\n\
            \x20   def __sizeof__(self): ran.append('sizeof'); return 1\n\
            \x20   __str__ = __bool__ = __hash__ = __iter__ = __repr__\n\
            \x20   def __eq__(self, other): ran.append('eq'); return True\n\
            \x20   __hash__ = object.__hash__\n\
             class Liar(list):\n\
            \x20   def __len__(self): ran.append('len'); return 99\n\
            \x20   def __iter__(self): ran.append('iter'); return iter(())\n\
            \x20   def __sizeof__(self): ran.append('sizeof'); return 1\n\
             class Text(str):\n\
            \x20   def __str__(self): ran.append('str'); return ''\n\
            \x20   __repr__ = __str__\n\
             class Proxy:\n\
            \x20   @property\n\
            \x20   def __class__(self): ran.append('class'); return list\n\
             class ndarray:\n\
            \x20   __module__ = 'numpy'\n\
            \x20   @property\n\
            \x20   def shape(self): ran.append('shape'); return (1,)\n\
             class Zone(datetime.tzinfo):\n\
            \x20   def utcoffset(self, at): ran.append('zone'); return datetime.timedelta(0)\n\
             class Module(types.ModuleType):\n\
            \x20   def __getattr__(self, name): ran.append(name); raise AttributeError(name)\n\
             evil, liar, text, proxy, array = Evil(), Liar([1, 2]), Text('abc'), Proxy(), ndarray()\n\
             inside = [evil, {'k': evil}]\n\
             when = datetime.datetime(2026, 1, 2, tzinfo=Zone())\n\
             module = Module('mod')",
        );
        session.out("ran.clear()");
        brief_is(session, "evil", "Evil", "", "<Evil>", false);
        brief_is(session, "liar", "Liar", "2", "<Liar>", false);
        brief_is(session, "text", "Text", "", "<Text>", false);
        brief_is(session, "proxy", "Proxy", "", "<Proxy>", false);
        brief_is(session, "array", "ndarray", "", "<ndarray>", false);
        brief_is(session, "inside", "list", "2", "[<Evil>, {'k': <Evil>}]", true);
        brief_is(session, "when", "datetime", "", "2026-01-02 00:00:00", false);
        assert_eq!(row(session, "module")["kind"], "module");
        assert_eq!(row(session, "Evil")["kind"], "class");
        session.out("pass");
        list(session);
        assert_eq!(session.value("ran"), "[]", "looking ran code of the user");
    });
}

#[test]
fn changes_of_a_snippet_are_named() {
    in_every_python(|session| {
        let mut changes = |code: &str| {
            let run = session.run(code);
            assert_eq!(run["status"], "ok", "{run}");
            let names = |kind: &str| {
                let names = run["variables"][kind].as_array().unwrap();
                names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(" ")
            };
            format!("+{} ~{} -{}", names("added"), names("changed"), names("removed"))
        };
        assert_eq!(changes("a = 1; b = [1, 2]; c = {'k': 1}; d = bytearray(b'xy'); _hidden = 1"), "+a b c d ~ -");
        assert_eq!(changes("a"), "+ ~ -");
        assert_eq!(changes("b[1] = 'two'; c['k'] = 2; d[0] = 1"), "+ ~b c d -");
        assert_eq!(changes("b.append(3); a = 1000"), "+ ~a b -");
        assert_eq!(changes("del a; e = 2"), "+e ~ -a");
        assert_eq!(changes("x = b; del b; b = x; del x"), "+ ~ -", "the same again is no change");
        assert_eq!(changes("x = b; del b; b = 5"), "+x ~b -");
        let again = "def again():\n    d = globals(); g = dict(d); d.clear(); d.update(g)\nagain()";
        assert_eq!(changes(again), "+again ~ -");
        assert_eq!(changes("big = list(range(10**6))"), "+big ~ -");
        assert_eq!(changes("big[-1] = None"), "+ ~big -");
        assert_eq!(changes("from collections import Counter; n = Counter('aab')"), "+Counter n ~ -");
        assert_eq!(changes("n['a'] += 1"), "+ ~n -");
    });
}

#[test]
fn numpy_and_pandas() {
    let mut session = Session::start(&venv::scientific());
    let session = &mut session;
    session.out(
        "import numpy as np, pandas as pd\n\
         a = np.arange(6.0).reshape(2, 3); i = np.zeros((1000, 1000), dtype='i4'); o = np.array([object()])\n\
         f = np.float32(1.5); w = np.array(['abc']); t = np.array(['2026-01-02'], dtype='M8[D]'); z = np.array(3)\n\
         df = pd.DataFrame({'day': ['mon', 'tue'] * 500, 'n': range(1000), 'x': np.ones(1000)})\n\
         s = df['x']; ix = pd.Index([1, 2, 3]); cat = pd.Categorical(['a', 'b', 'a'])\n\
         ts = pd.Timestamp('2026-01-02 03:04'); empty = pd.DataFrame()",
    );
    brief_is(session, "a", "ndarray", "2×3", "float64 [0, 1, 2, 3, 4, 5]", true);
    assert_eq!(told(session, "i").2, Some(4_000_000));
    brief_is(session, "i", "ndarray", "1000×1000", "int32 [0, 0, 0, 0, 0, 0, …]", true);
    brief_is(session, "o", "ndarray", "1", "object", true);
    brief_is(session, "w", "ndarray", "1", "str3 ['abc']", true);
    brief_is(session, "z", "ndarray", "()", "int64 [3]", true);
    brief_is(session, "f", "float32", "", "1.5", false);
    brief_is(session, "df", "DataFrame", "1000×3", "day, n, x", true);
    let (_, _, size, _) = told(session, "df");
    assert!((16_000..60_000).contains(&size.unwrap()), "{size:?}");
    brief_is(session, "s", "Series", "1000", "float64", true);
    brief_is(session, "ix", "Index", "3", "int64", false);
    brief_is(session, "cat", "Categorical", "3", "category", false);
    brief_is(session, "ts", "Timestamp", "", "2026-01-02 03:04:00", false);
    brief_is(session, "empty", "DataFrame", "0×0", "<DataFrame>", true);

    let mut changed = |code: &str| session.run(code)["variables"]["changed"].to_string();
    assert_eq!(changed("1"), "[]");
    assert_eq!(changed("df['new'] = 1"), r#"["df"]"#);
    assert_eq!(changed("df.loc[0, 'n'] = 5"), "[]", "of large data the content is not compared");
    assert_eq!(changed("a[0, 0] = 7"), r#"["a"]"#);
    assert_eq!(changed("df.drop(columns='new', inplace=True)"), r#"["df"]"#);
    assert_eq!(changed("i.shape = (1000000,)"), r#"["i"]"#);
}

#[test]
fn polars_xarray_and_pyarrow() {
    let frames = venv::environment("frames", &venv::scientific_base(), &["polars", "xarray", "pyarrow"]);
    let mut session = Session::start(&frames);
    let session = &mut session;
    session.out(
        "import polars as pl, xarray as xr, pyarrow as pa, numpy as np\n\
         df = pl.DataFrame({'a': [1, 2, 3], 'b': ['x', 'y', 'z']}); s = df['a']; lazy = df.lazy()\n\
         da = xr.DataArray(np.zeros((2, 3)), dims=('time', 'x')); ds = xr.Dataset({'t': da})\n\
         table = pa.table({'n': [1, 2], 'w': ['a', 'b']}); arr = pa.array([1, None, 3]); chunks = table['n']",
    );
    brief_is(session, "df", "DataFrame", "3×2", "a, b", true);
    brief_is(session, "s", "Series", "3", "Int64", true);
    brief_is(session, "lazy", "LazyFrame", "", "<LazyFrame>", false);
    brief_is(session, "da", "DataArray", "2×3", "float64 (time, x)", true);
    brief_is(session, "ds", "Dataset", "1", "t", false);
    brief_is(session, "table", "Table", "2×2", "n, w", true);
    brief_is(session, "arr", "Int64Array", "3", "int64", true);
    brief_is(session, "chunks", "ChunkedArray", "2", "int64", true);
}

#[test]
fn a_hundred_thousand_names_are_listed_and_searched() {
    let mut session = Session::start(&python());
    session.out("globals().update({f'name_{n}': n for n in range(100_000)})\nname_5 = object()");
    let list = list(&mut session);
    assert_eq!(list["total"], 100_000);
    // The search covers all names, and the list can be read to its end.
    let mut ask =
        |arguments: Value| session.client.call("list_defined_variables", arguments)["structuredContent"].clone();
    let found = ask(json!({"filter": "NAME_9999"}));
    assert_eq!((&found["matching"], found["variables"].as_array().unwrap().len()), (&json!(11), 11));
    assert!(found.get("next_cursor").is_none(), "{found}");
    let (mut names, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let part = ask(json!({"filter": "object", "cursor": cursor}));
        assert_eq!(part["matching"], 1);
        names.extend(part["variables"].as_array().unwrap().iter().map(|row| row["name"].clone()));
        cursor = part["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(names, ["name_5"]);
    let (mut count, mut cursor) = (0, json!("name_9"));
    while !cursor.is_null() {
        let part = ask(json!({"cursor": cursor}));
        count += part["variables"].as_array().unwrap().len();
        cursor = part["next_cursor"].clone();
    }
    assert_eq!(count, 11_110);
}
