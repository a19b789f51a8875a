"""Without a terminal progress is a line a minute with an estimate."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from align_da.parallel.progress import ProgressBar, ProgressLines, in_words, progress_of


def told_of(seconds: list[float], *, before: int = 0, total: int = 40) -> list[str]:
    """The lines of a task that does one thing at each of these times."""
    console = Console(file=io.StringIO(), width=40, force_terminal=False)
    times: Iterator[float] = iter([0.0, 0.0, *seconds])
    bar = ProgressLines(TextColumn("end"), console=console, clock=lambda: next(times))
    with bar:
        task = bar.add_task("cycles", total=total, completed=before)
        for number in range(len(seconds)):
            bar.update(task, completed=before + number + 1)
    assert isinstance(console.file, io.StringIO)
    return [line for line in console.file.getvalue().splitlines() if line.strip() != "end"]


def test_a_line_comes_a_minute_after_the_last_and_says_what_is_left() -> None:
    assert told_of([30.0, 60.0, 90.0, 119.0, 150.0]) == [
        "cycles: 2 of 40 after 60 s, about 19 min left",
        "cycles: 5 of 40 after 2 min, about 18 min left",
    ]


def test_what_was_done_before_a_run_was_stopped_is_not_counted_as_speed() -> None:
    assert told_of([600.0], before=38) == ["cycles: 39 of 40 after 10 min, about 10 min left"]


def test_quick_work_tells_nothing_on_its_way() -> None:
    assert told_of([1.0, 2.0, 3.0]) == []


def test_tracked_work_is_told_too() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    times = iter([0.0, 0.0, 70.0, 140.0])
    with ProgressLines(console=console, clock=lambda: next(times)) as bar:
        assert list(bar.track([1, 2], description="forecasts")) == [1, 2]
    assert isinstance(console.file, io.StringIO)
    assert "forecasts: 1 of 2 after 70 s, about 70 s left" in console.file.getvalue()


@pytest.mark.parametrize(("terminal", "kind"), [(True, ProgressBar), (False, ProgressLines)])
def test_a_terminal_has_a_bar(terminal: bool, kind: type[Progress]) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal)
    assert type(progress_of((), console)) is kind


def fail_within(bar: Progress) -> None:
    with bar:
        bar.add_task("cycles", total=2)
        1 / 0  # noqa: B018


@pytest.mark.parametrize("terminal", [True, False])
def test_an_error_leaves_nothing_of_the_bar(terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=40)
    with pytest.raises(ZeroDivisionError):
        fail_within(progress_of((TextColumn("{task.description}"),), console))
    assert isinstance(console.file, io.StringIO)
    written = console.file.getvalue()
    if terminal:  # the cursor goes up and the line is erased
        assert written.rpartition("cycles")[2].endswith("\x1b[1A\x1b[2K")
    else:
        assert written == ""


def test_what_is_not_to_be_shown_writes_nothing() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with progress_of((TextColumn("x"),), console, shown=False) as bar:
        bar.update(bar.add_task("silent", total=1), completed=1)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


def test_times_are_told_as_one_says_them() -> None:
    assert [in_words(seconds) for seconds in (4.4, 99.0, 100.0, 3600.0, 7500.0)] == [
        "4 s",
        "99 s",
        "2 min",
        "60 min",
        "2 h 5 min",
    ]
