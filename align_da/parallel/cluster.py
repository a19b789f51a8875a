"""Where work is distributed: a local cluster of processes, or any dask scheduler.

Whoever reaches a port of dask can run code there: a local cluster listens on the loopback
interface only and serves no page, and a scheduler elsewhere is spoken to by TLS or not at all.
"""

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from distributed.comm import CommClosedError
from rich.progress import Progress

from align_da.environment import shield_children
from align_da.errors import ConfigError, WorkerError

# Importing distributed sets its loggers to tell of every connection, beside the progress bar, and
# to do that past the handlers of this process.
_LOG_OF_DASK = logging.getLogger("distributed")
_LOG_OF_DASK.setLevel(logging.WARNING)
_LOG_OF_DASK.handlers.clear()
_LOG_OF_DASK.propagate = True
# A worker of a busy machine is slow to end. It is killed when its work is done: nothing is lost.
_SLOW_TO_END = "Worker process still alive after"
logging.getLogger("distributed.nanny").addFilter(
    lambda record: not record.getMessage().startswith(_SLOW_TO_END)
)

_TOLD_BY_ERRORS = ("Compute Failed", "Task %s marked as failed because %d workers died")
"""How the messages of failures begin that reach the command as errors, which it tells."""


def _is_told_by_no_error(record: logging.LogRecord) -> bool:
    """Whether a message tells what the command does not, or libraries are to tell all."""
    is_verbose = logging.getLogger().isEnabledFor(logging.INFO)
    return is_verbose or not str(record.msg).startswith(_TOLD_BY_ERRORS)


# A worker has this module too: what it is given to do is found by it.
for _place in ("worker", "scheduler"):
    _LOG_OF_DASK.getChild(_place).addFilter(_is_told_by_no_error)

LOOPBACK = "127.0.0.1"
Result = TypeVar("Result")
_ALONE: dict[str, Any] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.comm.require-encryption": False,  # whatever is set for a scheduler elsewhere
}


@contextmanager
def client_of(scheduler: str | None, workers: int = 2) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a local cluster.

    Each worker has one thread: models run one after the other and use the cores themselves.
    Several workers are processes; a single one shares the compiled models of this process.

    Raises:
        ConfigError: the scheduler is on another host and not spoken to by TLS.
        WorkerError: the scheduler does not answer or is lost, or a task has ended every worker
            that tried it; also from within the context.
    """
    try:
        with _local(workers) if scheduler is None else _connected(scheduler) as client:
            yield client
    except KilledWorker as error:
        message = (
            f"{error.allowed_failures + 1} workers died one after the other of {error.task}, most "
            "often for want of memory: free some or use fewer workers; the same command goes on"
        )
        raise WorkerError(message) from error
    except (CancelledError, CommClosedError) as error:
        message = f"the scheduler is lost: start it again; the same command goes on ({error})"
        raise WorkerError(message) from error


def run_tasks(
    work: Callable[[Any], Result],
    tasks: Sequence[object],
    workers: int,
    progress: Progress,
    description: str,
) -> list[Result]:
    """Do `work` with every task on local workers, in any order, and show how many are done.

    Args:
        work: a function of a module.
        tasks: their text tells them apart, and is what an error names.
        workers: how many.
        progress: receives a bar.
        description: of the bar.

    Returns:
        What `work` gave for each task, in their order; small, for it goes through the scheduler.

    Raises:
        WorkerError: a task has ended every worker that tried it.
    """
    bar = progress.add_task(description, total=len(tasks))
    results: dict[str, Result] = {}
    keys = [f"{description}, {task}" for task in tasks]
    waiting = iter(zip(keys, tasks, strict=True))

    def submitted(most: int) -> list[Future]:
        return [
            client.submit(_by_itself, work, task, key=key, pure=False)
            for key, task in islice(waiting, most)
        ]

    with client_of(None, workers) as client:
        # One task a worker, and none kept: a death is blamed on all that waits at the worker, and
        # costs all that it has done and is still asked for.
        running = as_completed(submitted(workers))
        for future in running:
            results[future.key] = future.result()
            future.release()
            progress.advance(bar)
            running.update(submitted(1))
    return [results[key] for key in keys]


def _by_itself(work: Callable[[Any], Result], task: object) -> Result:
    """The result of a task, which computes what it reads with dask in its own process.

    By default dask would ask the cluster, and a task would wait until another one has ended.
    """
    with dask.config.set(scheduler="synchronous"):
        return work(task)


@contextmanager
def _local(workers: int) -> Iterator[Client]:
    """A client of a cluster on this host that nothing else can reach."""
    shield_children()
    with dask.config.set(_ALONE):
        with _deaf_to_interruptions():
            started = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=workers > 1,
                host=LOOPBACK,
                protocol="tcp",
                dashboard_address=f"{LOOPBACK}:0",
                scheduler_kwargs={"dashboard": False},
            )
        with started as cluster, Client(cluster) as client:
            yield client


@contextmanager
def _deaf_to_interruptions() -> Iterator[None]:
    """Let processes that are started within leave Ctrl-C to this one, which ends them.

    A terminal sends it to all: workers would tell of it, each on its own. The thread that starts
    them, now and in the place of one that dies, and they themselves have the mask of this one.
    """
    resource_tracker.ensure_running()  # the first to start a process would set the mask back
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at `address`."""
    place = urlsplit(address)
    if place.scheme != "tls" and place.hostname not in {LOOPBACK, "localhost", "::1"}:
        message = (
            f"expected a scheduler at tls://host:port, or on this host, got {address!r}: "
            "set up TLS as data_pipelines/README.md says"
        )
        raise ConfigError(message)
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        message = f"no scheduler answers at {address}: start it, or correct the address ({error})"
        raise WorkerError(message) from error
    with client:
        yield client
