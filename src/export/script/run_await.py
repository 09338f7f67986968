

def _run_await(code):
    """Runs code with `await` outside of functions, where it cannot become a function."""
    compiled = compile(code, "<snippet>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(compiled, globals())
    if waiting is not None:
        _loop.run_until_complete(waiting)
