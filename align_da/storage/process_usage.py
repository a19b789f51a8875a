"""What this process has used since it began: time, CPU time, and memory at the peak.

Children that it has started count once they have ended and been waited for. Linux lets a process
that is started inherit the high-water mark of the one that starts it (`ru_maxrss`, getrusage(2));
that of its own memory (VmHWM, proc_pid_status(5)) is taken where it can be read. Memory of an
accelerator is not counted.
"""

import re
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Usage:
    """What a process has used.

    Attributes:
        wall_seconds: of a clock that never goes back, from whenever.
        cpu_seconds: of user and system, in all threads.
        peak_bytes: resident memory at the peak, of the process or of its largest child.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def usage_so_far() -> Usage:
    """What this process has used until now."""
    own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Usage(
        time.monotonic(),
        sum(used.ru_utime + used.ru_stime for used in (own, children)),
        max(_own_peak() or _in_bytes(own.ru_maxrss), _in_bytes(children.ru_maxrss)),
    )


def _own_peak() -> int:
    """The high-water mark of the memory of this process; 0 where it cannot be read."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return 1024 * int(found.group(1)) if found else 0


def _in_bytes(peak: int) -> int:
    """A peak of getrusage(2), whose unit is another on macOS."""
    return peak if sys.platform == "darwin" else 1024 * peak
