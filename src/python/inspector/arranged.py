# Sorted and filtered rows, for views that scroll

MAX_SEARCHED_COLUMNS = 200
MAX_WRITTEN_VALUES = 1_000_000  # values that are written as text to be searched
SIGNS = ("<", ">", "==", "!=", " in ", "~", "`")

# The positions of the rows last asked for, so that scrolling does not sort again. The next snippet clears them.
positions_of = {}


def arranged(view):
    """Returns the positions of the rows in the order of the window; None if they are all there in their own order."""
    window = view.window
    text = window.filter.strip() if window else ""
    if not text and (window is None or window.order is None):
        return None
    key = (view.path, window.after, window.order, text)
    held = positions_of.get(key)
    # `_` is another value in each card; other paths may make a new object at each look.
    if held is None or view.path == "_" and held[0] is not view.value:
        positions_of.clear()
        positions_of[key] = held = (view.value, arrange(view, window.order, text))
    found = held[1]
    if text:
        view.note(f"{len(found):,} of {view.length():,} rows match {text!r}")
    return found


def forget():
    positions_of.clear()


def arrange(view, order, text):
    arrangers = {"frame": arrange_pandas, "series": arrange_series, "polars": arrange_polars, "array": arrange_array,
                 "arrow": arrange_arrow, "records": arrange_records}
    arranger = arrangers.get(view.kind)
    if arranger is None:
        raise Refused(f"a {full_name(view.cls)} can be neither sorted nor filtered here.")
    try:
        return arranger(view, view.value, order, text)
    except Refused:
        raise
    except Exception as error:
        what = f"the filter {text!r} does not work" if text else "this column cannot be sorted"
        raise Refused(f"{what}: {type(error).__name__}: {said(error)}") from None


def is_comparison(text):
    return any(sign in text for sign in SIGNS)


def as_number(text):
    try:
        return float(text)
    except ValueError:
        return None


def arrange_pandas(view, frame, order, text):
    numpy = modules["numpy"]
    rows = numpy.flatnonzero(pandas_matches(frame, text)) if text else None
    if order is not None:
        column, descending = order
        series = frame.iloc[:, column]
        found = sorted_places(series if rows is None else series.iloc[rows], descending)
        rows = found if rows is None else rows[found]
    return rows


def sorted_places(series, descending):
    """Missing values come last."""
    numpy = modules["numpy"]
    if type(series.dtype).__module__.startswith("numpy") and series.dtype.kind in "biufmM":
        found = numpy.argsort(series.to_numpy(), kind="stable")
        if descending:
            missing = int(series.isna().sum())
            there = len(found) - missing
            found = numpy.concatenate((found[:there][::-1], found[there:]))
        return found
    series = series.reset_index(drop=True)
    return series.sort_values(ascending=not descending, kind="stable").index.to_numpy()


def pandas_matches(frame, text):
    numpy = modules["numpy"]
    if is_comparison(text):
        found = frame.eval(text)
        if getattr(found, "dtype", None) is None or str(found.dtype) not in ("bool", "boolean"):
            raise Refused(f"{text!r} is no comparison; write such as price > 3.")
        return (found.fillna(False) if hasattr(found, "fillna") else found).to_numpy(dtype=bool)
    found, number_sought = numpy.zeros(len(frame), dtype=bool), as_number(text)
    for column in range(min(frame.shape[1], MAX_SEARCHED_COLUMNS)):
        series = frame.iloc[:, column]
        kind = getattr(series.dtype, "kind", "O")
        if hasattr(series, "cat"):
            hits = numpy.append(contains(series.cat.categories, text), False)
            found |= hits[series.cat.codes.to_numpy()]
        elif kind == "O" or str(series.dtype) in ("str", "string"):
            found |= contains(series, text)
        elif kind in "iuf":
            if number_sought is not None:
                found |= (series == number_sought).fillna(False).to_numpy(dtype=bool)
        elif kind in "mM" and len(series) <= MAX_WRITTEN_VALUES:
            found |= contains(series.astype(str), text)
        elif kind == "b" and text.lower() in ("true", "false"):
            found |= (series == (text.lower() == "true")).fillna(False).to_numpy(dtype=bool)
    return found | contains(frame.index, text)


