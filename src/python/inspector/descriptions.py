# What matters of sparse matrices, lazy frames, estimators and figures


def lazy_schema(frame):
    return list(frame.collect_schema().items())


def relation_schema(relation):
    return list(zip(relation.columns, relation.types))


def dask_schema(frame):
    return list(zip(frame.columns, frame.dtypes))


def spark_schema(frame):
    return frame.dtypes


# Frames of which only the columns are known before something is computed.
SCHEMAS = {"lazy": lazy_schema, "relation": relation_schema, "dask": dask_schema, "spark": spark_schema}
UNREAD = {
    "lazy": "a LazyFrame has no rows before it is collected",
    "relation": "rows runs the query",
    "dask": "a Dask frame has no rows before it is computed",
    "spark": "a Spark frame has no rows before an action collects them",
}


def relation_rows(view, places, first):
    found = view.value.limit(len(places), offset=places.start).fetchall()
    rows = [[place, *(plain(view, item) for item in row[first : first + WIDE])] for place, row in zip(places, found)]
    names, dtypes = view.value.columns[first : first + WIDE], view.value.types[first : first + WIDE]
    return ["", *names], rows, [], {"dtypes": ["", *map(str, dtypes)], "columns": len(view.value.columns)}


TableView.row_readers["relation"] = relation_rows


def sparse_stats(view, matrix):
    rows, columns = matrix.shape[0], matrix.shape[1] if len(matrix.shape) > 1 else 1
    found = [("dtype", matrix.dtype), ("format", matrix.format), ("shape", " × ".join(map(str, matrix.shape))),
             ("stored", f"{matrix.nnz:,}"), ("density", f"{matrix.nnz / max(rows * columns, 1):.4%}")]
    data = getattr(matrix, "data", None)
    if type(data).__name__ == "ndarray" and data.dtype.kind in "biuf" and data.size:
        found += [("min stored", plain(view, data.min().item())), ("max stored", plain(view, data.max().item()))]
    return found


def sparse_rows(view, places, first):
    """Each row with its stored values by column."""
    matrix = view.value
    if matrix.format not in ("csr", "csc", "lil", "dok"):
        if matrix.nnz > 10 * MAX_FULL:
            raise Refused(f"the rows of a large matrix in {matrix.format} format are not shown; convert it with .tocsr().")
        matrix = matrix.tocsr()
    part = matrix[places.start : places.stop].tocsr()

    def stored(n):
        begin, end = int(part.indptr[n]), int(part.indptr[n + 1])
        shown = [f"{int(part.indices[at])}: {plain(view, part.data[at].item())}" for at in range(begin, min(end, begin + 8))]
        return ", ".join(shown) + (", …" if end - begin > 8 else "")

    rows = [[place, int(part.indptr[n + 1] - part.indptr[n]), stored(n)] for n, place in enumerate(places)]
    return ["row", "stored", "column: value"], rows, [f"[{place}]" for place in places], {}


TableView.row_readers["sparse"] = sparse_rows


def describe_estimator(view):
    """Parameters and fitted attributes, read without calling the estimator."""
    own = view.own_attributes()
    init = static(view.cls, "__init__")
    code = getattr(init, "__code__", None) if type(init) is types.FunctionType else None
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code else ()
    fitted = [name for name in own if type(name) is str and name.endswith("_") and not name.startswith("_")]
    for title, names in (("parameters", [name for name in names if name in own]), ("fitted", fitted)):
        if names:
            rows = [(name, *view.item(own[name])) for name in names]
            view.table(title, ["name", "type", "value"], rows, 0, len(rows), steps=[f".{name}" for name in names])
    if not fitted and not any(is_fitted(part) for part in parts_of(own)):
        view.note("not fitted yet")


def parts_of(own):
    """The estimators of a pipeline or a union, which is fitted when they are."""
    for name in ("steps", "transformer_list", "transformers", "estimators"):
        if type(own.get(name)) is list:
            return [part for step in own[name] if type(step) in (list, tuple) for part in step]
    return []


def is_fitted(estimator):
    own = own_attributes_of(estimator)
    fitted = any(type(name) is str and name.endswith("_") and not name.startswith("_") for name in own)
    return fitted or any(is_fitted(part) for part in parts_of(own))


# Values of other libraries: what their size and type is, as their own attributes say


def chunked_facts(array):
    return {"dtype": array.dtype, "shape": times(array.shape), "chunks": times(array.chunksize), "partitions": array.npartitions}


def labelled_facts(array):
    return {"dtype": array.dtype, "shape": times(array.shape), "dimensions": ", ".join(map(str, array.dims)),
            "coordinates": ", ".join(map(str, array.coords)), "name": array.name}


def masked_facts(array):
    numpy = modules["numpy"]
    return {"dtype": array.dtype, "shape": times(array.shape), "masked": int(numpy.ma.getmaskarray(array).sum())}


def picture_facts(picture):
    return {"size": times(picture.size), "mode": picture.mode, "format": picture.format}


def graph_facts(graph):
    kind = ("multi-" if graph.is_multigraph() else "") + ("directed" if graph.is_directed() else "undirected")
    return {"nodes": graph.number_of_nodes(), "edges": graph.number_of_edges(), "kind": kind}


def times(sizes):
    return " × ".join(map(str, sizes)) or "()"


FACTS = {
    "chunked": chunked_facts, "labelled": labelled_facts, "masked": masked_facts, "picture": picture_facts,
    "graph": graph_facts,
}


def describe_facts(view):
    found = FACTS[view.kind](view.value)
    rows = [(what, plain(view, value) if type(value) in (int, str) else str(value)) for what, value in found.items() if value is not None]
    view.table("facts", ["what", "value"], rows, 0, len(rows))


def describe_figure(view):
    if view.root == "matplotlib":
        figure = view.value
        width, height = figure.get_size_inches()
        view.note(f"{width:g} × {height:g} inches at {figure.dpi:g} dpi")
        rows = [(n, axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), len(axes.lines), len(axes.collections), len(axes.patches))
                for n, axes in enumerate(figure.axes)]
        headers = ["axes", "title", "x", "y", "lines", "collections", "patches"]
        view.table("axes", headers, rows, 0, len(rows), steps=[f".axes[{n}]" for n in range(len(rows))])
    elif view.root == "plotly":
        rows = []
        for n, trace in enumerate(view.value.data):
            points = next((len(trace[name]) for name in ("x", "y", "values", "z") if name in trace and trace[name] is not None), "")
            rows.append((n, trace.type, trace.name or "", points))
        view.table("traces", ["trace", "type", "name", "points"], rows, 0, len(rows), steps=[f".data[{n}]" for n in range(len(rows))])


