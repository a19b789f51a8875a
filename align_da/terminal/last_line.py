"""The last lines of a command: how long it took, where its results lie, what is missing next."""

import time
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from align_da.config import Config
from align_da.errors import AlignDAError
from align_da.parallel.progress import in_words
from align_da.terminal.messages import note


@dataclass(frozen=True)
class _Command:
    """A command on a run that has begun.

    Attributes:
        began: seconds of the monotonic clock.
        config: its configuration.
        run: folder of the run.
        options: what names both, for the command that is next.
        cycled: the cycling run that it makes; empty for others.
    """

    began: float
    config: Config
    run: Path
    options: str
    cycled: str


_BEGUN: ContextVar[_Command | None] = ContextVar("command that has begun", default=None)


def begin(config: Config, run: Path, options: str, cycled: str = "") -> None:
    """Note that a command on a run begins to work, and which cycles it makes."""
    _BEGUN.set(_Command(time.monotonic(), config, run, options, cycled))


def forget() -> None:
    """Note that no command has begun."""
    _BEGUN.set(None)


def tell_last_line(*_: object, **__: object) -> None:
    """Tell the end of the command that has begun, on the standard error; nothing if none has."""
    command = _BEGUN.get()
    if command is None:
        return
    forget()
    from align_da.stages.list_run import list_run

    took = in_words(time.monotonic() - command.began)
    note(f"align-da: done in {took}, in {command.run}")
    with suppress(AlignDAError):  # the work was done, whatever else is wrong
        found = list_run(command.config, command.run, command.options)
        for cycles in found.cycles:
            if cycles.name == command.cycled and cycles.cost:
                note(f"align-da: {cycles.name} takes {cycles.cost}")
        note(f"align-da: missing next: {found.missing}\n  {found.command}")
