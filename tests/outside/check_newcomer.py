"""Plays a newcomer: a wheel, a home without any configuration or cache, and nothing but the README.

    python check_newcomer.py WHEEL [PYTHON]

Installs the wheel into a new environment, sets up each client that the README names, opens the dashboard in a terminal
(tmux), and lets the official client start what stands in each client's configuration. Then the screen has to show what
the README says that people see. At the end everything is taken out again. Needs `mcp` and tmux; prints how long it took.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import Implementation

DEADLINE = 60
README = Path(__file__).resolve().parents[2] / "README.md"
# Where each client has its configuration, and under which key the servers stand there.
CONFIGURATIONS = {
    "claude-code": (".claude.json", "mcpServers"),
    "claude-desktop": (".config/Claude/claude_desktop_config.json", "mcpServers"),
    "cursor": (".cursor/mcp.json", "mcpServers"),
    "vscode": (".config/Code/User/mcp.json", "servers"),
    "codex": (".codex/config.toml", "mcp_servers"),
    "gemini": (".gemini/settings.json", "mcpServers"),
    "zed": (".config/zed/settings.json", "context_servers"),
    "windsurf": (".codeium/windsurf/mcp_config.json", "mcpServers"),
}


class Newcomer:
    def __init__(self, home):
        self.home, self.work = home, home / "work"
        self.work.mkdir()
        self.environment = {
            "HOME": str(home),
            "PATH": f"{self.work}/.venv/bin:/usr/local/bin:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }

    def run(self, *command):
        done = subprocess.run(
            command, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE
        )
        if done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def tmux(self, *arguments):
        return self.run("tmux", "-S", str(self.home / "tmux"), "-f", "/dev/null", *arguments)

    def screen(self):
        return self.tmux("capture-pane", "-p").splitlines()

    def wait_for(self, what, seen):
        deadline = time.monotonic() + DEADLINE
        while not seen(screen := self.screen()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} is not on the screen:\n" + "\n".join(screen))
            time.sleep(0.05)

    def entry(self, client):
        """The entry of fourhands in the configuration of a client; None if there is none."""
        file, key = CONFIGURATIONS[client]
        path = self.home / file
        if not path.exists():
            return None
        text = path.read_text()
        configuration = tomllib.loads(text) if file.endswith(".toml") else json.loads(text or "{}")
        return configuration.get(key, {}).get("fourhands")


def is_under_clients(name):
    """Whether the screen has this name below "clients" in the right half."""

    def seen(screen):
        for row, line in enumerate(screen):
            at = line.find("clients", len(line) // 2)
            if at >= 0:
                return any(name in below[at - 2 :] for below in screen[row + 1 :])
        return False

    return seen


async def connect(newcomer, client):
    entry = newcomer.entry(client)
    assert Path(entry["command"]).is_absolute(), entry
    # Clients start servers in a folder of theirs, and with few variables.
    environment = {"HOME": newcomer.environment["HOME"], "PATH": "/usr/bin:/bin"}
    server = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment, cwd=newcomer.home)
    about = Implementation(name=client, version="1.0")
    async with stdio_client(server) as streams, ClientSession(*streams, client_info=about) as session:
        await session.initialize()
        result = await session.call_tool("run_python_code", {"code": f"import sys\nprint(sys.prefix, {client!r})\n6 * 7"})
        text = result.content[0].text
        assert "42" in text and str(newcomer.work / ".venv") in text, text
        newcomer.wait_for(f"{client} under clients", is_under_clients(client))
        newcomer.wait_for(f"the snippet of {client}", lambda screen: any(f"/.venv {client}" in line for line in screen))


def step(what, begun):
    print(f"  {time.monotonic() - begun:5.1f} s  {what}", flush=True)


def play(newcomer, wheel, python):
    begun = time.monotonic()
    subprocess.run([python, "-m", "venv", newcomer.work / ".venv"], check=True)
    newcomer.run("pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", wheel)
    step(f"{newcomer.run('fourhands', '--version').strip()} is installed, with {newcomer.run('python', '--version').strip()}", begun)

    readme = README.read_text()
    named = re.findall(r"`([a-z-]+)`", re.search(r"`setup` knows (.*?)\. ", readme, re.DOTALL)[1])
    assert set(named) == set(CONFIGURATIONS), named
    for client in named:
        newcomer.run("fourhands", "setup", client, "--yes")
    listed = newcomer.run("fourhands", "setup")
    assert listed.count("✓ set up") == len(named), listed
    newcomer.run("fourhands", "doctor")
    step(f"{len(named)} clients are set up, and doctor finds no fault", begun)

    newcomer.tmux("new-session", "-d", "-x", "120", "-y", "40", "fourhands")
    shows = lambda text: lambda screen: any(text in line for line in screen)
    newcomer.wait_for("how to connect a client", shows("fourhands setup"))
    newcomer.wait_for("what to say", shows("say to the assistant:"))
    step("the dashboard is open", begun)

    assert 'name under "clients" at the right of the dashboard' in " ".join(readme.split())
    for client in named:
        asyncio.run(connect(newcomer, client))
        step(f"{client} has run code and is on the screen", begun)
    newcomer.tmux("send-keys", "6 * 7 + 1", "Enter")
    newcomer.wait_for("the value of what the person typed", shows("43"))
    newcomer.run("fourhands", "stop", "work")

    newcomer.run("fourhands", "setup", *named, "--remove", "--yes")
    assert not any(newcomer.entry(client) for client in named)
    newcomer.run("pip", "uninstall", "--quiet", "--disable-pip-version-check", "--yes", "fourhands")
    assert not list((newcomer.work / ".venv").rglob("*fourhands*"))
    step("everything is taken out again", begun)


def main():
    wheel, python = sys.argv[1], (sys.argv[2:] or [sys.executable])[0]
    with tempfile.TemporaryDirectory() as home:
        newcomer = Newcomer(Path(home).resolve())
        try:
            play(newcomer, str(Path(wheel).resolve()), python)
        finally:
            subprocess.run(["tmux", "-S", f"{home}/tmux", "kill-server"], capture_output=True)


if __name__ == "__main__":
    main()
