"""`exit` and `quit` of a session: code cannot end the session, and a message says so."""

import sys


class Exit:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"{self.name}() ends this snippet only.\nIn the dashboard, Ctrl-D ends the session."

    def __call__(self, code=None):
        # Scripts that a snippet runs end as usual.
        if sys._getframe(1).f_code.co_filename.startswith("<snippet "):
            print(repr(self))
        raise SystemExit(code)


EXITS = {name: Exit(name) for name in ("exit", "quit")}
