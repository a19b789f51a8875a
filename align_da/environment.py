"""What the environment of a process may decide, and what not.

Results follow from the configuration, the inputs and the libraries. What else would change their
bits is set here, before the libraries that read it are loaded, and what cannot be set is in the
manifest of a run (`align_da.storage.arithmetic`). The working directory is nobody's: no code and
no settings are taken from it.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from align_da.errors import ConfigError

_OF_JAX = (
    *("JAX_PLATFORM", "JAX_CUDA_VISIBLE", "JAX_ROCM_VISIBLE", "JAX_NUM_CPU_DEVICES"),
    *("JAX_COORDINATOR", "JAX_PROCESS_ID", "JAX_NUM_PROCESSES", "JAX_LOCAL_DEVICE_IDS"),
    *("JAX_CPU_COLLECTIVES", "JAX_CROSS_HOST", "JAX_DISTRIBUTED", "JAX_CHECK_PROXY"),
    *("JAX_LOG", "JAX_TRACEBACK", "JAX_DEBUG", "JAX_DUMP", "JAX_EXPLAIN", "JAX_CHECK"),
    *("JAX_COMPILATION_CACHE", "JAX_ENABLE_COMPILATION_CACHE", "JAX_PERSISTENT_CACHE"),
)
"""Beginnings of the variables that say where JAX computes and what it tells; no bit is theirs."""
_OF_OTHERS = (
    *("EAGER_CONSTANT_FOLDING", "NVIDIA_TF32_OVERRIDE"),
    *("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "OPENBLAS_CORETYPE"),
)
"""Variables by which kernels of other arithmetic are chosen."""
_PLACES = (
    *("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MATPLOTLIBRC", "MPLCONFIGDIR"),
    *("DASK_CONFIG", "DASK_ROOT_CONFIG", "ZARR_CONFIG", "ZARR_ROOT_CONFIG"),
)
"""Variables that name a place of settings, which may lie below the working directory."""


def settle_environment() -> list[str]:
    """Set what changes the bits of results, and take code and settings from nowhere else.

    LAPACK works on many small matrices here: its threads wait for each other a hundred times
    longer than they compute, and their number would change bits. XLA multiplies matrices in
    another order where it has one thread than where it has several; with several, their number
    does not matter.

    Returns:
        The variables that were set otherwise and are not looked at.

    Raises:
        ConfigError: a variable names a place of code or settings by its way from the working
            directory.
    """
    _check_places()
    _leave_the_working_directory()
    aside = sorted(filter(_changes_bits, os.environ))
    for name in aside:
        del os.environ[name]
    return [*aside, *_settle_threads()]


def usable_cores() -> int:
    """How many cores this process may compute on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores or 1


def shield_children() -> None:
    """Let processes that this one starts import nothing from the working directory.

    Python looks there first for what a worker imports before it is told where its parent looks.
    """
    os.environ["PYTHONSAFEPATH"] = "1"


def _changes_bits(name: str) -> bool:
    """Whether a variable decides how is computed."""
    return name in _OF_OTHERS or (name.startswith("JAX_") and not name.startswith(_OF_JAX))


def _settle_threads() -> list[str]:
    """One thread for LAPACK and several for XLA; the variables that were set otherwise."""
    threads = os.environ.get("PJRT_NPROC", str(max(2, usable_cores())))
    several = threads.isdecimal() and int(threads) > 1
    settled = {"OPENBLAS_NUM_THREADS": "1", "PJRT_NPROC": threads if several else "2"}
    otherwise = [name for name in settled if os.environ.get(name, settled[name]) != settled[name]]
    os.environ.update(settled)
    return otherwise


def _check_places() -> None:
    """Raise a ConfigError for a variable that names the working directory or a way from it."""
    named = {name: os.environ[name] for name in _PLACES if name in os.environ}
    wrong = [name for name, place in named.items() if not Path(place).is_absolute()]
    path = os.environ.get("PYTHONPATH", "")
    if path and not all(Path(place).is_absolute() for place in path.split(os.pathsep)):
        wrong.append("PYTHONPATH")
    if wrong:
        message = (
            f"{wrong[0]}={os.environ[wrong[0]]!r}: expected absolute paths, for code and settings "
            "are not taken from the working directory: name the folder in full, or unset it"
        )
        raise ConfigError(message)


def _leave_the_working_directory() -> None:
    """Take the working directory from where modules are looked for, unless PYTHONPATH names it."""
    shield_children()
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    with suppress(FileNotFoundError):  # it has been removed
        if sys.path[0] in {"", str(Path.cwd())} and sys.path[0] not in named:
            del sys.path[0]
