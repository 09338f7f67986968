"""The floor: the least that a server can do. Runs code by `exec`, and speaks the lines of MCP with the standard library."""

import ast
import contextlib
import io
import json
import sys

names = {"__name__": "__main__"}
answers = sys.stdout


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


for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    if request["method"] == "initialize":
        result = {
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "floor", "version": "1"},
        }
    else:
        call = request["params"]
        text = variables() if call["name"] == "list_defined_variables" else run(call["arguments"]["code"])
        result = {"content": [{"type": "text", "text": text}]}
    answers.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
    answers.flush()
