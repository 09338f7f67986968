"""IPython's magics, run in the user's interpreter: `!ls`, `%time x` and `x?` are rewritten to calls of `magic`."""

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
    """The entry point. Names are looked up in the caller's frame."""
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
    return f"Line magics: {line} !command object? object??. Cell magics: {cell}"


def expand(text, frame):
    """Replaces `{expression}` and `$name` by their values; returns the text unchanged if that fails, as in IPython."""
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


def isolation_options():
    """Returns options by which a command can be ended with all its processes, and cannot ask on the terminal."""
    import os

    if os.getsid(0) != os.getpid():
        return {"start_new_session": True}
    # Without a controlling terminal a process group is enough. Processes that it leaves then still belong to this
    # session.
    return {"process_group": 0} if sys.version_info >= (3, 11) else {"preexec_fn": os.setpgrp}


def start(command, env=None, **options):
    import subprocess

    process = subprocess.Popen(command, env=env, **isolation_options(), **options)
    started(process.pid)
    # Popen waits for the child to see Ctrl-C, but only we send it an interrupt.
    process._sigint_wait_secs = 0
    return process


def finish(process, frame, wait):
    """Waits for the end, ends the process after an interrupt, and reports its exit code."""
    try:
        result = wait()
    except BaseException:
        end(process)
        raise
    report_exit(process.returncode, frame)
    return result


def end(process):
    import os
    import signal
    import time

    try:
        for number, grace in ((signal.SIGINT, 0.25), (signal.SIGTERM, 0.5), (signal.SIGKILL, 0)):
            os.killpg(process.pid, number)
            deadline = time.monotonic() + grace
            while time.monotonic() < deadline:
                time.sleep(0.005)
                process.poll()
                # Fails once no process of the group is left.
                os.killpg(process.pid, 0)
    except OSError:
        # No process of the group is left.
        pass
    process.wait()


def report_exit(code, frame):
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


def pip_program():
    """Returns what installs into the session's environment: "pip", or "uv" where that has no pip."""
    import importlib.util
    import shutil

    refresh()
    if importlib.util.find_spec("pip"):
        return "pip"
    if shutil.which("uv"):
        return "uv"
    raise UsageError(f"{sys.prefix} has no pip, and uv is not on PATH. `!{sys.executable} -m ensurepip` gives it pip.")


def pip(line, frame):
    """Runs pip in the session's environment; uv where that has no pip. What it installs can be imported at once."""
    import shlex

    arguments = shlex.split(line)
    if pip_program() == "pip":
        if arguments[:1] == ["uninstall"] and not {"-y", "--yes"} & set(arguments):
            arguments.insert(1, "-y")
        command = [sys.executable, "-m", "pip", *arguments]
    else:
        arguments = [a for a in arguments if a not in ("-y", "--yes")]
        command = ["uv", "pip", *arguments[:1], "--python", sys.executable, *arguments[1:]]
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
    import os

    before = path_files()
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    process = start(command, env=env)
    finish(process, frame, process.wait)
    import site

    # Python reads these only at its start: the user's site folder, if it is new, and files of editable installs.
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    if user and user not in sys.path and os.path.isdir(user):
        site.addsitedir(user)
    for folder, name in sorted(path_files() - before):
        site.addpackage(folder, name, None)
    refresh()
    if process.returncode > 0:
        program = "uv" if "uv" in command[0] else "pip"
        raise UsageError(f"{program} failed with exit code {process.returncode}: what it wrote above says why")


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


