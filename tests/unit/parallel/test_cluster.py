"""What a task is given by the cluster that runs it."""

import logging

import pytest
from dask.base import get_scheduler

from align_da.parallel.cluster import run_tasks
from align_da.parallel.progress import progress_bar


def name_of_scheduler(_: int) -> str:
    scheduler = get_scheduler()
    return "the default" if scheduler is None else scheduler.__name__


def test_a_task_reads_in_its_own_process_and_waits_for_no_other() -> None:
    """The scheduler of the cluster would put what is read behind the tasks that run."""
    before = name_of_scheduler(0)
    with progress_bar(shown=False) as progress:
        assert run_tasks(name_of_scheduler, [0], 1, progress, "names") == ["get_sync"]
    assert name_of_scheduler(0) == before


def test_workers_that_are_slow_to_end_are_not_told_and_all_else_of_them_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nanny = logging.getLogger("distributed.nanny")
    nanny.warning("Worker process still alive after 4.0 seconds, killing")
    nanny.warning("Restarting worker")
    assert [record.getMessage() for record in caplog.records] == ["Restarting worker"]
