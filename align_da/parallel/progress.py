"""The progress of long stages: a bar on a terminal, elsewhere a line a minute with an estimate."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

_EVERY = 60.0  # seconds from a line to the next
_HIDDEN = ContextVar("whether bars are hidden", default=False)


def hide_bars(*, hidden: bool) -> None:
    """Whether the bars and lines of this process are hidden; what goes past them is not."""
    _HIDDEN.set(hidden)


class ProgressBar(Progress):
    """Progress on a terminal; it leaves nothing of itself where an error ends what it shows."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """As that of Progress."""
        self.live.transient |= kind is not None
        super().__exit__(kind, error, trace)


class ProgressLines(ProgressBar):
    """Progress for what is no terminal: a log, or the output of a queue.

    A line is written when something was done, a minute after the last at the earliest. What is
    left is estimated by what was done since the task was added: earlier work is not counted.
    """

    def __init__(
        self,
        *columns: ProgressColumn,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        disable: bool = False,
    ) -> None:
        super().__init__(*columns, console=console, auto_refresh=False, disable=disable)
        self._clock = clock
        self._told = clock()
        self._begun: dict[TaskID, tuple[float, float]] = {}

    def add_task(self, description: str, *args: Any, **said: Any) -> TaskID:  # noqa: ANN401
        """As that of Progress."""
        added = super().add_task(description, *args, **said)
        self._begun[added] = (self._clock(), self._tasks[added].completed)
        return added

    def update(self, task_id: TaskID, **said: Any) -> None:  # noqa: ANN401
        """As that of Progress; tells how far the task is if it is time."""
        super().update(task_id, **said)
        self._tell(task_id)

    def advance(self, task_id: TaskID, advance: float | int = 1) -> None:
        """As that of Progress; tells how far the task is if it is time."""
        super().advance(task_id, advance)
        self._tell(task_id)

    def stop(self) -> None:
        """As that of Progress, which ends with an empty line, also where nothing is shown."""
        if self.live.transient:
            self.live.stop()
        else:
            super().stop()

    def _tell(self, task_id: TaskID) -> None:
        """A line on a task, a minute after the last."""
        now, task = self._clock(), self._tasks[task_id]
        if self.disable or task.total is None or now - self._told < _EVERY:
            return
        self._told = now
        since, before = self._begun[task_id]
        done, left = task.completed - before, task.total - task.completed
        estimate = f", about {in_words((now - since) * left / done)} left" if done > 0 else ""
        self.console.print(
            f"{task.description}: {task.completed:g} of {task.total:g} after "
            f"{in_words(now - since)}{estimate}",
            highlight=False,
            soft_wrap=True,
        )


def progress_bar(*, shown: bool = True) -> Progress:
    """Done, total and time left of each task; nothing where it is not to be shown."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return progress_of(columns, Console(), shown=shown)


def progress_of(
    columns: tuple[ProgressColumn, ...], console: Console, *, shown: bool = True
) -> Progress:
    """These columns on a terminal, and lines elsewhere.

    Args:
        columns: of the bar.
        console: where it is drawn.
        shown: whether anything is.
    """
    kind = ProgressBar if console.is_terminal else ProgressLines
    return kind(*columns, console=console, disable=_HIDDEN.get() or not shown)


def in_words(seconds: float) -> str:
    """A time as one says it: "45 s", "3 min", "2 h 5 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
