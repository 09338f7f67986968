"""IPython's magic, run in the user's interpreter: what `!ls`, `%time x` and `x?` are rewritten to call."""

import sys


class UsageError(Exception):
    __module__ = "builtins"


class SList(list):
    """The lines that a command wrote, with IPython's ways to look at them."""

    l = list = property(lambda self: self)
    n = nlstr = property("\n".join)
    s = spstr = property(" ".join)

    @property
    def p(self):
        from pathlib import Path

        return [Path(line) for line in self]

    def grep(self, pattern):
        import re

        return SList(line for line in self if re.search(pattern, line))

    def fields(self, *columns):
        rows = [line.split() for line in self]
        if not columns:
            return rows
        return SList(" ".join(row[c] for c in columns if c < len(row)) for row in rows)


def magic(kind, name, *rest):
    """The one entry. Its caller's frame is where names are looked up."""
    frame = sys._getframe(1)
    if kind == "shell":
        shell(expand(name, frame), frame)
    elif kind == "lines":
        return lines(expand(name, frame), frame)
    elif kind == "help":
        describe(name, rest[0], frame)
    elif kind == "misplaced":
        raise UsageError(f"%%{name} must be the very first line of the snippet: it takes all the lines after it")
    elif kind == "line":
        function = LINE.get(name)
        if function is None:
            raise UsageError(unknown("%", name))
        line = rest[0] if name in RAW else expand(rest[0], frame)
        return function(line, frame)
    else:
        line, body, at = rest
        function = CELL.get(name)
        if function is None:
            raise UsageError(unknown("%%", name))
        return function(line, body, at, frame)


def unknown(prefix, name):
    import difflib

    if prefix == "%%" and name in LINE:
        return f"%%{name} does not exist, but %{name} does: use it on a line of its own. {available()}"
    if prefix == "%" and name in CELL:
        return f"%{name} does not exist, but %%{name} does: it must be the first line of the snippet. {available()}"
    near = difflib.get_close_matches(name, LINE if prefix == "%" else CELL, 1)
    hint = f" Did you mean {prefix}{near[0]}?" if near else ""
    return f"the magic {prefix}{name} does not exist.{hint} {available()}"


def available():
    line = " ".join("%" + name for name in sorted(LINE))
    cell = " ".join("%%" + name for name in sorted([*CELL, "time"]))
    return f"There are, on a line: {line} !command object? object??; for a whole snippet: {cell}"


def expand(text, frame):
    """`{expression}` and `$name` by their values; the text as it is where that does not work out, as in IPython."""
    if "{" not in text and "$" not in text:
        return text
    import re
    from string import Formatter

    def value(expression):
        return eval(expression, frame.f_globals, frame.f_locals)

    def dollar(match):
        if match[1].startswith("$"):
            return match[1]
        try:
            return str(value(match[1]))
        except Exception:
            return match[0]

    formatter = Formatter()
    out = []
    try:
        for literal, field, form, conversion in formatter.parse(text):
            out.append(re.sub(r"\$(\$[\w.]*|[^\W\d]\w*(?:\.[^\W\d]\w*)*)", dollar, literal))
            if field is not None:
                out.append(format(formatter.convert_field(value(field.strip()), conversion), form))
    except Exception:
        return text
    return "".join(out)


# Commands


def environment():
    """A virtual environment counts as activated, so that `!pip` and `!python` are the session's own."""
    import os

    env = dict(os.environ)
    folder = os.path.dirname(sys.executable or "")
    if sys.prefix != sys.base_prefix and folder not in env.get("PATH", "").split(os.pathsep):
        env["PATH"] = os.pathsep.join(filter(None, [folder, env.get("PATH")]))
        env.setdefault("VIRTUAL_ENV", sys.prefix)
    return env


def start(command, env=None, **options):
    import subprocess

    # A session of its own: it cannot ask for a password on the terminal, and ends as a whole.
    process = subprocess.Popen(command, env=env or environment(), start_new_session=True, **options)
    # The grace in which it would see the interrupt too: only we send it one.
    process._sigint_wait_secs = 0
    return process


def finish(process, frame, wait):
    """Waits for the end, also of an interrupted process, and tells how it ended."""
    try:
        result = wait()
    except BaseException:
        end(process)
        raise
    told(process.returncode, frame)
    return result


def end(process):
    import os
    import signal
    import subprocess

    for number, grace in ((signal.SIGINT, 0.25), (signal.SIGTERM, 0.5), (signal.SIGKILL, 2)):
        try:
            os.killpg(process.pid, number)
            process.wait(grace)
            return
        except subprocess.TimeoutExpired:
            pass
        except OSError:
            return


def told(code, frame):
    frame.f_globals["_exit_code"] = code
    if code < 0:
        import signal

        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        print(f"ended by {name}", file=sys.stderr)
    elif code:
        print(f"exit code {code}", file=sys.stderr)


