//! Tests of the footprint of code.

use super::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Code, and the names that it reads, rebinds, changes and deletes.
type Case =
    (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], &'static [&'static str]);

#[test]
fn names_are_read_rebound_changed_and_deleted() {
    let cases: [Case; 17] = [
        ("df = df.dropna()", &["df"], &["df"], &[], &[]),
        ("x = 1\ny = x + z", &["z"], &["x", "y"], &[], &[]),
        ("df['a'] = df.b + k", &["df", "k"], &[], &["df"], &[]),
        ("model.cache.x = 1", &[], &[], &["model"], &[]),
        ("del df, rows[0]", &[], &[], &["rows"], &["df"]),
        ("a, (b, *c) = f(d)", &["f", "d"], &["a", "b", "c"], &[], &[]),
        ("n += 1; m **= 2", &["n", "m"], &["n", "m"], &[], &[]),
        ("x: int = y", &["y"], &["x"], &[], &[]),
        ("if a == b and c <= d: e = 1", &["a", "b", "c", "d"], &["e"], &[], &[]),
        ("print(sep=x, *y)\nf(k=1)", &["x", "y", "f"], &[], &[], &[]),
        ("[i * k for i in rows if i]", &["k", "rows"], &[], &[], &[]),
        ("g = lambda q: q + w", &["w"], &["g"], &[], &[]),
        ("def f(a, b=c):\n    d = a + e\n    return d\nf(1)", &["c", "e"], &["f"], &[], &[]),
        ("class A(B):\n    c = d\n    def f(self, e):\n        g = e + h", &["B", "d", "h"], &["A"], &[], &[]),
        ("for i, j in pairs:\n    s = i", &["pairs"], &["i", "j", "s"], &[], &[]),
        ("with open(p) as f:\n    t = f.read()", &["p"], &["f", "t"], &[], &[]),
        ("while (n := next(it)): pass", &["it"], &["n"], &[], &[]),
    ];
    for (code, reads, rebinds, changes, deletes) in cases {
        let found = footprint(code, str::to_owned);
        assert_eq!(found.reads, names(reads), "reads of {code:?}");
        assert_eq!(found.rebinds, names(rebinds), "rebinds of {code:?}");
        assert_eq!(found.changes, names(changes), "changes of {code:?}");
        assert_eq!(found.deletes, names(deletes), "deletes of {code:?}");
    }
}

#[test]
fn imports_and_calls_that_reach_out_are_found() {
    let found = footprint(
        "import os, numpy as np\nfrom shutil import rmtree as rm, copy\nimport urllib.request\n\
         rm('build'); os.system('ls')\nnp.save('a', 1)\nPath('x').unlink()\nexec(code)\n!git push\n%pip install x\n\
         urllib.request.urlopen(u)\nx = subprocess.run(['a'])",
        str::to_owned,
    );
    assert_eq!(found.imports, names(&["os", "numpy", "shutil", "urllib.request"]));
    let calls: Vec<String> = found.calls.iter().map(|(kind, what)| format!("{}: {what}", kind.label())).collect();
    assert_eq!(
        calls,
        [
            "files: shutil.rmtree",
            "processes: os.system",
            "files: .save",
            "files: .unlink",
            "runs text as code: exec",
            "processes: !git push",
            "installs packages: %pip install x",
            "network: urllib.request.urlopen",
            "processes: subprocess.run",
        ]
    );
}

#[test]
fn any_text_has_a_footprint() {
    for code in ["", "=", "a =", "= b", "del", "import", "from x import", "((", "for", "x = =", ":=", "def", "lambda"] {
        let _ = footprint(code, str::to_owned);
    }
    let many: Vec<String> = (0..1_000).map(|n| format!("x{n} = y{n}")).collect();
    assert_eq!(footprint(&many.join("\n"), str::to_owned).reads.len(), MAX_NAMES);
}

#[test]
fn a_name_is_the_one_that_python_reads() {
    // What Unicode's NFKC does to these.
    let spelling = |name: &str| name.replace('\u{ff44}', "d").replace("e\u{301}", "é");
    let locked = BTreeSet::from(["df".into(), "été".into()]);
    for code in ["\u{ff44}f = 2", "x = 1; del \u{ff44}f", "s = '\u{ff02}'\n\u{ff44}f = 2"] {
        assert_eq!(rebound_of(code, &locked, spelling), ["df"], "{code}");
    }
    assert_eq!(rebound_of("e\u{301}te\u{301} = 2", &locked, spelling), ["été"]);
    assert!(rebound_of("x = '\u{ff44}f = 2'  # \u{ff44}f = 3", &locked, spelling).is_empty());
}

#[test]
fn each_way_to_bind_a_name_is_seen() {
    let locked = BTreeSet::from(["df".into()]);
    let found = |code: &str| rebound_of(code, &locked, str::to_owned);
    let missed: Vec<&str> = [
        "try: pass\nexcept E as df: pass",
        "%reset -f",
        "%%capture df\nprint(1)",
        "with a as df: pass",
        "with (a as b, c as df): pass",
        "async with a as df: pass",
        "for a, df in x: pass",
        "async for df in x: pass",
        "[(df := i) for i in x]",
        "if (df := 1): pass",
        "print(df := 1)",
        "x[(df := 1)] = 2",
        "f'{(df := 1)}'",
        "match x:\n    case [df, *_]: pass",
        "match x:\n    case {'a': df}: pass",
        "match x:\n    case A() as df: pass",
        "match x:\n    case A(b=df): pass",
        "match x:\n    case df: pass",
        "type df = int",
        "class df: pass",
        "async def df(): pass",
        "@f\ndef df(): pass",
        "(df) = 1",
        "[a, df] = x",
        "a, (b, *df) = x",
        "df: int = 1",
        "a.b = df = 1",
        "df += 1",
        "del a, df",
        "del (a, df)",
        "import a.b as df, c",
        "import df.x",
        "from m import (a, b as df)",
        "from m import df",
        "def f():\n    global df\n    df = 1",
        "%time df = 1",
        "df = !ls",
        "if 1: df = 1",
        "x = 1; df = 2",
        "else_ = 1\nif x:\n    pass\nelse: df = 1",
        "lambda: 0; df = 1",
        "x = lambda a: a; df = 1",
        "while 1: df = 1",
    ]
    .into_iter()
    .filter(|code| found(code) != ["df"])
    .collect();
    assert_eq!(missed, [""; 0]);
    let false_alarms: Vec<&str> = [
        "for df.x in []: pass",
        "match x:\n    case df.A: pass",
        "match x:\n    case A(df=1): pass",
        "match = df\ncase = df",
        "type(df)",
        "print(df == 1, df <= 2)",
        "x = {df: 1}",
        "x: df = 1",
        "lambda df: df",
        "[df for df in x]",
        "def f(df=1): return df",
        "class A:\n    df = 1",
    ]
    .into_iter()
    .filter(|code| !found(code).is_empty())
    .collect();
    assert_eq!(false_alarms, [""; 0]);
}
