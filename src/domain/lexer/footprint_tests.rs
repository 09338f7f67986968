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
    let cases: [Case; 16] = [
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
