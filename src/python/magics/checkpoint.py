# Checkpoints

# The folder of this session's checkpoints, set by the engine.
CHECKPOINTS = None
# Bytes of a checkpoint.
MAX_SIZE = 1_000_000_000
MARK = b"fourhands checkpoint 1\n"


def checkpoint(line, frame):
    """Saves variables in a file of this session: `%checkpoint` (all), `%checkpoint NAME` (all, under that name),
    `%checkpoint NAME x y` (these). `%restore` brings them back, also in a new Python. `%checkpoint --list` tells what
    there is. Each variable is pickled by itself; what cannot be is named with the reason. Functions and classes written
    here are saved by name: they must be defined again (by a replay) before they, or what is made of them, come back;
    with cloudpickle or dill installed they come back by themselves. Modules are imported again. A checkpoint may have
    1 GB. With `--whole` it is an error if something could not be saved."""
    words = line.split()
    if words == ["--list"]:
        return list_checkpoints()
    whole = "--whole" in words
    words = [word for word in words if word != "--whole"]
    name, given_names = (words[0] if words else "default"), words[1:]
    path = checkpoint_path(name)
    names = frame.f_globals
    for word in given_names:
        if word not in names:
            raise UsageError(f"there is no variable {word}")
    chosen = given_names or sorted(known for known in list(names) if isinstance(known, str) and not known.startswith("_"))
    if not chosen:
        raise UsageError("there are no variables to save")
    check_folders()
    saved, failed, size = write_checkpoint(path, {known: names[known] for known in chosen})
    print(f'saved {count(len(saved), "variable")} in checkpoint "{name}", {format_size(size)}: {list_names(e["name"] for e in saved)}')
    if not given_names and name in names:
        print(f"(to save only {name}: %checkpoint NAME {name})")
    by_name = [entry["name"] for entry in saved if entry["made_here"] and entry["copy"] is None]
    if by_name:
        print(f"{len(by_name)} stored by name only; rerun their definitions (F7) before %restore: {list_names(by_name)}")
    print_failures("not saved", failed)
    if failed and whole:
        raise UsageError(f"{count(len(failed), 'variable')} could not be saved: {list_names(name for name, *_ in failed)}")


def restore(line, frame):
    """Brings back what a checkpoint saved: `%restore` takes the newest checkpoint, `%restore NAME` that one
    (`%checkpoint --list` shows all). Variables of the same names are replaced. What cannot come back is listed: what needs
    the definition of a function or class first, and what failed, with the reason."""
    words = line.split()
    there = checkpoints()
    if len(words) > 1:
        raise UsageError("%restore takes the name of one checkpoint")
    if words:
        checkpoint_path(words[0])
    found = [known for known in there if not words or known[0] == words[0]]
    if not found:
        error = f"there is no checkpoint {words[0]}" if words else "there is no checkpoint of this session"
        raise UsageError(error + (f"; there is {list_names(known[0] for known in there)}" if there else ""))
    name, path = found[0][:2]
    back, undefined, failed = {}, [], []
    with open_private(path) as file:
        for entry in read_index(file, path):
            try:
                back[entry["name"]] = unpickle_value(file, entry)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                if isinstance(error, AttributeError) and "'__main__'" in str(error):
                    undefined.append(entry["name"])
                else:
                    failed.append((entry["name"], entry["type"], reason(error)))
    # In one step, so that an interrupt before has changed nothing.
    frame.f_globals.update(back)
    need = f"{len(undefined)} need{'s' * (len(undefined) == 1)} a definition first: rerun the code (F7), then %restore {name}"
    if undefined:
        print(f"{len(back)} restored, {need}")
        print(f"not defined: {list_names(undefined)}")
    else:
        print(f'restored {count(len(back), "variable")} of checkpoint "{name}": {list_names(back)}')
    print_failures("not restored", failed)
    if not back and (undefined or failed):
        raise UsageError("nothing was restored" + (f"; {need}" if undefined else ""))


def write_checkpoint(path, values):
    """Writes a draft, which replaces the file once it is complete."""
    import json
    import os

    folder = os.path.dirname(path)
    for left in os.listdir(folder):
        if left.endswith(".draft"):
            os.unlink(os.path.join(folder, left))
    saved, failed = [], []
    draft = f"{path}.draft"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(draft, flags, 0o600), "wb") as file:
            out = BoundedFile(file)
            out.write(MARK)
            for name, value in values.items():
                entry = {"name": name, "type": type(value).__name__, "module": None, "made_here": False, "copy": None}
                why = pickle_value(value, entry, out)
                if why is None:
                    saved.append(entry)
                else:
                    failed.append((name, entry["type"], why))
            at = file.tell()
            file.write(json.dumps(saved).encode())
            file.write(at.to_bytes(8, "big") + MARK)
            size = file.tell()
        os.replace(draft, path)
    except BaseException:
        try:
            os.unlink(draft)
        except OSError:
            pass
        raise
    return saved, failed, size


class BoundedFile:
    """The file of a checkpoint, with a limit. Each write runs Python code, so it can be interrupted."""

    def __init__(self, file):
        self.file = file
        self.broken = False

    def write(self, data):
        size = memoryview(data).nbytes
        if self.file.tell() + size > MAX_SIZE:
            raise OverflowError(f"a checkpoint may have {format_size(MAX_SIZE)}")
        try:
            self.file.write(data)
        except OSError:
            self.broken = True
            raise
        return size


