"""What a task is given by the cluster that runs it, and what is told of one that fails."""

import logging
import math
import subprocess
import sys

import pytest
from dask.base import get_scheduler

from align_da.parallel.cluster import run_tasks
from align_da.parallel.progress import progress_bar

# Some library that a task imports sets handlers of the worker, which tell all that comes to them.
FAILING = """
from align_da.parallel.cluster import run_tasks
from align_da.parallel.progress import progress_bar

if __name__ == "__main__":
    task = "import logging; logging.basicConfig(); raise ValueError('out of ' + 'range')"
    with progress_bar(shown=False) as progress:
        run_tasks(exec, [task, f"1; {task}"], 2, progress, "tasks")
"""


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


def test_a_failure_in_a_worker_is_told_by_its_error_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("out of range")) == (1, 1)
    assert "Compute Failed" not in done.stdout + done.stderr


@pytest.mark.parametrize(("level", "times"), [(logging.WARNING, 0), (logging.INFO, 1)])
def test_libraries_tell_of_a_failure_where_they_are_to_tell_all(
    level: int, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(level),
        pytest.raises(ValueError, match="math domain"),
        progress_bar(shown=False) as progress,
    ):
        run_tasks(math.sqrt, [-1], 1, progress, "roots")
    assert caplog.text.count("Compute Failed") == times
