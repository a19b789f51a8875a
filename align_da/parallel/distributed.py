"""Join the processes of a training by `jax.distributed`, and end when one of them has ended.

A process that has failed leaves at once, as if it had been killed: an orderly end would wait for
the others, which wait for it. They see its closed connection, or miss its heartbeat for 100
seconds, and fail too; the same command in all of them goes on from the last checkpoint.
"""

import atexit
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import jax
from jax.sharding import Mesh

from align_da.errors import AlignDAError, ConfigError, InputError, WorkerError
from align_da.parallel.distributed_processes import Processes
from align_da.parallel.meeting import meet
from align_da.parallel.mesh import device_mesh

_LIBRARIES = ("Gloo", "NCCL", "RCCL", "coordination service")
"""What joins the processes; an error of theirs means that another process is gone."""


@contextmanager
def joined_processes(processes: Processes, *same: object) -> Iterator[Mesh | None]:
    """The devices of all processes, which train together within the block; None for a single one.

    Args:
        processes: which.
        same: what all must have been given: sections of the configuration, numbers, strings.

    Raises:
        ConfigError: there is no scheduler to ask.
        InputError: processes have not the same devices or settings, or the devices cannot be
            grouped.
        WorkerError: another process is gone.
    """
    if not processes.several:
        yield _mesh(processes.tensor)
        return
    _initialize(processes)
    try:
        with _told_when_one_is_gone():
            _check_devices()
            meet("the start of the command", processes.tensor, *same)
            yield _mesh(processes.tensor)
    except BaseException as error:
        atexit.register(_leave, _code_of(error))  # runs before what JAX has registered
        raise


def _initialize(processes: Processes) -> None:
    """Wait for all processes.

    Raises:
        ConfigError: the scheduler is none that JAX knows.
    """
    # SIGTERM shall end a process: the service would only take note of it.
    jax.config.update("jax_enable_preemption_service", val=False)  # type: ignore[no-untyped-call]
    try:
        jax.distributed.initialize(
            processes.coordinator_address,
            processes.num_processes,
            processes.process_id,
            coordinator_bind_address=processes.loopback_address,
        )
    except ValueError as error:  # of what it has not found
        message = (
            "expected to be started by SLURM or Open MPI with --distributed, or else "
            f"--coordinator-address, --num-processes and --process-id ({error})"
        )
        raise ConfigError(message) from error


def _check_devices() -> None:
    """Raise an InputError unless all processes have equally many devices."""
    counts = Counter(device.process_index for device in jax.devices())
    if len(set(counts.values())) > 1:
        message = f"expected as many devices in every process, got {dict(counts)} by process"
        raise InputError(message)


def _mesh(tensor: int) -> Mesh | None:
    """All devices where there are several."""
    return device_mesh(tensor) if jax.device_count() > 1 or tensor > 1 else None


@contextmanager
def _told_when_one_is_gone() -> Iterator[None]:
    """Turn errors of communication into a WorkerError."""
    try:
        yield
    except (ValueError, RuntimeError) as error:  # those of XLA are
        if not any(library in str(error) for library in _LIBRARIES):
            raise
        message = (
            "another process of this training is gone: see what it has told; the same command in "
            f"all of them goes on ({str(error).splitlines()[0]})"
        )
        raise WorkerError(message) from error


def _code_of(error: BaseException) -> int:
    """The exit code that an error means."""
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    return error.exit_code if isinstance(error, AlignDAError) else 1


def _leave(code: int) -> None:
    """End without waiting for anyone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
