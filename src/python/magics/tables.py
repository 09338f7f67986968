# Magics without effect, and the tables of all magics


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
# Magics whose argument is Python, in which braces have another meaning.
RAW = ("time", "timeit")
CELL = {
    "bash": script("bash"),
    "capture": capture,
    "sh": script("sh"),
    "timeit": timeit_cell,
    "writefile": writefile,
}
