"""Patches of modules that display things, applied when these are imported. A part of forms.py's namespace."""

def patch_ipython(module):
    module.display = display
    module.publish_display_data = publish_display_data
    module.clear_output = clear_output


def session_shell(otherwise):
    """Returns a `get_ipython` that gives user code the session's shell, and libraries what they get without IPython."""

    def get_ipython():
        file = sys._getframe(1).f_code.co_filename
        if file.startswith("<snippet "):
            import builtins

            return builtins.get_ipython(True)
        return otherwise()

    return get_ipython


def patch_getipython(module):
    module.get_ipython = session_shell(module.get_ipython)


def patch_numba(module):
    """Lets functions of snippets be cached as those of notebooks are: by their source."""

    # Older versions have another name for the class.
    notebook = getattr(module, "IPythonCacheLocator", None) or module._IPythonCacheLocator

    class SnippetCacheLocator(notebook):
        def get_cache_path(self):
            import os

            cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
            return os.path.join(cache, "fourhands", "numba_cache")

        @classmethod
        def from_function(cls, py_func, py_file):
            return super().from_function(py_func, py_file.replace("<snippet ", "<ipython-", 1))

    module.CacheImpl._locator_classes.append(SnippetCacheLocator)


def patch_pyviz(module):
    """Keeps holoviews, hvplot and panel from asking IPython's shell, which they take any builtin `get_ipython` for."""
    module._in_ipython = False


def patch_tqdm_notebook(module):
    """Bars of notebooks need a browser, so they are drawn as text."""
    from tqdm.std import tqdm, trange

    module.tqdm_notebook = module.tqdm = tqdm
    module.tnrange = module.trange = trange


PATCHES = {
    "asyncio.events": lambda module: engine.patch_events(module),
    "matplotlib.pyplot": patch_pyplot,
    "IPython.core.display_functions": patch_ipython,
    "IPython.core.getipython": patch_getipython,
    "numba.core.caching": patch_numba,
    "plotly.io._renderers": patch_plotly,
    "pyviz_comms": patch_pyviz,
    "tqdm.notebook": patch_tqdm_notebook,
    "rich.console": patch_rich,
    "click._compat": patch_click,
    "click._termui_impl": patch_click_bars,
    "_pytest._io.terminalwriter": patch_pytest,
    "loguru._colorama": patch_loguru,
    "termcolor.termcolor": patch_termcolor,
    "colorama.ansitowin32": patch_colorama,
}


def find(watcher, name, path, target):
    """Returns the spec of the other finders for a module, which is patched once it is loaded."""
    for finder in sys.meta_path:
        find_spec = None if finder is watcher else getattr(finder, "find_spec", None)
        spec = find_spec(name, path, target) if find_spec else None
        if spec is not None:
            break
    else:
        return stand_in(name)
    patch, loader = PATCHES.get(name), spec.loader
    execute = getattr(loader, "exec_module", None)
    if patch is None or execute is None:
        return spec

    def exec_module(module):
        execute(module)
        try:
            patch(module)
        except Exception as error:
            complain(f"what {name} shows may not be seen as it should: {reason(error)}")

    try:
        loader.exec_module = exec_module
    except AttributeError:
        pass
    return spec


def stand_in(name):
    """Returns the spec of a small IPython.display, for code that imports it without IPython."""
    if name == "IPython" and not wants_display():
        return None
    from importlib.machinery import ModuleSpec

    return ModuleSpec(name, StandIn, origin="fourhands", is_package=name == "IPython")


def wants_display():
    """Returns whether a snippet imports IPython, or any code its display. Other code only checks whether IPython is there."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            if str(frame.f_locals.get("name")).startswith("IPython.display"):
                return True
        elif file != __file__:
            return file.startswith("<snippet ")
        frame = frame.f_back
    return False


class StandIn:
    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        if module.__name__ == "IPython":
            module.get_ipython = session_shell(lambda: None)
            module.version_info = (0, 0, 0)
            module.__version__ = "0.0.0"
        else:
            exec(compile(engine.stand_in_source(), __file__, "exec"), module.__dict__)
            vars(module).update(
                display=display, publish_display_data=publish_display_data, update_display=update_display,
                clear_output=clear_output, DisplayHandle=DisplayHandle,
            )
        if module.__name__ == "IPython.display":
            sys.modules["IPython"].display = display
