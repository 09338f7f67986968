"""The official MCP client for Python, driven by lines.

usage: official_client.py COMMAND [ARGUMENT ...]

Starts the command as an MCP server on stdio. Each line of stdin is a JSON string of Python code to run by the tool
run_python_code; the answer is one line of JSON, the tool's structured result.
"""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

EXPECTED = {"run_python_code", "reset_python_environment", "list_defined_variables"}


async def main():
    import os

    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ), cwd=os.getcwd())
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        names = {tool.name for tool in (await session.list_tools()).tools}
        assert EXPECTED <= names, names
        print(json.dumps("ready"), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            result = await session.call_tool("run_python_code", {"code": json.loads(line)})
            # The attribute's name changed with version 2 of the package.
            structured = getattr(result, "structured_content", None) or getattr(result, "structuredContent", None)
            assert structured, result
            print(json.dumps(structured), flush=True)


asyncio.run(main())
