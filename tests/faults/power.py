"""What is on a disk when the power goes.

Only what was flushed is sure to be there: the content of a file as it was at its last fsync, and
the names in a folder as they were at the last fsync of the folder. What was not flushed may be
there or not. `PowerCuts` records every flush below a folder and gives two images for each: one
with the names that were flushed, and one with all names and only contents that were flushed.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class PowerCuts:
    """A record of flushes.

    Attributes:
        root: the folder that is watched.
        after: called after each flush below `root`, with this record.
        contents: of every flushed file, by inode.
        names: of every flushed folder, by inode: name → inode.
    """

    root: Path
    after: Callable[["PowerCuts"], None]
    contents: dict[int, bytes] = field(default_factory=dict)
    names: dict[int, dict[str, int]] = field(default_factory=dict)

    def flushed(self, descriptor: int) -> None:
        """Take down what a flush has made sure."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not path.is_relative_to(self.root):
            return
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            self.names[found.st_ino] = _entries(path)
        else:
            self.contents[found.st_ino] = path.read_bytes()
        self.after(self)

    def image(self, target: Path, *, all_names: bool) -> None:
        """Write what the disk holds to `target`.

        Args:
            target: a folder that does not exist.
            all_names: whether names that were not flushed are there too.
        """
        self._write(self.root, self.root.stat().st_ino, target, all_names)

    def _write(self, now: Path, inode: int, target: Path, all_names: bool) -> None:
        target.mkdir(parents=True)
        folders = {path.stat().st_ino: path for path in _folders(now)} if now.is_dir() else {}
        names = _entries(now) if all_names and now.is_dir() else self.names.get(inode, {})
        for name, child in names.items():
            if child in folders or child in self.names:
                self._write(folders.get(child, now / name), child, target / name, all_names)
            else:
                (target / name).write_bytes(self.contents.get(child, b""))


def _entries(folder: Path) -> dict[str, int]:
    """Name → inode."""
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


def _folders(folder: Path) -> list[Path]:
    """Folders right below a folder."""
    return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]


@contextmanager
def watched(cuts: PowerCuts) -> Iterator[None]:
    """Record every flush within the block."""
    flush = os.fsync

    def recorded(descriptor: int) -> None:
        flush(descriptor)
        cuts.flushed(descriptor)

    os.fsync = recorded
    try:
        yield
    finally:
        os.fsync = flush
