"""What could stand at the cursor. Runs with builtins of its own, in which nobody deletes `len`, and imports nothing but
jedi, and that only where user code may run as well. Without `run` no code of the user's is called: what a value has is
looked up in the dicts of its type."""

# Given: sys, scandir, getcwd, home, magics (source)

MISSING = object()
LIMIT = 200
# Names looked at, entries of a folder, bytes of a source file.
MOST_NAMES = 200_000
MOST_ENTRIES = 5_000
MOST_SOURCE = 400_000

type_mro = type.__dict__["__mro__"].__get__
type_dict = type.__dict__["__dict__"].__get__
type_name = type.__dict__["__name__"].__get__
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
# Those that are words wherever they stand.
KEYWORDS = (
    "False None True and as assert async await break class continue def del elif else except finally for from global if "
    "import in is lambda nonlocal not or pass raise return try while with yield"
).split()


def is_class(value):
    return type in type_mro(type(value))


def own_dict(value):
    """The dict of an instance, if it has one that can be had without running code."""
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
    """What the name stands for, and whether it is a descriptor of the value's type, to be bound."""
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
        elif kind == "attribute":
            value = attribute(value, key, run)
        else:
            value = item(value, key, run)
        if value is MISSING:
            break
    return value


def kind_of(value):
    """In a word: what it is, or the type of a plain value."""
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


# Candidates: (name, kind), the best first.


def ranked(prefix, *groups):
    """The best names, those of the first group before the others, and how many there are beside them."""
    lower, length = prefix.lower(), len(prefix)
    hidden = "\0" if prefix.startswith("_") else "_"
    exact, other = {}, {}
    for names in groups:
        fitting = {name for name in names if name[:length].lower() == lower and name[:1] != hidden}
        same = {name for name in fitting if name.startswith(prefix)}
        exact.update(dict.fromkeys(in_order(same)))
        other.update(dict.fromkeys(in_order(fitting - same)))
    best = [*exact, *other]
    return best[:LIMIT], max(0, len(best) - LIMIT)


def in_order(names):
    if len(names) > 10_000:
        return sorted(names)
    return sorted(names, key=lambda name: (name.startswith("_"), name.lower(), name))


def complete_name(prefix, words, call, names, run):
    parameters = []
    if call is not None:
        called = signature(resolve(call, names, run))
        for parameter in called and called[0] or ():
            word = parameter.split(":")[0].split("=")[0].strip()
            if word.isidentifier():
                parameters.append(word + "=")
    own = [name for name in list(names)[:MOST_NAMES] if type(name) is str and name.isidentifier()]
    rest = [name for name in list(builtins) if type(name) is str and name.isidentifier()]
    best, more = ranked(prefix, parameters, own, words, rest + KEYWORDS)

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
    best, more = ranked(prefix, members(value, run))

    def kind(name):
        found = find(value, name)[0]
        return "attribute" if found is MISSING else kind_of(found)

    return [(name, kind(name)) for name in best], more


def complete_key(value, prefix, run):
    """Raw keys; the caller quotes them. Those that are no strings only where no quote has been typed."""
    keys = []
    if type(value) is dict or dict in type_mro(type(value)) and not run:
        keys = list(dict.keys(value))[:MOST_NAMES]
    elif run:
        own = in_mro(type_mro(type(value)), "_ipython_key_completions_")
        if own is not MISSING:
            keys = list(value._ipython_key_completions_())[:MOST_NAMES]
        elif in_mro(type_mro(type(value)), "keys") is not MISSING:
            keys = list(value.keys())[:MOST_NAMES]
    texts = [key for key in keys if type(key) is str and key.startswith(prefix)]
    numbers = [key for key in keys if type(key) is int and str(key).startswith(prefix)]
    both = [(key, "key") for key in texts] + [(key, "number") for key in numbers]
    return [(str(key), kind) for key, kind in both[:LIMIT]], max(0, len(both) - LIMIT)


# Modules


def entries(folder):
    """Names in a folder and whether each is a folder."""
    found = []
    try:
        with scandir(folder or ".") as listed:
            for entry in listed:
                try:
                    found.append((entry.name, entry.is_dir()))
                except OSError:
                    found.append((entry.name, False))
                if len(found) >= MOST_ENTRIES:
                    break
    except OSError:
        pass
    return found


