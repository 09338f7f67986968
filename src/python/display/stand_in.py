"""A stand-in for IPython.display in environments without IPython. The functions come from the engine."""


class DisplayObject:
    """An object to display: given as data, or read from a file or a URL."""

    _form = None
    _binary = False

    def __init__(self, data=None, url=None, filename=None, metadata=None):
        if filename is None and url is None and self._is_path(data):
            filename, data = str(data), None
        elif url is None and isinstance(data, str) and data.startswith(("http://", "https://")):
            url, data = data, None
        self.data, self.url, self.filename, self.metadata = data, url, filename, metadata or {}
        self.reload()

    def _is_path(self, data):
        import os

        return isinstance(data, os.PathLike)

    def reload(self):
        if self.filename is not None:
            with open(self.filename, "rb") as file:
                self.data = file.read()
        elif self.url is not None and self.data is None:
            from urllib.request import urlopen

            with urlopen(self.url) as response:
                self.data = response.read()
        if isinstance(self.data, bytes) and not self._binary:
            self.data = self.data.decode("utf-8")

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {self._form: self.data} if self._form and self.data is not None else {}

    def __repr__(self):
        return f"<IPython.core.display.{type(self).__name__} object>"


class TextDisplayObject(DisplayObject):
    pass


class HTML(TextDisplayObject):
    _form = "text/html"

    def __html__(self):
        return self.data


class Markdown(TextDisplayObject):
    _form = "text/markdown"


class Latex(TextDisplayObject):
    _form = "text/latex"


class Math(TextDisplayObject):
    _form = "text/latex"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {self._form: "$\\displaystyle " + self.data.strip("$") + "$"}


class SVG(DisplayObject):
    _form = "image/svg+xml"

    def _is_path(self, data):
        return super()._is_path(data) or (isinstance(data, str) and "<" not in data and not data.startswith("http"))


class JSON(DisplayObject):
    _form = "application/json"

    def __init__(self, data=None, url=None, filename=None, expanded=False, metadata=None, root="root", **options):
        super().__init__(data, url, filename, metadata)


class Pretty(TextDisplayObject):
    _form = "text/plain"


class Javascript(TextDisplayObject):
    _form = "application/javascript"


class Image(DisplayObject):
    _binary = True

    def __init__(self, data=None, url=None, filename=None, format=None, embed=None, width=None, height=None,
                 retina=False, unconfined=False, metadata=None, alt=None):
        self.format, self.width, self.height, self.alt = format, width, height, alt
        super().__init__(data, url, filename, metadata)

    def _is_path(self, data):
        return super()._is_path(data) or (isinstance(data, str) and not data.startswith(("http://", "https://")))

    def _repr_mimebundle_(self, include=None, exclude=None):
        starts = {b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}
        found = [form for start, form in starts.items() if bytes(self.data or b"").startswith(start)]
        form = found[0] if found else (self.format or "png").lower().replace("jpg", "jpeg")
        return {f"image/{form}": self.data}
