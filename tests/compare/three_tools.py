"""The kind of server that fourhands supersedes: three tools on fastmcp, in one process, with nothing to see."""

import execution
from fastmcp import FastMCP

server = FastMCP("three tools")


@server.tool
def run_python_code(code: str) -> str:
    return execution.run(code)


@server.tool
def reset_python_environment() -> str:
    execution.names.clear()
    execution.names["__name__"] = "__main__"
    return "done"


@server.tool
def list_defined_variables() -> str:
    return execution.variables()


server.run(show_banner=False)
