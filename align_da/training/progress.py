"""Progress of a training: a bar on a terminal, a line a minute elsewhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from jaxtyping import Array
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from align_da.parallel.meeting import writes
from align_da.parallel.progress import progress_of
from align_da.training.loop import ProgressReport


@contextmanager
def progress_bar(
    title: str, steps: int, console: Console | None = None
) -> Iterator[ProgressReport]:
    """A bar with loss, time used and time left, of the process that writes; yields the `report`.

    Args:
        title: what is trained.
        steps: steps in all.
        console: where to draw; None is the standard output.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with progress_of(columns, console or Console(), shown=writes()) as bar:
        # The first step of a process is compiled, which takes longer than many others.
        task = bar.add_task(f"{title}, compiling", total=steps, loss="-")

        def report(step: int, metrics: Mapping[str, Array]) -> None:
            loss = f"{float(metrics['loss']):.4g}"
            bar.update(task, completed=step, loss=loss, description=title)

        yield report
