"""What the messages of GRIB files say of themselves, checked before their values are read.

cfgrib takes the grid of the first message for all of them, reads every row from west to east and,
where two messages have one place, keeps the later one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align_da.errors import InputError, StorageError

# Which field a message is, and what else tells two of one place apart.
_PLACE = ("level", "validityDate", "validityTime", "number")
_ORIGIN = ("expver", "stream", "dataType")


@dataclass(frozen=True)
class GribMessage:
    """The header of an analysis.

    Attributes:
        file: holds it.
        offset: bytes before it in the file.
        size: of it, bytes.
        place: level, date, time and member.
        origin: experiment version, stream and type.
        grid: digest of the description of its grid, which the direction of scanning is part of.
        by_column: whether neighbouring values lie on a meridian.
    """

    file: Path
    offset: int
    size: int
    place: tuple[str, ...]
    origin: tuple[str, ...]
    grid: str
    by_column: bool

    def content(self) -> bytes:
        """The whole message."""
        with self.file.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def check_messages(files: Sequence[Path], keys: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse files in which a field stands twice with other values, or in a way not understood.

    Args:
        files: GRIB, edition 1 or 2.
        keys: of each variable, the keys that its messages have.

    Raises:
        StorageError: a file cannot be read as GRIB.
        InputError: names file, variable and what is wrong with it.
    """
    found: dict[tuple[str, ...], GribMessage] = {}
    grids: dict[tuple[Path, str], str] = {}
    for name, message in (pair for file in files for pair in _analyses(file, keys)):
        if message.by_column:
            told = (
                f"{message.file}: the values of {name} run along meridians "
                "(jPointsAreConsecutive): expected rows, write the file again with rows"
            )
            raise InputError(told)
        if grids.setdefault((message.file, name), message.grid) != message.grid:
            told = (
                f"{message.file}: messages of {name} have different grids or directions of "
                "scanning: expected one grid in a file, split it"
            )
            raise InputError(told)
        other = found.setdefault((name, *message.place), message)
        if other is not message and other.content() != message.content():
            raise InputError(_contradiction(name, other, message))


def _contradiction(name: str, first: GribMessage, second: GribMessage) -> str:
    """What to say of two messages of one place."""
    level, date, time, _ = first.place
    both = " and ".join(
        f"{message.file} ({', '.join(map('='.join, zip(_ORIGIN, message.origin, strict=True)))})"
        for message in (first, second)
    )
    return (
        f"{name} at level {level} of {date} {time.zfill(4)} UTC stands twice with other values, "
        f"in {both}: keep one of them, for example with grib_copy -w expver=1"
    )


def _analyses(
    file: Path, keys: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, GribMessage]]:
    """The headers of the wanted fields, with the names of their variables."""
    import eccodes  # noqa: PLC0415 (optional, and to be loaded after packages that use PROJ)

    with file.open("rb") as opened:
        while (handle := _next(eccodes, opened, file)) is not None:
            try:
                for name, wanted in keys.items():
                    if _has(eccodes, handle, wanted) and _text(eccodes, handle, "step") == "0":
                        yield name, _header(eccodes, handle, file)
            finally:
                eccodes.codes_release(handle)


def _next(eccodes: Any, opened: Any, file: Path) -> int | None:  # noqa: ANN401 (a C library)
    """A handle on the next message, None after the last."""
    try:
        handle: int | None = eccodes.codes_grib_new_from_file(opened, headers_only=True)
    except eccodes.CodesInternalError as error:
        message = f"{file} cannot be read as GRIB ({error}): fetch it again"
        raise StorageError(message) from error
    return handle


def _header(eccodes: Any, handle: int, file: Path) -> GribMessage:  # noqa: ANN401
    return GribMessage(
        file,
        int(_text(eccodes, handle, "offset")),
        int(_text(eccodes, handle, "totalLength")),
        tuple(_text(eccodes, handle, key) for key in _PLACE),
        tuple(_text(eccodes, handle, key) for key in _ORIGIN),
        _text(eccodes, handle, "md5GridSection"),
        _text(eccodes, handle, "jPointsAreConsecutive") == "1",
    )


def _has(eccodes: Any, handle: int, wanted: Mapping[str, str]) -> bool:  # noqa: ANN401
    return all(_text(eccodes, handle, key) == value for key, value in wanted.items())


def _text(eccodes: Any, handle: int, key: str) -> str:  # noqa: ANN401
    """The value of a key, empty where a message does not have it."""
    if not eccodes.codes_is_defined(handle, key):
        return ""
    return str(eccodes.codes_get_string(handle, key))
