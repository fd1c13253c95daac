# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of whole pipelines share: the environment of the build
directory, a short film of the virtual ensemble, and one way to report."""
import os
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get(
    "AVM_BUILD", os.path.join(SOURCE, "build")))
SKIP = 77


def environment():
    library = os.path.join(BUILD, "gst-libs", "gst", "avm")

    def prepend(name, value):
        old = os.environ.get(name)
        return value + (":" + old if old else "")

    return dict(os.environ, AVM_BUILD=BUILD, LC_ALL="C.UTF-8",
                GST_PLUGIN_PATH_1_0=os.path.join(BUILD, "gst"),
                LD_LIBRARY_PATH=prepend("LD_LIBRARY_PATH", library),
                GI_TYPELIB_PATH=prepend("GI_TYPELIB_PATH", library),
                AVM_DATADIR=os.path.join(SOURCE, "data"))


def restart_in_environment():
    """Starts this program again so that the loader sees the environment."""
    if os.environ.get("AVM_PIPELINE_TEST") != "1":
        os.execve(sys.executable, [sys.executable] + sys.argv,
                  dict(environment(), AVM_PIPELINE_TEST="1"))


def skip(reason):
    print("skipped: " + reason)
    sys.exit(SKIP)


def have(*elements):
    """Whether all elements are there; the missing ones are printed."""
    missing = [e for e in elements if subprocess.call(
        ["gst-inspect-1.0", "--exists", "--atleast-version=0.0", e], env=environment()) != 0]
    if missing:
        print("missing elements: " + ", ".join(missing))
    return not missing


def need(*elements):
    if not have(*elements):
        skip("elements are missing")


def film(folder, seconds=3, players=2, width=640, height=360, seed=2):
    """performance.mp4, score.mid and regions.txt in a folder."""
    subprocess.run([os.path.join(SOURCE, "pipelines", "film"), "-o", folder,
                    "--seconds", str(seconds), "--players", str(players),
                    "--width", str(width), "--height", str(height),
                    "--seed", str(seed)],
                   env=environment(), check=True, timeout=120,
                   stdout=subprocess.DEVNULL)


def launch(folder, graph):
    """Runs a graph in a folder; pipelines/helpers/launch says why with it."""
    subprocess.run([os.path.join(SOURCE, "pipelines", "helpers", "launch")]
                   + graph.split(), check=True, cwd=folder, env=environment(),
                   timeout=60)


class Report:
    """Counts and prints checks; finish () is the exit status."""

    def __init__(self):
        self.failed = 0

    def check(self, ok, text):
        print(("ok      " if ok else "FAILED  ") + text, flush=True)
        self.failed += not ok
        return ok

    def finish(self):
        print(f"{self.failed} failed")
        return 1 if self.failed else 0
