# Names


def user_names(line, frame):
    from types import ModuleType

    names = [
        name
        for name, value in list(frame.f_globals.items())
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    types = line.split()
    fitting = (name for name in names if not types or type(frame.f_globals[name]).__name__ in types)
    # g2 before g10.
    return sorted(fitting, key=lambda name: (name.rstrip("0123456789"), len(name), name))


def who(line, frame):
    """Prints the names that are defined, of the types given or all."""
    print("\t".join(user_names(line, frame)) or "No names are defined.")


def whos(line, frame):
    """Prints the names that are defined with their types."""
    names = user_names(line, frame)
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:<{width}}  {type(frame.f_globals[name]).__name__}")


# Help


def describe(name, detail, frame):
    """Type, signature, text and place of an object; its source if `detail`."""
    import inspect

    if name.startswith("%"):
        plain = name.lstrip("%")
        function = (CELL if name.startswith("%%") else LINE).get(plain) or LINE.get(plain)
        print(f"{name}: {function.__doc__ or 'a magic'}" if function else unknown("%", plain))
        return
    if "*" in name:
        print("\n".join(matching_names(name, frame)) or f"Nothing is called {name}.")
        return
    try:
        value = eval(name, frame.f_globals, frame.f_locals)
    except (NameError, AttributeError, LookupError, SyntaxError):
        print(f"Object `{name}` not found.")
        return
    found = []
    if callable(value):
        try:
            found.append(f"Signature: {name.rpartition('.')[2]}{inspect.signature(value)}")
        except (TypeError, ValueError):
            pass
    found.append(f"Type:      {type(value).__name__}")
    named = inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value)
    if not named:
        from reprlib import Repr

        short = Repr()
        short.maxother = short.maxstring = 300
        found.append(f"Value:     {short.repr(value)}")
        try:
            found.append(f"Length:    {len(value)}")
        except Exception:
            pass
    try:
        found.append(f"File:      {inspect.getsourcefile(value if named else type(value)) or '?'}")
    except (TypeError, OSError):
        pass
    source = None
    if detail:
        try:
            source = inspect.getsource(value if named else type(value))
        except (TypeError, OSError):
            pass
    if source:
        found.append("Source:\n" + source.rstrip("\n"))
    else:
        summary, _, rest = (inspect.getdoc(value) or "<no docstring>").partition("\n\n")
        # The summary stands at the head, below the signature, where it is seen without unfolding.
        found.insert(1 if found[0].startswith("Signature:") else 0, f"Summary:   {' '.join(summary.split())}")
        if rest.strip():
            found.append("Docstring:\n" + rest)
    print("\n".join(found))


def matching_names(pattern, frame):
    from fnmatch import fnmatchcase

    owner, dot, last = pattern.rpartition(".")
    if dot:
        names = dir(eval(owner, frame.f_globals, frame.f_locals))
    else:
        import builtins

        names = {*frame.f_globals, *frame.f_locals, *dir(builtins)}
    return sorted(owner + dot + n for n in names if fnmatchcase(n, last) and (last[0] == "_" or n[0] != "_"))


def lsmagic(line, frame):
    """What magic there is."""
    print(available())


