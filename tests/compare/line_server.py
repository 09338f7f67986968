"""The lines of MCP with the standard library: a greeting, and calls that run code or list variables."""

import json
import sys


def serve(name, run, variables):
    answers = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        if request["method"] == "initialize":
            result = {
                "protocolVersion": request["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": name, "version": "1"},
            }
        else:
            call = request["params"]
            text = variables() if call["name"] == "list_defined_variables" else run(call["arguments"]["code"])
            result = {"content": [{"type": "text", "text": text}]}
        answers.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
        answers.flush()
