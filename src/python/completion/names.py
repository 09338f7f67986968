"""Completion of code that is being written. Runs with builtins of its own, in which nobody deletes `len`. Imports nothing but
jedi, and that only where user code may run as well. Without `run` no user code is called: attributes of a value are looked
up in the dicts of its type."""

# The engine sets: own_builtins, builtins, modules, current_frames, sys, scandir, getcwd, home, magics (source)

MISSING = object()
LIMIT = 200
# Names of a namespace, entries of a folder, and bytes of a source file that are read.
MAX_NAMES = 200_000
MAX_COLUMNS = 10_000
MAX_ENTRIES = 5_000
MAX_SOURCE_SIZE = 400_000

type_mro = type.__dict__["__mro__"].__get__
type_dict = type.__dict__["__dict__"].__get__
type_name = type.__dict__["__name__"].__get__
type_module = type.__dict__["__module__"].__get__
type_text_signature = type.__dict__["__text_signature__"].__get__
Module = type(sys)
module_dict = Module.__dict__["__dict__"].__get__
Function = type(lambda: 0)
Method = type(type("C", (), {"m": lambda self: 0})().m)
Builtin = type(len)
MethodDescriptor = type(str.join)
SlotWrapper = type(str.__add__)
MethodWrapper = type("".__add__)
ClassMethodDescriptor = type(dict.__dict__["fromkeys"])
GetSet = type(type.__dict__["__dict__"])
Member = type(Module.__dict__["__dict__"])
MappingProxy = type(type.__dict__)
CALLABLE = (Function, Method, Builtin, MethodDescriptor, SlotWrapper, MethodWrapper, ClassMethodDescriptor)
LITERALS = {"str": "", "bytes": b"", "list": [], "dict": {}, "set": set(), "tuple": ()}
# Words that are keywords everywhere.
KEYWORDS = (
    "False None True and as assert async await break class continue def del elif else except finally for from global if "
    "import in is lambda nonlocal not or pass raise return try while with yield"
).split()


def is_class(value):
    return type in type_mro(type(value))


def own_dict(value):
    """Returns the dict of an instance, if it can be read without running code."""
    if type(value) is Module or Module in type_mro(type(value)):
        return module_dict(value)
    for base in type_mro(type(value)):
        descriptor = type_dict(base).get("__dict__")
        if type(descriptor) is GetSet or type(descriptor) is Member:
            try:
                found = descriptor.__get__(value)
            except Exception:
                return None
            return found if type(found) is dict else None
    return None


def in_mro(classes, name):
    for base in classes:
        names = type_dict(base)
        if name in names:
            return names[name]
    return MISSING


def find(value, name):
    """Returns the attribute, and whether it comes from the value's type and may be a descriptor."""
    if is_class(value):
        found = in_mro(type_mro(value), name)
        if found is not MISSING:
            return found, True
    own = own_dict(value)
    if own is not None and name in own:
        return own[name], False
    return in_mro(type_mro(type(value)), name), True


def attribute(value, name, run):
    found, of_type = find(value, name)
    if not of_type:
        return found
    kind = type(found)
    instance = not is_class(value)
    if kind is Function:
        return Method(found, value) if instance else found
    if kind is staticmethod:
        return found.__func__
    if kind is classmethod:
        return Method(found.__func__, type(value) if instance else value)
    if kind is MethodDescriptor or kind is SlotWrapper or kind is ClassMethodDescriptor:
        try:
            return found.__get__(value) if instance else found
        except TypeError:
            return found
    if found is not MISSING and in_mro(type_mro(kind), "__get__") is MISSING:
        return found
    if run:
        return getattr(value, name, MISSING)
    return MISSING


def item(value, key, run):
    kind = type(value)
    try:
        if kind is dict or kind is list or kind is tuple or run:
            return value[key]
    except (LookupError, TypeError):
        pass
    return MISSING


