"""The job of each framework: tools, results, a limit of its own, a cancelled call, the end of a session, a crash."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

SESSION = f"frameworks-{os.getpid()}"
DEADLINE = 60
# The limit of a framework whose own is longer.
SHORT_LIMIT = 5
# A black square of 8 by 8 pixels.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAADElEQVR42mNgGB4AAADIAAGTvaWOAAAAAElFTkSuQmCC"
PICTURE = f"""import base64
class Dot:
    def _repr_png_(self): return base64.b64decode('{PNG}')
    def __repr__(self): return 'a dot'
print('before')
Dot()"""
KILL = "import os, signal; os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)"


class TimeIsOver(Exception):
    """The framework has given a call up."""


@dataclass
class Seen:
    """What the model gets of a result. `failed` is None where the framework does not say that a result is an error."""

    text: str
    images: int
    failed: bool | None


class Framework:
    name: str
    # Seconds after which it gives up a call by default.
    limit: int | None = None
    # Whether it says that a call is over because of that limit. If not, the session thinks that the result was read.
    tells_limit = False
    shows_images = True
    tells_errors = True
    # Whether the session hears of a call that the program cancels; None if a call cannot be cancelled.
    tells_cancel: bool | None = False
    # Whether it connects anew for each call, so that nobody knows that another session has taken over.
    connects_anew = False

    def connect(self, command, environment):
        """An asynchronous context with a connection. `command` starts the bridge."""
        raise NotImplementedError

    async def schemas(self):
        """By name the JSON schema of each tool's arguments, as the model gets it."""
        raise NotImplementedError

    async def call(self, tool, **arguments):
        raise NotImplementedError

    async def run(self, code, **arguments):
        return await self.call("run_python_code", code=code, **arguments)


def check(what, truth, seen):
    print(f"  {'ok' if truth else 'NOT OK'}  {what}")
    if not truth:
        raise AssertionError(f"{what}: {seen!r}")


class Latch:
    """Code that has begun, and ends when it is told to."""

    def __init__(self, folder, name):
        self.begun, self.end = Path(folder, f"{name}-begun"), Path(folder, f"{name}-end")
        self.code = (
            f"import pathlib, time\npathlib.Path({str(self.begun)!r}).touch()\n"
            f"while not pathlib.Path({str(self.end)!r}).exists(): time.sleep(.02)\ndone = True"
        )

    async def wait(self):
        while not self.begun.exists():
            await asyncio.sleep(0.02)

    def release(self):
        self.end.touch()


async def results(framework):
    schemas = await framework.schemas()
    check("all tools are there", len(schemas) >= 10, list(schemas))
    schema = schemas["run_python_code"]
    check("the schema of their arguments is whole", schema["properties"]["code"]["type"].lower() == "string", schema)
    # What is left out is null in the strict mode of OpenAI.
    seen = await framework.run("print('hello'); 6 * 7", timeout_s=None, wait_s=None, title=None)
    check("output and value", "hello\nResult: 42" in seen.text and seen.failed in (False, None), seen)
    seen = await framework.run(PICTURE)
    both = "before" in seen.text and "Result: a dot" in seen.text and "figure 1: 8x8 PNG" in seen.text
    check("text beside a picture", both, seen)
    check("the picture" if framework.shows_images else "no picture", seen.images == framework.shows_images, seen)
    check("nor its base64", PNG[:40] not in seen.text, seen)
    seen = await framework.run("1 / 0")
    check("the traceback", "ZeroDivisionError: division by zero" in seen.text, seen)
    check("an error is told as one", seen.failed is (True if framework.tells_errors else None), seen)


async def limit(framework, folder):
    latch = Latch(folder, f"{framework.name}-limit")
    try:
        seen = await framework.run(latch.code)
        check(f"gives up after {framework.limit} s", False, seen)
    except TimeIsOver:
        check(f"gives up after its limit, {framework.limit} s by default", latch.begun.exists(), os.listdir(folder))
    seen = await framework.run("done", wait_s=0)
    check("the next result says that the code runs on", "behind snippet 4 by you (running)" in seen.text, seen)
    latch.release()
    seen = await framework.call("wait_for_snippet", snippet=5)
    check("the code ran to its end", "Result: True" in seen.text, seen)
    told = "Since your last call:\n- snippet 4 by you: ok" in seen.text
    check("its end is told" if framework.tells_limit else "its end is not told", told == framework.tells_limit, seen)
    seen = await framework.call("session_history", limit=2)
    check("the history has its end", "[snippet 4 by you, <1 min ago: ok" in seen.text, seen)


async def cancelling(framework, folder):
    latch = Latch(folder, f"{framework.name}-cancel")
    call = asyncio.create_task(framework.run(latch.code))
    await latch.wait()
    call.cancel()
    await asyncio.wait([call])
    if framework.tells_cancel:
        seen = await framework.run("40 + 3")
        check("a cancelled call interrupts its code", "Result: 43" in seen.text, seen)
        check("and no other client is told of", 'by "' not in seen.text, seen)
    else:
        seen = await framework.run("40 + 3", wait_s=0)
        check("a cancelled call lets its code run on, and the next says so", "by you (running)" in seen.text, seen)
    latch.release()


async def crashes(framework):
    seen = await framework.run(KILL)
    # The session may notice that its guardian is gone before it is killed itself, and answer.
    check("the end of the whole session is told", "session" in seen.text and " end" in seen.text, seen)
    seen = await framework.run("40 + 2")
    check("the next call reaches a new one", "Result: 42" in seen.text, seen)
    told = "all earlier names are gone" in seen.text
    check("which is not told" if framework.connects_anew else "which is told", told != framework.connects_anew, seen)
    seen = await framework.run("import os; os._exit(3)")
    check("a crash of Python is told", "Python ended unexpectedly with exit code 3" in seen.text, seen)
    seen = await framework.run("40 + 2")
    check("and survived", "Result: 42" in seen.text, seen)


async def do_job(framework, binary, environment, folder):
    print(framework.name)
    command = [binary, "bridge", "--serve", "--session", f"{SESSION}-{framework.name}"]
    async with asyncio.timeout(DEADLINE), framework.connect(command, environment):
        await results(framework)
        if framework.limit is not None:
            await limit(framework, folder)
        if framework.tells_cancel is not None:
            await cancelling(framework, folder)
        await crashes(framework)
