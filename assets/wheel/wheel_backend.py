"""The build backend of the wheel (PEP 517): the binary that cargo builds, with completions and the manual page.

One wheel serves every CPython of its platform, since the binary carries its own engine. The backend is part of the
repository because others tag the wheel for one Python, look for a Python while they compile, and so compile twice.

Config setting: `profile`, the profile of cargo (`pip wheel --config-settings profile=dev .`); without it, `release`.
"""

import ast
import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from platform_tag import UnknownPlatform, platform_tag

ROOT = Path(__file__).resolve().parents[2]
OLDEST_PYTHON = "3.10"
# What cargo needs to build from an unpacked source distribution.
SOURCES = [".cargo", "Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "assets", "pyproject.toml", "src", "tests"]
NO_SOURCES = {"__pycache__", "node_modules"}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    binary = cargo_build((config_settings or {}).get("profile", "release"))
    program = binary.read_bytes()
    try:
        tag = f"py3-none-{platform_tag(program)}"
    except UnknownPlatform as error:
        fail(f"{error} Use `cargo install --locked --path .` in its place.")
    name = f"{stem()}-{tag}.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        record = []

        def add(path, content, mode=0o644):
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            wheel.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(content)}\n")

        add(f"{stem()}.data/scripts/{binary.name}", program, 0o755)
        data = ROOT / "assets/wheel/data"
        for file in files(data):
            add(f"{stem()}.data/data/{file.relative_to(data).as_posix()}", file.read_bytes())
        for path, content in distribution_info(tag).items():
            add(f"{stem()}.dist-info/{path}", content)
        path = f"{stem()}.dist-info/RECORD"
        add(path, "".join([*record, f"{path},,\n"]).encode())
    return name


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    # The platform is known only from the binary, which is not built for this.
    for path, content in distribution_info(tag=None).items():
        file = Path(metadata_directory, f"{stem()}.dist-info", path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return f"{stem()}.dist-info"


def build_sdist(sdist_directory, config_settings=None):
    name = f"{stem()}.tar.gz"
    with tarfile.open(Path(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for source in SOURCES:
            for file in files(ROOT / source):
                archive.add(file, f"{stem()}/{file.relative_to(ROOT).as_posix()}", filter=without_owner)
        entry = tarfile.TarInfo(f"{stem()}/PKG-INFO")
        entry.size = len(metadata())
        archive.addfile(entry, io.BytesIO(metadata()))
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    fail("fourhands is a program, not a Python package, so it cannot be installed as editable: leave out -e (--editable).")


def get_requires_for_build_wheel(config_settings=None):
    return []


def get_requires_for_build_sdist(config_settings=None):
    return []


def fail(message):
    sys.exit(f"\n{message}\n")


def cargo_build(profile):
    """Builds the binary and returns its path, as cargo tells it."""
    places = [os.environ.get("PATH", os.defpath), str(Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"), "bin"))]
    cargo = shutil.which("cargo", path=os.pathsep.join(places))
    needs = f"Rust {package()['rust-version']} or newer (https://rustup.rs) and a C compiler (Debian: build-essential; macOS: xcode-select --install)"
    if cargo is None:
        fail(f"Building fourhands needs {needs}. There is no `cargo` on PATH.")
    command = [cargo, "build", "--locked", "--bin", "fourhands", "--profile", profile]
    # The binary is the same for every Python, so that no build tool's own Python can decide how it is compiled.
    environment = {**os.environ, "PYO3_NO_PYTHON": "1"}
    built = subprocess.run(
        [*command, "--message-format", "json-render-diagnostics"], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    if built.returncode != 0:
        version = subprocess.run([cargo, "--version"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        compiler = shutil.which(os.environ.get("CC", "cc"))
        fail(
            f"`{' '.join(command)}` failed; the reason stands above. Building fourhands needs {needs}. "
            f"Found: {version or 'a cargo that does not start'}; {compiler or 'no C compiler'}."
        )
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith(b"{")]
    return next(Path(message["executable"]) for message in messages if message.get("executable"))


def package():
    """The strings and lists of strings of [package] in Cargo.toml. Python 3.10 has no reader of TOML."""
    section = (ROOT / "Cargo.toml").read_text(encoding="utf-8").partition("[package]\n")[2].partition("\n[")[0]
    entries = re.findall(r'^([\w-]+) *= *(".*"|\[[^\]]*\])', section, re.MULTILINE)
    return {key: ast.literal_eval(value) for key, value in entries}


def stem():
    return f"{package()['name']}-{version()}"


def version():
    """The version as PEP 440 writes it: 1.0.0-beta.2 is 1.0.0b2."""
    return re.sub(r"-(a|b|rc)[a-z]*\.?", r"\1", package()["version"])


def metadata():
    about = package()
    links = [(label, about.get(key)) for key, label in [("homepage", "Homepage"), ("repository", "Repository"), ("documentation", "Documentation")]]
    fields = [
        ("Metadata-Version", "2.4"),
        ("Name", about["name"]),
        ("Version", version()),
        ("Summary", about["description"]),
        ("Keywords", ",".join(about["keywords"])),
        ("License-Expression", about["license"]),
        ("License-File", "LICENSE"),
        ("Requires-Python", f">={OLDEST_PYTHON}"),
        *(("Project-URL", f"{label}, {url}") for label, url in links if url),
        ("Description-Content-Type", "text/markdown; charset=UTF-8"),
    ]
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    return f"{head}\n{(ROOT / about['readme']).read_text(encoding='utf-8')}".encode()


def distribution_info(tag):
    tags = f"Tag: {tag}\n" if tag else ""
    return {
        "METADATA": metadata(),
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: fourhands\nRoot-Is-Purelib: false\n{tags}".encode(),
        "licenses/LICENSE": (ROOT / "LICENSE").read_bytes(),
    }


def files(path):
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    return [file for file in found if file.is_file() and NO_SOURCES.isdisjoint(file.parts)]


def without_owner(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
