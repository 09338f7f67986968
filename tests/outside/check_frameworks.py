"""Checks fourhands with frameworks for agents, as far as they work without a key: with their default limits of time, and
with their conversion of tools.

    python check_frameworks.py PATH_OF_FOURHANDS

Needs the packages of `clients/frameworks.txt`. The bridge starts a session in a home of its own, which ends with it. Exits
with 0 only if everything was right.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from agents.mcp import MCPServerStdio
from google.genai import _mcp_utils
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

DEADLINE = 120
SESSION = f"frameworks-{os.getpid()}"


def check(what, truth, seen):
    print(f"  {'ok' if truth else 'NOT OK'}  {what}")
    if not truth:
        raise AssertionError(f"{what}: {seen!r}")


async def openai_agents(command, environment, folder):
    """Its limit is 5 s. Then it cancels the call, with a reason that is no wish of a person."""
    parameters = {"command": command[0], "args": command[1:], "env": environment, "cwd": folder}
    async with MCPServerStdio(params=parameters) as server:
        await server.list_tools()
        code = "import time; open('begun', 'w').close(); time.sleep(7); done = True"
        try:
            result = await server.call_tool("run_python_code", {"code": code})
            check("openai-agents gives up after 5 s", False, result)
        except Exception as error:
            check("openai-agents gives up after 5 s", "timed out" in str(error), error)
        check("the code had begun", (Path(folder) / "begun").exists(), os.listdir(folder))
        text = ""
        while "snippet 1 by you: " not in text:
            try:
                result = await server.call_tool("run_python_code", {"code": "done"})
                text = result.content[0].text
            except Exception as error:
                check("only the time is over", "timed out" in str(error), error)
        check("the code ran to its end", "snippet 1 by you: ok" in text and "Result: True" in text, text)


async def google_genai(command, environment, folder):
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=environment, cwd=folder)
    async with stdio_client(parameters) as streams, ClientSession(*streams) as client:
        await client.initialize()
        tools = (await client.list_tools()).tools
        for tool in tools:
            _mcp_utils.mcp_to_gemini_tool(tool)
        check("google-genai takes all tools", len(tools) >= 10, tools)


async def main(binary):
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        work = Path(folder) / "work"
        home.mkdir()
        work.mkdir()
        environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        command = [binary, "bridge", "--serve", "--session", SESSION]
        await openai_agents(command, environment, str(work))
        await google_genai(command, environment, str(work))


asyncio.run(asyncio.wait_for(main(sys.argv[1]), DEADLINE))