SUFFIXES = (".py", ".so", ".pyc", ".pyd")


def modules_in(folder):
    for name, is_folder in entries(folder):
        if is_folder:
            if name.isidentifier() and name != "__pycache__":
                yield name
        elif name.endswith(SUFFIXES):
            name = name.split(".")[0]
            if name.isidentifier() and name != "__init__":
                yield name


def search_path():
    return [folder for folder in list(sys.path)[:200] if type(folder) is str and not folder.endswith(".zip")]


def loaded(name):
    module = modules.get(name, MISSING)
    return module if module is not MISSING and Module in type_mro(type(module)) else MISSING


def folders_of(module, names):
    """Where the submodules of a package lie; `module` may begin with dots."""
    if module.startswith("."):
        base = names.get("__package__") or ""
        here = getcwd() if not base else None
        level = len(module) - len(module.lstrip("."))
        rest = module[level:]
        folder = here or ""
        for _ in range(level - 1):
            folder = folder.rpartition("/")[0]
        return ["/".join([folder, *rest.split(".")])] if rest else [folder]
    found = loaded(module)
    if found is not MISSING:
        path = module_dict(found).get("__path__")
        if type(path) is list:
            return [folder for folder in path if type(folder) is str]
    inner = module.replace(".", "/")
    return [(folder + "/" if folder else "") + inner for folder in search_path()]


def complete_module(prefix, names):
    package, dot, last = prefix.rpartition(".")
    found = []
    if dot:
        for folder in folders_of(package or ".", names) if package or prefix.startswith(".") else []:
            found += modules_in(folder)
        value = loaded(package)
        if value is not MISSING:
            found += [
                name
                for name, inner in list(module_dict(value).items())
                if type(name) is str and type(inner) is Module and modules.get(package + "." + name) is inner
            ]
    else:
        found += sys.builtin_module_names
        found += getattr(sys, "stdlib_module_names", ())
        for folder in search_path():
            found += modules_in(folder)
    best, more = ranked(last, found)
    return [(name, "module") for name in best], more


def complete_member(module, prefix, names):
    found = []
    value = loaded(module)
    if value is not MISSING:
        found += members(value, False)
    else:
        found += defined(module, names)
    for folder in folders_of(module, names):
        found += modules_in(folder)
    best, more = ranked(prefix, found)

    def kind(name):
        inner = MISSING if value is MISSING else module_dict(value).get(name, MISSING)
        return "name" if inner is MISSING else kind_of(inner)

    return [(name, kind(name)) for name in best], more


def defined(module, names):
    """The names that a module would define which is not loaded: read in its source, never imported."""
    for folder in folders_of(module, names):
        for file in (folder + "/__init__.py", folder + ".py"):
            try:
                with open(file, encoding="utf-8", errors="replace") as source:
                    text = source.read(MOST_SOURCE)
                return top_level(compile(text, file, "exec", 0x400, True))
            except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return []


def top_level(tree):
    names = []
    for node in tree.body:
        kind = type(node).__name__
        if kind in ("FunctionDef", "AsyncFunctionDef", "ClassDef"):
            names.append(node.name)
        elif kind == "Assign":
            names += [target.id for target in node.targets if type(target).__name__ == "Name"]
        elif kind == "AnnAssign" and type(node.target).__name__ == "Name":
            names.append(node.target.id)
        elif kind in ("Import", "ImportFrom"):
            names += [(alias.asname or alias.name).split(".")[0] for alias in node.names if alias.name != "*"]
    return names


# Files and magic


def complete_path(prefix):
    folder, slash, last = prefix.rpartition("/")
    place = folder + slash
    if place.startswith("~/"):
        place = home + place[1:]
    found = []
    for name, is_folder in entries(place):
        if name.startswith(last) and (last.startswith(".") or not name.startswith(".")):
            found.append((name + "/", "folder") if is_folder else (name, "file"))
    found.sort(key=lambda entry: entry[0].lower())
    return found[:LIMIT], max(0, len(found) - LIMIT)


def magic_tables():
    global TABLES
    if TABLES is None:
        space = {"__builtins__": own_builtins, "__name__": "fourhands_magics"}
        exec(compile(magics, "<fourhands magics>", "exec"), space)
        TABLES = space["LINE"], space["CELL"]
    return TABLES


