

# Files and programs


def run(line, frame):
    """Runs a file as a script, and brings its names into the session: `%run [-i] [-n] [-t] [-p] file.py arguments`, or
    `%run -m module arguments`. `-i` runs it with the session's names, `-n` not as `__main__`, `-t` times and `-p` profiles it."""
    import os
    import shlex
    from types import ModuleType

    words = shlex.split(line)
    options = set()
    while words and words[0].startswith("-") and len(words[0]) > 1:
        option = words.pop(0)
        if option not in ("-i", "-n", "-t", "-p", "-m", "-e"):
            raise UsageError(f"%run does not know {option}: it takes -i, -n, -t, -p, -m and -e")
        options.add(option)
        if option == "-m":
            break
    if not words:
        raise UsageError("%run needs a file: %run script.py")
    if "-m" in options:
        import runpy

        name, spec, code = runpy._get_module_details(words[0])
        path, folder = spec.origin, os.getcwd()
    else:
        path = os.path.abspath(os.path.expanduser(words[0]))
        if not os.path.exists(path) and os.path.exists(path + ".py"):
            path += ".py"
        name, spec, folder = os.path.splitext(os.path.basename(path))[0], None, os.path.dirname(path)
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", 0, True)
    module = ModuleType(name if "-n" in options else "__main__")
    names = frame.f_globals if "-i" in options else vars(module)
    before = {key: names[key] for key in ("__file__", "__spec__", "__package__") if key in names}
    vars(module).update(__file__=path, __builtins__=__builtins__)
    if spec is not None:
        vars(module).update(__spec__=spec, __package__=spec.parent)
    if "-i" in options:
        names["__file__"] = path
    argv, main = sys.argv, sys.modules["__main__"]
    sys.argv = [path, *words[1:]]
    sys.path.insert(0, folder)
    if not options & {"-n", "-i"}:
        sys.modules["__main__"] = module
    began = clock()
    try:
        if "-p" in options:
            profile_script(code, names)
        else:
            exec(code, names)
    except SystemExit as error:
        if error.code not in (None, 0):
            print(f"exit code {error.code}" if isinstance(error.code, int) else error.code, file=sys.stderr)
        frame.f_globals["_exit_code"] = error.code if isinstance(error.code, int) else int(error.code is not None)
    finally:
        sys.argv, sys.modules["__main__"] = argv, main
        if folder in sys.path:
            sys.path.remove(folder)
        if "-i" in options:
            names.pop("__file__", None)
            names.update(before)
        else:
            frame.f_globals.update({key: value for key, value in names.items() if not key.startswith("__")})
            # Functions of the script keep its module's names.
            scripts.append(module)
            del scripts[:-MAX_SCRIPTS]
    if "-t" in options:
        print_times(began)


# Modules of scripts, whose functions may still be in use.
scripts = []
MAX_SCRIPTS = 100


def profile_script(code, names):
    import cProfile
    import pstats

    profile = cProfile.Profile()
    try:
        profile.runctx(code, names, names)
    finally:
        pstats.Stats(profile).strip_dirs().sort_stats("time").print_stats(20)


def script(program):
    def cell(line, body, at, frame):
        import shlex
        import subprocess

        words = shlex.split(expand(line, frame))
        given = {}
        while words and words[0] in SCRIPT_OPTIONS:
            option = words.pop(0)
            takes = SCRIPT_OPTIONS[option]
            if takes and not words:
                raise UsageError(f"{option} needs a name")
            given[option] = words.pop(0) if takes else True
        command = [program, *words] if program else words
        if not command:
            raise UsageError("%%script needs a program: %%script perl")
        out, err = (subprocess.PIPE if option in given else None for option in ("--out", "--err"))
        process = start(command, stdin=subprocess.PIPE, stdout=out, stderr=err)
        if "--proc" in given:
            frame.f_globals[given["--proc"]] = process
        if "--bg" in given:
            feed(process, body)
            for option, pipe in (("--out", process.stdout), ("--err", process.stderr)):
                if option in given:
                    frame.f_globals[given[option]] = pipe
            return
        texts = finish(process, frame, lambda: process.communicate(body.encode()))
        for option, text in zip(("--out", "--err"), texts):
            if option in given:
                frame.f_globals[given[option]] = text.decode("utf-8", "replace")
        refresh()
        if process.returncode and "--raise-error" in given:
            raise subprocess.CalledProcessError(process.returncode, command)

    what = program or "a program: `%%script perl`"
    cell.__doc__ = (
        f"Runs the snippet with {what}. `--bg` does not wait, `--proc NAME` keeps the process, `--out NAME` and `--err NAME` "
        "keep what it writes, `--raise-error` makes a failure an error."
    )
    return cell


# With whether a name follows.
SCRIPT_OPTIONS = {
    "--bg": False, "--proc": True, "--out": True, "--err": True, "--no-raise-error": False, "--raise-error": False,
}


def feed(process, body):
    """Writes the input of a process that nobody waits for."""
    from threading import Thread

    def write():
        try:
            with process.stdin:
                process.stdin.write(body.encode())
        except OSError:
            pass

    Thread(target=write, daemon=True).start()


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


class Captured:
    """What `%%capture` has kept."""

    def __init__(self, stdout, stderr, outputs):
        self.stdout, self.stderr, self.outputs = stdout, stderr, outputs

    def show(self):
        """Writes and displays it again."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        for output in self.outputs:
            output.display()

    __call__ = show

    def __str__(self):
        return self.stdout

    def __repr__(self):
        return f"<captured: {len(self.stdout)} and {len(self.stderr)} characters, {count(len(self.outputs), 'display')}>"


class CapturedDisplay:
    """A display that `%%capture` has kept."""

    def __init__(self, forms):
        self.data = {
            mime: data if mime.startswith("image/") and mime != "image/svg+xml" else data.decode("utf-8", "replace")
            for mime, data in forms
        }
        self.metadata = {}

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.data

    def display(self):
        import builtins

        builtins.display(self.data, raw=True)

    def __repr__(self):
        return f"<display: {', '.join(self.data)}>"


def capture(line, body, at, frame):
    """Keeps what the snippet writes and displays: `%%capture out`, then `out.stdout`, `out.stderr`, `out.outputs`,
    `out.show()`. With `--no-stdout`, `--no-stderr` or `--no-display` that goes to the card as usual."""
    words = line.split()
    options = {word for word in words if word.startswith("-")}
    if options - {"--no-stdout", "--no-stderr", "--no-display"}:
        raise UsageError(f"%%capture takes --no-stdout, --no-stderr and --no-display: not {' '.join(sorted(options))}")
    names = [word for word in words if not word.startswith("-")]
    if len(names) > 1 or not all(name.isidentifier() for name in names):
        raise UsageError(f"%%capture takes the name of one variable: not {' '.join(names)}")
    parts = compile_parts(body, frame, at)
    begin_capture(*(option not in options for option in ("--no-stdout", "--no-stderr", "--no-display")))
    try:
        value = execute(parts, frame)
        if value is not None:
            import builtins

            builtins.display(value)
    finally:
        stdout, stderr, displays = end_capture()
        for name in names:
            frame.f_globals[name] = Captured(stdout, stderr, [CapturedDisplay(forms) for forms in displays])
