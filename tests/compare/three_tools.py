"""The kind of server that fourhands supersedes: three tools on fastmcp, in one process, with nothing to see."""

import ast
import contextlib
import io

from fastmcp import FastMCP

server = FastMCP("three tools")
names = {"__name__": "__main__"}


@server.tool
def run_python_code(code: str) -> str:
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


@server.tool
def reset_python_environment() -> str:
    names.clear()
    names["__name__"] = "__main__"
    return "done"


@server.tool
def list_defined_variables() -> str:
    return "\n".join(f"{name}: {type(value).__name__}" for name, value in names.items() if not name.startswith("_"))


server.run(show_banner=False)
