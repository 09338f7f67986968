"""Forms of values beside their text, and IPython's functions that display them. Runs in the user's interpreter, as part of
the snippet. This file, figures.py, charts.py, terminals.py and imports.py share one namespace."""

import sys

# `engine` has: publish(forms, id, replaces), frame(text, cells), clear(waits), text(value), is_ours(), is_card(stream),
# is_diverted(), frames_source(), stand_in_source().

# The form that is best for a person at a terminal comes first.
FORMS = {
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "image/gif": None,
    "image/webp": None,
    "image/svg+xml": "_repr_svg_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "text/html": "_repr_html_",
    "application/json": "_repr_json_",
}
BINARY = {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"}
# Bytes of one form.
MAX_SIZE = 16 << 20
MAX_PIXELS = 4_000_000
MAX_SIDE = 4_000
# Characters of LaTeX that may be a formula. More is a table.
MAX_FORMULA = 500


def complain(text):
    try:
        sys.stderr.write(text + "\n")
    except Exception:
        pass


def reason(error):
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


# The forms of a value


def method(value, name):
    """Returns a method that the type has, so that objects that claim to have every attribute have none."""
    cls = type(value)
    try:
        if issubclass(cls, type) or getattr(cls, name, None) is None:
            return None
        if getattr(cls, "_ipython_canary_method_should_not_exist_", None) is not None:
            return None
        found = getattr(value, name, None)
        return found if callable(found) else None
    except Exception:
        return None


def call(value, name, **arguments):
    function = method(value, name)
    if function is None:
        return None
    try:
        return function(**arguments)
    except NotImplementedError:
        return None
    except Exception as error:
        complain(f"{name} of {type(value).__name__} failed: {reason(error)}")
        return None


def forms_of(value):
    """Returns forms by media type. A form that fails is left out, after a message."""
    value = smaller(value)
    forms = own_forms_of(value)
    if "text/plain" not in forms and method(value, "_repr_pretty_"):
        pretty = pretty_text(value)
        if pretty is not None:
            forms["text/plain"] = pretty
    try:
        return drawn_forms(value, forms)
    except Exception as error:
        complain(f"the picture of {type(value).__name__} failed: {reason(error)}")
        return forms


def own_forms_of(value):
    found = call(value, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(found, tuple) and found:
        found = found[0]
    if found is not None and not isinstance(found, dict):
        complain(f"_repr_mimebundle_ of {type(value).__name__} returned {type(found).__name__}, not dict")
        found = None
    forms = dict(found or {})
    for mime, name in FORMS.items():
        if name is None or mime in forms or (mime == "image/jpeg" and "image/png" in forms):
            continue
        form = call(value, name)
        if isinstance(form, tuple) and len(form) == 2:
            form = form[0]
        if form is not None:
            forms[mime] = form
    return forms


def pretty_text(value):
    """Returns the text that `_repr_pretty_` gives, by IPython's printer; None without IPython."""
    try:
        from IPython.lib.pretty import pretty
    except ImportError:
        return None
    try:
        return pretty(value)
    except Exception as error:
        complain(f"_repr_pretty_ of {type(value).__name__} failed: {reason(error)}")
        return None


def smaller(value):
    """Returns a smaller copy of a large picture of PIL, which would take seconds to encode; other values as they are."""
    try:
        if not type(value).__module__.startswith("PIL.") or not hasattr(value, "thumbnail"):
            return value
        width, height = value.size
        scale = min((MAX_PIXELS / (width * height)) ** 0.5, MAX_SIDE / max(width, height))
        if scale >= 1:
            return value
        copy = value.convert("RGB") if value.mode in ("P", "CMYK", "YCbCr") else value.copy()
        copy.thumbnail((max(1, int(width * scale)), max(1, int(height * scale))))
        return copy
    except Exception:
        return value


# What a notebook would load into its page.
WIDGET = "application/vnd.jupyter.widget-view+json"
NO_WIDGETS = "(a widget: it can be seen and moved in notebooks only; here code reads and sets its value)"


def drawn_forms(value, forms):
    """Returns the forms of a value whose library draws in a browser: with a picture, or with a sentence about that."""
    if WIDGET in forms:
        text = forms.get("text/plain")
        text = text if isinstance(text, str) else engine.text(value)
        return {"text/plain": f"{text}\n{NO_WIDGETS}"}
    if type(value).__module__.partition(".")[0] == "altair" and method(value, "to_dict") and "image/png" not in forms:
        return {**forms, **altair_forms(value)}
    return forms


def encoded(mime, form):
    """Returns the bytes of a form; raises ValueError with the reason if it has none."""
    if mime in BINARY:
        if isinstance(form, (bytearray, memoryview)):
            form = bytes(form)
        if isinstance(form, str) or (isinstance(form, bytes) and form[:5] in (b"iVBOR", b"/9j/4", b"R0lGO", b"UklGR")):
            from base64 import b64decode

            form = b64decode(form)
        if not isinstance(form, bytes):
            raise ValueError(f"is {type(form).__name__}, not bytes")
    elif mime.endswith("json"):
        import json

        form = (form if isinstance(form, str) else json.dumps(form, default=str)).encode("utf-8", "backslashreplace")
    elif isinstance(form, bytes):
        pass
    else:
        if isinstance(form, (list, tuple)) and all(isinstance(part, str) for part in form):
            form = "".join(form)
        if not isinstance(form, str):
            raise ValueError(f"is {type(form).__name__}, not str")
        form = form.encode("utf-8", "backslashreplace")
    if len(form) > MAX_SIZE:
        raise ValueError(f"has {len(form):,} bytes; more than {MAX_SIZE:,} are not shown")
    return form


def is_useful(plain):
    """Returns whether a text says more than the name of a type, as `<module.Type object at 0x7f...>` does."""
    import re

    return re.fullmatch(r"<[^<>\n]*( object| at 0x[0-9a-fA-F]+)>", plain.strip()) is None


def publish(forms, what="a display", id=None, replaces=False, prints=True):
    """Shows the forms that can be encoded. Text alone is printed, if `prints`."""
    ready = []
    for mime in sorted(forms, key=lambda mime: list(FORMS).index(mime) if mime in FORMS else len(FORMS)):
        if mime == "text/plain":
            continue
        try:
            data = encoded(mime, forms[mime])
        except Exception as error:
            complain(f"{mime} of {what} {error if type(error) is ValueError else 'failed: ' + reason(error)}")
            continue
        ready.append((mime, data))
    plain = forms.get("text/plain")
    if not isinstance(plain, str):
        plain = None
    if plain is not None and is_useful(plain) and len(ready) > 1:
        # A table in LaTeX says what the text says. It is left to whoever asks for it by the HTML.
        ready = [(mime, data) for mime, data in ready if mime != "text/latex" or len(data) <= MAX_FORMULA]
    if not ready and id is None:
        if plain is not None and prints and engine.is_diverted():
            engine.publish([("text/plain", encoded("text/plain", plain))], None, False)
        elif plain is not None and prints:
            print(plain)
        return
    if plain is not None and (not ready or is_useful(plain)):
        ready.append(("text/plain", encoded("text/plain", plain)))
    if ready:
        engine.publish(ready, id, replaces)


def written_by_hook(hook, value):
    """Returns what a display hook of user code writes about a value."""
    import io

    ours, written = sys.stdout, io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace", newline="")
    sys.stdout = written
    try:
        hook(value)
    finally:
        if sys.stdout is written:
            sys.stdout = ours
    written.flush()
    return written.buffer.getvalue().decode("utf-8", "replace")


def value(value):
    """Returns the text of a last value, for a data frame with its cells, and displays its other forms. None if the value
    displayed itself."""
    if method(value, "_ipython_display_"):
        call(value, "_ipython_display_")
        return None
    if is_figure(value):
        png = drawn(value)
        if png:
            publish({"image/png": png}, "a figure")
        shown.add(value)
        return engine.text(value)
    from_frame = frame(value)
    if from_frame is not None:
        cells = frames["cells"](value) if frames["is_ours"] else None
        return from_frame if cells is None else (from_frame, cells)
    forms = forms_of(value)
    if not isinstance(forms.get("text/plain"), str):
        forms["text/plain"] = engine.text(value)
    if len(forms) > 1:
        publish(forms, type(value).__name__, prints=False)
    return forms["text/plain"]


# IPython's display


def display(*objects, include=None, exclude=None, metadata=None, transient=None, display_id=None, raw=False,
            clear=False, **options):
    """Shows objects in the best form that they have, as in notebooks."""
    replaces = bool(options.pop("update", False))
    if transient and display_id is None:
        display_id = transient.get("display_id")
    handle = None
    if display_id is True or (display_id is None and replaces):
        display_id = new_id()
    if display_id is not None:
        handle = DisplayHandle(display_id)
    if clear:
        clear_output(wait=True)
    for value in objects:
        shown_as = None
        if not raw and method(value, "_ipython_display_"):
            call(value, "_ipython_display_")
            continue
        if raw:
            forms = dict(value)
        elif is_figure(value):
            png = drawn(value)
            forms = {"image/png": png} if png else {"text/plain": engine.text(value)}
            if png:
                shown.add(value)
        else:
            text = shown_as = frame(value)
            forms = {} if text is not None else forms_of(value)
            if not isinstance(forms.get("text/plain"), str):
                forms["text/plain"] = text if text is not None else engine.text(value)
        if include:
            forms = {mime: form for mime, form in forms.items() if mime in include}
        if exclude:
            forms = {mime: form for mime, form in forms.items() if mime not in exclude}
        publish(forms, type(value).__name__, None if handle is None else str(display_id), replaces)
        if shown_as is not None and handle is None and frames["is_ours"]:
            engine.frame(shown_as, lambda: frames["cells"](value))
    return handle


def publish_display_data(data, metadata=None, source=None, *, transient=None, update=False, **options):
    publish(dict(data), id=(transient or {}).get("display_id"), replaces=update)


def update_display(value, *, display_id, **options):
    """Shows an object in place of what was displayed with the same id."""
    display(value, display_id=display_id, update=True, **options)


def clear_output(wait=False):
    """Takes back what this snippet wrote and displayed; with `wait`, when it writes or displays something new."""
    engine.clear(bool(wait))


def new_id():
    import os

    return os.urandom(16).hex()


class DisplayHandle:
    """Something displayed that can be updated."""

    def __init__(self, display_id=None):
        self.display_id = new_id() if display_id is None else display_id

    def __repr__(self):
        return f"<{type(self).__name__} display_id={self.display_id}>"

    def display(self, value, **options):
        display(value, display_id=self.display_id, **options)

    def update(self, value, **options):
        update_display(value, display_id=self.display_id, **options)


frames = {}


def frame(value):
    """Returns the text of a data frame or an array; None if its repr is as good."""
    try:
        if type(value).__module__.partition(".")[0] not in ("numpy", "pandas", "polars"):
            return None
        if not frames:
            frames["__builtins__"] = __builtins__
            exec(compile(engine.frames_source(), __file__, "exec"), frames)
        if not frames["is_frame"](value):
            return None
        text = frames["text"](value)
    except Exception:
        text = None
    frames["is_ours"] = text is not None
    return engine.text(value) if text is None else text
