try:
    from IPython.display import display
except ImportError:

    def display(*objects, **options):
        from types import SimpleNamespace

        for value in objects:
            print(value)
        return SimpleNamespace(display=display, update=display, display_id=None)
