"""Code that is run by `exec` in one namespace, as the simplest servers run it."""

import ast
import contextlib
import io

names = {"__name__": "__main__"}


def run(code):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        tree = ast.parse(code)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<code>", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<code>", "eval"), names)
            if value is not None:
                print(repr(value), file=output)
    return output.getvalue()


def variables():
    return "\n".join(f"{name}: {type(value).__name__}" for name, value in names.items() if not name.startswith("_"))