def shell(command, frame):
    process = start(command, shell=True)
    finish(process, frame, process.wait)
    refresh()


def lines(command, frame):
    import subprocess

    process = start(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = finish(process, frame, process.communicate)[0]
    refresh()
    return SList(out.decode("utf-8", "replace").splitlines())


def alias(name):
    def run(line, frame):
        shell(f"{name} {line}", frame)

    run.__doc__ = f"Runs the command {name}."
    return run


def refresh():
    import importlib

    importlib.invalidate_caches()


# Packages


def pip(line, frame):
    """Runs pip in the session's environment; uv where that has no pip. What it installs can be imported at once."""
    import importlib.util
    import shlex
    import shutil

    arguments = shlex.split(line)
    refresh()
    if importlib.util.find_spec("pip"):
        if arguments[:1] == ["uninstall"] and not {"-y", "--yes"} & set(arguments):
            arguments.insert(1, "-y")
        command = [sys.executable, "-m", "pip", *arguments]
    elif shutil.which("uv"):
        arguments = [a for a in arguments if a not in ("-y", "--yes")]
        command = ["uv", "pip", *arguments[:1], "--python", sys.executable, *arguments[1:]]
    else:
        raise UsageError(
            f"{sys.prefix} has no pip, and uv is not on PATH. `!{sys.executable} -m ensurepip` gives it pip."
        )
    install(command, frame)


def uv(line, frame):
    """Runs uv; `%uv pip install x` installs into the session's environment."""
    import shlex
    import shutil

    if not shutil.which("uv"):
        raise UsageError("uv is not on PATH")
    arguments = shlex.split(line)
    if arguments[:1] == ["pip"] and len(arguments) > 1 and "--python" not in arguments:
        arguments[2:2] = ["--python", sys.executable]
    install(["uv", *arguments], frame)


def install(command, frame):
    before = path_files()
    env = {**environment(), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    process = start(command, env=env)
    finish(process, frame, process.wait)
    import os
    import site

    # Python reads these only when it starts: the user's own folder if it is new, and what editable installs leave.
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    if user and user not in sys.path and os.path.isdir(user):
        site.addsitedir(user)
    for folder, name in sorted(path_files() - before):
        site.addpackage(folder, name, None)
    refresh()


def path_files():
    import os

    found = set()
    for folder in sys.path:
        if os.path.basename(folder) in ("site-packages", "dist-packages") and os.path.isdir(folder):
            found |= {(folder, name) for name in os.listdir(folder) if name.endswith(".pth")}
    return found


# Folders and environment variables

last_folder = None


def cd(line, frame):
    """Changes the working directory: `%cd folder`, `%cd -` for the one before, `%cd` for home."""
    global last_folder
    import os
    import shlex

    try:
        given = shlex.split(line)
    except ValueError:
        given = [line]
    quiet = "-q" in given
    given = [word for word in given if word != "-q"]
    folder = os.path.expanduser(line if len(given) > 1 and not quiet else given[0] if given else "~")
    if folder == "-":
        if last_folder is None:
            raise UsageError("%cd -: there was no folder before this one")
        folder = last_folder
    try:
        here = os.getcwd()
    except OSError:
        here = None
    os.chdir(folder)
    last_folder = here
    if not quiet:
        print(os.getcwd())


def pwd(line, frame):
    """The working directory."""
    import os

    return os.getcwd()


def env(line, frame):
    """`%env` lists environment variables, `%env X` reads one, `%env X=1` sets one."""
    import os

    if not line:
        return dict(os.environ)
    name, sign, value = line.partition("=")
    if not sign:
        name, sign, value = line.partition(" ")
    name, value = name.strip(), value.strip()
    if sign:
        os.environ[name] = value
        print(f"env: {name}={value}")
    elif name in os.environ:
        return os.environ[name]
    else:
        raise UsageError(f"the environment variable {name} is not set")


# Names


def user_names(line, frame):
    from types import ModuleType

    names = [
        name
        for name, value in list(frame.f_globals.items())
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    wanted = line.split()
    return sorted(name for name in names if not wanted or type(frame.f_globals[name]).__name__ in wanted)


def who(line, frame):
    """Prints the names that are defined, of the types given or all."""
    print("\t".join(user_names(line, frame)) or "No names are defined.")


def whos(line, frame):
    """Prints the names that are defined with their types."""
    names = user_names(line, frame)
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:<{width}}  {type(frame.f_globals[name]).__name__}")


# Time


def compiled(code, frame, at=None):
    import ast

    file = frame.f_code.co_filename
    padding = "\n" * ((frame.f_lineno if at is None else at + 1) - 1)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | frame.f_code.co_flags & FUTURE
    tree = compile(padding + code, file, "exec", flags | ast.PyCF_ONLY_AST, True)
    if at is None:
        place(tree, code, frame)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), file, "eval", flags, True)
    body = compile(tree, file, "exec", flags, True)
    for part in (body, last):
        if part and part.co_flags & 0x80:
            raise UsageError("await works in %time only where it is the whole snippet, or with %%time on its first line")
    return body, last


