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
    if kind is _ast.Subscript:
        owner = value_of(node.value, names, path)
        index = literal(node.slice, path)
        try:
            return owner[index]
        except Exception as error:
            raise Refused(f"reading [{index!r}] of {short_path(node.value, path)} ({full_name(type(owner))}) raised "
                          f"{type(error).__name__}: {said(error)}") from None
    raise Refused(f"{path!r} would have to be run to look at it. {ALLOWED} Code is for run_python_code.")


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


def inspect_value(path, names, aspect, page, describe):
    value = resolve(path, names)
    cls = type(value)
    mro = mro_of(cls)
    _, shape, _, size = describe(value)
    view = View(value, cls, mro, page, describe)
    known = view.aspects()
    if aspect not in known:
        raise Refused(f"{path} is of type {full_name(cls)} and has no {aspect}; there are {', '.join(known)}.")
    answer = view.answer
    answer |= {"path": path, "aspect": aspect, "page": page, "type_name": full_name(cls), "shape": shape, "size": size,
             "bases": [full_name(base) for base in mro[1:] if base is not object][:8 if view.root not in LIBRARIES else 0],
             "aspects": known,
             "length": view.length()}
    getattr(view, aspect)()
    if page and is_behind_the_end(answer):
        raise Refused(f"page {page + 1} of {path} lies behind the end.")
    return answer


def is_behind_the_end(answer):
    text = answer.get("text")
    tables = answer["tables"][:1]
    return not (text and text["text"].strip("b'\"")) and not any(table["rows"] for table in tables)


