"""Which processes and devices a training is spread over, as the command line is told.

The names are those of `jax.distributed.initialize`.
"""

from dataclasses import dataclass

from align_da.errors import ConfigError

_LARGEST_PORT = 65535
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


@dataclass(frozen=True)
class Processes:
    """The processes of a training; by default one.

    Invariants:
        1. Address, number and id are given together or not at all; each may be where a scheduler
           knows the others.
        2. The address has a host and a port.
        3. process_id < num_processes.

    Attributes:
        coordinator_address: host:port of process 0.
        num_processes: how many.
        process_id: which of them this is.
        distributed: whether what is not given comes from the scheduler.
        tensor: devices that share the parameters.
    """

    coordinator_address: str | None = None
    num_processes: int | None = None
    process_id: int | None = None
    distributed: bool = False
    tensor: int = 1

    def __post_init__(self) -> None:
        """Raise a ConfigError for what does not make sense, before anything is loaded."""
        options = {
            "--coordinator-address": self.coordinator_address,
            "--num-processes": self.num_processes,
            "--process-id": self.process_id,
        }
        missing = [name for name, value in options.items() if value is None]
        if 0 < len(missing) < len(options) and not self.distributed:
            message = (
                f"expected {', '.join(options)} together, or --distributed under SLURM or Open "
                f"MPI: {' and '.join(missing)} not given"
            )
            raise ConfigError(message)
        if self.coordinator_address is not None:
            _check_address(self.coordinator_address)
        if None not in (self.process_id, self.num_processes):
            _check_id(self.process_id or 0, self.num_processes or 0)

    @property
    def several(self) -> bool:
        """Whether there are others to join."""
        return self.distributed or self.num_processes is not None

    @property
    def loopback_address(self) -> str | None:
        """Where process 0 shall listen; None, every interface, unless all are on this machine."""
        address = self.coordinator_address or ""
        return address if address.rpartition(":")[0] in _LOOPBACK else None

    def check_alone(self, work: str) -> None:
        """Raise a ConfigError where `work`, which one process does, was given several."""
        if self != Processes():
            message = (
                f"{work} is done by one process: leave out --coordinator-address, "
                "--num-processes, --process-id, --distributed and --tensor, which trainings take"
            )
            raise ConfigError(message)


def _check_address(address: str) -> None:
    """Raise a ConfigError unless this is a host and a port."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LARGEST_PORT:
        message = f"expected --coordinator-address HOST:PORT, got {address!r}"
        raise ConfigError(message)


def _check_id(process: int, count: int) -> None:
    """Raise a ConfigError unless there is such a process."""
    if process >= count:
        message = f"expected --process-id below --num-processes, got {process} of {count}"
        raise ConfigError(message)
