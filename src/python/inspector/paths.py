"""The inspector of one value. Runs in the user's interpreter, as a job of its own that can be interrupted.

`describe(value)` is the engine's: (type, shape, preview, size) without any code of the user. What needs such code runs it
only on request (`repr`). Nothing is imported that user code has not imported, except parts of the standard library.
"""

import _ast
import builtins
import itertools
import sys
import time
import types

BUILTINS = builtins.__dict__
modules = sys.modules
clock = time.perf_counter

ROWS = 50
MAX_WINDOW = 1_000
TEXT = 8_000
CELL = 200
MAX_FULL = 1_000_000  # elements up to which statistics use all of them
SAMPLE = 100_000
DISTRIBUTION_SAMPLE = 2_000  # values of a distribution
STATS_TIMEOUT = 2.5  # seconds for the statistics of columns
MAX_SCANNED = 2_000_000  # characters of a repr that are written to reach a page

mro_of = type.__dict__["__mro__"].__get__
dict_of = type.__dict__["__dict__"].__get__
name_of = type.__dict__["__qualname__"].__get__
doc_of = type.__dict__["__doc__"].__get__
module_of = type.__dict__["__module__"].__get__
SEQUENCES = (list, tuple)
VIEWS = tuple(type(view) for view in ({}.keys(), {}.values(), {}.items()))
LIBRARIES = (
    "numpy", "pandas", "polars", "torch", "xarray", "pyarrow", "scipy", "jax", "jaxlib", "datetime", "decimal",
    "fractions", "pathlib", "uuid", "collections", "re", "builtins", "array", "types", "enum", "functools",
)


class Refused(Exception):
    pass


def full_name(cls):
    module, name = module_of(cls), name_of(cls)
    return name if module in ("builtins", "__main__") or type(module) is not str else f"{module}.{name}"


def cell(text):
    text = str(text)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


# Paths


def resolve(path, names):
    # Any name in the table of variables can be inspected, even one that is a keyword.
    if path in names:
        return names[path]
    try:
        tree = compile(path.strip(), "<path>", "eval", 0x400, True).body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Refused(f"{path!r} is not a path to a value ({getattr(error, 'msg', error)}). {ALLOWED}") from None
    return value_of(tree, names, path)


ALLOWED = 'Give a name, or attributes and literal indices from one, such as df["a"], model.layers[0] or xs[-1].'


def value_of(node, names, path):
    kind = type(node)
    if kind is _ast.Name:
        if node.id in names:
            return names[node.id]
        if node.id in BUILTINS:
            return BUILTINS[node.id]
        raise Refused(unknown(node.id, names))
    if kind is _ast.Attribute:
        owner = value_of(node.value, names, path)
        try:
            return getattr(owner, node.attr)
        except AttributeError:
            near = close(node.attr, [name for name in attributes_of(owner)])
            raise Refused(f"{short_path(node.value, path)} ({full_name(type(owner))}) has no attribute {node.attr!r}{near}") from None
        except Exception as error:
            raise Refused(f"reading .{node.attr} raised {type(error).__name__}: {said(error)}") from None
    if kind is _ast.Subscript and type(node.value) is _ast.Call:
        return item_by_place(node, names, path)
    if kind is _ast.Subscript:
        owner = value_of(node.value, names, path)
        index = literal(node.slice, path)
        try:
            return owner[index]
        except Exception as error:
            raise Refused(f"reading [{index!r}] of {short_path(node.value, path)} ({full_name(type(owner))}) raised "
                          f"{type(error).__name__}: {said(error)}") from None
    raise Refused(f"{path!r} would have to be run to look at it. {ALLOWED} Code is for run_python_code.")


def item_by_place(node, names, path):
    """Returns the value of `list(x)[3]` or `list(x.values())[3]`: items that no key leads to, such as those of sets."""
    call, place = node.value, literal(node.slice, path)
    if type(call.func) is not _ast.Name or call.func.id != "list" or len(call.args) != 1 or call.keywords:
        raise Refused(f"{path!r} would have to be run to look at it. {ALLOWED} Code is for run_python_code.")
    inner = call.args[0]
    wants = None
    if type(inner) is _ast.Call and type(inner.func) is _ast.Attribute and not inner.args and not inner.keywords:
        wants, inner = inner.func.attr, inner.func.value
    owner = value_of(inner, names, path)
    is_dict, is_other = issubclass(type(owner), dict), issubclass(type(owner), (list, tuple, set, frozenset, *VIEWS))
    known = is_dict and wants in (None, "keys", "values") or is_other and wants is None
    if type(place) is not int or place < 0 or not known:
        raise Refused(f"{path!r} would have to be run to look at it. {ALLOWED} Code is for run_python_code.")
    if is_dict:
        items = iter(dict.values(owner) if wants == "values" else dict.keys(owner))
    else:
        items = items_of(type(owner), owner)
    for item in itertools.islice(items, place, None):
        return item
    raise Refused(f"{path} is gone: there are not that many items any more.")


