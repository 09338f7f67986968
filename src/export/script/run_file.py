

def _run_file(*words):
    """Runs a file as a script; its names come here."""
    import runpy

    before, sys.argv = sys.argv, list(words)
    try:
        names = runpy.run_path(words[0], run_name="__main__")
    finally:
        sys.argv = before
    globals().update({name: value for name, value in names.items() if not name.startswith("__")})
