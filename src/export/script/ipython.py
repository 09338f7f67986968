
if importlib.util.find_spec("IPython") is None:
    # What shows something in a notebook does nothing here.
    class _Shown:
        def __init__(self, data=None, *arguments, **options):
            self.data = data

        def display(self, *arguments, **options):
            pass

        update = display

    class _Stub(types.ModuleType):
        __path__ = []

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return _Shown

    sys.modules["IPython"] = _Stub("IPython")
    sys.modules["IPython.display"] = sys.modules["IPython"].display = _Stub("IPython.display")
    sys.modules["IPython"].get_ipython = lambda: None