def contains(values, text):
    """Returns which strings contain the text; other values do not."""
    try:
        found = values.str.contains(text, case=False, regex=False, na=False)
    except (AttributeError, TypeError):
        return modules["numpy"].zeros(len(values), dtype=bool)
    return modules["numpy"].asarray(found, dtype=bool)


def arrange_series(view, series, order, text):
    if hasattr(series, "iloc"):
        return arrange_pandas(view, series.to_frame("value"), order, compared("value", text))
    if hasattr(series, "to_frame") and view.root == "polars":
        return arrange_polars(view, series.alias("value").to_frame(), order, compared("value", text))
    raise Refused(f"a {full_name(view.cls)} can be neither sorted nor filtered here.")


def compared(name, text):
    """Completes `> 3`."""
    return f"{name} {text}" if text.startswith(("<", ">", "==", "!=")) else text


def arrange_polars(view, frame, order, text):
    polars = modules["polars"]
    row = "\0row"
    name = None if order is None else frame.columns[order[0]]
    frame = frame.with_columns(polars.int_range(polars.len(), dtype=polars.UInt32).alias(row))
    if text:
        frame = frame.filter(polars_matches(polars, frame.drop(row), text))
    if name is not None:
        frame = frame.sort(name, descending=order[1], nulls_last=True, maintain_order=True)
    return frame.get_column(row)


def polars_matches(polars, frame, text):
    if is_comparison(text):
        return polars.sql_expr(text.replace("==", "=").replace("`", '"'))
    found, number_sought = polars.lit(False), as_number(text)
    for name, dtype in list(frame.schema.items())[:MAX_SEARCHED_COLUMNS]:
        column = polars.col(name)
        if dtype.is_numeric():
            if number_sought is not None:
                found |= (column == number_sought).fill_null(False)
        elif dtype in (polars.String, polars.Categorical, polars.Enum) or dtype.is_temporal():
            written = column.cast(polars.String).str.to_lowercase()
            found |= written.str.contains(text.lower(), literal=True).fill_null(False)
        elif dtype == polars.Boolean and text.lower() in ("true", "false"):
            found |= (column == (text.lower() == "true")).fill_null(False)
    return found


def arrange_array(view, array, order, text):
    numpy = modules["numpy"]
    if text:
        raise Refused("rows of arrays cannot be filtered; use a data frame for that.")
    if array.ndim > 2:
        raise Refused("arrays of more than two dimensions cannot be sorted here.")
    found = numpy.argsort(array if array.ndim == 1 else array[:, order[0]], kind="stable")
    return found[::-1] if order[1] else found


def arrange_arrow(view, table, order, text):
    compute = standard("pyarrow.compute")
    arrow = modules["pyarrow"]
    compute = sys.modules["pyarrow.compute"]
    rows = arrow.array(range(table.num_rows))
    if text:
        if is_comparison(text):
            raise Refused("tables of pyarrow are filtered by a text that a row contains, not by a comparison.")
        found = None
        for column in table.columns[:MAX_SEARCHED_COLUMNS]:
            if arrow.types.is_string(column.type) or arrow.types.is_large_string(column.type):
                here = compute.fill_null(compute.match_substring(column, text, ignore_case=True), False)
                found = here if found is None else compute.or_(found, here)
        rows = rows.filter(found) if found is not None else rows.slice(0, 0)
    if order is not None:
        part = table.column(order[0]).take(rows)
        rows = rows.take(compute.array_sort_indices(part, order="descending" if order[1] else "ascending"))
    return rows


PLAIN_TYPES = (str, int, float, bool)


def arrange_records(view, records, order, text):
    rows = range(len(records))
    if text:
        if is_comparison(text):
            raise Refused("lists of dicts are filtered by a text that a row contains, not by a comparison.")
        lower = text.lower()
        rows = [row for row in rows if type(records[row]) is dict
                and any(lower in str(value).lower() for value in records[row].values() if type(value) in PLAIN_TYPES)]
    if order is not None:
        name = view.record_names()[order[0]]

        def key(row):
            value = records[row].get(name) if type(records[row]) is dict else None
            if type(value) in (int, float, bool):
                return (0, value) if value == value else (2, 0)
            return (1, value) if type(value) is str else (2, 0)

        rows = sorted(rows, key=key, reverse=order[1])
    return rows


