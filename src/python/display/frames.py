"""Data frames and arrays as readable text: shape, types, first and last rows."""

import sys

MAX_ROWS = 30
# Rows at either end of a longer frame.
END_ROWS = 5
MAX_COLUMNS = 30
WIDTH = 120
MAX_CELL = 60
# Items of an array that is shown in full.
MAX_ITEMS = 200
# Characters of the list of types.
MAX_TYPES = 1_000
# Columns up to which a list of one single type names them, although the table has the names too.
MAX_NAMED_COLUMNS = 8


def is_frame(value):
    """Returns whether only the text of a value is shown, because a table of HTML says no more."""
    cls = type(value)
    package = cls.__module__.partition(".")[0]
    module = sys.modules.get(package)
    names = {"numpy": ("ndarray",), "pandas": ("DataFrame",), "polars": ("DataFrame", "Series", "LazyFrame")}.get(package, ())
    return any(cls is getattr(module, name, None) for name in names)


def text(value):
    """Returns the text; None if Python's own is as good, or the user has set display options."""
    cls = type(value)
    package = cls.__module__.partition(".")[0]
    module = sys.modules.get(package)
    if module is None:
        return None
    if package == "pandas" and cls is getattr(module, "DataFrame", None):
        return pandas_frame(value, module)
    if package == "polars" and cls is getattr(module, "DataFrame", None):
        return polars_frame(value, module)
    if package == "numpy" and cls is getattr(module, "ndarray", None):
        return numpy_array(value, module)
    return None


def count(n, what):
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def types(columns):
    """Returns the types with their columns: `int64: a, b; object: c`."""
    groups = {}
    for name, dtype in columns:
        groups.setdefault(str(dtype), []).append(str(name)[:MAX_CELL])
    if len(groups) == 1 and MAX_NAMED_COLUMNS < sum(map(len, groups.values())) <= MAX_COLUMNS:
        return f"types: all {', '.join(groups)}"
    parts, room = [], MAX_TYPES
    for dtype, names in groups.items():
        shown = []
        for name in names:
            room -= len(name) + 2
            if room < 0:
                break
            shown.append(name)
        rest = len(names) - len(shown)
        more = [f"{rest:,} more"] if rest else []
        parts.append(f"{dtype}: " + ", ".join(shown + more))
        if room < -MAX_TYPES:
            parts.append("...")
            break
    return "types: " + "; ".join(parts)


def pandas_frame(frame, pandas):
    options = {name: pandas.get_option("display." + name) for name in ("max_rows", "min_rows", "max_colwidth", "width")}
    columns = pandas.get_option("display.max_columns")
    if options != {"max_rows": 60, "min_rows": 10, "max_colwidth": 50, "width": 80} or columns not in (0, 20):
        return None
    rows, width = frame.shape
    head = f"DataFrame: {count(rows, 'row')} x {count(width, 'column')}"
    if not rows or not width:
        names = types(zip(frame.columns, frame.dtypes)) if width else ""
        return f"{head}\n{names}".rstrip()
    # Wide characters take two cells of a terminal.
    with pandas.option_context("display.unicode.east_asian_width", True):
        body = frame.to_string(
            max_rows=MAX_ROWS, min_rows=2 * END_ROWS, max_cols=MAX_COLUMNS, line_width=WIDTH, max_colwidth=MAX_CELL, show_dimensions=False
        )
    return f"{head}\n{body}\n{types(zip(frame.columns, frame.dtypes))}"


def polars_frame(frame, polars):
    chosen = polars.Config.state(if_set=True)
    if any(value is not None and name.startswith(("POLARS_FMT", "POLARS_TABLE")) for name, value in chosen.items()):
        return None
    rows, width = frame.shape
    shape = dict(tbl_hide_dataframe_shape=True, tbl_formatting="ASCII_MARKDOWN", tbl_hide_dtype_separator=True)
    room = dict(tbl_rows=MAX_ROWS if rows <= MAX_ROWS else 2 * END_ROWS, tbl_cols=MAX_COLUMNS, fmt_str_lengths=MAX_CELL)
    with polars.Config(tbl_width_chars=10_000, **shape, **room):
        body = str(frame)
    return f"DataFrame: {count(rows, 'row')} x {count(width, 'column')}\n{body}"


# First and last rows and columns of a preview, and characters of a cell.
PREVIEW_HEAD = 20
PREVIEW_TAIL = 5
PREVIEW_COLUMNS = 60
PREVIEW_CELL = 40


def cells(value):
    """Returns some cells of a data frame, from which a table of any width is made; None if there are none."""
    cls = type(value)
    package = cls.__module__.partition(".")[0]
    module = sys.modules.get(package)
    if package not in ("pandas", "polars") or cls is not getattr(module, "DataFrame", None):
        return None
    try:
        rows, width = value.shape
        if not rows or not width:
            return None
        head = rows if rows <= MAX_ROWS else PREVIEW_HEAD
        return (pandas_cells if package == "pandas" else polars_cells)(value, module, rows, width, head)
    except Exception:
        return None


def label(name):
    return name if type(name) is str else " / ".join(map(str, name)) if type(name) is tuple else str(name)


def pandas_cells(frame, pandas, rows, width, head):
    from pandas.io.formats.format import DataFrameFormatter

    at = list(range(head)) + list(range(max(head, rows - PREVIEW_TAIL), rows))
    part = frame.iloc[at, :PREVIEW_COLUMNS]
    with pandas.option_context("display.max_colwidth", PREVIEW_CELL):
        columns = DataFrameFormatter(part).get_strcols()
    index, *columns = [[cell.strip() for cell in column[-len(at):]] for column in columns]
    names = [label(name) for name in part.columns]
    if len(columns) != len(names):
        return None
    corner = " / ".join(str(name) for name in part.index.names if name is not None)
    return rows, width, corner, index, names, list(zip(*columns)), head


def polars_cells(frame, polars, rows, width, head):
    part = frame[:, :PREVIEW_COLUMNS]
    if head < rows:
        part = polars.concat([part.head(head), part.tail(PREVIEW_TAIL)])

    def shown(value):
        if type(value) is float:
            return f"{value:.6g}" if value % 1 else f"{value:.1f}"
        return "null" if value is None else str(value)

    found = [[shown(value) for value in row] for row in part.rows()]
    return rows, width, "", [], [name[:PREVIEW_CELL] for name in part.columns], found, head


def numpy_array(array, numpy):
    options = numpy.get_printoptions()
    if array.size <= MAX_ITEMS or options["threshold"] != 1000 or options["edgeitems"] != 3:
        return None
    ends = END_ROWS if array.ndim == 1 else 3
    body = numpy.array2string(array, threshold=MAX_ITEMS, edgeitems=ends, max_line_width=WIDTH, separator=", ")
    return f"ndarray of shape {array.shape}, {array.dtype}\n{body}"
