"""Settings shared by every test; they must be made before JAX is first used."""

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import pytest
from fault_table import fault_table, mark_rows
from loopback import loopback_only

sys.addaudithook(loopback_only)

# Most of the time of the tests goes into compiling what runs once: without optimisation, and by
# emitters of old that take half as long. Users compile otherwise, and so do tests with --as-users:
# in the Makefile those of numerics, determinism and the golden cycle.
_HASTE = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"

# Compiled programs, shared by the workers and by one run with the next. A key is a digest of the
# program, the flags and the version of the compiler, and a folder is of one number of cores, by
# which loops are split: a program that is found is the one that would be compiled. Processes that
# tests start have another below it, in the place of that of the user.
_PROGRAMS = Path(__file__).parents[1] / ".jax_cache"

# Runs that are hurt flush ten thousand times, which a disk takes milliseconds for: the files of
# tests lie in memory where it has room for them. A whole run of the tests writes 0.3 GiB.
_MEMORY, _ROOM = Path("/dev/shm"), 2**31  # noqa: S108

# Workers side by side wait for each other's threads where each has as many as there are cores.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _WORKER.isdecimal() and hasattr(os, "sched_setaffinity"):
    _CORES = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_CORES[int(_WORKER) % len(_CORES)]})

# A tenth of the time of the tests went into looking for cycles of references, each time through
# all modules and tests: those are set aside once, and the search comes as often as it is worth.
_OBJECTS = 50_000  # new ones, before their cycles are looked for; Python takes 700

# A compiled program takes two or three pieces of memory, of which Linux gives a process 65,530:
# the compiler ends in a segmentation fault where there is no further one.
_PIECES = Path("/proc/self/maps")
_MANY = 55_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options that the Makefile gives."""
    parser.addoption("--fault-table", type=Path, help="write the table of faults to this file")
    parser.addoption("--as-users", action="store_true", help="compile as the commands do")


def pytest_configure(config: pytest.Config) -> None:
    """How programs are compiled, said before the first one is."""
    if not config.getoption("--as-users"):
        os.environ["XLA_FLAGS"] = f"{_HASTE} {os.environ.get('XLA_FLAGS', '')}".strip()
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    os.environ["XDG_CACHE_HOME"] = str(_PROGRAMS / "of_commands")
    jax.config.update("jax_compilation_cache_dir", str(_PROGRAMS / f"{cores}_cores"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests named after a row of the table of faults get its marker."""
    mark_rows(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table of faults when all tests have run."""
    target = terminalreporter.config.getoption("--fault-table")
    if target is not None:
        outcomes = (terminalreporter.stats.get(name, []) for name in ("passed", "failed", "error"))
        told = (report for some in outcomes for report in some)
        # What could not be collected is told by pytest, and belongs to no row.
        target.write_text(fault_table(it for it in told if isinstance(it, pytest.TestReport)))


def pytest_collection_finish() -> None:
    """What is there now stays to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])


@pytest.fixture(autouse=True, scope="module")
def room_for_programs() -> Iterator[None]:
    """Programs of the files before are given up where there are many."""
    yield
    if _PIECES.exists() and _PIECES.read_bytes().count(b"\n") > _MANY:
        jax.clear_caches()


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells what a test has measured, for the table of faults."""
    return lambda text: record_property("figure", text)
