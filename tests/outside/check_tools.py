"""Checks the tools of a built fourhands from outside: the official Python MCP client, through `fourhands bridge`.

    python check_tools.py PATH_OF_FOURHANDS [PATH_OF_PYTHON]

Needs the `mcp` package. Starts `fourhands serve` in a folder and a home of its own, checks, ends it, and exits with 0
only if everything was right.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

DEADLINE = 60
SESSION = f"ci-{os.getpid()}"
# A black square of 8 by 8 pixels.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAADElEQVR42mNgGB4AAADIAAGTvaWOAAAAAElFTkSuQmCC"


def field(result, camel, snake):
    """The attributes of mcp 2 are in snake case, those of mcp 1 in camel case."""
    return getattr(result, snake) if hasattr(result, snake) else getattr(result, camel)


def check(what, truth, seen):
    print(f"  {'ok' if truth else 'NOT OK'}  {what}")
    if not truth:
        raise AssertionError(f"{what}: {seen!r}")


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    text = "\n".join(block.text for block in result.content if block.type == "text")
    return text, field(result, "structuredContent", "structured_content"), field(result, "isError", "is_error")


async def drive(binary, environment):
    await results_of_an_unknown_client(binary, environment)
    server = StdioServerParameters(command=binary, args=["bridge", "--session", SESSION, "--structured"], env=environment)
    async with stdio_client(server) as streams, ClientSession(*streams) as client:
        await client.initialize()

        tools = {tool.name for tool in (await client.list_tools()).tools}
        wanted = {"run_python_code", "reset_python_environment", "list_defined_variables"}
        check("the three tools are listed", wanted <= tools, tools)

        text, data, failed = await call(client, "run_python_code", code="1+1")
        check("1+1 is 2", not failed and "2" in text, text)
        check("and 2 in structured content", data and data["status"] == "ok" and data["result"] == "2", data)

        _, data, failed = await call(client, "run_python_code", code="import sys\nanswer = 42\nprint(sys.version_info[:2])")
        check("print is captured", not failed and "(3, " in data["stdout"], data)

        text, data, failed = await call(client, "run_python_code", code="answer / 0")
        check("an error of the code is an error result", failed and "ZeroDivisionError" in text, text)
        check("with a return code of 1", data["returncode"] == 1, data)

        text, _, failed = await call(client, "list_defined_variables")
        check("what was defined is listed", not failed and "Variable: answer (int) = 42" in text, text)

        text, _, failed = await call(client, "reset_python_environment")
        check("a reset is confirmed", not failed and "Python environment has been reset" in text, text)

        text, _, failed = await call(client, "list_defined_variables")
        check("and nothing is left", not failed and "No variables or functions are currently defined." in text, text)

        text, _, failed = await call(client, "run_python_code", code="answer")
        check("not even to the code", failed and "NameError" in text, text)


async def results_of_an_unknown_client(binary, environment):
    server = StdioServerParameters(command=binary, args=["bridge", "--session", SESSION], env=environment)
    async with stdio_client(server) as streams, ClientSession(*streams) as client:
        await client.initialize()
        await client.list_tools()
        code = "import base64\nclass Dot:\n    def _repr_png_(self): return base64.b64decode('" + PNG + "')\nDot()"
        result = await client.call_tool("run_python_code", {"code": code})
        kinds = [block.type for block in result.content]
        check("a client that is not known gets text first, and the picture", kinds == ["text", "image"], kinds)
        data = field(result, "structuredContent", "structured_content")
        check("and no structured content, which would hide the picture in some clients", data is None, data)


def wait_until_it_listens(server, log):
    for line in server.stdout:
        print(f"  {line.strip()}")
        if "listening on" in line:
            return
    raise AssertionError(f"fourhands serve ended with {server.wait()}: {log.read_text()}")


def main():
    binary = str(Path(sys.argv[1]).resolve())
    python = sys.argv[2:3]
    with tempfile.TemporaryDirectory() as folder:
        home, work, log = Path(folder, "home"), Path(folder, "work"), Path(folder, "log")
        home.mkdir()
        work.mkdir()
        environment = {**os.environ, "HOME": str(home)}
        for name in [name for name in environment if name.startswith("XDG_") or name == "FOURHANDS_SESSION"]:
            del environment[name]
        command = [binary, "serve", "--session", SESSION]
        if python:
            command += ["--python", python[0]]
        with log.open("w") as errors:
            server = subprocess.Popen(
                command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        try:
            signal.alarm(DEADLINE)
            wait_until_it_listens(server, log)
            asyncio.run(drive(binary, environment))
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=15)
            check("SIGTERM ends it in good order", code in (0, 128 + signal.SIGTERM), (code, log.read_text()))
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


if __name__ == "__main__":
    main()