def resolve(steps, names, run):
    value = MISSING
    if steps is None:
        return value
    for kind, key in steps:
        if kind == "name":
            value = names.get(key, MISSING)
            if value is MISSING:
                value = builtins.get(key, MISSING)
        elif kind == "literal":
            value = LITERALS[key]
        elif kind == "rows":
            # The frame has the columns of the rows chosen from it.
            value = value if columns(value) else MISSING
        elif kind == "attribute":
            value = attribute(value, key, run)
        else:
            value = item(value, key, run)
        if value is MISSING:
            break
    return value


def kind_of(value):
    """Returns the kind of a value in a word; for data its type."""
    kind = type(value)
    if kind is Module or Module in type_mro(kind):
        return "module"
    if is_class(value):
        return "class"
    if kind in CALLABLE or kind is staticmethod or kind is classmethod:
        return "function"
    if kind is property:
        return "property"
    if kind is GetSet or kind is Member:
        return "attribute"
    return type_name(kind)


def members(value, run):
    names = {}
    if is_class(value):
        for base in type_mro(value):
            names.update(dict.fromkeys(type_dict(base)))
    else:
        own = own_dict(value)
        if own is not None:
            names.update(dict.fromkeys(list(own)))
        if own is None or Module not in type_mro(type(value)):
            for base in type_mro(type(value)):
                names.update(dict.fromkeys(type_dict(base)))
        if run and has_dir(value, own):
            names.update(dict.fromkeys(dir(value)))
    return [name for name in names if type(name) is str and name.isidentifier()]


def has_dir(value, own):
    if Module in type_mro(type(value)):
        return "__dir__" in own
    return in_mro(type_mro(type(value)), "__dir__") is not object.__dict__["__dir__"]


# Data frames. Code of the libraries that only reads fields is run, and only that of their own classes.


def library_class(value):
    """Returns library and name of the value's class; `None` if it is no class of a library of frames."""
    cls = type(value)
    module = type_module(cls)
    library = module.split(".")[0] if type(module) is str else ""
    if library in ("pandas", "polars", "pyarrow"):
        holder = modules.get(module)
        if type(holder) is Module and module_dict(holder).get(type_name(cls)) is cls:
            return library, type_name(cls)
    return None


def columns(value):
    """Returns the labels of a frame's columns, in their order."""
    found = library_class(value)
    try:
        if found == ("pandas", "DataFrame"):
            return index_labels(value, 0)
        if found == ("polars", "DataFrame"):
            return list(value._df.columns())
        if found == ("pyarrow", "Table"):
            return list(value.column_names)
    except Exception:
        pass
    return []


def shared_columns(values):
    """Returns the columns of frames, those that all of them have first."""
    groups = [found for found in map(columns, values) if found]
    shared = set(groups[0]).intersection(*groups) if groups else ()
    first = [label for label in groups[0] if label in shared] if groups else []
    return list(dict.fromkeys(first + [label for group in groups for label in group]))


def rows(value):
    """Returns the labels of the rows of a value of pandas."""
    axis = {("pandas", "DataFrame"): 1, ("pandas", "Series"): 0}.get(library_class(value))
    try:
        return [] if axis is None else index_labels(value, axis)
    except Exception:
        return []


def index_labels(value, axis):
    index = own_dict(value)["_mgr"].axes[axis]
    labels = index[:MAX_COLUMNS].tolist() if library_class(index) else []
    # Of labels in levels, the first. Labels of other types may be of the user's classes.
    labels = (label[0] if type(label) is tuple and label else label for label in labels)
    return list(dict.fromkeys(label for label in labels if type(label) in (str, int)))


def by_label(steps, names):
    """Returns the value whose `loc` or `at` the steps are; these are properties, and not called."""
    if steps and steps[-1][0] == "attribute" and steps[-1][1] in ("loc", "at"):
        value = resolve(steps[:-1], names, False)
        if value is not MISSING and library_class(value) in (("pandas", "DataFrame"), ("pandas", "Series")):
            return value
    return MISSING


