"""Checks fourhands with frameworks for agents, as far as they work without a key: a scripted model calls the tools, and
what it gets is checked.

    python check_frameworks.py PATH_OF_FOURHANDS mcp1|mcp2 [NAME...]

Needs the packages of `clients/frameworks1.txt` or `clients/frameworks2.txt`: the frameworks on version 1 or 2 of the
Python SDK. Names choose among them. The bridge starts a session for each in a home of its own, which ends with it.
Exits with 0 only if everything was right.
"""

import asyncio
import importlib
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from check_engines import of_session
from frameworks.job import check, do_job


async def main(binary, version, names):
    frameworks = importlib.import_module(f"frameworks.{version}").ALL
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, work = Path(folder, "home"), Path(folder, "work")
        home.mkdir()
        work.mkdir()
        # Some frameworks start the bridge in the current folder.
        os.chdir(work)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        for framework in frameworks:
            if not names or framework.name in names:
                begun = time.monotonic()
                await do_job(framework(), binary, environment, work)
                print(f"  done in {time.monotonic() - begun:.1f} s")
        deadline = time.monotonic() + 60
        while of_session(home) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        left = of_session(home)
        check("no session outlives its clients", not left, left)


# They log what is expected here: limits that are over, pictures that are left out.
logging.disable()
asyncio.run(main(os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]))
