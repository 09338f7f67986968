# The aspects of frames, series, arrays and tensors

WIDE = 60  # columns of a table of rows


def as_list(numbers):
    """Returns numbers of any library as plain ones."""
    for name in ("to_pylist", "tolist", "to_list"):
        if hasattr(numbers, name):
            return getattr(numbers, name)()
    return list(numbers)


def step_to_column(kind, name, number):
    if kind == "frame" and not is_literal(name):
        return f".iloc[:, {number}]"
    return step_to(name)


class TableView:
    """A part of View, which has the value and its kind."""

    def columns(self, page=None):
        start, limit = self.span(ROWS) if page is None else (page * ROWS, ROWS)
        end = start + limit
        began = clock()
        late = False
        rows = []
        bars = ["distribution"] if page is None else []
        if self.kind == "frame":
            frame, names = self.value, list(self.value.columns[start:end])
            total, headers = frame.shape[1], ["column", "dtype", *bars, "nulls", "unique", "min", "max", "first"]
            for number, name in enumerate(names, start):
                late = clock() - began > STATS_TIMEOUT
                series = frame.iloc[:, number]
                facts = ("", "", "", "") if late else pandas_facts(self, series)
                first = plain(self, series.iloc[0]) if len(series) else ""
                drawn = [pandas_distribution(series) if not late else ""] if bars else []
                rows.append((label(name), series.dtype, *drawn, *facts, first))
        elif self.kind == "polars":
            frame = self.value if hasattr(self.value, "columns") else self.value.to_frame()
            total, headers = frame.width, ["column", "dtype", *bars, "nulls", "unique", "min", "max", "first"]
            for name in frame.columns[start:end]:
                late = clock() - began > STATS_TIMEOUT
                series = frame.get_column(name)
                facts = ("", "", "", "") if late else polars_facts(self, series)
                drawn = [polars_distribution(series) if not late else ""] if bars else []
                rows.append((name, series.dtype, *drawn, *facts, plain(self, series[0]) if len(series) else ""))
        elif self.kind == "dataset":
            variables = list(self.value.variables.items())
            total, headers = len(variables), ["variable", "dtype", "dims", "shape"]
            rows = [(name, held.dtype, ", ".join(str(dim) for dim in held.dims), "×".join(str(size) for size in held.shape))
                    for name, held in variables[start:end]]
        elif self.kind in SCHEMAS:
            schema = SCHEMAS[self.kind](self.value)
            total, headers, rows = len(schema), ["column", "dtype"], schema[start:end]
        else:
            table = self.value
            total, headers = table.num_columns, ["column", "dtype", "nulls"]
            rows = [(name, table.column(number).type, table.column(number).null_count)
                    for number, name in list(enumerate(table.schema.names))[start:end]]
        if late:
            self.note(f"statistics were ended after {STATS_TIMEOUT} s; ask for single columns, such as df[\"name\"]")
        steps = [step_to_column(self.kind, name, number) for number, (name, *_) in enumerate(rows, start)]
        if self.kind == "frame":
            steps = [step_to_column(self.kind, name, number) for number, name in enumerate(names, start)]
            if not self.value.columns.is_unique:
                steps = [f".iloc[:, {start + number}]" for number in range(len(steps))]
        self.table("columns" if self.kind != "dataset" else "variables", headers, rows, start, total, steps=steps)

    def rows(self, limit=ROWS):
        start, limit = self.span(limit)
        order = arranged(self)
        total = self.length() if order is None else len(order)
        start = min(start, total or 0)
        if order is None:
            places = range(start, max(start, min(start + limit, total)))
        else:
            places = as_list(order[start : start + limit])
        first = self.window.first_column if self.window else 0
        headers, rows, steps, rest = self.row_readers[self.kind](self, places, first)
        self.table("rows", headers, rows, start, total, steps=steps, first_column=first, **rest)

    def chosen(self, places):
        """Returns the places as an index: a slice where they follow each other."""
        return slice(places.start, places.stop) if type(places) is range else places

    def frame_rows(self, places, first):
        part = self.value.iloc[self.chosen(places), first : first + WIDE]
        columns = [list(part.iloc[:, number]) for number in range(part.shape[1])]
        rows = [[self.row_label(index), *(plain(self, column[n]) for column in columns)] for n, index in enumerate(part.index)]
        if self.value.shape[1] > WIDE and not self.window:
            self.note(f"the first {WIDE} of {self.value.shape[1]} columns")
        names = self.value.index.names
        corner = " / ".join(label(name) for name in names if name is not None)
        dtypes = ["", *map(str, part.dtypes)]
        headers = [corner if self.window else "", *map(label, part.columns)]
        return headers, rows, [f".iloc[{place}]" for place in places], {"dtypes": dtypes, "columns": self.value.shape[1]}

    def row_label(self, index):
        """For a person without quotes."""
        return plain(self, index) if self.window else self.item(index)[1]

    def series_rows(self, places, first):
        value, chosen = self.value, self.chosen(places)
        if hasattr(value, "iloc"):
            part = value.iloc[chosen]
            index, step = part.index, ".iloc[{}]"
        else:
            part, index, step = value[chosen], places, "[{}]"
        rows = [[self.row_label(at), plain(self, item)] for at, item in zip(index, part)]
        return ["", "value"], rows, [step.format(place) for place in places], {"dtypes": ["", str(value.dtype)]}

    def polars_rows(self, places, first):
        part = self.value.slice(places.start, len(places)) if type(places) is range else self.value[places]
        if not hasattr(part, "columns"):
            return ["", "value"], [[place, plain(self, item)] for place, item in zip(places, part.to_list())], [], {}
        part = part[:, first : first + WIDE]
        rows = [[place, *(plain(self, item) for item in row)] for place, row in zip(places, part.rows())]
        dtypes = ["", *map(str, part.dtypes)]
        return ["", *part.columns], rows, [f"[{place}]" for place in places], {"dtypes": dtypes, "columns": self.value.width}

    def arrow_rows(self, places, first):
        table = self.value
        part = table.slice(places.start, len(places)) if type(places) is range else table.take(places)
        numbers = range(first, min(first + WIDE, part.num_columns))
        columns = [part.column(number).to_pylist() for number in numbers]
        rows = [[place, *(plain(self, column[n]) for column in columns)] for n, place in enumerate(places)]
        names, types = part.schema.names, part.schema.types
        rest = {"dtypes": ["", *(str(types[number]) for number in numbers)], "columns": table.num_columns}
        return ["", *(names[number] for number in numbers)], rows, [], rest

    def array_rows(self, places, first):
        value = self.value
        if not value.shape:
            return ["", "value"], [["", plain(self, value.item())]], [], {}
        part = value[self.chosen(places)]
        steps = [f"[{place}]" for place in places]
        if self.window and len(value.shape) == 2:
            part = part[:, first : first + WIDE]
            part = part.detach().cpu() if self.kind == "tensor" else part
            rows = [[place, *(plain(self, item) for item in row)] for place, row in zip(places, part.tolist())]
            headers = ["", *map(str, range(first, first + int(part.shape[1])))]
            return headers, rows, steps, {"columns": int(value.shape[1])}
        rows = [[place, row_text(self, part[n])] for n, place in enumerate(places)]
        return ["index", "value"], rows, steps, {}

    def record_rows(self, places, first):
        names = self.record_names()
        shown = names[first : first + WIDE]

        def read(record, name):
            return plain(self, record[name]) if type(record) is dict and name in record else ""

        rows = [[place, *(read(self.value[place], name) for name in shown)] for place in places]
        return ["", *shown], rows, [f"[{place}]" for place in places], {"columns": len(names)}

    def record_names(self):
        """Returns the keys of the first dicts of a list, in order; the columns of its rows."""
        return list(dict.fromkeys(name for record in self.value[:ROWS] if type(record) is dict for name in record))

    row_readers = {
        "frame": frame_rows, "series": series_rows, "polars": polars_rows, "arrow": arrow_rows, "array": array_rows,
        "tensor": array_rows, "records": record_rows,
    }

    def stats(self):
        began = clock()
        if self.kind == "array":
            rows = array_stats(self, self.value)
        elif self.kind == "tensor":
            rows = tensor_stats(self, self.value)
        elif self.kind == "sparse":
            rows = sparse_stats(self, self.value)
        elif hasattr(self.value, "isna"):
            rows = series_stats(self, self.value)
        else:
            rows = zip(("nulls", "unique", "min", "max"), polars_facts(self, self.value))
            rows = [("dtype", self.value.dtype), *rows]
        self.answer["dtype"] = next((str(value) for what, value in rows if what == "dtype"), "")
        self.table("stats", ["what", "value"], [row for row in rows if row[1] != ""])
        if clock() - began > 1:
            self.note(f"the statistics took {clock() - began:.1f} s")


