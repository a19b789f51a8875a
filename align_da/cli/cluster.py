"""Where work is distributed: a local cluster of processes, or any dask scheduler."""

from collections.abc import Iterator
from contextlib import contextmanager

import dask.config
from distributed import Client, LocalCluster

_WORKERS = 2


@contextmanager
def client_of(scheduler: str | None) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a local cluster of processes."""
    if scheduler is not None:
        with Client(scheduler) as client:
            yield client
        return
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(
            n_workers=_WORKERS, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
