# The view of a value: one answer for each aspect


class View(TableView):
    def __init__(self, value, cls, mro, page, describe, path, window):
        self.value, self.cls, self.mro, self.page, self.describe = value, cls, mro, page, describe
        self.path, self.window = path, window
        self.answer = {"tables": [], "notes": []}
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
                return "masked"
            if is_a(module, *names):
                return "lazy" if kind == "polars" and name_of(self.cls) == "LazyFrame" else kind
        if self.cls in (list, tuple) and self.value and all(type(item) is dict and item for item in self.value[:ROWS]):
            if all(type(name) is str for item in self.value[:ROWS] for name in item):
                return "records"
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
            "container": ["items"], "dataset": ["columns"], "records": ["items", "rows"], "sparse": ["stats", "rows"],
            "relation": ["columns", "rows"], "lazy": ["columns"], "dask": ["columns"], "spark": ["columns"],
        }.get(self.kind, [])
        last = ["source"] if self.kind in ("module", "class", "function", "object", "estimator") else []
        return ["overview", *first, "attributes", "repr", "doc", *last]

    def length(self):
        for base in (list, tuple, dict, set, frozenset, str, bytes, bytearray, range, *VIEWS):
            if issubclass(self.cls, base):
                try:
                    return base.__len__(self.value)
                except OverflowError:  # a range may be too long
                    return -((self.value.start - self.value.stop) // self.value.step)
        try:
            if self.kind == "container":
                return len(self.value)
            if self.kind in ("frame", "series", "polars", "array", "tensor", "arrow", "sparse"):
                return int(self.value.shape[0]) if self.value.shape else 1
            if self.kind == "relation" and self.answer.get("aspect") == "rows":
                return int(self.value.shape[0])
        except Exception:
            pass
        return None

    def note(self, text):
        self.answer["notes"].append(text)

    def span(self, limit):
        """Returns the first row to show, and how many."""
        return (self.window.start, self.window.count) if self.window else (self.page * limit, limit)

    def table(self, title, headers, rows, offset=0, total=None, more=None, **rest):
        rows = [[cell(part) for part in row] for row in rows]
        more = offset + len(rows) < total if more is None and total is not None else bool(more)
        self.answer["tables"].append(
            {"title": title, "headers": headers, "rows": rows, "offset": offset, "total": total, "has_more": more, **rest})

    def overview(self):
        self.doc(short=True)
        self.place()
        page, self.page = self.page, 0
        kind = self.kind
        if kind in ("frame", "polars", "arrow"):
            self.columns(page=page)
            self.rows(limit=5)
        elif kind == "dataset" or kind in SCHEMAS:
            self.columns(page=page)
            if kind in UNREAD:
                self.note(UNREAD[kind])
        elif kind == "figure" and self.root in ("matplotlib", "plotly"):
            describe_figure(self)
        elif kind == "estimator":
            describe_estimator(self)
        elif kind in FACTS:
            describe_facts(self)
        elif kind in ("series", "array", "tensor", "sparse"):
            self.stats()
            self.rows(limit=10)
        elif kind in ("container", "records"):
            self.items(limit=20)
        elif kind == "text":
            self.repr(limit=1_000)
        elif kind == "object" and self.root not in LIBRARIES:
            self.attributes(limit=30)
            if has_own_repr(self.mro):
                self.note('`__repr__` not called (it is user code); what="repr" calls it')
        elif kind in ("module", "class", "figure"):
            self.attributes(limit=30)
        elif kind != "function":
            self.repr(limit=2_000)

    # Text

    def doc(self, short=False):
        owner = self.value if self.kind in ("module", "class", "function") else self.cls
        if self.kind == "module":
            doc = object.__getattribute__(owner, "__dict__").get("__doc__")
        elif self.kind != "function":
            # A descriptor could run user code.
            doc = doc_of(owner) if type(dict_of(owner).get("__doc__")) is str else None
        else:
            doc = getattr(owner, "__doc__", None)
        if type(doc) is not str:
            doc = None
        text = clean(doc) if doc else ""
        if short:
            # The documentation of a standard type says nothing about a value.
            if text and self.kind in ("module", "class", "function", "object") and self.root != "builtins" or self.kind in ("class", "function"):
                if text:
                    self.answer["doc"] = text if len(text) <= 1_500 else text[:1_500] + "…"
        else:
            self.text(text or "(no documentation)")

    def text(self, text, total=None):
        start = self.page * TEXT
        total = len(text) if total is None else total
        self.answer["text"] = {"text": text[start : start + TEXT], "offset": start, "total": total,
                             "has_more": start + TEXT < total}

    def repr(self, limit=TEXT):
        value, start = self.value, self.page * limit
        base = next((base for base in (str, bytes, bytearray) if self.cls is base), None)
        if base:
            piece = base.__getitem__(value, slice(start, start + limit))
            total = base.__len__(value)
            text = piece if base is str else repr(piece)
            self.answer["text"] = {"text": text, "offset": start, "total": total, "has_more": start + limit < total}
            return
        if self.cls in (list, tuple, dict, set, frozenset):
            return self.repr_in_pieces(start, limit)
        try:
            text = self.whole_repr(value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.answer["text"] = {"text": f"<its repr raised {type(error).__name__}: {said(error)}>", "total": None}
            return
        self.answer["text"] = {"text": text[start : start + limit], "offset": start, "total": len(text),
                             "has_more": start + limit < len(text)}

    def whole_repr(self, value):
        if self.cls is int and int.bit_length(value) > 14_000:
            return f"<int of {int.bit_length(value)} bits>"
        if self.kind == "array" and "numpy" in modules:
            with modules["numpy"].printoptions(threshold=1000):
                return repr(value)
        if self.kind in ("frame", "series") and hasattr(value, "iloc") and len(value) > 60:
            self.note("the first 60 rows; rows pages through all")
            return repr(value.iloc[:60])
        text = repr(value)
        return text if type(text) is str else str.__str__(text)

    def repr_in_pieces(self, start, limit):
        """Writes no more of the repr than the page needs, and at most MAX_SCANNED characters."""
        opening, closing = {list: "[]", tuple: "()", dict: "{}", set: "{}", frozenset: ("frozenset({", "})")}[self.cls]
        if not len(self.value):
            return self.text(repr(self.value))
        out, seen = [], 0
        end = start + limit

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
                out.append(piece[max(start - seen, 0) : end - seen])
            seen += len(piece)
            if seen > end or seen > MAX_SCANNED:
                whole = False
                break
        if not whole and not out:
            self.note(f"only the first {MAX_SCANNED:,} characters are written out; items pages through all")
        self.answer["text"] = {"text": "".join(out), "offset": start, "total": seen if whole else None,
                             "has_more": not whole and bool(out)}

    def place(self):
        """Adds signature, file and line."""
        value = self.value
        if self.kind not in ("function", "class", "module", "object"):
            return
        # `inspect` would run the metaclass's code.
        if self.kind == "class" and static(self.cls, "__getattribute__") is not dict_of(type)["__getattribute__"]:
            return
        inspect = standard("inspect")
        if self.kind in ("function", "class"):
            try:
                self.answer["signature"] = cell_wide(f"{name_of(value) if self.kind == 'class' else getattr(value, '__name__', '')}{inspect.signature(value)}")
            except Exception:
                pass
        owner = self.cls if self.kind in OBJECTS else value
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
            self.answer["place"] = f"{file}:{line}" if line else file

    def source(self):
        inspect, linecache = standard("inspect"), standard("linecache")
        owner = self.cls if self.kind in OBJECTS else self.value
        before = set(linecache.cache)
        self.place()
        try:
            source = inspect.getsource(owner)
        except Exception:
            raise Refused(f"there is no Python source of {full_name(self.cls) if self.kind in OBJECTS else getattr(owner, '__name__', 'it')}; "
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
        start, limit = self.span(limit)
        total, rows = len(rows), rows[start : start + limit]
        steps = ["" if row[2] == "(not set)" else step_to_attribute(row[0]) for row in rows]
        self.table("attributes", ["name", "type", "value"], rows, start, total, steps=steps)

    def own_attributes(self):
        return own_attributes_of(self.value)

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
        value = self.value
        start, limit = self.span(limit)
        total = self.length()
        rows = []
        if issubclass(self.cls, SEQUENCES) or self.cls is range:
            base = next(base for base in (*SEQUENCES, range) if issubclass(self.cls, base))
            page = base.__getitem__(value, slice(start, start + limit))
            rows = [(number, *self.item(item)) for number, item in enumerate(page, start)]
            steps = [f"[{start + number}]" for number in range(len(rows))]
            headers = ["index", "type", "value"]
        elif issubclass(self.cls, dict):
            page = list(itertools.islice(dict.items(value), start, start + limit))
            rows = [(self.item(key)[1], *self.item(item)) for key, item in page]
            steps = [step_to(key) or f"list({{}}.values())[{place}]" for place, (key, _) in enumerate(page, start)]
            headers = ["key", "type", "value"]
        else:
            page = list(itertools.islice(items_of(self.cls, value), start, start + limit))
            rows = [(number, *self.item(item)) for number, item in enumerate(page, start)]
            step = "list({{}})[{}]" if issubclass(self.cls, (set, frozenset, *VIEWS)) else "[{}]"
            steps = [step.format(start + number) for number in range(len(rows))]
            headers = ["", "type", "value"]
        self.table("items", headers, rows, start, total, steps=steps)

    def item(self, item):
        kind, shape, preview, _ = self.describe(item)
        big = shape and type(item) not in (str, bytes, list, tuple, dict, set, frozenset, int, float)
        return kind, f"{shape}  {preview}" if big else preview


FUNCTIONS = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType,
)
OBJECTS = ("object", "estimator")  # whose class has the source
LIBRARY_KINDS = (
    ("frame", "pandas", ("DataFrame",)),
    ("series", "pandas", ("Series", "Index", "Categorical")),
    ("polars", "polars", ("DataFrame", "LazyFrame")),
    ("series", "polars", ("Series",)),
    ("array", "numpy", ("ndarray",)),
    ("tensor", "torch", ("Tensor",)),
    ("dataset", "xarray", ("Dataset",)),
    ("arrow", "pyarrow", ("Table", "RecordBatch")),
    ("sparse", "scipy.sparse", ("spmatrix", "sparray")),
    ("relation", "duckdb", ("DuckDBPyRelation",)),
    ("dask", "dask.dataframe", ("DataFrame",)),
    ("chunked", "dask.array", ("Array",)),
    ("labelled", "xarray", ("DataArray",)),
    ("picture", "PIL.Image", ("Image",)),
    ("graph", "networkx", ("Graph",)),
    ("spark", "pyspark.sql", ("DataFrame",)),
    ("estimator", "sklearn.base", ("BaseEstimator",)),
    ("figure", "matplotlib.figure", ("Figure",)),
    ("figure", "plotly.basedatatypes", ("BaseFigure",)),
)


