"""What it costs that readers compare what they read with the ledger.

A store of noise in the shape of the embedded world is read with `xarray.open_zarr` and with
`open_cycles`, in pairs and in turns, from memory (the page cache), where it weighs most.

Usage: python -m experiments.integrity.reading [--cycles 20] [--members 20] [--pairs 15]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from align_da.storage.analysis_store import write_cycle
from align_da.storage.stored_cycles import open_cycles
from experiments.costs.synthetic import (
    layout_of,
    new_store,
    noise_states,
    record_with,
    template_of,
)

GROUPS = ("background", "analysis", "observations")


def main() -> None:
    """Write the store, read it in pairs and print the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = write_store(Path(folder) / "run.zarr", arguments.cycles, arguments.members)
        plain, verified = timed_in_pairs(store, arguments.pairs)
        size = sum(open_cycles(store, group).nbytes for group in GROUPS)
    low, middle, high = np.percentile(100 * (verified / plain - 1), (25, 50, 75))
    print(
        f"{size / 1e6:.0f} MB in {len(plain)} pairs: {np.median(plain):.2f} s with open_zarr, "
        f"{np.median(verified):.2f} s with open_cycles, {middle:+.1f} % ({low:+.1f} to "
        f"{high:+.1f} %)"
    )


def write_store(path: Path, cycles: int, members: int) -> Path:
    """A store of noise, all of its cycles alike but for a shift."""
    layout = layout_of(32, 64, (50, 100, 200, 300, 500, 700, 850, 1000))
    states = noise_states(layout, members)
    store = new_store(path, template_of(layout, members, 2000, cycles))
    for _ in range(cycles):
        store = write_cycle(store, record_with(states, states, store.template))
    return path


def timed_in_pairs(store: Path, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each reading of all groups: plain, and verified."""

    def plain(group: str) -> xr.Dataset:
        opened: xr.Dataset = xr.open_zarr(store, group=group, consolidated=False)
        return opened

    def verified(group: str) -> xr.Dataset:
        return open_cycles(store, group)

    ways: tuple[Callable[[str], xr.Dataset], ...] = (plain, verified)
    seconds = np.array(
        [
            [_seconds(ways[place]) for place in (turn % 2, 1 - turn % 2)][:: 1 - 2 * (turn % 2)]
            for turn in range(pairs + 1)
        ]
    )
    return seconds[1:, 0], seconds[1:, 1]  # the first pair fills the cache


def _seconds(way: Callable[[str], xr.Dataset]) -> float:
    """Seconds to read every group to its end."""
    begin = time.perf_counter()
    for group in GROUPS:
        way(group).load()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
