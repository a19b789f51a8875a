"""The machine that this process runs on.

Apart from what is said of machines, which commands that compute nothing read too.
"""

import platform
import re
from functools import cache
from pathlib import Path

import jax

from align_da.environment import usable_cores
from align_da.storage.machine import Machine

_DESCRIBED = Path("/proc/cpuinfo")


@cache
def this_machine() -> Machine:
    """The machine of this process."""
    return Machine(_processor(), usable_cores(), jax.devices()[0].device_kind)


def _processor() -> str:
    """Model of the CPU."""
    text = _DESCRIBED.read_text() if _DESCRIBED.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+?)\s*$", text, re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()
