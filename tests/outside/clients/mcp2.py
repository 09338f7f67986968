"""The official Python client, version 2. The first argument is its mode: legacy or auto."""

import asyncio
import sys

from lines import drive, simple, tell, teller_of_progress, updated
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import Implementation, ResourceUpdatedNotification


async def heard(message):
    if isinstance(message, ResourceUpdatedNotification):
        updated(message.params.uri)


async def listen(client, uri, acknowledged):
    async with client.listen(resource_subscriptions=[uri]) as subscription:
        acknowledged.set()
        async for event in subscription:
            updated(event.uri)
    tell(event="ended", uri=uri)


async def main():
    mode = sys.argv[1]
    server = StdioServerParameters(command=sys.argv[2], args=sys.argv[3:])
    name = Implementation(name="mcp", version="2")
    async with Client(stdio_client(server), mode=mode, message_handler=heard, client_info=name) as client:
        listening = []

        async def tools(line):
            return [tool.name for tool in (await client.list_tools()).tools]

        async def call(line):
            progress = teller_of_progress(line["id"])
            return simple(await client.call_tool(line["tool"], line["arguments"], progress_callback=progress))

        async def read(line):
            return (await client.read_resource(line["uri"])).contents[0].text

        async def watch(line):
            if mode == "legacy":
                await client.subscribe_resource(line["uri"])
            else:
                acknowledged = asyncio.Event()
                listening.append(asyncio.create_task(listen(client, line["uri"], acknowledged)))
                await acknowledged.wait()

        await drive(client.protocol_version, {"tools": tools, "call": call, "read": read, "watch": watch})
        for task in listening:
            task.cancel()


asyncio.run(main())
