from importlib.util import find_spec

find_spec("matplotlib") is not None
