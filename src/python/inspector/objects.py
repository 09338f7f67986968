# Objects of any kind


def standard(name):
    found = modules.get(name)
    if found is None:
        found = __import__(name)
    return found


def static(cls, name):
    return next((dict_of(base)[name] for base in mro_of(cls) if name in dict_of(base)), None)


def own_attributes_of(value):
    """Returns a value's own attributes, without any code of its class."""
    getter = static(type(value), "__dict__")
    own = getter.__get__(value) if type(getter) is types.GetSetDescriptorType else {}
    return dict(own) if issubclass(type(own), dict) else {}


def hasattr_static(cls, name):
    return any(name in dict_of(base) for base in mro_of(cls))


def has_own_repr(mro):
    for base in mro:
        if "__repr__" in dict_of(base):
            return type(dict_of(base)["__repr__"]) is not types.WrapperDescriptorType
    return False


def clean(doc):
    lines = doc.expandtabs().split("\n")
    rest = [line for line in lines[1:] if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in rest), default=0)
    return "\n".join([lines[0].strip(), *(line[margin:].rstrip() for line in lines[1:])]).strip("\n")


def cell_wide(text):
    return text if len(text) <= 2_000 else text[:2_000] + "…"


def first_line(cls):
    line = dict_of(cls).get("__firstlineno__")
    if type(line) is int:
        return line
    return None


def snippet_of(cls):
    """Returns file and line of the first method of a class: a class that a snippet defines knows no file of its own."""
    for found in dict_of(cls).values():
        found = found.__func__ if type(found) in (staticmethod, classmethod) else found
        # Without methods that an enumeration or a dataclass has generated.
        is_own = type(found) is types.FunctionType and found.__module__ == module_of(cls)
        if is_own and found.__code__.co_name == found.__name__ and found.__code__.co_filename != "<string>":
            line = dict_of(cls).get("__firstlineno__", found.__code__.co_firstlineno)
            return found.__code__.co_filename, line
    return None, None


def parameters(function):
    if type(function) is types.MethodType:
        function = function.__func__
    if type(function) is not types.FunctionType:
        return ""
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    names = list(code.co_varnames[:count])
    if code.co_flags & 4:
        names.append("*" + code.co_varnames[count])
    if code.co_flags & 8:
        names.append("**" + code.co_varnames[count + bool(code.co_flags & 4)])
    return f"({', '.join(names)})"


def attributes_of(value):
    """Maps public names to whether they are the object's own, and their values. Calls no descriptor."""
    found = {}
    if issubclass(type(value), types.ModuleType):
        found = {name: (True, held) for name, held in list(object.__getattribute__(value, "__dict__").items())}
    else:
        if issubclass(type(value), type):
            owners = [base for base in mro_of(value) if base is not object]
            for base in reversed(owners):
                found.update((name, (False, held)) for name, held in list(dict_of(base).items()))
        else:
            for base in reversed(mro_of(type(value))):
                if base is not object:
                    found.update((name, (False, held)) for name, held in list(dict_of(base).items()))
        getter = static(type(value), "__dict__")
        if type(getter) is types.GetSetDescriptorType and not issubclass(type(value), type):
            own = getter.__get__(value)
            if issubclass(type(own), dict):
                found.update((name, (True, held)) for name, held in list(dict.items(own)))
    return {name: held for name, held in found.items() if type(name) is str and not name.startswith("_")}


def items_of(cls, value):
    for base in (list, tuple, set, frozenset):
        if issubclass(cls, base):
            return base.__iter__(value)
    if issubclass(cls, dict):
        return iter(dict.items(value))
    return iter(value)


def bounded(item):
    if type(item) in (str, bytes, bytearray) and len(item) > 500:
        return f"{item[:500]!r}…"
    try:
        text = repr(item)
    except Exception as error:
        return f"<its repr raised {type(error).__name__}>"
    return text if len(text) <= 10_000 else text[:10_000] + "…"


def label(name):
    """Returns the text of a label. It runs no code of a label's class."""
    if type(name) is str:
        return name
    is_plain = type(name) in PLAIN_LABELS or type(name) is tuple and all(type(part) in PLAIN_LABELS for part in name)
    return bounded(name) if is_plain else str(name) if is_library_class(type(name)) else f"<{name_of(type(name))}>"


PLAIN_LABELS = (str, int, float, bool, bytes, type(None))


def plain(view, item):
    """Returns a value as a cell of a table: strings without quotes."""
    if type(item) is str:
        return cell(item[: CELL + 1])
    if type(item) is int and -(1 << 63) < item < 1 << 63:
        return str(item)
    return number(item) or view.item(item)[1]


def is_float(value):
    cls, numpy = type(value), modules.get("numpy")
    return cls is float or numpy is not None and cls in (numpy.float64, numpy.float32, numpy.float16)


def number(value):
    if is_float(value):
        value = float(value)
        return f"{value:.6g}" if value != value or abs(value) < 1e15 and value != int(value) or abs(value) >= 1e15 else f"{value:.1f}"
    return ""


def thinned(view, length, what="rows"):
    """Returns the step between sampled values; adds a note if that is not 1."""
    if length <= MAX_FULL:
        return 1
    # With a prime step, a sample does not follow the period of repeating data.
    step = next(n for n in itertools.count(max(length // SAMPLE, 2)) if all(n % d for d in range(2, int(n**0.5) + 1)))
    ending = "th" if step % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th")
    text = f"Sampled: unique counts and non-numeric statistics use every {step}{ending} of {length:,} {what}"
    if text not in view.answer["notes"]:
        view.note(text)
    return step


