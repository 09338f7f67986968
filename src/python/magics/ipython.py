

# IPython's shell, as code calls it


class Shell:
    """What `get_ipython()` returns: the calls of IPython's shell that code makes, done by the session."""

    config = {}

    def __init__(self, names):
        self.user_ns = self.user_global_ns = names

    def __repr__(self):
        return "<the session's shell>"

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        return magic_of(LINE, "%", magic_name)(line, sys._getframe(1))

    def run_cell_magic(self, magic_name, line, cell):
        # The code within may have magic of its own.
        body = rewritten(cell) if magic_name in ("capture", "time", "timeit") else cell
        return magic_of(CELL, "%%", magic_name)(line, body, 1, sys._getframe(1))

    def magic(self, arg_s):
        name, _, line = arg_s.lstrip("%").partition(" ")
        return magic_of(LINE, "%", name)(line.strip(), sys._getframe(1))

    def system(self, cmd):
        shell(expand(cmd, sys._getframe(1)), sys._getframe(1))

    system_raw = system_piped = system

    def getoutput(self, cmd, split=True, depth=0):
        found = lines(expand(cmd, sys._getframe(1)), sys._getframe(1))
        return found if split else found.n

    def run_cell(self, raw_cell, store_history=False, silent=False, *arguments, **options):
        """Runs code as a snippet: shows its value, prints its error, and returns both."""
        import builtins
        import traceback

        done = CellResult()
        try:
            done.result = execute(compile_parts(rewritten(raw_cell), sys._getframe(1), 0), sys._getframe(1))
        except Exception as error:
            done.error_in_exec = error
            traceback.print_exc()
        if done.result is not None and not silent:
            builtins.display(done.result)
        return done

    def ev(self, expr):
        return eval(expr, self.user_ns)

    def ex(self, cmd):
        exec(cmd, self.user_ns)

    def push(self, variables):
        self.user_ns.update(variables)

    def __getattr__(self, name):
        there = ", ".join(sorted(known for known in dir(Shell) if not known.startswith("_")))
        raise AttributeError(f"the session has no IPython shell; of its attributes there are {there}: not {name}")


class CellResult:
    """What became of code that `run_cell` ran."""

    result = error_before_exec = error_in_exec = None

    @property
    def success(self):
        return self.error_in_exec is None

    def raise_error(self):
        if self.error_in_exec is not None:
            raise self.error_in_exec

    def __repr__(self):
        return f"<ran: {self.result!r}>" if self.success else f"<failed: {self.error_in_exec!r}>"


def magic_of(table, prefix, name):
    function = table.get(name)
    if function is None:
        raise UsageError(unknown(prefix, name))
    return function


def get_ipython(is_users=False):
    """Returns the shell for code of the user. Libraries only ask in order to find out whether they run in IPython."""
    if not is_users and is_of_library(sys._getframe(1).f_code.co_filename):
        raise NameError("name 'get_ipython' is not defined")
    import __main__

    return Shell(vars(__main__))


def is_of_library(path):
    installed = any(part in path for part in ("/site-packages/", "/dist-packages/", "/lib/python3"))
    return installed or (path.startswith("<") and not path.startswith("<snippet "))


# Earlier snippets


def earlier_snippets():
    """Returns number and code of the snippets whose code is still known."""
    import linecache
    import re

    found = {}
    for file, entry in list(linecache.cache.items()):
        match = re.fullmatch(r"<snippet (\d+)>", str(file))
        if match and len(entry) > 2:
            found[int(match[1])] = "".join(entry[2])
    return sorted(found.items())


def history(line, frame):
    """The code of earlier snippets: `%history` (all), `%history 3-7`, `%history -l 5` (the last ones); `-n` with numbers."""
    import re

    words = line.split()
    chosen = earlier_snippets()[:-1]
    if "-l" in words:
        place = words.index("-l")
        count = int(words[place + 1]) if words[place + 1 :][:1] and words[place + 1].isdigit() else 10
        chosen = chosen[-count:]
        words = words[:place] + words[place + 2 :]
    ranges = [re.fullmatch(r"(\d+)(?:-(\d+))?", word) for word in words if not word.startswith("-")]
    if None in ranges or {word for word in words if word.startswith("-")} - {"-n"}:
        raise UsageError(f"%history takes numbers of snippets, such as 3-7, -l COUNT and -n: not {line}")
    if ranges:
        chosen = [
            (n, code) for n, code in chosen if any(int(r[1]) <= n <= int(r[2] or r[1]) for r in ranges)
        ]
    for number, code in chosen:
        print(f"{number}: {code.rstrip()}" if "-n" in words else code.rstrip())


