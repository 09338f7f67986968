# Magics without effect, and the tables of all magics


def ignored(line, frame):
    """Accepted and without effect here."""


def load_ext(line, frame):
    """Accepted for autoreload; there are no other extensions."""
    if line.split() != ["autoreload"]:
        raise UsageError(f"IPython's extensions are not supported: %load_ext {line}")


def unload_ext(line, frame):
    """Ends `%autoreload`."""
    load_ext(line, frame)
    autoreload("0", frame)


def safepoint(line, frame):
    """Tells to which snippet a crash would take Python back, and why there is no newer safe point."""
    if line:
        raise UsageError("%safepoint takes no arguments")
    print(safe_points())


def rewind(line, frame):
    """Takes Python back to before a snippet, with all variables: %rewind 12; without a number, to before the last one."""
    raise UsageError("%rewind must be all that a snippet has")


LINE = {
    name: alias(name) for name in ("ls", "ll", "cat", "cp", "mv", "rm", "mkdir", "rmdir")
} | {
    "cd": cd,
    "checkpoint": checkpoint,
    "config": ignored,
    "debug": debug,
    "env": env,
    "hist": history,
    "history": history,
    "load": load,
    "lsmagic": lsmagic,
    "matplotlib": ignored,
    "pip": pip,
    "prun": prun,
    "pwd": pwd,
    "px": px,
    "reset": reset,
    "restore": restore,
    "rewind": rewind,
    "run": run,
    "safepoint": safepoint,
    "set_env": env,
    "sx": lambda line, frame: lines(line, frame),
    "system": lambda line, frame: lines(line, frame),
    "tb": tb,
    "time": time,
    "timeit": timeit,
    "uv": uv,
    "who": who,
    "who_ls": user_names,
    "whos": whos,
}
LINE.update(load_ext=load_ext, reload_ext=load_ext, unload_ext=unload_ext, autoreload=autoreload, aimport=ignored)
LINE["ll"] = lambda line, frame: shell(f"ls -l {line}", frame)
# Magics whose argument is Python, in which braces have another meaning.
RAW = ("debug", "prun", "px", "time", "timeit")
CELL = {
    "HTML": document("text/html"),
    "bash": script("bash"),
    "capture": capture,
    "file": writefile,
    "html": document("text/html"),
    "latex": document("text/latex"),
    "markdown": document("text/markdown"),
    "perl": script("perl"),
    "prun": prun_cell,
    "px": px_cell,
    "python": script(sys.executable),
    "python3": script(sys.executable),
    "ruby": script("ruby"),
    "script": script(None),
    "sh": script("sh"),
    "svg": document("image/svg+xml"),
    "time": time_cell,
    "timeit": timeit_cell,
    "writefile": writefile,
}
