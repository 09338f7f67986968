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
    parts = compile_parts(body, frame, at)
    with redirect_stdout(out), redirect_stderr(err):
        execute(parts, frame)
    for name in line.split():
        if name.isidentifier():
            frame.f_globals[name] = SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue())


