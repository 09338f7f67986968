

# Modules of the project that are read again when their files change

autoreload_mode = 0
# The time of the file of each module, as it was last read.
module_times = {}


def autoreload(line, frame):
    """Reads changed modules of the project again before each snippet: `%autoreload 2`; `%autoreload 0` ends that, and
    `%autoreload` does it once. Functions and classes are changed in place, so that names and instances have the new code."""
    global autoreload_mode
    word = line.strip().lower()
    if word in ("", "now"):
        reload_changed()
    elif word in ("0", "off"):
        autoreload_mode = 0
    elif word in ("1", "2", "3", "explicit", "all", "complete"):
        autoreload_mode = 2
        note_times()
    else:
        raise UsageError(f"%autoreload takes 0, 1, 2 or 3: not {line}")


def before_snippet():
    if autoreload_mode:
        reload_changed()


def after_snippet():
    # The file of a new module may change before the next snippet.
    if autoreload_mode:
        note_times()


def project_modules():
    import os

    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if name == "__main__" or not isinstance(path, str) or not path.endswith(".py") or is_of_library(path):
            continue
        try:
            yield name, module, os.stat(path).st_mtime_ns
        except OSError:
            continue


def note_times():
    for name, _, time_ns in project_modules():
        module_times.setdefault(name, time_ns)


def reload_changed():
    import importlib
    import traceback

    for name, module, time_ns in list(project_modules()):
        before = module_times.setdefault(name, time_ns)
        if time_ns == before:
            continue
        module_times[name] = time_ns
        old = dict(vars(module))
        try:
            importlib.reload(module)
        except KeyboardInterrupt:
            raise
        except BaseException:
            text = traceback.format_exc(limit=-1)
            print(f"%autoreload: {name} could not be read again, and stays as it was:\n{text}", file=sys.stderr, end="")
            vars(module).update(old)
            continue
        for key, new in list(vars(module).items()):
            if key in old and old[key] is not new and renew(old[key], new, name):
                # Names elsewhere have the old object, so that stays the one.
                setattr(module, key, old[key])


def renew(old, new, module):
    """Gives an object the code of its successor. Returns whether that was possible."""
    from types import FunctionType

    if type(old) is not type(new) or getattr(old, "__module__", None) != module:
        return False
    if isinstance(old, FunctionType):
        return renew_function(old, new)
    return isinstance(old, type) and renew_class(old, new)


def renew_function(old, new):
    try:
        old.__code__ = new.__code__
    except ValueError:
        # The number of variables from outside has changed.
        return False
    for name in ("__defaults__", "__kwdefaults__", "__doc__", "__annotations__", "__dict__"):
        setattr(old, name, getattr(new, name))
    return True


def renew_class(old, new):
    from types import FunctionType

    kept = ("__dict__", "__weakref__", "__module__", "__qualname__", "__name__")
    try:
        if old.__bases__ != new.__bases__ and [b.__name__ for b in old.__bases__] != [b.__name__ for b in new.__bases__]:
            old.__bases__ = new.__bases__
        for name in [name for name in vars(old) if name not in vars(new) and name not in kept]:
            delattr(old, name)
        for name, value in list(vars(new).items()):
            if name in kept:
                continue
            before = vars(old).get(name)
            parts = [value, *(getattr(value, part, None) for part in ("__func__", "fget", "fset", "fdel", "__wrapped__"))]
            for function in parts:
                if isinstance(function, FunctionType):
                    point_to(function, new, old)
            if isinstance(before, FunctionType) and isinstance(value, FunctionType) and not value.__closure__:
                # Bound methods and callbacks hold the old function.
                if not before.__closure__ and renew_function(before, value):
                    continue
            setattr(old, name, value)
    except (TypeError, AttributeError):
        return False
    return True


def point_to(function, new, old):
    """Lets `super()` and `__class__` in a method mean the class that stays."""
    for cell in function.__closure__ or ():
        try:
            if cell.cell_contents is new:
                cell.cell_contents = old
        except ValueError:
            pass
