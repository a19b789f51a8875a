"""A cycling run of the circulation model, killed again and again, beside one left alone.

Both runs are commands as a user gives them. After every kill all complete cycles are read again;
at the end the two stores must hold the same bytes and the two ledgers the same digests.

Usage: python -m experiments.kills.run RUN [--kills 10] [--cycles 60] [--set section.key=value]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from align_da.storage.digest import digests_of_files
from align_da.storage.ledger import read_ledger
from align_da.storage.run_folder import RunFolder
from align_da.storage.store_places import ledger_path
from align_da.storage.verification import verify_store
from align_da.verification.table_format import to_markdown
from experiments.commands import align_da, command_of
from experiments.options import run_options
from experiments.results import write_result

LONGEST_WAIT = 600.0


def main() -> None:
    """Run twice, kill one of them, compare; the exit code tells whether the bytes are equal."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--cycles", type=int, default=60)
    arguments = parser.parse_args()
    settings = [f"cycle.cycles={arguments.cycles}", *arguments.set]
    cycles = RunFolder(arguments.run).cycles
    quiet, killed = cycles("quiet"), cycles("killed")
    where = arguments.run, arguments.config, settings
    align_da("cycle --name quiet", *where)
    rows = kills(command_of("cycle --name killed", *where), killed, arguments)
    align_da("cycle --name killed", *where)
    table = pd.DataFrame([*rows, at_the_end(quiet, killed)])
    write_result(arguments.folder, "kills", table)
    print(to_markdown(table))
    sys.exit(int(not table["equal"].iloc[-1]))


def kills(command: list[str], store: Path, options: argparse.Namespace) -> list[dict[str, int]]:
    """Kill the run again and again: complete cycles, and damaged arrays among them."""
    chance, longest = np.random.default_rng(0), options.cycles // options.kills
    rows = []
    for number in range(options.kills):
        kill_once(command, store, chance, longest)
        damages = len(verify_store(store))
        rows.append({"kill": number + 1, "complete": complete(store), "damaged": damages})
    return rows


def at_the_end(quiet: Path, killed: Path) -> dict[str, object]:
    """Whether two stores hold the same bytes and their ledgers the same digests (1 or 0)."""
    equal = digests_of_files(quiet) == digests_of_files(killed)
    equal &= read_ledger(ledger_path(quiet)).cycles == read_ledger(ledger_path(killed)).cycles
    damages = len(verify_store(killed))
    return {"kill": "end", "complete": complete(killed), "damaged": damages, "equal": int(equal)}


def kill_once(command: list[str], store: Path, chance: np.random.Generator, longest: int) -> None:
    """Start the run and kill it with SIGKILL after some more cycles and a moment.

    Raises:
        RuntimeError: the run ended or got stuck before.
    """
    goal = complete(store) + int(chance.integers(1, longest))
    process = subprocess.Popen(command)
    begin = time.monotonic()
    while complete(store) < goal:
        if process.poll() is not None or time.monotonic() - begin > LONGEST_WAIT:
            message = f"expected {goal} cycles of {store} before the kill, got {complete(store)}"
            raise RuntimeError(message)
        time.sleep(0.05)
    time.sleep(chance.uniform(0.0, 3.0))
    process.kill()
    process.wait()


def complete(store: Path) -> int:
    """Complete cycles, 0 before there is a ledger."""
    path = ledger_path(store)
    return len(read_ledger(path).cycles) if path.exists() else 0


if __name__ == "__main__":
    main()
