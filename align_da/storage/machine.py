"""What of a machine decides how long a computation takes: costs of others are not compared."""

from dataclasses import dataclass


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
