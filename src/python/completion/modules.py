# Modules


def entries(folder):
    """Returns the names in a folder, and whether each is a folder."""
    found = []
    try:
        with scandir(folder or ".") as listed:
            for entry in listed:
                try:
                    found.append((entry.name, entry.is_dir()))
                except OSError:
                    found.append((entry.name, False))
                if len(found) >= MAX_ENTRIES:
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
    """Returns the folders that may hold the submodules of a package; `module` may begin with dots."""
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
    """Returns the names that a module would define if it were loaded: it is read and not imported."""
    for folder in folders_of(module, names):
        for file in (folder + "/__init__.py", folder + ".py"):
            try:
                with open(file, encoding="utf-8", errors="replace") as source:
                    text = source.read(MAX_SOURCE_SIZE)
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


# Files and magics


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


