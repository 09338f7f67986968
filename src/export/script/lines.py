

class _Lines(list):
    """The lines that a command wrote, with IPython's ways to look at them."""

    l = list = property(lambda self: self)
    n = nlstr = property("\n".join)
    s = spstr = property(" ".join)

    @property
    def p(self):
        from pathlib import Path

        return [Path(line) for line in self]

    def grep(self, pattern):
        import re

        return _Lines(line for line in self if re.search(pattern, line))

    def fields(self, *columns):
        rows = [line.split() for line in self]
        if not columns:
            return rows
        return _Lines(" ".join(row[c] for c in columns if c < len(row)) for row in rows)
