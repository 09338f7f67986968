"""Looks into one value: run in the user's interpreter, as a job of its own that can be interrupted.

`describe(value)` is the engine's: (type, shape, preview, size) without any code of the user. What needs such code runs it
only where it was asked for (`repr`). Nothing is imported that the user has not, but for parts of the standard library.
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
FULL = 1_000_000  # elements up to which statistics are of all of them
SAMPLE = 100_000
BUDGET = 2.5  # seconds for the statistics of columns
SCANNED = 2_000_000  # characters of a repr that are written to reach a page

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
    # Whatever stands in the list of variables, such as a keyword, can be looked at.
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
    wanted = name.lower()
    near = [other for other in known if abs(len(other) - len(name)) <= 3 and other[:1].lower() == wanted[:1]]
    near += [other for other in known if other not in near and (wanted in other.lower() or other.lower() in wanted and len(other) > 2)][:20]
    near = sorted(near[:2000], key=lambda other: (distance(wanted, other.lower()), other))
    near = [other for other in near if distance(wanted, other.lower()) <= max(2, len(name) // 2)][:3]
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
        raise Refused(f"{path} is a {full_name(cls)} and has no {aspect}; there are {', '.join(known)}.")
    told = view.told
    told |= {"path": path, "aspect": aspect, "page": page, "type_name": full_name(cls), "shape": shape, "size": size,
             "bases": [full_name(base) for base in mro[1:] if base is not object][:8 if view.root not in LIBRARIES else 0],
             "aspects": known,
             "length": view.length()}
    getattr(view, aspect)()
    if page and is_behind_the_end(told):
        raise Refused(f"page {page + 1} of {path} lies behind the end.")
    return told


def is_behind_the_end(told):
    text = told.get("text")
    tables = told["tables"][:1]
    return not (text and text["text"].strip("b'\"")) and not any(table["rows"] for table in tables)


class View:
    def __init__(self, value, cls, mro, page, describe):
        self.value, self.cls, self.mro, self.page, self.describe = value, cls, mro, page, describe
        self.told = {"tables": [], "notes": []}
        module = module_of(cls)
        self.root = module.split(".")[0] if type(module) is str else ""
        self.kind = self.kind_of()

    def kind_of(self):
        def is_a(module, *names):
            held = modules.get(module)
            held = held and object.__getattribute__(held, "__dict__")
            return held and any(name in held and any(base is held[name] for base in self.mro) for name in names)

        if issubclass(self.cls, types.ModuleType):
            return "module"
        if issubclass(self.cls, type):
            return "class"
        if self.cls in FUNCTIONS:
            return "function"
        for kind, module, names in LIBRARY_KINDS:
            if is_a("numpy.ma", "MaskedArray"):
                return "object"
            if is_a(module, *names):
                return kind
        if issubclass(self.cls, (list, tuple, dict, set, frozenset, range, *VIEWS)) or is_a("collections", "deque"):
            return "container"
        if issubclass(self.cls, (str, bytes, bytearray)):
            return "text"
        if issubclass(self.cls, (int, float, complex)) or self.value is None:
            return "plain"
        return "object"

    def aspects(self):
        first = {
            "frame": ["columns", "rows"], "polars": ["columns", "rows"], "arrow": ["columns", "rows"],
            "series": ["stats", "rows"], "array": ["stats", "rows"], "tensor": ["stats", "rows"],
            "container": ["items"], "dataset": ["columns"],
        }.get(self.kind, [])
        last = ["source"] if self.kind in ("module", "class", "function", "object") else []
        return ["overview", *first, "attributes", "repr", "doc", *last]

    def length(self):
        for base in (list, tuple, dict, set, frozenset, str, bytes, bytearray, range, *VIEWS):
            if issubclass(self.cls, base):
                try:
                    return base.__len__(self.value)
                except OverflowError:  # of a range
                    return -((self.value.start - self.value.stop) // self.value.step)
        try:
            if self.kind == "container":
                return len(self.value)
            if self.kind in ("frame", "series", "polars", "array", "tensor", "arrow"):
                return int(self.value.shape[0])
        except Exception:
            pass
        return None

    def note(self, text):
        self.told["notes"].append(text)

    def table(self, title, headers, rows, offset=0, total=None, more=None):
        rows = [[cell(part) for part in row] for row in rows]
        more = offset + len(rows) < total if more is None and total is not None else bool(more)
        self.told["tables"].append(
            {"title": title, "headers": headers, "rows": rows, "offset": offset, "total": total, "has_more": more})

    def overview(self):
        self.doc(short=True)
        self.place()
        page, self.page = self.page, 0
        kind = self.kind
        if kind in ("frame", "polars", "arrow"):
            self.columns(page=page)
            self.rows(limit=5)
        elif kind == "dataset":
            self.columns(page=page)
        elif kind in ("series", "array", "tensor"):
            self.stats()
            self.rows(limit=10)
        elif kind == "container":
            self.items(limit=20)
        elif kind == "text":
            self.repr(limit=1_000)
        elif kind == "object" and self.root not in LIBRARIES:
            self.attributes(limit=30)
            if has_own_repr(self.mro):
                self.note('its __repr__ is code and was not run; what="repr" runs it')
        elif kind in ("module", "class"):
            self.attributes(limit=30)
        elif kind != "function":
            self.repr(limit=2_000)

    # Text

    def doc(self, short=False):
        owner = self.value if self.kind in ("module", "class", "function") else self.cls
        if self.kind == "module":
            doc = object.__getattribute__(owner, "__dict__").get("__doc__")
        elif self.kind != "function":
            # Of a descriptor that only looks like one, nothing is asked.
            doc = doc_of(owner) if type(dict_of(owner).get("__doc__")) is str else None
        else:
            doc = getattr(owner, "__doc__", None)
        if type(doc) is not str:
            doc = None
        text = clean(doc) if doc else ""
        if short:
            # Of a plain value everybody knows it.
            if text and self.kind in ("module", "class", "function", "object") and self.root != "builtins" or self.kind in ("class", "function"):
                if text:
                    self.told["doc"] = text if len(text) <= 1_500 else text[:1_500] + "…"
        else:
            self.text(text or "(no documentation)")

    def text(self, text, total=None):
        start = self.page * TEXT
        total = len(text) if total is None else total
        self.told["text"] = {"text": text[start : start + TEXT], "offset": start, "total": total,
                             "has_more": start + TEXT < total}

    def repr(self, limit=TEXT):
        value, start = self.value, self.page * limit
        base = next((base for base in (str, bytes, bytearray) if self.cls is base), None)
        if base:
            piece = base.__getitem__(value, slice(start, start + limit))
            total = base.__len__(value)
            text = piece if base is str else repr(piece)
            self.told["text"] = {"text": text, "offset": start, "total": total, "has_more": start + limit < total}
            return
        if self.cls in (list, tuple, dict, set, frozenset):
            return self.repr_in_pieces(start, limit)
        try:
            text = self.whole_repr(value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.told["text"] = {"text": f"<its repr raised {type(error).__name__}: {said(error)}>", "total": None}
            return
        self.told["text"] = {"text": text[start : start + limit], "offset": start, "total": len(text),
                             "has_more": start + limit < len(text)}

    def whole_repr(self, value):
        if self.cls is int and int.bit_length(value) > 14_000:
            return f"<int of {int.bit_length(value)} bits>"
        if self.kind == "array" and "numpy" in modules:
            with modules["numpy"].printoptions(threshold=1000):
                return repr(value)
        if self.kind in ("frame", "series") and len(value) > 60:
            self.note("the first 60 rows; rows pages through all")
            return repr(value.iloc[:60])
        text = repr(value)
        return text if type(text) is str else str.__str__(text)

    def repr_in_pieces(self, start, limit):
        """Writes no more of it than the page needs, and at most SCANNED characters."""
        opening, closing = {list: "[]", tuple: "()", dict: "{}", set: "{}", frozenset: ("frozenset({", "})")}[self.cls]
        if not len(self.value):
            return self.text(repr(self.value))
        out, seen = [], 0
        wanted = start + limit

        def pieces():
            yield opening
            for number, item in enumerate(items_of(self.cls, self.value)):
                if number:
                    yield ", "
                yield f"{bounded(item[0])}: {bounded(item[1])}" if self.cls is dict else bounded(item)
            yield ",)" if self.cls is tuple and len(self.value) == 1 else closing

        whole = True
        for piece in pieces():
            if seen + len(piece) > start:
                out.append(piece[max(start - seen, 0) : wanted - seen])
            seen += len(piece)
            if seen > wanted or seen > SCANNED:
                whole = False
                break
        if not whole and not out:
            self.note(f"only the first {SCANNED:,} characters are written out; items pages through all")
        self.told["text"] = {"text": "".join(out), "offset": start, "total": seen if whole else None,
                             "has_more": not whole and bool(out)}

    def place(self):
        """Signature, file and line."""
        value = self.value
        if self.kind not in ("function", "class", "module", "object"):
            return
        inspect = standard("inspect")
        if self.kind in ("function", "class"):
            try:
                self.told["signature"] = cell_wide(f"{name_of(value) if self.kind == 'class' else getattr(value, '__name__', '')}{inspect.signature(value)}")
            except Exception:
                pass
        owner = value if self.kind != "object" else self.cls
        if module_of(self.cls if self.kind == "object" else type(owner)) == "builtins" and self.kind == "object":
            return
        file = line = None
        try:
            if self.kind in ("class", "object") and module_of(owner) == "__main__":
                file, line = snippet_of(owner)
            else:
                file = inspect.getsourcefile(owner) or inspect.getfile(owner)
            code = getattr(inspect.unwrap(owner), "__code__", None) if self.kind == "function" else None
            line = code.co_firstlineno if type(code) is types.CodeType else line
            if line is None and self.kind in ("class", "object"):
                line = first_line(owner)
        except Exception:
            pass
        if file:
            self.told["place"] = f"{file}:{line}" if line else file

    def source(self):
        inspect, linecache = standard("inspect"), standard("linecache")
        owner = self.value if self.kind != "object" else self.cls
        before = set(linecache.cache)
        self.place()
        try:
            source = inspect.getsource(owner)
        except Exception:
            raise Refused(f"there is no Python source of {full_name(self.cls) if self.kind == 'object' else getattr(owner, '__name__', 'it')}; "
                          "it is written in C, or its file is gone.") from None
        finally:
            for file in set(linecache.cache) - before:
                linecache.cache.pop(file, None)
        self.text(source)

    # Attributes and items

    def attributes(self, limit=2 * ROWS):
        rows = []
        for name, (owner, found) in attributes_of(self.value).items():
            rows.append(self.attribute(name, owner, found))
        order = {"property": 1, "attribute": 1, "class": 2, "method": 3, "function": 3, "static method": 3, "class method": 3}
        rows.sort(key=lambda row: (order.get(row[1], 0), row[0]))
        start = self.page * limit
        self.table("attributes", ["name", "type", "value"], rows[start : start + limit], start, len(rows))

    def attribute(self, name, is_own, found):
        cls = type(found)
        if not is_own:
            if cls is property or issubclass(cls, property):
                return name, "property", ""
            if cls in (staticmethod, classmethod):
                return name, "static method" if cls is staticmethod else "class method", parameters(found.__func__)
            if cls is types.MemberDescriptorType:
                try:
                    found = found.__get__(self.value, self.cls)
                except Exception:
                    return name, "attribute", "(not set)"
                cls = type(found)
            elif cls is types.GetSetDescriptorType:
                return name, "attribute", ""
            elif cls in FUNCTIONS:
                return name, "method", parameters(found)
            elif hasattr_static(cls, "__get__"):
                return name, "property", ""
        if cls in FUNCTIONS:
            return name, "function", parameters(found)
        kind, shape, preview, _ = self.describe(found)
        if issubclass(cls, type):
            return name, "class", full_name(found)
        return name, kind, f"{shape}  {preview}" if shape and cls not in (str, bytes, list, tuple, dict, set) else preview

    def items(self, limit=ROWS):
        value, start = self.value, self.page * limit
        total = self.length()
        rows = []
        if issubclass(self.cls, SEQUENCES) or self.cls is range:
            base = next(base for base in (*SEQUENCES, range) if issubclass(self.cls, base))
            page = base.__getitem__(value, slice(start, start + limit))
            rows = [(number, *self.item(item)) for number, item in enumerate(page, start)]
            headers = ["index", "type", "value"]
        elif issubclass(self.cls, dict):
            page = itertools.islice(dict.items(value), start, start + limit)
            rows = [(self.item(key)[1], *self.item(item)) for key, item in page]
            headers = ["key", "type", "value"]
        else:
            page = itertools.islice(items_of(self.cls, value), start, start + limit)
            rows = [(number, *self.item(item)) for number, item in enumerate(page, start)]
            headers = ["", "type", "value"]
        self.table("items", headers, rows, start, total)

    def item(self, item):
        kind, shape, preview, _ = self.describe(item)
        big = shape and type(item) not in (str, bytes, list, tuple, dict, set, frozenset, int, float)
        return kind, f"{shape}  {preview}" if big else preview

    # Frames and arrays

    def columns(self, page=None):
        start = (self.page if page is None else page) * ROWS
        began = clock()
        late = False
        rows = []
        if self.kind == "frame":
            frame, names = self.value, list(self.value.columns[start : start + ROWS])
            total, headers = frame.shape[1], ["column", "dtype", "nulls", "unique", "min", "max", "first"]
            for number, name in enumerate(names, start):
                late = clock() - began > BUDGET
                series = frame.iloc[:, number]
                facts = ("", "", "", "") if late else pandas_facts(self, series)
                first = plain(self, series.iloc[0]) if len(series) else ""
                rows.append((label(name), series.dtype, *facts, first))
        elif self.kind == "polars":
            if full_name(self.cls).endswith("LazyFrame"):
                schema = self.value.collect_schema()
                return self.table("columns", ["column", "dtype"], list(schema.items())[start : start + ROWS], start, len(schema))
            frame = self.value if hasattr(self.value, "columns") else self.value.to_frame()
            total, headers = frame.width, ["column", "dtype", "nulls", "unique", "min", "max", "first"]
            for name in frame.columns[start : start + ROWS]:
                late = clock() - began > BUDGET
                series = frame.get_column(name)
                facts = ("", "", "", "") if late else polars_facts(self, series)
                rows.append((name, series.dtype, *facts, plain(self, series[0]) if len(series) else ""))
        elif self.kind == "dataset":
            variables = list(self.value.variables.items())
            total, headers = len(variables), ["variable", "dtype", "dims", "shape"]
            rows = [(name, held.dtype, ", ".join(str(dim) for dim in held.dims), "×".join(str(size) for size in held.shape))
                    for name, held in variables[start : start + ROWS]]
        else:
            table = self.value
            total, headers = table.num_columns, ["column", "dtype", "nulls"]
            rows = [(name, table.column(number).type, table.column(number).null_count)
                    for number, name in list(enumerate(table.schema.names))[start : start + ROWS]]
        if late:
            self.note(f"statistics were ended after {BUDGET} s; ask for single columns, such as df[\"name\"]")
        self.table("columns" if self.kind != "dataset" else "variables", headers, rows, start, total)

    def rows(self, limit=ROWS):
        value, start = self.value, self.page * limit
        kind = self.kind
        total = self.length()
        if kind == "frame":
            part = value.iloc[start : start + limit, :60]
            headers = ["", *(label(name) for name in part.columns)]
            columns = [part.iloc[:, number] for number in range(part.shape[1])]
            rows = [[self.item(index)[1], *(plain(self, column.iloc[n]) for column in columns)] for n, index in enumerate(part.index)]
            if value.shape[1] > 60:
                self.note(f"the first 60 of {value.shape[1]} columns")
        elif kind == "series":
            part = value.iloc[start : start + limit] if hasattr(value, "iloc") else value[start : start + limit]
            index = part.index if hasattr(value, "iloc") else range(start, start + len(part))
            headers = ["", "value"]
            rows = [[self.item(at)[1], plain(self, part.iloc[n] if hasattr(part, "iloc") else part[n])] for n, at in enumerate(index)]
        elif kind == "polars":
            if full_name(self.cls).endswith("LazyFrame"):
                raise Refused("a LazyFrame has no rows before it is collected; columns tells its schema.")
            part = value.slice(start, limit)
            if hasattr(part, "columns"):
                headers = ["", *part.columns[:60]]
                rows = [[start + n, *(plain(self, item) for item in row[:60])] for n, row in enumerate(part.rows())]
            else:
                headers, rows = ["", "value"], [[start + n, plain(self, item)] for n, item in enumerate(part.to_list())]
        elif kind == "arrow":
            part = value.slice(start, limit)
            columns = [part.column(n).to_pylist() for n in range(min(part.num_columns, 60))]
            headers = ["", *part.schema.names[:60]]
            rows = [[start + n, *(plain(self, column[n]) for column in columns)] for n in range(part.num_rows)]
        elif not value.shape:
            total, headers, rows = 1, ["value"], [[self.item(value.item())[1]]]
        else:
            part = value[start : start + limit]
            headers = ["index", "value"]
            rows = [[start + n, row_text(self, part[n])] for n in range(int(part.shape[0]))]
        self.table("rows", headers, rows, start, total)

    def stats(self):
        began = clock()
        if self.kind == "array":
            rows = array_stats(self, self.value)
        elif self.kind == "tensor":
            rows = tensor_stats(self, self.value)
        elif hasattr(self.value, "isna"):
            rows = series_stats(self, self.value)
        else:
            rows = zip(("nulls", "unique", "min", "max"), polars_facts(self, self.value))
            rows = [("dtype", self.value.dtype), *rows]
        self.told["dtype"] = next((str(told) for what, told in rows if what == "dtype"), "")
        self.table("stats", ["what", "value"], [row for row in rows if row[1] != ""])
        if clock() - began > 1:
            self.note(f"the statistics took {clock() - began:.1f} s")


FUNCTIONS = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType,
)
LIBRARY_KINDS = (
    ("frame", "pandas", ("DataFrame",)),
    ("series", "pandas", ("Series", "Index", "Categorical")),
    ("polars", "polars", ("DataFrame", "LazyFrame")),
    ("series", "polars", ("Series",)),
    ("array", "numpy", ("ndarray",)),
    ("tensor", "torch", ("Tensor",)),
    ("dataset", "xarray", ("Dataset",)),
    ("arrow", "pyarrow", ("Table", "RecordBatch")),
)


def standard(name):
    found = modules.get(name)
    if found is None:
        found = __import__(name)
    return found


def static(cls, name):
    return next((dict_of(base)[name] for base in mro_of(cls) if name in dict_of(base)), None)


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
    """Where its first method stands: a class defined in a snippet knows no file of its own."""
    for found in dict_of(cls).values():
        found = found.__func__ if type(found) in (staticmethod, classmethod) else found
        # Not what an enumeration or a dataclass was given.
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
    """Public names: whether the object's own, and what stands there; no descriptor is asked."""
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
    return name if type(name) is str else bounded(name)


