"""Where work is distributed: a local cluster of processes, or any dask scheduler."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client, LocalCluster

# Importing distributed sets its loggers to tell of every connection, beside the progress bar.
logging.getLogger("distributed").setLevel(logging.WARNING)


@contextmanager
def client_of(scheduler: str | None, workers: int = 2) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a local cluster of processes.

    Each worker has one thread: models run one after the other and use the cores themselves.
    """
    if scheduler is not None:
        with Client(scheduler) as client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
