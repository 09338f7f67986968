# Signatures


def signature(value):
    """Returns the parameters, as written, and the documentation; `None` if they are not known."""
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
    lines = [line.strip() for line in doc[:4000].splitlines()]
    for place, line in enumerate(lines):
        if line and not (line.endswith(")") and "(" in line and " " not in line.split("(")[0]):
            # The sentence may continue on the next lines.
            for more in lines[place + 1 :]:
                is_whole = line.endswith((".", ":", "!", "?")) or " -> " in line or len(line) > 300
                if is_whole or not (more[:1].isalnum() or more[:1] in ("`", "'", '"', "(")):
                    break
                line += " " + more
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
    """Returns the parameters of a first line like `name(x, y[, z])`."""
    if type(doc) is not str:
        return None
    start = doc[:4000].lstrip()
    end = start.find("(")
    if end <= 0 or name and start[:end].split(".")[-1] != name:
        return None
    found = split(start[end:].replace("[, ", ", ").replace("[,", ",").replace("]", ""))
    return found


def split(text):
    """Splits `(a, b=(1, 2))` at its commas."""
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
    """Returns a line with the signature and the first sentence, and the documentation on the lines below."""
    body = documentation(value)
    return summary(value, name) + ("\n" + body if body else "")


def documentation(value):
    """Returns the docstring of a function, a class or a module, without its indentation."""
    for _ in range(20):
        if type(value) not in (Method, staticmethod, classmethod):
            break
        value = value.__func__
    kind = type(value)
    if kind in CALLABLE or kind in (property, GetSet, Member):
        doc = value.__doc__
    elif kind is Module:
        doc = module_dict(value).get("__doc__")
    else:
        doc = type_dict(value).get("__doc__") if is_class(value) else None
    if type(doc) is not str:
        return ""
    first, *lines = doc[:4000].expandtabs().split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    margin = min(indents) if indents else 0
    return "\n".join([first.lstrip()] + [line[margin:].rstrip() for line in lines[:80]]).strip("\n")


def summary(value, name):
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
    # The name of a class in C says enough.
    doc = first_line(in_mro(type_mro(kind), "__doc__")) if "__module__" in type_dict(kind) else ""
    return type_name(kind) + ("  " + doc if doc else "")


# Entry points. `at` is the code with the line and column of the cursor, for jedi.


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
        quoted, number = more
        value = by_label(steps, names)
        if value is not MISSING:
            return keys_with(prefix, labels(value, number), "column" if number else "key", quoted)
        value = resolve(steps, names, run) if number == 0 else MISSING
        if value is not MISSING:
            found = complete_key(value, prefix, quoted, run)
            if found[0]:
                return found
        if quoted:
            return [], 0
        return complete_name(prefix, [], None, names, run)
    if place == "module":
        return complete_module(prefix, names)
    if place == "member":
        return complete_member(more, prefix, names)
    if place == "path":
        values = [] if "/" in prefix else [resolve(steps, names, run) for steps in more]
        found = keys_with(prefix, shared_columns(values), "column", True)
        return found if found[0] else complete_path(prefix)
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
        return first_line(getattr(function, "__doc__", None)) + "\n" + documentation(function)
    return ""


# jedi, if the session's environment has it


JEDI = None


def has_jedi():
    return JEDI is not None


def load_jedi():
    global JEDI
    try:
        import jedi
    except ImportError:
        return
    # jedi's first answer takes seconds, because it reads stubs of the builtins.
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
