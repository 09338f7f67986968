"""The platform tag of a wheel, read from the binary in it: what that needs, not what this machine has."""

import os
import platform
import re
import struct
import sys

ARCHITECTURES = {21: "ppc64le", 22: "s390x", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
VERSION_NEEDS = 0x6FFFFFFE


class UnknownPlatform(Exception):
    pass


def platform_tag(program):
    """The tag by which installers know where a program runs."""
    if sys.platform == "darwin":
        arm = platform.machine() == "arm64"
        target = os.environ.get("MACOSX_DEPLOYMENT_TARGET", "11.0" if arm else "10.12")
        major, minor = (*target.split("."), "0")[:2]
        return f"macosx_{major}_{minor}_{platform.machine()}"
    if not program.startswith(b"\x7fELF"):
        raise UnknownPlatform(f"The platform {sys.platform} has no wheel.")
    machine = ARCHITECTURES.get(struct.unpack_from("<H", program, 18)[0], platform.machine())
    glibc = needed_glibc(program)
    return f"manylinux_{glibc[0]}_{glibc[1]}_{machine}" if glibc else f"musllinux_1_2_{machine}"


def needed_glibc(program):
    """The newest version of glibc of which the program needs a symbol, and so does the engine that lies within it."""
    starts = [found.start() for found in re.finditer(rb"\x7fELF\x02\x01\x01", program)]
    needed = {name for start in starts for name in needed_versions(memoryview(program)[start:])}
    numbers = [re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", name) for name in needed]
    return max(((int(number[1]), int(number[2])) for number in numbers if number), default=None)


def needed_versions(elf):
    """The names in the section .gnu.version_r of a 64-bit little-endian ELF file."""
    try:
        (table,) = struct.unpack_from("<Q", elf, 40)
        size, count = struct.unpack_from("<HH", elf, 58)
        # name, type, flags, address, offset, size, link, info
        sections = [struct.unpack_from("<IIQQQQII", elf, table + size * index) for index in range(count)]
        for _, kind, _, _, offset, _, link, libraries in sections:
            if kind != VERSION_NEEDS:
                continue
            strings = sections[link][4]
            for _ in range(libraries):
                _, symbols, _, first, following = struct.unpack_from("<HHIII", elf, offset)
                symbol = offset + first
                for _ in range(symbols):
                    _, _, _, name, next_symbol = struct.unpack_from("<IHHII", elf, symbol)
                    yield bytes(elf[strings + name :][:64]).partition(b"\0")[0].decode("ascii")
                    symbol += next_symbol
                offset += following
    except (struct.error, IndexError, UnicodeDecodeError):
        # These bytes only look like the beginning of an ELF file.
        return
