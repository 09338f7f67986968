# The aspects of frames, series, arrays and tensors


class TableView:
    """A part of View, which has the value and its kind."""

    def columns(self, page=None):
        start = (self.page if page is None else page) * ROWS
        began = clock()
        late = False
        rows = []
        bars = ["distribution"] if page is None else []
        if self.kind == "frame":
            frame, names = self.value, list(self.value.columns[start : start + ROWS])
            total, headers = frame.shape[1], ["column", "dtype", *bars, "nulls", "unique", "min", "max", "first"]
            for number, name in enumerate(names, start):
                late = clock() - began > STATS_TIMEOUT
                series = frame.iloc[:, number]
                facts = ("", "", "", "") if late else pandas_facts(self, series)
                first = plain(self, series.iloc[0]) if len(series) else ""
                drawn = [pandas_distribution(series) if not late else ""] if bars else []
                rows.append((label(name), series.dtype, *drawn, *facts, first))
        elif self.kind == "polars":
            if full_name(self.cls).endswith("LazyFrame"):
                schema = self.value.collect_schema()
                return self.table("columns", ["column", "dtype"], list(schema.items())[start : start + ROWS], start, len(schema))
            frame = self.value if hasattr(self.value, "columns") else self.value.to_frame()
            total, headers = frame.width, ["column", "dtype", *bars, "nulls", "unique", "min", "max", "first"]
            for name in frame.columns[start : start + ROWS]:
                late = clock() - began > STATS_TIMEOUT
                series = frame.get_column(name)
                facts = ("", "", "", "") if late else polars_facts(self, series)
                drawn = [polars_distribution(series) if not late else ""] if bars else []
                rows.append((name, series.dtype, *drawn, *facts, plain(self, series[0]) if len(series) else ""))
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
            self.note(f"statistics were ended after {STATS_TIMEOUT} s; ask for single columns, such as df[\"name\"]")
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
        self.answer["dtype"] = next((str(value) for what, value in rows if what == "dtype"), "")
        self.table("stats", ["what", "value"], [row for row in rows if row[1] != ""])
        if clock() - began > 1:
            self.note(f"the statistics took {clock() - began:.1f} s")


