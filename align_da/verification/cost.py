"""What a call costs: its time, and its memory at the peak.

Linux can set the high-water mark of a process back and knows it ever after; where it cannot be
read the memory is NaN. Memory of an accelerator is not counted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeVar

Result = TypeVar("Result")
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_HIGH_WATER = "5"  # see proc_pid_clear_refs(5)


@dataclass(frozen=True)
class Cost:
    """The cost of one call.

    Attributes:
        seconds: wall time.
        megabytes: resident memory at the peak beyond that at the beginning, 10⁶ bytes.
    """

    seconds: float
    megabytes: float


def measured(call: Callable[[], Result]) -> tuple[Result, Cost]:
    """The result of `call`, which must not return before its work is done, and what it cost."""
    resident = _start_of_memory()
    begin = perf_counter()
    result = call()
    seconds = perf_counter() - begin
    return result, Cost(seconds, _read_status("VmHWM") - resident)


def _start_of_memory() -> float:
    """Set the high-water mark to the resident memory, and tell it in megabytes."""
    try:
        _RESET.write_text(_RESET_HIGH_WATER)
    except OSError:
        return float("nan")
    return _read_status("VmRSS")


def _read_status(name: str) -> float:
    """A figure of the kernel about this process, megabytes; NaN where there is none."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return float("nan")
    return int(found.group(1)) * 1024 / 1e6 if found else float("nan")
