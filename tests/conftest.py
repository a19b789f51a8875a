"""Settings shared by every test."""

import os

# Workers side by side wait for each other's threads where each has as many as there are cores:
# one core a worker takes half the time. It must be set before JAX makes its threads.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _WORKER.isdecimal() and hasattr(os, "sched_setaffinity"):
    _CORES = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_CORES[int(_WORKER) % len(_CORES)]})
