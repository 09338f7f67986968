"""Runs the examples of `assets/docs/clusters.md` in sessions, each with its value: Dask, and Ray and Spark where they are.

    python check_clusters.py PATH_OF_FOURHANDS

Runs the sessions in the Python that runs this file. Exits with 0 only if everything was right.
"""

import re
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from check_libraries import Session, check, text_of

PAGE = Path(__file__).parent.parent.parent / "assets/docs/clusters.md"
# Spark runs on Java.
ENGINES = {"Dask": ("distributed", None), "Ray": ("ray", None), "Spark": ("pyspark", "java")}


def examples():
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        name, _, text = section.partition("\n")
        if name in ENGINES:
            yield name, re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run(session, code):
    """Runs code to its end, which may take longer than one call waits."""
    result = session.call("run_python_code", code=code)
    while re.search(r"\[snippet (\d+): running", text_of(result)):
        number = int(re.search(r"\[snippet (\d+): running", text_of(result))[1])
        result = session.call("wait_for_snippet", snippet=number)
    return result


def main(binary):
    found = dict(examples())
    check("the page has an example for each", set(found) == set(ENGINES), found)
    for name, blocks in found.items():
        module, program = ENGINES[name]
        if not find_spec(module) or (program and not shutil.which(program)):
            print(f"skipped: {name} is not installed here")
            continue
        with tempfile.TemporaryDirectory() as folder:
            session = Session(binary, folder)
            try:
                for code in blocks:
                    text = text_of(run(session, code))
                    value = re.search(r"^# (.*)\n\Z", code, re.MULTILINE)
                    right = "Error" not in text and (value is None or f"Result: {value[1]}" in text)
                    last = [line for line in code.splitlines() if not line.startswith("#")][-1]
                    check(f"{name}: {last}", right, text)
            finally:
                session.bridge.stdin.close()
                session.bridge.wait(60)


main(sys.argv[1])
