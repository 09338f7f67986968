"""fastmcp's client."""

import asyncio
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from lines import drive, simple, teller_of_progress


async def main():
    async with Client(StdioTransport(sys.argv[1], sys.argv[2:], keep_alive=False)) as client:

        async def tools(line):
            return [tool.name for tool in await client.list_tools()]

        async def call(line):
            progress = teller_of_progress(line["id"])
            return simple(await client.call_tool_mcp(line["tool"], line["arguments"], progress_handler=progress))

        async def read(line):
            return (await client.read_resource(line["uri"]))[0].text

        await drive(client.protocol_version, {"tools": tools, "call": call, "read": read})


asyncio.run(main())
