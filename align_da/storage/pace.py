"""How fast a cycling run goes, as the times of its files tell: the store itself holds no times."""

from itertools import pairwise
from pathlib import Path
from statistics import median

from align_da.storage.durable import storage_errors

_LOOKED_AT = 11  # cycles, the last ones


def seconds_per_cycle(store: Path, complete: int) -> float | None:
    """Median time from the end of a cycle to that of the next, of the last ten.

    Args:
        store: of the cycles.
        complete: how many are.

    Returns:
        Seconds; None where fewer than two cycles tell, or files were written in another order
        than cycles are: then the store is a copy.

    Raises:
        StorageError: files cannot be looked at.
    """
    with storage_errors(store):
        # Chunks with the number of the first cycle are those of coordinates too.
        spans = [_span(store, cycle) for cycle in range(max(1, complete - _LOOKED_AT), complete)]
    if len(spans) < 2 or any(end > begin for (_, end), (begin, _) in pairwise(spans)):
        return None
    return median(end - before for (_, before), (_, end) in pairwise(spans))


def _span(store: Path, cycle: int) -> tuple[float, float]:
    """When the first and the last file of a cycle were written."""
    files = (*store.glob(f"*/*/c.{cycle}"), *store.glob(f"*/*/c.{cycle}.*"))
    times = [file.stat().st_mtime for file in files]
    return min(times), max(times)
