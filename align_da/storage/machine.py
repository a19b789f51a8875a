"""What of a machine decides how long a computation takes: costs of others are not compared."""

import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jax

from align_da.environment import usable_cores

_DESCRIBED = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """Where was computed, without its name.

    Attributes:
        processor: model of the CPU, its architecture where no model is told.
        cores: that the process could use.
        device: kind of the device of JAX, "cpu" without an accelerator.
    """

    processor: str
    cores: int
    device: str

    def __str__(self) -> str:
        """In words."""
        accelerator = "" if self.device == "cpu" else f", {self.device}"
        return f"{self.processor}, {self.cores} cores{accelerator}"


@cache
def this_machine() -> Machine:
    """The machine of this process."""
    return Machine(_processor(), usable_cores(), jax.devices()[0].device_kind)


def _processor() -> str:
    """Model of the CPU."""
    text = _DESCRIBED.read_text() if _DESCRIBED.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+?)\s*$", text, re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()