def labels(value, place):
    """Returns what `value.loc` takes as key number `place`: labels of rows, where they are text, or of columns."""
    found = [] if place else rows(value)
    return found if any(type(label) is str for label in found) else columns(value)


# Candidates: (name, kind), the best first.


def ranked(prefix, *groups, first=()):
    """Returns the best names and the number of the others: those of `first` in their order, then group by group."""
    lower, length = prefix.lower(), len(prefix)
    hidden = "\0" if prefix.startswith("_") else "_"
    exact, other = {}, {}
    for group, names in enumerate((first, *groups)):
        fitting = dict.fromkeys(name for name in names if name[:length].lower() == lower and name[:1] != hidden)
        order = in_order(fitting) if group else fitting
        exact.update(dict.fromkeys(name for name in order if name.startswith(prefix)))
        other.update(dict.fromkeys(name for name in order if not name.startswith(prefix)))
    best = [*exact, *other]
    return best[:LIMIT], max(0, len(best) - LIMIT)


def in_order(names):
    if len(names) > 10_000:
        return sorted(names)
    return sorted(names, key=lambda name: (name.startswith("_"), natural(name.lower()), name))


def natural(name):
    """Returns a key by which `g2` comes before `g10`."""
    stem = name.rstrip("0123456789")
    return stem, len(name) - len(stem), name


def complete_name(prefix, words, call, names, run):
    parameters = []
    if call is not None:
        called = signature(resolve(call, names, run))
        for parameter in called and called[0] or ():
            word = parameter.split(":")[0].split("=")[0].strip()
            if word.isidentifier():
                parameters.append(word + "=")
    own = [name for name in list(names)[:MAX_NAMES] if type(name) is str and name.isidentifier()]
    rest = [name for name in list(builtins) if type(name) is str and name.isidentifier()]
    best, more = ranked(prefix, own, words, rest + KEYWORDS, first=parameters)

    def kind(name):
        if name in parameters:
            return "parameter"
        value = names.get(name, MISSING)
        if value is MISSING and name in KEYWORDS:
            return "keyword"
        value = builtins.get(name, MISSING) if value is MISSING else value
        return "name" if value is MISSING else kind_of(value)

    return [(name, kind(name)) for name in best], more


def complete_attribute(value, prefix, run):
    own = members(value, run)
    # Only pandas has columns as attributes, and only those that hide none of its own.
    labels = columns(value) if library_class(value) == ("pandas", "DataFrame") else []
    names = [label for label in labels if type(label) is str and label.isidentifier()]
    names = dict.fromkeys(name for name in names if in_mro(type_mro(type(value)), name) is MISSING)
    best, more = ranked(prefix, own, first=names)

    def kind(name):
        if name in names:
            return "column"
        found = find(value, name)[0]
        return "attribute" if found is MISSING else kind_of(found)

    return [(name, kind(name)) for name in best], more


def complete_key(value, prefix, quoted, run):
    """Returns keys without quotes, which the caller adds."""
    keys, word = columns(value), "column"
    if not keys:
        keys, word = rows(value), "key"
    if keys:
        pass
    elif type(value) is dict or dict in type_mro(type(value)) and not run:
        keys = list(dict.keys(value))[:MAX_NAMES]
    elif run:
        own = in_mro(type_mro(type(value)), "_ipython_key_completions_")
        if own is not MISSING:
            keys = list(value._ipython_key_completions_())[:MAX_NAMES]
        elif in_mro(type_mro(type(value)), "keys") is not MISSING:
            keys = list(value.keys())[:MAX_NAMES]
    return keys_with(prefix, keys, word, quoted)


def keys_with(prefix, keys, word, quoted):
    texts = [key for key in keys if type(key) is str and key.startswith(prefix)]
    numbers = [] if quoted else [key for key in keys if type(key) is int and str(key).startswith(prefix)]
    both = [(key, word) for key in texts] + [(key, "number") for key in numbers]
    return [(str(key), kind) for key, kind in both[:LIMIT]], max(0, len(both) - LIMIT)