def pickle_value(value, entry, out):
    """Writes a value. Returns None, or why that is not possible."""
    from types import ModuleType

    if type(value) is ModuleType:
        entry["module"] = value.__name__
        return None
    made_here = []
    try:
        entry["at"] = dump(out, plain_pickler(out, made_here), value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if out.broken:
            raise
        why = reason(error)
    else:
        entry["made_here"] = bool(made_here)
        why = None
    if why is None and not made_here:
        return None
    by_value = by_value_pickler(out)
    if by_value is None:
        return why
    try:
        entry["copy"] = dump(out, by_value, value)
    except KeyboardInterrupt:
        raise
    except BaseException:
        if out.broken:
            raise
        return why
    return None


def dump(out, pickler, value):
    start = out.file.tell()
    try:
        pickler.dump(value)
    except BaseException:
        out.file.seek(start)
        out.file.truncate()
        raise
    return [start, out.file.tell() - start]


def plain_pickler(out, made_here):
    import pickle
    from types import FunctionType

    class Pickler(pickle.Pickler):
        def reducer_override(self, value):
            if isinstance(value, (type, FunctionType)) and value.__module__ == "__main__":
                made_here.append(value)
            return NotImplemented

    return Pickler(out, protocol=5)


def by_value_pickler(out):
    """Returns a pickler that saves functions and classes themselves, if the environment has one."""
    from importlib import import_module, util

    for module, name in (("cloudpickle", "CloudPickler"), ("dill", "Pickler")):
        try:
            if util.find_spec(module):
                return getattr(import_module(module), name)(out, protocol=5)
        except Exception:
            pass
    return None


def unpickle_value(file, entry):
    import pickle
    from importlib import import_module

    if entry["module"]:
        return import_module(entry["module"])
    parts = [part for part in (entry.get("at"), entry["copy"]) if part]
    for index, part in enumerate(parts):
        try:
            return pickle.Unpickler(PickledPart(file, *part)).load()
        except Exception:
            if index + 1 == len(parts):
                raise


class PickledPart:
    """The bytes of one value. Each read runs Python code, so it can be interrupted."""

    def __init__(self, file, at, size):
        file.seek(at)
        self.file, self.left = file, size

    def read(self, size=-1):
        return self.consume(self.file.read(self.left if size < 0 else min(size, self.left)))

    def readline(self):
        return self.consume(self.file.readline(self.left))

    def readinto(self, buffer):
        data = self.read(memoryview(buffer).nbytes)
        buffer[: len(data)] = data
        return len(data)

    def consume(self, data):
        self.left -= len(data)
        return data


def read_index(file, path):
    import json
    import os

    foot = 8 + len(MARK)
    size = os.fstat(file.fileno()).st_size
    if file.read(len(MARK)) == MARK and size >= foot + len(MARK):
        file.seek(size - foot)
        at = int.from_bytes(file.read(8), "big")
        if file.read() == MARK and len(MARK) <= at <= size - foot:
            file.seek(at)
            return json.loads(file.read(size - foot - at))
    raise UsageError(f"{path} is no checkpoint, or is damaged")


def open_private(path):
    """Opens a checkpoint. A pickle is code, so nobody else must be able to write the file."""
    import os
    import stat

    check_folders()
    file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        file.close()
        raise UsageError(f"{path} is not loaded: it must be a file of yours that nobody else can read or write (mode 600)")
    return file


def check_folders():
    import os
    import stat

    for folder in (os.path.dirname(CHECKPOINTS), CHECKPOINTS):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        facts = os.lstat(folder)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
            raise UsageError(f"{folder} must be a folder of yours that is closed to others: chmod 700 {folder}")


def checkpoint_path(name):
    import os
    import re

    if CHECKPOINTS is None:
        raise UsageError("there is no folder to keep checkpoints in: HOME or XDG_STATE_HOME must be a folder of yours")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name):
        raise UsageError(f"{name!r} cannot be the name of a checkpoint: use 1 to 64 of the characters A-Z a-z 0-9 . _ -")
    return os.path.join(CHECKPOINTS, name + ".pickle")


def checkpoints():
    """Returns name, path, size and time of each checkpoint, the newest first."""
    import os

    found = []
    try:
        for entry in os.scandir(CHECKPOINTS or ""):
            if entry.name.endswith(".pickle"):
                facts = entry.stat(follow_symlinks=False)
                found.append((entry.name[:-7], entry.path, facts.st_size, facts.st_mtime))
    except OSError:
        pass
    return sorted(found, key=lambda known: known[3], reverse=True)


def list_checkpoints():
    from time import localtime, strftime

    there = checkpoints()
    for name, path, size, at in there:
        with open_private(path) as file:
            names = list_names(entry["name"] for entry in read_index(file, path))
        print(f"{name}  {strftime('%Y-%m-%d %H:%M:%S', localtime(at))}  {format_size(size)}: {names}")
    if not there:
        print("There are no checkpoints of this session.")


def print_failures(what, failed):
    if failed:
        print(f"{what}:")
        width = max(len(name) for name, *_ in failed)
        for name, kind, why in failed:
            print(f"  {name:<{width}}  {kind}  {why}")


def reason(error):
    try:
        first = (str(error).splitlines() or [""])[0][:200]
    except Exception:
        first = ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def list_names(names, most=20):
    names = list(names)
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def count(number, what):
    return f"{number} {what}{'s' * (number != 1)}"


def format_size(size):
    for unit, unit_size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= unit_size:
            return f"{size / unit_size:.3g} {unit}"
    return f"{size} B"


