"""Checks what people's libraries show in a session: texts, pictures, progress, threads, event loops.

    python check_libraries.py PATH_OF_FOURHANDS [kaleido]

Runs the session in the Python that runs this file, which needs the packages of `libraries.txt`; those of `engines.txt` for
`kaleido`. Exits with 0 only if everything was right.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ERA = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


class Session:
    """A session of its own behind the bridge, in the era of MCP that needs no handshake."""

    def __init__(self, binary, folder):
        home, work = Path(folder) / "home", Path(folder) / "work"
        home.mkdir()
        work.mkdir()
        command = [binary, "bridge", "--serve", "--session", f"libraries-{os.getpid()}", "--python", sys.executable]
        env = {"HOME": str(home), "PATH": os.environ["PATH"]}
        self.bridge = subprocess.Popen(
            command, cwd=work, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.id = 0
        self.work = work

    def call(self, tool, **arguments):
        self.id += 1
        parameters = {"name": tool, "arguments": arguments, "_meta": ERA}
        request = {"jsonrpc": "2.0", "id": self.id, "method": "tools/call", "params": parameters}
        self.bridge.stdin.write(json.dumps(request) + "\n")
        self.bridge.stdin.flush()
        while True:
            answer = json.loads(self.bridge.stdout.readline())
            if answer.get("id") == self.id:
                return answer["result"]

    def run(self, code):
        """Returns the text and the number of pictures."""
        result = self.call("run_python_code", code=code)
        if re.search(r"\[snippet \d+: running", text_of(result)):
            raise AssertionError(f"too slow: {code}")
        return text_of(result), sum(part["type"] == "image" for part in result["content"])

    def output(self, snippet):
        return text_of(self.call("read_output", snippet=snippet))


def text_of(result):
    return "\n".join(part["text"] for part in result["content"] if part["type"] == "text")


def check(what, truth, seen):
    print(f"  {'ok' if truth else 'NOT OK'}  {what}")
    if not truth:
        raise AssertionError(f"{what}:\n{seen}")


def html(session):
    text, _ = session.run(
        "from sklearn.pipeline import make_pipeline; from sklearn.preprocessing import StandardScaler\n"
        "from sklearn.linear_model import LogisticRegression; import numpy as np\n"
        "make_pipeline(StandardScaler(), LogisticRegression()).fit(np.random.rand(20, 2), [0, 1] * 10)"
    )
    check("an estimator is its repr", len(text) < 500 and "Pipeline(steps=" in text and "rerun this cell" not in text, text)
    check("its HTML is named", "[display 1: HTML, " in text and "fourhands://snippet/" in text, text)
    for library, code, word in (
        ("duckdb", "import duckdb; duckdb.sql('select 41 + 1 as answer')", "answer"),
        ("xarray", "import xarray; xarray.Dataset({'a': ('length', [1, 2, 3])})", "Data variables"),
    ):
        text, _ = session.run(code)
        check(f"a table of {library} comes once", text.count(word) == 1, text)
    text, _ = session.run("import pandas as pd; pd.DataFrame({'a': [1, 2]}).style")
    check("a Styler is told by its HTML", "0  1" in text, text)


def pictures(session):
    text, images = session.run("import altair; altair.Chart(pd.DataFrame({'x': [1, 2]})).mark_bar().encode(x='x')")
    check("altair by vl-convert", images == 1, text)
    text, images = session.run("import plotly.express as px; px.bar(x=[1, 2], y=[3, 4]).show()")
    check("plotly without kaleido says so", images == 0 and "%pip install kaleido" in text, text)
    text, images = session.run("px.bar(x=[1, 2], y=[3, 4])")
    check("plotly's last value, too", "%pip install kaleido" in text, text)
    begun = time.monotonic()
    text, images = session.run("from PIL import Image; Image.effect_noise((6000, 4000), 50)")
    check("a photograph of 24 megapixels", images == 1 and time.monotonic() - begun < 30, text)
    text, images = session.run(
        "import IPython.display, io; file = io.BytesIO(); Image.new('RGB', (30, 20), 'red').save(file, 'GIF')\n"
        "display(IPython.display.Image(data=file.getvalue()))"
    )
    check("a GIF as PNG", images == 1 and "its first picture as PNG" in text, text)
    text, _ = session.run("import ipywidgets; ipywidgets.IntSlider(value=3)")
    check("a widget is told in a line", "IntSlider(value=3" in text and "in notebooks only" in text, text)
    one = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); ax.plot([1, 2]); ax.set_title('2')"
    frames = "fig, ax = plt.subplots(); ax.plot([1, 2])\nfor n in range(3): ax.set_title(str(n)); plt.pause(.01)"
    last = [session.call("run_python_code", code=code)["content"][-1] for code in (one, frames)]
    check("the last frame of an animation", last[0] == last[1], last[0])


def kaleido(session):
    """Version 0.2.1 has a browser of its own. Plotly 7 wants a newer one, which has none."""
    session.run("import plotly.graph_objects as go; figure = go.Figure(go.Bar(x=[1, 2], y=[3, 4]))")
    for code in ("figure.show()", "figure"):
        text, images = session.run(code)
        check(f"plotly by kaleido: {code}", images == 1 and "[figure 1: 700x500 PNG" in text, text)
    session.run("import kaleido.scopes.plotly, plotly.io as pio\ndef fail(*_, **__): raise ValueError('\\n\\nNo\\nbrowser')")
    session.run("pio.kaleido.scope.transform = pio._kaleido.scope.transform = fail")
    text, images = session.run("figure.show()")
    check("why kaleido draws nothing", images == 0 and "could not draw it (ValueError: No browser)" in text, text)


def progress(session):
    text, _ = session.run("from tqdm.notebook import tqdm\nfor n in tqdm(range(10), desc='bar'): pass")
    check("tqdm.notebook ends at 100 %", "bar: 100%" in text and "10/10" in text, text)
    session.run("from joblib import Parallel, delayed; import time; Parallel(n_jobs=2)(delayed(abs)(n) for n in range(4))")
    text, _ = session.run(
        "from tqdm import tqdm as bar; _ = Parallel(n_jobs=2)(delayed(time.sleep)(.02) for n in bar(range(40)))"
    )
    check("joblib's progress is in the snippet that runs", "40/40" in text, text)
    text, _ = session.run("_ = Parallel(n_jobs=2, verbose=10)(delayed(time.sleep)(.02) for n in range(10))")
    check("joblib's messages, too", "Done  10 out of  10" in text or "finished" in text, text)


def running(session):
    text, _ = session.run("import sympy; sympy.init_printing(); x = sympy.symbols('x'); x**2 / 3")
    check("sympy's printing decides about the text", " 2\nx " in text and "Result" in text, text)
    text, _ = session.run("import rich.pretty; rich.pretty.install(); {'a': [1, 2]}")
    check("rich's pretty printing keeps the result", "Result: {'a': [1, 2]}" in text, text)
    text, _ = session.run("from numba import njit\n@njit(cache=True)\ndef plus(x): return x + 1\nplus(2)")
    check("numba caches", "Result: 3" in text, text)
    session.run("import sys; sys.displayhook = sys.__displayhook__\nimport numpy as np, asyncio")
    session.run("old = np.seterr(all='raise'); await asyncio.sleep(0)")
    text, _ = session.run("np.geterr()['over']")
    check("numpy's error state stays", "'raise'" in text, text)


def engines(session):
    session.run("from dask.distributed import Client, LocalCluster")
    text, _ = session.run(
        "cluster = await LocalCluster(n_workers=1, threads_per_worker=1, processes=False, asynchronous=True, "
        "dashboard_address=None)\nclient = await Client(cluster, asynchronous=True)\n"
        "futures = client.map(lambda n: n + 1, range(5))"
    )
    time.sleep(2)
    text, _ = session.run("[future.status for future in futures], await client.gather(futures)")
    check("an asynchronous Dask cluster works while idle", "['finished'" in text and "[1, 2, 3, 4, 5]" in text, text)
    session.run("await client.close(); await cluster.close()")
    text, _ = session.run(
        "import multiprocessing\ndef double(n): return 2 * n\n"
        "found = []\nfor method in ('fork', 'spawn', 'forkserver'):\n"
        "    with multiprocessing.get_context(method).Pool(2) as pool: found.append(pool.map(double, [1, 2]))\nfound"
    )
    check("multiprocessing in each start method", "[[2, 4], [2, 4], [2, 4]]" in text, text)


def main(binary, parts):
    with tempfile.TemporaryDirectory() as folder:
        session = Session(binary, folder)
        try:
            for part in parts:
                print(part.__name__)
                part(session)
        finally:
            session.bridge.stdin.close()
            session.bridge.wait(60)


if __name__ == "__main__":
    main(sys.argv[1], [kaleido] if sys.argv[2:] == ["kaleido"] else [html, pictures, progress, running, engines])