FUTURE = 0x1000000


def place(tree, code, frame):
    """Lets the marks of tracebacks point to where the code stands on its line."""
    import ast
    import linecache

    column = linecache.getline(frame.f_code.co_filename, frame.f_lineno).encode().find(code.encode())
    for node in ast.walk(tree):
        if column > 0 and hasattr(node, "col_offset"):
            node.col_offset += column
            node.end_col_offset += column


def execute(parts, frame):
    body, last = parts
    exec(body, frame.f_globals, frame.f_locals)
    return eval(last, frame.f_globals, frame.f_locals) if last else None


def time(line, frame):
    """How long a statement takes. %%time on the first line times the whole snippet."""
    if not line:
        raise UsageError("%time needs a statement: %time f(x)")
    parts = compiled(line, frame)
    began = clock()
    value = execute(parts, frame)
    stop(began)
    return value


def clock():
    from resource import RUSAGE_SELF, getrusage
    from time import perf_counter

    return getrusage(RUSAGE_SELF), perf_counter()


def stop(began):
    now, wall = clock()
    user, system = now.ru_utime - began[0].ru_utime, now.ru_stime - began[0].ru_stime
    print(f"CPU times: user {span(user)}, sys: {span(system)}, total: {span(user + system)}")
    print(f"Wall time: {span(wall - began[1])}")


def span(seconds):
    if seconds >= 60:
        minutes, rest = divmod(seconds, 60)
        hours, minutes = divmod(int(minutes), 60)
        return (f"{hours}h " if hours else "") + f"{minutes}min {rest:.3g}s"
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def timeit(line, frame):
    """How long a statement takes on average: `%timeit [-n loops] [-r runs] [-q] [-o] statement`."""
    options, statement = timeit_options(line)
    return measure(options, "", statement, frame, None)


def timeit_cell(line, body, at, frame):
    options, setup = timeit_options(line)
    return measure(options, setup, body, frame, at + 1)


def timeit_options(line):
    import re

    options = {"n": 0, "r": 7, "p": 3, "q": False, "o": False}
    while match := re.match(r"-(?:([nrp])\s*(\d+)|([qotc]))(?:\s+|$)", line):
        if match[1]:
            options[match[1]] = int(match[2])
        else:
            options[match[3]] = True
        line = line[match.end() :]
    return options, line


def measure(options, setup, body, frame, at):
    import ast
    import statistics
    import timeit

    file = frame.f_code.co_filename
    parsed = ast.parse("\n" * ((at or frame.f_lineno) - 1) + body, file)
    if at is None:
        place(parsed, body, frame)
    body = parsed.body
    if not body:
        raise UsageError("%timeit needs a statement: %timeit f(x)")
    tree = ast.parse("def inner(_it, _timer):\n pass\n _t0 = _timer()\n for _i in _it: pass\n return _timer() - _t0")
    inner = tree.body[0].body
    inner[2].body = body
    inner[0:1] = ast.parse(setup, file).body
    names = frame.f_globals
    if frame.f_locals is not names:
        names = {**names, **frame.f_locals}
    made = {}
    exec(compile(tree, file, "exec", frame.f_code.co_flags & FUTURE, True), names, made)
    timer = timeit.Timer()
    timer.inner = made["inner"]
    loops = options["n"]
    if not loops:
        for power in range(10):
            loops = 10**power
            if timer.timeit(loops) >= 0.2:
                break
    runs = [took / loops for took in timer.repeat(max(options["r"], 1), loops)]
    mean, deviation = statistics.fmean(runs), statistics.pstdev(runs)
    if not options["q"]:
        print(
            f"{digits(mean, options['p'])} ± {digits(deviation, options['p'])} per loop (mean ± std. dev. of "
            f"{len(runs)} run{'s' * (len(runs) > 1)}, {loops:,} loop{'s' * (loops > 1)} each)"
        )
    if options["o"]:
        from types import SimpleNamespace

        return SimpleNamespace(
            average=mean, stdev=deviation, best=min(runs), worst=max(runs), all_runs=runs, loops=loops
        )


def digits(seconds, precision):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.{precision}g} {unit}"
    return f"{seconds * 1e9:.{precision}g} ns"


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


LINE = {
    name: alias(name) for name in ("ls", "ll", "cat", "cp", "mv", "rm", "mkdir", "rmdir")
} | {
    "cd": cd,
    "config": ignored,
    "env": env,
    "lsmagic": lsmagic,
    "matplotlib": ignored,
    "pip": pip,
    "pwd": pwd,
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
