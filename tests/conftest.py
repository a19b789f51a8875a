"""Settings shared by every test; they must be made before JAX is first used."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_table import fault_table, mark_rows
from loopback import loopback_only

sys.addaudithook(loopback_only)

# Most of the time of the tests goes into compiling what runs once.
_FLAGS = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"--xla_backend_optimization_level=0 {_FLAGS}".strip()

# Workers side by side wait for each other's threads where each has as many as there are cores.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _WORKER.isdecimal() and hasattr(os, "sched_setaffinity"):
    _CORES = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_CORES[int(_WORKER) % len(_CORES)]})


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that `make test-faults` gives."""
    parser.addoption("--fault-table", type=Path, help="write the table of faults to this file")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests named after a row of the table of faults get its marker."""
    mark_rows(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table of faults when all tests have run."""
    target = terminalreporter.config.getoption("--fault-table")
    if target is not None:
        outcomes = (terminalreporter.stats.get(name, []) for name in ("passed", "failed", "error"))
        target.write_text(fault_table(report for some in outcomes for report in some))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells what a test has measured, for the table of faults."""
    return lambda text: record_property("figure", text)
