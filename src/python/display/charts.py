"""Pictures of libraries that draw in a browser. A part of forms.py's namespace."""

# Pixels for each point of a chart.
SCALE = 2
# Characters of the reason why a chart was not drawn.
MAX_REASON = 400


def is_installed(name):
    from importlib.util import find_spec

    return name in sys.modules or find_spec(name) is not None


def altair_forms(chart):
    """Returns the picture of a chart by vl-convert, or a text that says what to install."""
    if not is_installed("vl_convert"):
        text = "an Altair chart; %pip install vl-convert-python makes its picture possible"
        return {"text/plain": text}
    import vl_convert

    spec = chart.to_dict()
    convert = vl_convert.vega_to_png if "vega/" in str(spec.get("$schema")) else vl_convert.vegalite_to_png
    return {"image/png": convert(spec, scale=SCALE)}


def show_plotly(figure):
    """Displays a figure of plotly, given as a dict: as a picture by kaleido, and as HTML."""
    import plotly.io

    kinds = sorted({str(trace.get("type", "scatter")) for trace in figure.get("data", ())})
    text = f"a figure of plotly: {', '.join(kinds) or 'empty'}"
    forms = {"text/html": plotly.io.to_html(figure, include_plotlyjs="cdn", full_html=False, validate=False)}
    if not is_installed("kaleido"):
        text += "; %pip install kaleido makes its picture possible"
    else:
        try:
            forms["image/png"] = plotly.io.to_image(figure, format="png", validate=False)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            why = " ".join(reason(error).split())[:MAX_REASON]
            text += f"; kaleido could not draw it ({why})"
    forms["text/plain"] = text
    publish(forms, "a figure of plotly")


def patch_plotly(module):
    """Shows figures here where plotly would open a browser or, without one, do nothing."""
    from plotly.io._base_renderers import ExternalRenderer

    class SessionRenderer(ExternalRenderer):
        def render(self, fig_dict):
            if engine.is_ours():
                show_plotly(fig_dict)

    module.renderers["fourhands"] = SessionRenderer()
    if module.renderers.default in ("", "browser"):
        module.renderers.default = "fourhands"