TABLES = None


def complete_magic(prefix, cell):
    table = list(magic_tables()[1]) + ["time"] if cell else list(magic_tables()[0])
    best, more = ranked(prefix, table)
    return [(name, "magic") for name in best], more


# Signatures


def signature(value):
    """The parameters, as written, and the documentation; `None` if it cannot be told."""
    skip = 0
    for _ in range(20):
        kind = type(value)
        if kind is Method:
            value, skip = value.__func__, skip + 1
        elif kind is staticmethod or kind is classmethod:
            value, skip = value.__func__, skip + (kind is classmethod)
        elif kind is Function and "__wrapped__" in (own_dict(value) or ()):
            value = own_dict(value)["__wrapped__"]
        else:
            break
    kind = type(value)
    if kind is Function:
        return parameters(value)[skip:], first_line(value.__doc__)
    if value is MISSING:
        return None
    if is_class(value):
        return of_class(value)
    if kind in (Builtin, MethodDescriptor, MethodWrapper, SlotWrapper, ClassMethodDescriptor):
        doc = first_line(value.__doc__)
        return from_text(value.__text_signature__) or from_doc(value.__doc__, value.__name__), doc
    own = own_dict(value)
    if own and "__wrapped__" in own:
        inner = signature(own["__wrapped__"])
        return inner and (inner[0][skip:], inner[1])
    called = in_mro(type_mro(kind), "__call__")
    if type(called) is Function:
        return parameters(called)[1:], first_line(called.__doc__)
    doc = attribute(value, "__doc__", False)
    if called is not MISSING and type(doc) is str:
        name = attribute(value, "__name__", False)
        found = from_doc(doc, name if type(name) is str else "")
        return found and (found, first_line(doc))
    return None


def of_class(value):
    doc = type_dict(value).get("__doc__")
    doc = first_line(doc)
    for name in ("__init__", "__new__"):
        made = in_mro(type_mro(value), name)
        made = made.__func__ if type(made) is staticmethod else made
        if type(made) is Function:
            called = signature(made)
            return called[0][1:], doc or called[1]
    try:
        text = type_text_signature(value)
    except Exception:
        text = None
    return from_text(text) or from_doc(type_dict(value).get("__doc__"), type_name(value)) or [], doc


def parameters(function):
    code = function.__code__
    count, only = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    defaults = function.__defaults__ or ()
    keyword_defaults = function.__kwdefaults__ or {}
    out = []
    for index in range(count):
        place = index - count + len(defaults)
        out.append(names[index] + ("=" + default(defaults[place]) if place >= 0 else ""))
        if index + 1 == code.co_posonlyargcount:
            out.append("/")
    at = count + only
    if code.co_flags & 4:
        out.append("*" + names[at])
        at += 1
    elif only:
        out.append("*")
    for name in names[count : count + only]:
        out.append(name + ("=" + default(keyword_defaults[name]) if name in keyword_defaults else ""))
    if code.co_flags & 8:
        out.append("**" + names[at])
    return out


def default(value):
    kind = type(value)
    if value is None or kind is bool or kind is float or kind is complex:
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() < 64 else "..."
    if kind is str or kind is bytes:
        return repr(value) if len(value) < 30 else "..."
    if is_class(value):
        return type_name(value)
    if (kind is tuple or kind is list or kind is dict) and not value:
        return repr(value)
    return "..."


def first_line(doc):
    if type(doc) is not str:
        return ""
    for line in doc[:4000].splitlines():
        line = line.strip()
        if line and not (line.endswith(")") and "(" in line and " " not in line.split("(")[0]):
            return line[:300]
    return ""


def from_text(text):
    if type(text) is not str or not text.startswith("("):
        return None
    found = split(text)
    if found and found[0].startswith("$"):
        found = found[2:] if found[1:2] == ["/"] else found[1:]
    return found


def from_doc(doc, name):
    """From a first line like `name(x, y[, z])`."""
    if type(doc) is not str:
        return None
    start = doc[:4000].lstrip()
    end = start.find("(")
    if end <= 0 or name and start[:end].split(".")[-1] != name:
        return None
    found = split(start[end:].replace("[, ", ", ").replace("[,", ",").replace("]", ""))
    return found


