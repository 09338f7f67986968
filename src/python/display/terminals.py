"""Colours and live displays of libraries, in the person's card. A part of forms.py's namespace.

These libraries ask whether they write to a terminal. `isatty` says no, so that nobody waits for keys or moves the cursor
anywhere. FORCE_COLOR and its like would say yes for every file and every child process: escape sequences would get into
files, pipes and strings. So each library learns of the card alone, and the person's NO_COLOR, FORCE_COLOR, PY_COLORS and
TTY_COMPATIBLE decide as ever."""


def patch_rich(module):
    import os
    from collections.abc import Mapping

    # The console asks what the shell is; the builtin answers only to code of the user.
    module.get_ipython = lambda: None

    class WithoutSize(Mapping):
        """The environment without the size of the card, which a console would keep for ever."""

        def __getitem__(self, name):
            if name in ("COLUMNS", "LINES") and is_size_of_card(name, os.environ[name]):
                raise KeyError(name)
            return os.environ[name]

        def __iter__(self):
            return (name for name in os.environ if name in self)

        def __len__(self):
            return sum(1 for _ in self)

    def is_size_of_card(name, value):
        columns, lines = os.get_terminal_size()
        return value == str(columns if name == "COLUMNS" else lines)

    console = module.Console
    if console._environ is os.environ:
        console._environ = WithoutSize()
    decide = console.is_terminal.fget

    def is_terminal(self):
        decided = self._force_terminal is not None or {"TTY_COMPATIBLE", "FORCE_COLOR"} & set(self._environ)
        return bool(not decided and engine.is_card(self.file)) or decide(self)

    console.is_terminal = property(is_terminal, doc=console.is_terminal.__doc__)
    take_screen = console.set_alt_screen
    # A card is no screen; live displays then draw over themselves as elsewhere.
    console.set_alt_screen = lambda self, enable=True: not engine.is_card(self.file) and take_screen(self, enable)


# Set, these variables decide instead of the card.
DECIDING = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "TTY_COMPATIBLE", "ANSI_COLORS_DISABLED")


def takes_colours(stream):
    import os

    return engine.is_card(stream) and not any(os.environ.get(name) for name in DECIDING)


def patch_click(module):
    decide = module.should_strip_ansi

    def should_strip_ansi(stream=None, color=None):
        return not (color is None and takes_colours(stream)) and decide(stream, color)

    module.should_strip_ansi = should_strip_ansi


def patch_click_bars(module):
    decide = module.isatty
    module.isatty = lambda stream: engine.is_card(stream) or decide(stream)


def patch_pytest(module):
    decide = module.should_do_markup
    module.should_do_markup = lambda file: takes_colours(file) or decide(file)


def patch_loguru(module):
    decide = module.should_colorize
    module.should_colorize = lambda stream: takes_colours(stream) or decide(stream)


def patch_termcolor(module):
    # The function has another name in older versions.
    name = "can_colorize" if hasattr(module, "can_colorize") else "_can_do_colour"
    decide = getattr(module, name)

    def can_colorize(*, no_color=None, force_color=None):
        decided = no_color is not None or force_color is not None
        return not decided and takes_colours(sys.stdout) or decide(no_color=no_color, force_color=force_color)

    setattr(module, name, can_colorize)


def patch_colorama(module):
    initialize = module.AnsiToWin32.__init__

    def __init__(self, wrapped, convert=None, strip=None, autoreset=False):
        if strip is None and takes_colours(wrapped):
            strip = False
        initialize(self, wrapped, convert, strip, autoreset)

    module.AnsiToWin32.__init__ = __init__
