"""The official Python client, version 1."""

import asyncio
import sys

from lines import drive, simple, teller_of_progress, updated
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import (
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ResourceUpdatedNotification,
    ServerNotification,
)


async def heard(message):
    if isinstance(message, ServerNotification) and isinstance(message.root, ResourceUpdatedNotification):
        updated(message.root.params.uri)


async def main():
    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])
    async with stdio_client(server) as streams, ClientSession(*streams, message_handler=heard) as session:
        hello = await session.initialize()
        requests = {}

        async def tools(line):
            return [tool.name for tool in (await session.list_tools()).tools]

        async def call(line):
            # This version says nothing to the server when a call is given up, so its users say it themselves.
            requests[line["id"]] = session._request_id
            progress = teller_of_progress(line["id"])
            return simple(await session.call_tool(line["tool"], line["arguments"], progress_callback=progress))

        async def cancel(line):
            parameters = CancelledNotificationParams(requestId=requests[line["of"]], reason="a test")
            await session.send_notification(
                ClientNotification(CancelledNotification(method="notifications/cancelled", params=parameters))
            )

        async def read(line):
            return (await session.read_resource(line["uri"])).contents[0].text

        async def watch(line):
            await session.subscribe_resource(line["uri"])

        commands = {"tools": tools, "call": call, "cancel": cancel, "read": read, "watch": watch}
        await drive(hello.protocolVersion, commands)


asyncio.run(main())