def load(line, frame):
    """Prints a file, or the code of a snippet (`%load 3`), to be copied into the input."""
    import os

    name = line.strip().strip("'\"")
    if name.isdigit():
        code = dict(earlier_snippets()).get(int(name))
        if code is None:
            raise UsageError(f"the code of snippet {name} is not known")
        print(code.rstrip())
        return
    if not name:
        raise UsageError("%load needs a file or the number of a snippet")
    with open(os.path.expanduser(name), encoding="utf-8") as file:
        print(file.read().rstrip())


# Errors, profiles, names


def debug(line, frame):
    """Looks into the last error with pdb, or steps through a statement: `%debug f(x)`."""
    import pdb

    if line.strip():
        pdb.run(line, frame.f_globals, frame.f_locals)
    elif getattr(sys, "last_traceback", None) is None:
        raise UsageError("there was no error yet that %debug could look into")
    else:
        pdb.pm()


def tb(line, frame):
    """Prints the last traceback again."""
    import traceback

    if getattr(sys, "last_value", None) is None:
        raise UsageError("there was no error yet")
    traceback.print_exception(sys.last_type, sys.last_value, sys.last_traceback)


def prun(line, frame):
    """Profiles a statement: `%prun [-l rows] [-s key] [-q] [-r] statement`."""
    profiled(line, None, frame, None)


def prun_cell(line, body, at, frame):
    """Profiles the snippet: `%%prun [-l rows] [-s key] [-q]`."""
    profiled(line, body, frame, at)


def profiled(line, body, frame, at):
    import cProfile
    import pstats
    import re

    rows, key, quiet = 20, "time", False
    while match := re.match(r"-(?:l\s*(\S+)|s\s*(\S+)|([qr]))(?:\s+|$)", line):
        if match[1]:
            rows = float(match[1]) if "." in match[1] else int(match[1]) if match[1].isdigit() else match[1]
        key, quiet = match[2] or key, quiet or match[3] == "q"
        line = line[match.end() :]
    if body is None and not line.strip():
        raise UsageError("%prun needs a statement: %prun f(x)")
    parts = compile_parts(line, frame) if body is None else compile_parts(body, frame, at)
    profile = cProfile.Profile()
    try:
        profile.runcall(execute, parts, frame)
    finally:
        if not quiet:
            pstats.Stats(profile).strip_dirs().sort_stats(key).print_stats(rows)


def reset(line, frame):
    """Removes all names of the user; modules and files stay. F8 restarts Python."""
    from types import ModuleType

    names = frame.f_globals
    for name in [name for name in names if not name.startswith("_")]:
        if not ("in" in line.split() and isinstance(names[name], ModuleType)):
            del names[name]


# Documents


def document(form):
    def cell(line, body, at, frame):
        import builtins

        builtins.display({form: body}, raw=True)

    cell.__doc__ = f"Displays the snippet as {form}."
    return cell


# ipyparallel


def view_of(frame):
    """Returns the user's view of an ipyparallel cluster, or one of all engines of a client."""
    module = sys.modules.get("ipyparallel")
    if module is None:
        raise UsageError("%px needs ipyparallel: import it, and make a client first")
    values = list(reversed(list(frame.f_globals.values())))
    for value in values:
        if isinstance(value, module.DirectView):
            return value
    for value in values:
        if isinstance(value, module.Client):
            return value[:]
    raise UsageError("%px needs a client of ipyparallel: client = ipyparallel.Client()")


def px(line, frame):
    """Runs a statement on all engines of ipyparallel."""
    result = view_of(frame).execute(line, silent=False, block=False)
    result.wait()
    result.display_outputs()
    result.get()


def px_cell(line, body, at, frame):
    """Runs the snippet on all engines of ipyparallel."""
    px(body, frame)
