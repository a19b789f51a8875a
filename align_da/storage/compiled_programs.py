"""Compiled programs, kept from one process to the next: a model takes half a minute to compile.

Small ones are kept too: setting a model up compiles a hundred, two seconds of every process.

A program that is found is machine code, and run as it is. So it is kept in a folder that belongs
to the user and to nobody else, never in a run, which may come from elsewhere.
"""

import hashlib
import os
import platform
import stat
from pathlib import Path

import jax
from jax.experimental.compilation_cache.compilation_cache import set_cache_dir

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors

_PRIVATE = 0o700


def use_compilation_cache() -> None:
    """Keep what this process compiles, and use what others of this user have compiled.

    The folder is `align-da/programs` below XDG_CACHE_HOME (`~/.cache` where that is not set); it
    may be removed at any time.

    Raises:
        StorageError: the folder cannot be made, or belongs to somebody else, or others may look
            into it.
    """
    folder = _cache_home() / "align-da"
    _make_private(folder)
    set_cache_dir(str(folder / "programs" / _machine()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # type: ignore[no-untyped-call]


def _cache_home() -> Path:
    """Where programs of this user keep what they can make again.

    Raises:
        StorageError: the user has no home.
    """
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(given) if given else Path.home() / ".cache"
    except RuntimeError as error:
        message = f"compiled programs have no place: set XDG_CACHE_HOME to a folder ({error})"
        raise StorageError(message) from error


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else can look into, or check that it is one.

    Raises:
        StorageError: it is not, or cannot be made.
    """
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(folder):
            folder.mkdir(mode=_PRIVATE, exist_ok=True)
        found = folder.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or mode != _PRIVATE:
        message = (
            f"{folder} keeps compiled programs, which are run as they are found: expected a "
            f"folder of user {os.geteuid()} with mode 700, found {stat.filemode(found.st_mode)} "
            f"of user {found.st_uid}: remove it, or set XDG_CACHE_HOME to a folder of your own"
        )
        raise StorageError(message)


def _machine() -> str:
    """What programs are compiled for beside what JAX looks at: the CPU, and XLA's threads."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.is_file() else []
    features = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
    told = [platform.machine(), os.environ.get("PJRT_NPROC", ""), *sorted(features)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