def split(text):
    """`(a, b=(1, 2))` at its commas."""
    depth, begin, out, quote = 0, 1, [], ""
    for at, char in enumerate(text[:2000]):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}" or char == "," and depth == 1:
            if char != ",":
                depth -= 1
            if depth == 0 or char == ",":
                if text[begin:at].strip():
                    out.append(" ".join(text[begin:at].split()))
                begin = at + 1
            if depth == 0:
                return out
    return None


def describe(value, name):
    if value is MISSING:
        return ""
    called = signature(value)
    if called is not None and called[0] is not None:
        text = name + "(" + ", ".join(called[0]) + ")"
        return (text[:400] + ("  " + called[1] if called[1] else "")).strip()
    kind = type(value)
    if kind is property:
        return first_line(value.__doc__)
    if kind is Module:
        return first_line(module_dict(value).get("__doc__"))
    if kind in (GetSet, Member):
        return first_line(value.__doc__)
    # What a class of C is, its name tells.
    doc = first_line(in_mro(type_mro(kind), "__doc__")) if "__module__" in type_dict(kind) else ""
    return type_name(kind) + ("  " + doc if doc else "")


# The entries. `at` is the code with the line and column of the cursor, for jedi.


def complete(place, prefix, steps, more, names, run, at):
    if place == "name":
        return complete_name(prefix, *more, names, run)
    if place == "attribute":
        value = resolve(steps, names, run)
        if value is not MISSING:
            return complete_attribute(value, prefix, run)
        found = jedi_names(at, names) if run else {}
        best, left = ranked(prefix, found)
        return [(name, found[name]) for name in best], left
    if place == "key":
        value = resolve(steps, names, run)
        if value is not MISSING:
            found = complete_key(value, prefix, run)
            if found[0]:
                return found
        if more:
            return [], 0
        return complete_name(prefix, [], None, names, run)
    if place == "module":
        return complete_module(prefix, names)
    if place == "member":
        return complete_member(more, prefix, names)
    if place == "path":
        return complete_path(prefix)
    return complete_magic(prefix, more)


def call_signature(steps, names, run, at):
    found = signature(resolve(steps, names, run))
    if (found is None or found[0] is None) and run:
        found = jedi_signature(at, names)
    return found if found and found[0] is not None else None


def candidate(place, steps, more, name, names):
    if place == "name":
        if name.endswith("="):
            return ""
        value = names.get(name, MISSING)
        return describe(builtins.get(name, MISSING) if value is MISSING else value, name)
    if place == "attribute":
        value = resolve(steps, names, False)
        if value is MISSING:
            return ""
        found = attribute(value, name, False)
        return describe(find(value, name)[0] if found is MISSING else found, name)
    if place == "key":
        value = resolve(steps, names, False)
        value = value.get(name, MISSING) if type(value) is dict else MISSING
        return "" if value is MISSING else describe(value, name)
    if place == "module":
        value = loaded(name)
        return "" if value is MISSING else describe(value, name)
    if place == "member":
        value = loaded(more)
        value = MISSING if value is MISSING else module_dict(value).get(name, MISSING)
        return describe(value, name)
    if place == "magic":
        function = magic_tables()[bool(more)].get(name)
        return first_line(getattr(function, "__doc__", None))
    return ""


# jedi, where the session's environment has it


JEDI = None


def has_jedi():
    return JEDI is not None


def load_jedi():
    global JEDI
    try:
        import jedi
    except ImportError:
        return
    # Its first question takes seconds: it reads what is known of the builtins.
    jedi.Interpreter("''.join([]).a", [{}]).complete(1, 13)
    JEDI = jedi


def jedi_script(at, names):
    return JEDI and JEDI.Interpreter(at[0], [names])


def jedi_names(at, names):
    try:
        script = jedi_script(at, names)
        found = script.complete(at[1], at[2]) if script else []
        return {one.name_with_symbols: JEDI_KINDS.get(one.type, one.type) for one in found[:2000]}
    except Exception:
        return {}


JEDI_KINDS = {"instance": "name", "statement": "name", "param": "parameter"}


def jedi_signature(at, names):
    try:
        script = jedi_script(at, names)
        for found in script.get_signatures(at[1], at[2]) if script else []:
            return [one.to_string() for one in found.params], first_line(found.docstring(raw=True))
    except Exception:
        pass
    return None
