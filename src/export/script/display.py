

def display(*objects, **options):
    """Shows objects, as well as a script can."""
    import types

    for value in objects:
        print(value)
    return types.SimpleNamespace(display=display, update=display, display_id=options.get("display_id"))
