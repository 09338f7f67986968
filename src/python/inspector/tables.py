# Frames, series, arrays and tensors; and the entry point


def pandas_facts(view, series):
    length = len(series)
    step = thinned(view, length)
    part = series.iloc[::step] if step > 1 else series
    whole = series if is_quick(series) else part
    return facts(view, whole, lambda: int(whole.isna().sum()), lambda: estimated(unique_of(part), step), lambda: whole.min(),
                 lambda: whole.max(), orderable(whole))


def estimated(count, step):
    """Writes the count of a sample so that nobody takes it for that of all rows."""
    return count if step == 1 or count == "" else f"~{count:,} (sample)"


def unique_of(series):
    """Returns the number of different values; an empty text where `__hash__` or `__eq__` of the user would have to run."""
    return int(series.nunique()) if is_hashed_by_libraries(series) else ""


HASHED_TYPES = {"builtins", "datetime", "decimal", "fractions", "uuid", "pathlib", "numpy", "pandas"}


def is_hashed_by_libraries(series):
    series = series.cat.categories if hasattr(series, "cat") else series
    if getattr(series.dtype, "kind", "O") != "O" or str(series.dtype) in ("str", "string"):
        return True
    return all(
        cls in (str, int, float, bool, bytes, complex, type(None)) or is_library_class(cls)
        for cls in set(map(type, series))
    )


def is_library_class(cls):
    """Returns whether a class hashes its values by code of a library, and holds no values of other classes."""
    module = module_of(cls)
    root = module.split(".")[0] if type(module) is str else ""
    held = modules.get(module) if root in HASHED_TYPES else None
    is_own = held is not None and vars(held).get(name_of(cls)) is cls
    return is_own and not issubclass(cls, (tuple, frozenset))


def is_quick(series):
    """Returns whether statistics of all values are quick."""
    return getattr(series.dtype, "kind", "O") in "biufmM" and len(series) <= 20 * MAX_FULL


def orderable(series):
    return getattr(series.dtype, "kind", "O") in "biufcmM" and str(series.dtype) != "category"


def polars_facts(view, series):
    step = thinned(view, len(series))
    part = series.gather_every(step) if step > 1 else series
    is_object = str(part.dtype) == "Object"
    return facts(view, part, lambda: part.null_count(), lambda: "" if is_object else estimated(part.n_unique(), step), lambda: part.min(), lambda: part.max(),
                 part.dtype.is_numeric() or part.dtype.is_temporal())


BARS = "▁▂▃▄▅▆▇█"


def distribution(values):
    """Returns a histogram of numbers, from the least to the greatest: `█▅▂▁▁▁▁▂`."""
    values = [float(value) for value in values if type(value) in (int, float)]
    values = [value for value in values if value - value == 0]
    least, most = (min(values), max(values)) if values else (0, 0)
    if not 0 < most - least < float("inf"):
        return ""
    counts = [0] * len(BARS)
    for value in values:
        counts[min(int((value - least) / (most - least) * len(BARS)), len(BARS) - 1)] += 1
    # Every count but 0 has a bar.
    return "".join(BARS[-(-count * (len(BARS) - 1) // max(counts))] for count in counts)


def pandas_distribution(series):
    try:
        if getattr(series.dtype, "kind", "O") not in "iuf":
            return ""
        return distribution(series.iloc[:: max(len(series) // DISTRIBUTION_SAMPLE, 1)].tolist())
    except Exception:
        return ""


def polars_distribution(series):
    try:
        if not series.dtype.is_numeric():
            return ""
        return distribution(series.gather_every(max(len(series) // DISTRIBUTION_SAMPLE, 1)).to_list())
    except Exception:
        return ""


def facts(view, part, nulls, unique, least, most, ordered):
    found = []
    for ask in (nulls, unique, *((least, most) if ordered and len(part) else ())):
        try:
            found.append(plain(view, ask()))
        except Exception:
            found.append("?")
    return (*found, *[""] * (4 - len(found)))


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
    add("unique", lambda: estimated(unique_of(sample), step))
    if hasattr(part, "dtype") and orderable(part) and len(part):
        for what in ("min", "max", "mean", "std"):
            if getattr(part.dtype, "kind", "O") in "biuf" or what in ("min", "max"):
                add(what, lambda: getattr(part, what)())
    elif hasattr(part, "value_counts") and is_hashed_by_libraries(part):
        try:
            counts = part.value_counts().iloc[:5]
            rows.append(("most frequent", ", ".join(f"{plain(view, key)} ({count})" for key, count in counts.items())))
        except Exception:
            pass
    return rows


def array_stats(view, array):
    numpy = modules["numpy"]
    # As a plain array, because a subclass may compute in its own way.
    array = array.view(numpy.ndarray)
    rows = [("dtype", array.dtype), ("shape", " × ".join(str(size) for size in array.shape) or "()")]
    kind = array.dtype.kind
    if not array.size or kind not in "biufcmM":
        return rows
    part, note = array, ""
    if array.size > 10 * MAX_FULL:
        steps = [1] * array.ndim
        left = array.size
        for axis in range(array.ndim):
            want = -(-left // MAX_FULL)
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
        while part.numel() > 10 * MAX_FULL and part.dim():
            step = -(-part.numel() // (10 * MAX_FULL))
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
    """The first values of a row of an array or a tensor."""
    try:
        shape = tuple(getattr(row, "shape", ()))
        if not shape:
            return plain(view, row.item() if hasattr(row, "item") else row)
        first = row[(0,) * (len(shape) - 1)][:8]
        first = first.detach().tolist() if hasattr(first, "detach") else first.tolist()
        more = ", …" if shape != (len(first),) else ""
        return ", ".join(plain(view, item) for item in first) + more
    except Exception:
        return view.describe(row)[2]


def run(path, names, aspect, page, describe, window=None):
    """The entry point: an answer and no refusal, or no answer and the reason."""
    warnings = modules.get("warnings")
    try:
        if warnings is None:
            return inspect_value(path, names, aspect, page, describe, window), ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return inspect_value(path, names, aspect, page, describe, window), ""
    except Refused as refused:
        return None, str(refused)
