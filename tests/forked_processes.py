"""Processes forked from one that has imported what they need: a start costs no seconds."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from time import monotonic

import dask

IMPORTED = (
    "align_da.cycling.driver",
    "align_da.forecast.lorenz96",
    "align_da.training",
    "data_pipelines.backgrounds",
)


def fork_server() -> ForkServerContext:
    """A server that has imported everything and forks a child for each run."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


@contextmanager
def forked_workers() -> Iterator[None]:
    """Within, workers of dask are forked from that server."""
    first = fork_server().Process(target=monotonic)  # dask would have other things preloaded
    first.start()
    first.join()
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield
