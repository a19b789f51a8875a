"""What the fault tests do to stores, and how they compare them."""

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import numpy as np

from align_da.storage.digest import digest_of_json, digests_of_files
from align_da.storage.store_places import ledger_path


def folder_digest(folder: Path) -> str:
    """Digest of names and contents of all files below a folder, locks and costs left out."""
    digests, left_out = digests_of_files(folder), (".lock", ".costs.jsonl")
    return digest_of_json({name: digests[name] for name in digests if not name.endswith(left_out)})


def struck_at_flushes(
    start: Callable[..., ForkServerProcess], folder: Path, cycles: int, fault: str, every: int
) -> Iterator[tuple[Path, ForkServerProcess]]:
    """Runs that `fault` strikes at the first flush, `every` flushes later and so on to the end.

    Args:
        start: fixture that starts a run in a child.
        folder: for the stores.
        cycles: of each run.
        fault: option of `small_run.main` that takes the number of the flush.
        every: flushes between two strikes.

    Yields:
        The store of a run that did not come to its end, and the child.
    """
    for flush in itertools.count(1, every):
        store = folder / str(flush) / "run.zarr"
        child = start(store, cycles=cycles, **{fault: flush})
        child.join()
        if child.exitcode == 0:
            return
        yield store, child


def copied(store: Path, folder: Path) -> Path:
    """A copy of a store with what lies beside it."""
    shutil.copytree(store.parent, folder, dirs_exist_ok=True)
    return folder / store.name


def complete_cycles(store: Path) -> int:
    """Complete cycles according to the ledger as it lies there now, -1 before there is one."""
    path = ledger_path(store)
    return path.read_text().count("\n") - 1 if path.exists() else -1


def wait_for_cycles(store: Path, cycles: int, seconds: float = 240.0) -> None:
    """Wait until the ledger names so many cycles, and the store is in its place."""
    deadline = time.monotonic() + seconds
    while complete_cycles(store) < cycles or not store.exists():
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.005)


def bits_of(file: Path, count: int) -> list[int]:
    """Some bits of a file, always the same; all of one that has no more."""
    size = 8 * file.stat().st_size
    return np.random.default_rng(0).choice(size, min(count, size), replace=False).tolist()


def flip_bit(file: Path, bit: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << (bit % 8)
    file.write_bytes(content)