def step_to(key):
    """Returns `[key]` if the key can be written so; an empty text otherwise."""
    return f"[{key!r}]" if is_literal(key) else ""


def is_literal(key, depth=0):
    kind = type(key)
    if kind is int:
        return int.bit_length(key) < 200
    if kind is bool or key is None:
        return True
    if kind in (str, bytes):
        return len(key) <= 100
    if kind is float:
        return key - key == 0
    return kind is tuple and depth < 3 and len(key) <= 8 and all(is_literal(part, depth + 1) for part in key)


def step_to_attribute(name):
    if str.isidentifier(name) and name not in KEYWORDS:
        return f".{name}"
    return f".__dict__[{name!r}]" if len(name) <= 100 else ""


KEYWORDS = frozenset(
    "False None True and as assert async await break class continue def del elif else except finally for from global if "
    "import in is lambda nonlocal not or pass raise return try while with yield".split()
)


def short_path(node, path):
    end = getattr(node, "end_col_offset", None)
    return path.strip().encode()[:end].decode(errors="replace") if end else path


def literal(node, path):
    kind = type(node)
    if kind is _ast.Constant:
        return node.value
    if kind is _ast.UnaryOp and type(node.op) in (_ast.USub, _ast.UAdd) and type(node.operand) is _ast.Constant:
        value = node.operand.value
        if type(value) in (int, float, complex):
            return -value if type(node.op) is _ast.USub else value
    if kind is _ast.Tuple:
        return tuple(literal(part, path) for part in node.elts)
    if kind is _ast.Slice:
        return slice(*(part and literal(part, path) for part in (node.lower, node.upper, node.step)))
    raise Refused(f"an index in {path!r} is not a literal. {ALLOWED}")


def unknown(name, names):
    near = close(name, [key for key in list(names) if type(key) is str and not key.startswith("__")])
    return f"the name {name!r} is not defined{near}"


def close(name, known):
    lower = name.lower()
    near = [other for other in known if abs(len(other) - len(name)) <= 3 and other[:1].lower() == lower[:1]]
    near += [other for other in known if other not in near and (lower in other.lower() or other.lower() in lower and len(other) > 2)][:20]
    near = sorted(near[:2000], key=lambda other: (distance(lower, other.lower()), other))
    near = [other for other in near if distance(lower, other.lower()) <= max(2, len(name) // 2)][:3]
    return f"; did you mean {' or '.join(near)}?" if near else "."


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a[:40], 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b[:40], 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[min(len(b), 40)]


def said(error):
    try:
        return cell(str(error))
    except Exception:
        return "?"


# The answer


class Window:
    """The rows and columns that a view that scrolls asks for."""

    def __init__(self, start, count, first_column, order, filter, after):
        self.start, self.count, self.first_column = min(start, 1 << 60), min(count, MAX_WINDOW), first_column
        self.order, self.filter, self.after = order, filter, after


def inspect_value(path, names, aspect, page, describe, window=None):
    value = resolve(path, names)
    cls = type(value)
    mro = mro_of(cls)
    _, shape, _, size = describe(value)
    view = View(value, cls, mro, page, describe, path, window and Window(*window))
    known = view.aspects()
    if aspect == "stats" and aspect not in known and "columns" in known:
        # The statistics of a table are those of its columns.
        aspect = "columns"
    if aspect not in known:
        why = f": {UNREAD[view.kind]}" if aspect == "rows" and view.kind in UNREAD else ""
        raise Refused(f"{path} is of type {full_name(cls)} and has no {aspect}{why}; there are {', '.join(known)}.")
    answer = view.answer
    answer |= {"path": path, "aspect": aspect, "page": page, "type_name": full_name(cls), "shape": shape, "size": size,
             "bases": [full_name(base) for base in mro[1:] if base is not object][:8 if view.root not in LIBRARIES else 0],
             "aspects": known,
             "length": view.length()}
    getattr(view, aspect)()
    if page and is_behind_the_end(answer):
        raise Refused(f"page {page + 1} of {path} is past the end.")
    return answer


def is_behind_the_end(answer):
    text = answer.get("text")
    tables = answer["tables"][:1]
    return not (text and text["text"].strip("b'\"")) and not any(table["rows"] for table in tables)


