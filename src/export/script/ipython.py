try:
    import IPython as _ipython
except ImportError:
    # What shows something in a notebook does nothing here.
    import sys as _sys
    import types as _types

    class _Shown:
        def __init__(self, data=None, *arguments, **options):
            self.data = data

        def display(self, *arguments, **options):
            pass

        update = display

    class _Stub(_types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return _Shown

    _sys.modules["IPython"] = _ipython = _Stub("IPython")
    _sys.modules["IPython.display"] = _ipython.display = _Stub("IPython.display")
    _ipython.__path__ = []
    _ipython.get_ipython = lambda: None
