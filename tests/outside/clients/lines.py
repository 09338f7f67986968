"""What the Python clients have in common: the lines that the test speaks with them. See README.md beside this file."""

import asyncio
import json
import sys


def tell(**line):
    print(json.dumps(line), flush=True)


def updated(uri):
    tell(event="updated", uri=str(uri))


def teller_of_progress(of):
    async def on_progress(progress, total, message):
        tell(event="progress", of=of, message=message)

    return on_progress


def simple(result):
    """A result of a tool. The attributes of mcp 2 are in snake case, those of mcp 1 in camel case."""

    def field(camel, snake):
        return getattr(result, snake) if hasattr(result, snake) else getattr(result, camel)

    return {
        "text": "\n".join(block.text for block in result.content if block.type == "text"),
        "images": [block.data for block in result.content if block.type == "image"],
        "structured": field("structuredContent", "structured_content"),
        "is_error": field("isError", "is_error"),
    }


async def drive(protocol, commands):
    """Does what the lines of stdin ask for, side by side, until they end."""
    tell(event="ready", protocol=str(protocol))
    tasks = {}

    async def do(line):
        try:
            answer = {"result": await commands[line["do"]](line)}
        except asyncio.CancelledError:
            answer = {"error": "cancelled"}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        tell(id=line["id"], **answer)

    async def cancel(line):
        if "cancel" in commands:
            await commands["cancel"](line)
        tasks[line["of"]].cancel()

    loop = asyncio.get_running_loop()
    while text := await loop.run_in_executor(None, sys.stdin.readline):
        line = json.loads(text)
        if line["do"] == "cancel":
            await cancel(line)
        else:
            tasks[line["id"]] = asyncio.create_task(do(line))
