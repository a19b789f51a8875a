"""What it costs that a store can be trusted: shares of the time of a cycle, as Markdown.

The cycles are those of `align-da cycle`; the functions that store them are timed where they are
called. Writing the chunks alone is what any store would take; all else is the price of integrity.
The store is then read again and compared with its ledger, and its speed is that of the numbers
compared.

Usage: python -m experiments.integrity.run RUN [--cycles 12] [--set section.key=value]
"""

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from align_da.config import Config, load_config
from align_da.cycling import driver
from align_da.stages.run_cycles import run_cycles
from align_da.storage import analysis_store
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.run_folder import RunFolder
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.verification import verify_store
from align_da.verification.table_format import to_markdown
from experiments.options import run_options
from experiments.results import write_result

GROUPS = ("background", "analysis", "increment", "observations", "diagnostics")
COMPILING = 2  # the first cycles, which are not counted
PARTS = {
    "check that states are plausible": "check_plausible",
    "digests of the arrays": "digest_of_array",
    "flush to the disk": "sync_files",
    "read back and compare": "_read_verified",
    "ledger": "append_cycle",
}


def main() -> None:
    """Cycle, verify, write the result and print it."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--cycles", type=int, default=12)
    parser.add_argument("--name", default="integrity")
    arguments = parser.parse_args()
    use_compilation_cache()
    settings = [f"cycle.cycles={arguments.cycles}", *arguments.set]
    costs = measured_costs(load_config(arguments.config, settings), arguments.run, arguments.name)
    write_result(arguments.folder, "integrity", costs)
    print(to_markdown(costs))
    print(verification_speed(RunFolder(arguments.run).cycles(arguments.name)))


def measured_costs(config: Config, run: Path, name: str) -> pd.DataFrame:
    """Cycle, and say what every part takes: seconds, and percent of a cycle."""
    ends: list[float] = []
    whole = timed(driver, "write_cycle", ends)
    chunks = timed(analysis_store, "_write_chunks")
    parts = {label: timed(analysis_store, function) for label, function in PARTS.items()}
    run_cycles(config, run, name)
    cycle = (ends[-1] - ends[COMPILING - 1]) / (len(ends) - COMPILING)
    plain = mean(chunks, ends) - mean(parts["flush to the disk"], ends)
    seconds = {
        "a cycle": cycle,
        "write the chunks": plain,
        **{label: mean(part, ends) for label, part in parts.items()},
        "integrity, all in all": mean(whole, ends) - plain,
    }
    table = pd.DataFrame(seconds.items(), columns=["part", "seconds"])
    return table.assign(percent=100 * table["seconds"] / cycle)


def timed(
    module: ModuleType, name: str, ends: list[float] | None = None
) -> list[tuple[float, float]]:
    """Have a function of a module note when it began and how long it took."""
    function: Callable[..., Any] = getattr(module, name)
    spans: list[tuple[float, float]] = []

    def noted(*arguments: object, **options: object) -> object:
        begin = time.perf_counter()
        result = function(*arguments, **options)
        end = time.perf_counter()
        spans.append((begin, end - begin))
        if ends is not None:
            ends.append(end)
        return result

    setattr(module, name, noted)
    return spans


def mean(spans: list[tuple[float, float]], ends: list[float]) -> float:
    """Seconds a cycle, of the cycles that are counted."""
    since, cycles = ends[COMPILING - 1], len(ends) - COMPILING
    return sum(length for begin, length in spans if begin > since) / cycles


def verification_speed(store: Path) -> str:
    """Read a store again, and say how fast."""
    size = sum(open_cycles(store, group).nbytes for group in GROUPS)
    begin = time.perf_counter()
    damages = verify_store(store)
    seconds = time.perf_counter() - begin
    return (
        f"{size / 1e6:.0f} MB verified at {size / 1e6 / seconds:.0f} MB/s, {len(damages)} damaged"
    )


if __name__ == "__main__":
    main()
