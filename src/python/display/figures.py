"""Figures of matplotlib, shown as in notebooks. A part of forms.py's namespace."""

class ShownFigures:
    """Figures that this snippet has shown. Its end does not show them again, unless they have changed."""

    def __init__(self):
        self.figures = self.drawn = None

    def add(self, figure, id=None):
        if self.figures is None:
            from weakref import WeakKeyDictionary, WeakSet

            self.figures, self.drawn = WeakKeyDictionary(), WeakSet()
        if figure not in self.figures:
            figure.canvas.mpl_connect("draw_event", self.on_draw)
        figure.stale = False
        self.drawn.discard(figure)
        self.figures[figure] = id

    def on_draw(self, event):
        """Notes that user code has drawn a figure, after which that is not stale although it may have changed."""
        if self.drawn is not None:
            self.drawn.add(event.canvas.figure)

    def id(self, figure):
        """Returns the id of the display, if the figure was shown to be updated."""
        return self.figures.get(figure) if self.figures else None

    def __contains__(self, figure):
        return bool(self.figures) and figure in self.figures and not figure.stale and figure not in self.drawn

    def clear(self):
        self.figures = self.drawn = None


shown = ShownFigures()
# Figures stay open and are updated in place, as by `plt.pause`.
live = False


def is_figure(value):
    module = sys.modules.get("matplotlib.figure")
    return module is not None and issubclass(type(value), getattr(module, "Figure", ()))


def drawn(figure):
    """Returns the PNG of a figure; None if it is empty, or (after a message) if it cannot be drawn."""
    import io

    def save(box=None):
        width, height = (box.width, box.height) if box is not None else figure.get_size_inches()
        dpi = figure.dpi
        dpi = min(dpi, (MAX_PIXELS / (width * height)) ** 0.5, MAX_SIDE / max(width, height))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, bbox_inches=box)
        return buffer.getvalue()

    try:
        if is_empty(figure):
            return None
        png = save()
        beyond = box_beyond(figure)
        try:
            return save(beyond) if beyond is not None else png
        except Exception:
            return png
    except Exception as error:
        complain(f"a figure could not be drawn: {reason(error)}")
        return None


def is_empty(figure):
    return len(figure.get_children()) <= 1


def box_beyond(figure):
    """Returns the box of the figure with all that extends beyond it, such as a legend; None if nothing does."""
    try:
        from matplotlib.transforms import Bbox

        page = figure.bbox_inches
        box = Bbox.union([page, figure.get_tightbbox()])
        grown = max(page.x0 - box.x0, page.y0 - box.y0, box.x1 - page.x1, box.y1 - page.y1)
        if 0.02 < grown and box.width < 2 * page.width and box.height < 2 * page.height:
            return box.padded(0.05)
    except Exception:
        pass
    return None


def show_figure(figure):
    if live and figure in shown:
        return
    id = shown.id(figure) or (new_id() if live else None)
    png = drawn(figure)
    if png:
        publish({"image/png": png}, "a figure", id, replaces=id is not None)
    elif is_empty(figure):
        print(engine.text(figure))
    shown.add(figure, id)


def show_manager(manager):
    """Replaces FigureManagerBase.show, which every backend without windows inherits."""
    if engine.is_ours():
        show_figure(manager.canvas.figure)


def has_no_window(manager):
    return getattr(type(manager), "show", None) is show_manager


def figure_managers():
    module = sys.modules.get("matplotlib._pylab_helpers")
    return module and module.Gcf


def patch_pyplot(pyplot):
    if getattr(pyplot.show, "__fourhands__", False):
        return
    import functools

    from matplotlib.backend_bases import FigureManagerBase

    original = pyplot.show

    @functools.wraps(original)
    def show(*arguments, **options):
        global live
        if False in (options.get("block"), *arguments[:1]):
            live = True
            try:
                return original(*arguments, **options)
            finally:
                live = False
        result = original(*arguments, **options)
        if engine.is_ours():
            close_all()
        return result

    show.__fourhands__ = True
    FigureManagerBase.show = show_manager
    pyplot.show = show


def close_all():
    figures = figure_managers()
    for manager in figures.get_all_fig_managers():
        if has_no_window(manager):
            figures.destroy(manager)


def finish():
    """Shows and closes figures that a snippet has left open, as notebooks do."""
    try:
        show_open()
    except Exception as error:
        complain(f"the open figures could not be shown: {reason(error)}")


def show_open():
    patch_pyplot(sys.modules["matplotlib.pyplot"])
    figures = figure_managers()
    try:
        for manager in sorted(figures.get_all_fig_managers(), key=lambda manager: manager.num):
            if has_no_window(manager) and manager.canvas.figure not in shown:
                show_figure(manager.canvas.figure)
    finally:
        shown.clear()
        close_all()
