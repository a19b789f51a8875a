"""Where work is distributed: a local cluster of processes, or any dask scheduler."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster, as_completed
from rich.progress import Progress

# Importing distributed sets its loggers to tell of every connection, beside the progress bar.
logging.getLogger("distributed").setLevel(logging.WARNING)


@contextmanager
def client_of(scheduler: str | None, workers: int = 2) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a local cluster.

    Each worker has one thread: models run one after the other and use the cores themselves.
    Several workers are processes; a single one shares the compiled models of this process.
    """
    if scheduler is not None:
        with Client(scheduler) as client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=workers > 1,
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def run_tasks(
    work: Callable[[Any], None],
    tasks: Sequence[object],
    workers: int,
    progress: Progress,
    description: str,
) -> None:
    """Do `work` with every task on local workers, in any order, and show how many are done."""
    bar = progress.add_task(description, total=len(tasks))
    with client_of(None, workers) as client:
        for future in as_completed(client.map(work, tasks, pure=False)):
            future.result()
            progress.advance(bar)
