"""What each cycle costs: what the process has used at its end, less what it had before."""

from collections.abc import Callable
from pathlib import Path

from align_da.storage.cycle_costs import CycleCost, append_cost
from align_da.storage.process_usage import Usage, usage_so_far
from align_da.storage.this_machine import this_machine

Reading = Callable[[], Usage]


class CostMeter:
    """Records what the cycles of this process cost, one after the other.

    Args:
        store: of the cycles; `begin_costs` has made room beside it.
        reading: what the process has used so far.
    """

    def __init__(self, store: Path, reading: Reading = usage_so_far) -> None:
        self._store, self._reading = store, reading
        self._before, self._first = reading(), True

    def record(self, cycle: int) -> None:
        """Record what was used since the last call, or since the meter was made, as a cycle.

        Raises:
            StorageError: it cannot be written.
        """
        now, before = self._reading(), self._before
        cost = CycleCost(
            cycle,
            round(now.wall_seconds - before.wall_seconds, 6),
            round(now.cpu_seconds - before.cpu_seconds, 6),
            now.peak_bytes,
            self._first,
            this_machine(),
        )
        append_cost(self._store, cost)
        self._before, self._first = now, False
