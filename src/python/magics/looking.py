# Help


def describe(name, detail, frame):
    """Type, signature, text and place of an object; its source if `detail`."""
    import inspect

    if name.startswith("%"):
        plain = name.lstrip("%")
        function = (CELL if name.startswith("%%") else LINE).get(plain) or LINE.get(plain)
        print(f"{name}: {function.__doc__ or 'a magic'}" if function else unknown("%", plain))
        return
    if "*" in name:
        print("\n".join(matching(name, frame)) or f"Nothing is called {name}.")
        return
    try:
        value = eval(name, frame.f_globals, frame.f_locals)
    except (NameError, AttributeError, LookupError, SyntaxError):
        print(f"Object `{name}` not found.")
        return
    told = []
    if callable(value):
        try:
            told.append(f"Signature: {name.rpartition('.')[2]}{inspect.signature(value)}")
        except (TypeError, ValueError):
            pass
    told.append(f"Type:      {type(value).__name__}")
    named = inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value)
    if not named:
        from reprlib import Repr

        short = Repr()
        short.maxother = short.maxstring = 300
        told.append(f"Value:     {short.repr(value)}")
        try:
            told.append(f"Length:    {len(value)}")
        except Exception:
            pass
    try:
        told.append(f"File:      {inspect.getsourcefile(value if named else type(value)) or '?'}")
    except (TypeError, OSError):
        pass
    source = None
    if detail:
        try:
            source = inspect.getsource(value if named else type(value))
        except (TypeError, OSError):
            pass
    if source:
        told.append("Source:\n" + source.rstrip("\n"))
    else:
        told.append("Docstring:\n" + (inspect.getdoc(value) or "<no docstring>"))
    print("\n".join(told))


def matching(pattern, frame):
    from fnmatch import fnmatchcase

    owner, dot, last = pattern.rpartition(".")
    if dot:
        names = dir(eval(owner, frame.f_globals, frame.f_locals))
    else:
        import builtins

        names = {*frame.f_globals, *frame.f_locals, *dir(builtins)}
    return sorted(owner + dot + n for n in names if fnmatchcase(n, last) and (last[0] == "_" or n[0] != "_"))


def lsmagic(line, frame):
    """What magic there is."""
    print(available())


# Files and programs


def run(line, frame):
    """Runs a file as a script; its names come into the session."""
    import runpy
    import shlex

    words = shlex.split(line)
    if not words:
        raise UsageError("%run needs a file: %run script.py")
    argv, sys.argv = sys.argv, words
    try:
        names = runpy.run_path(words[0], run_name="__main__")
    finally:
        sys.argv = argv
    frame.f_globals.update({name: value for name, value in names.items() if not name.startswith("__")})


def script(program):
    def cell(line, body, at, frame):
        import shlex
        import subprocess

        process = start([program, *shlex.split(expand(line, frame))], stdin=subprocess.PIPE)
        finish(process, frame, lambda: process.communicate(body.encode()))
        refresh()

    cell.__doc__ = f"Runs the snippet with {program}."
    return cell


def writefile(line, body, at, frame):
    """Writes the snippet to a file; `-a` appends."""
    import os

    append = line.startswith("-a ")
    name = os.path.expanduser(expand(line[3:] if append else line, frame).strip().strip("'\""))
    if not name:
        raise UsageError("%%writefile needs the name of a file")
    there = os.path.exists(name)
    with open(name, "a" if append else "w", encoding="utf-8") as file:
        file.write(body if body.endswith("\n") or not body else body + "\n")
    print(f"{'Appending to' if append else 'Overwriting' if there else 'Writing'} {name}")


def capture(line, body, at, frame):
    """Runs the snippet and keeps what Python code prints: `%%capture out`, then `out.stdout`, `out.stderr`."""
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO
    from types import SimpleNamespace

    out, err = StringIO(), StringIO()
    parts = compiled(body, frame, at)
    with redirect_stdout(out), redirect_stderr(err):
        execute(parts, frame)
    for name in line.split():
        if name.isidentifier():
            frame.f_globals[name] = SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue())


def ignored(line, frame):
    """Accepted and without effect here."""


def load_ext(line, frame):
    """Accepted for autoreload; there are no other extensions."""
    if line.split() != ["autoreload"]:
        raise UsageError(f"IPython's extensions are not supported: %load_ext {line}")


def autoreload(line, frame):
    """Modules are read again by a reset or by importlib.reload, not by themselves."""
    if line.strip() not in ("0", "off"):
        print(
            "%autoreload has no effect here: importlib.reload(module) reads an edited module again, and after a reset all "
            "modules of the project are imported afresh.",
            file=sys.stderr,
        )


LINE = {
    name: alias(name) for name in ("ls", "ll", "cat", "cp", "mv", "rm", "mkdir", "rmdir")
} | {
    "cd": cd,
    "checkpoint": checkpoint,
    "config": ignored,
    "env": env,
    "lsmagic": lsmagic,
    "matplotlib": ignored,
    "pip": pip,
    "pwd": pwd,
    "restore": restore,
    "run": run,
    "set_env": env,
    "sx": lambda line, frame: lines(line, frame),
    "system": lambda line, frame: lines(line, frame),
    "time": time,
    "timeit": timeit,
    "uv": uv,
    "who": who,
    "who_ls": user_names,
    "whos": whos,
}
LINE.update(load_ext=load_ext, autoreload=autoreload)
LINE["ll"] = lambda line, frame: shell(f"ls -l {line}", frame)
# Their argument is Python, in which braces mean something else.
RAW = ("time", "timeit")
CELL = {
    "bash": script("bash"),
    "capture": capture,
    "sh": script("sh"),
    "timeit": timeit_cell,
    "writefile": writefile,
}