def plain(view, item):
    """A cell of a table: a string without quotes."""
    return cell(item[:CELL + 1]) if type(item) is str else number(item) or view.item(item)[1]


def number(value):
    if type(value) is float or type(value).__name__ in ("float64", "float32", "float16"):
        value = float(value)
        return f"{value:.6g}" if value != value or abs(value) < 1e15 and value != int(value) or abs(value) >= 1e15 else f"{value:.1f}"
    return ""


def thinned(view, length, what="rows"):
    """The step at which values are taken."""
    if length <= FULL:
        return 1
    # A prime number of rows at a time does not fall into step with data that repeats itself.
    step = next(n for n in itertools.count(max(length // SAMPLE, 2)) if all(n % d for d in range(2, int(n**0.5) + 1)))
    text = f"sampled: unique is of every {step}th of {length:,} {what}, and so is all that is not told of numbers"
    if text not in view.told["notes"]:
        view.note(text)
    return step


def pandas_facts(view, series):
    length = len(series)
    step = thinned(view, length)
    part = series.iloc[::step] if step > 1 else series
    whole = series if is_quick(series) else part
    return facts(view, whole, lambda: int(whole.isna().sum()), lambda: int(part.nunique()), lambda: whole.min(),
                 lambda: whole.max(), orderable(whole))


def is_quick(series):
    """Whether all of it can be looked at in a moment."""
    return getattr(series.dtype, "kind", "O") in "biufmM" and len(series) <= 20 * FULL


def orderable(series):
    return getattr(series.dtype, "kind", "O") in "biufcmM" and str(series.dtype) != "category"


def polars_facts(view, series):
    step = thinned(view, len(series))
    part = series.gather_every(step) if step > 1 else series
    return facts(view, part, lambda: part.null_count(), lambda: part.n_unique(), lambda: part.min(), lambda: part.max(),
                 part.dtype.is_numeric() or part.dtype.is_temporal())


def facts(view, part, nulls, unique, least, most, ordered):
    told = []
    for ask in (nulls, unique, *((least, most) if ordered and len(part) else ())):
        try:
            told.append(plain(view, ask()))
        except Exception:
            told.append("?")
    return (*told, *[""] * (4 - len(told)))


def series_stats(view, series):
    step = thinned(view, len(series), "values")
    sample = series[::step] if step > 1 and not hasattr(series, "iloc") else series.iloc[::step] if step > 1 else series
    part = series if is_quick(series) else sample
    rows = [("dtype", part.dtype)]

    def add(what, ask):
        try:
            rows.append((what, plain(view, ask())))
        except Exception:
            pass

    add("nulls", lambda: int(part.isna().sum()))
    add("unique", lambda: int(sample.nunique()))
    if hasattr(part, "dtype") and orderable(part) and len(part):
        for what in ("min", "max", "mean", "std"):
            if getattr(part.dtype, "kind", "O") in "biuf" or what in ("min", "max"):
                add(what, getattr(part, what))
    elif hasattr(part, "value_counts"):
        try:
            counts = part.value_counts().iloc[:5]
            rows.append(("most frequent", ", ".join(f"{plain(view, key)} ({count})" for key, count in counts.items())))
        except Exception:
            pass
    return rows


def array_stats(view, array):
    numpy = modules["numpy"]
    # What a subclass computes is its own affair.
    array = array.view(numpy.ndarray)
    rows = [("dtype", array.dtype), ("shape", " × ".join(str(size) for size in array.shape) or "()")]
    kind = array.dtype.kind
    if not array.size or kind not in "biufcmM":
        return rows
    part, note = array, ""
    if array.size > 10 * FULL:
        steps = [1] * array.ndim
        left = array.size
        for axis in range(array.ndim):
            want = -(-left // FULL)
            steps[axis] = max(1, min(want, array.shape[axis]))
            left = -(-left // steps[axis])
        part = array[tuple(slice(None, None, step) for step in steps)]
        view.note(f"sampled: {part.size:,} of {array.size:,} elements, evenly spaced; the statistics are of these")
    with numpy.errstate(all="ignore"):
        if kind == "b":
            return [*rows, ("true", int(part.sum())), ("false", int(part.size - part.sum()))]
        if kind in "fc":
            bad = int(numpy.isnan(part).sum())
            rows.append(("nan", bad))
            rows.append(("inf", int(numpy.isinf(part).sum())))
            if bad == part.size:
                return rows
            functions = (("min", numpy.nanmin), ("max", numpy.nanmax), ("mean", numpy.nanmean), ("std", numpy.nanstd))
            if not bad:
                functions = (("min", numpy.min), ("max", numpy.max), ("mean", numpy.mean), ("std", numpy.std))
        else:
            functions = (("min", numpy.min), ("max", numpy.max), ("mean", numpy.mean), ("std", numpy.std))
        wide = {"dtype": numpy.float64} if kind in "biuf" else {}
        for what, function in functions:
            if kind == "c" and what in ("min", "max") or kind in "mM" and what in ("mean", "std"):
                continue
            rows.append((what, plain(view, function(part, **(wide if what in ("mean", "std") else {})).item() if kind not in "mM" else str(function(part)))))
    return rows


def tensor_stats(view, tensor):
    rows = [("dtype", str(tensor.dtype).replace("torch.", "")), ("device", str(tensor.device)),
            ("shape", " × ".join(str(size) for size in tensor.shape) or "()"),
            ("requires_grad", str(bool(tensor.requires_grad)))]
    try:
        part = tensor.detach()
        if not part.numel():
            return rows
        while part.numel() > 10 * FULL and part.dim():
            step = -(-part.numel() // (10 * FULL))
            axis = max(range(part.dim()), key=lambda axis: part.shape[axis])
            part = part[(slice(None),) * axis + (slice(None, None, max(2, min(step, part.shape[axis]))),)]
        if part.numel() != tensor.numel():
            view.note(f"sampled: {part.numel():,} of {tensor.numel():,} elements, evenly spaced; the statistics are of these")
        if part.is_floating_point():
            rows.append(("nan", int(part.isnan().sum())))
        rows += [("min", plain(view, part.min().item())), ("max", plain(view, part.max().item()))]
        if not part.is_complex():
            rows += [("mean", plain(view, part.double().mean().item())), ("std", plain(view, part.double().std(correction=0).item()))]
    except Exception as error:
        view.note(f"no statistics: {type(error).__name__}: {said(error)}")
    return rows


def row_text(view, row):
    try:
        if getattr(row, "shape", None) and hasattr(row, "ravel"):
            first = row.ravel()[:8] if row.size <= 1000 else row[tuple([0] * (len(row.shape) - 1))][:8]
            return ", ".join(plain(view, item.item()) for item in first) + (", …" if row.size > 8 else "")
        if getattr(row, "shape", None):
            return view.describe(row)[1] + "  " + view.describe(row)[2]
        return plain(view, row.item() if hasattr(row, "item") else row)
    except Exception:
        return view.describe(row)[2]


def run(path, names, aspect, page, describe):
    """The one entry: ("told", dict) or ("refused", sentence)."""
    warnings = modules.get("warnings")
    try:
        if warnings is None:
            return "told", inspect_value(path, names, aspect, page, describe)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "told", inspect_value(path, names, aspect, page, describe)
    except Refused as refused:
        return "refused", str(refused)
