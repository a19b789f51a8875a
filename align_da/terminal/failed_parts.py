"""Whose an exception is that ends a command: a mistake in a part of a package, or none of its own.

A part is called by our code and calls it in turn, and libraries too. The exception is laid to the
innermost frame of its traceback that lies in a package which brings parts; one without such a
frame is of no part.
"""

import traceback
from pathlib import Path

from align_da.registry import foreign_part_of


def failure_of_part(error: Exception) -> str:
    """What is told of an exception that comes from a part of another package: whose, and where.

    Empty where it comes from none.
    """
    frames = [*traceback.walk_tb(error.__traceback__)][::-1]
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in frames]
    for number, (frame, line) in enumerate(frames):
        part = foreign_part_of(modules[number:])
        if part:
            package = modules[number].partition(".")[0]
            place = _within(package, Path(frame.f_code.co_filename))
            return f"{part} failed: {_first_line(error)} ({place}, line {line})"
    return ""


def _first_line(error: Exception) -> str:
    """The kind of an exception and the first line that it says; libraries add pages to that."""
    said = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _within(package: str, file: Path) -> Path:
    """A file as it lies in its package."""
    folders = file.parts[:-1]
    if package not in folders:
        return Path(file.name)
    outside = len(folders) - folders[::-1].index(package) - 1
    return Path(*file.parts[outside:])
