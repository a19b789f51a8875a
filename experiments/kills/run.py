"""A cycling run of the circulation model, killed again and again, beside one left alone.

Both runs are commands as a user gives them. After every kill all complete cycles are read again;
at the end the two stores must hold the same bytes and the two ledgers the same digests.

Usage: python experiments/kills/run.py RUN [--kills 10] [--cycles 60] [--set section.key=value]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from align_da.storage.digest import digests_of_files
from align_da.storage.ledger import read_ledger
from align_da.storage.store_files import ledger_path
from align_da.storage.verification import verify_store

CONFIG = Path(__file__).parents[1] / "embedded_world" / "config.toml"
LONGEST_WAIT = 600.0


def main() -> None:
    """Run twice, kill one of them, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--cycles", type=int, default=60)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    settings = [f"cycle.cycles={arguments.cycles}", *arguments.set]
    command = [str(Path(sys.executable).with_name("align-da")), "cycle"]
    command += ["--run", str(arguments.run), "--config", str(arguments.config)]
    command += [part for setting in settings for part in ("--set", setting)]
    quiet, killed = (arguments.run / "cycles" / f"{name}.zarr" for name in ("quiet", "killed"))
    subprocess.run([*command, "--name", quiet.stem], check=True)
    chance, longest = np.random.default_rng(0), arguments.cycles // arguments.kills
    for number in range(arguments.kills):
        kill_once([*command, "--name", killed.stem], killed, chance, longest)
        damages = verify_store(killed)
        print(f"kill {number + 1}: {complete(killed)} cycles, {len(damages)} damaged", flush=True)
    subprocess.run([*command, "--name", killed.stem], check=True)
    equal = digests_of_files(quiet) == digests_of_files(killed)
    equal &= read_ledger(ledger_path(quiet)).cycles == read_ledger(ledger_path(killed)).cycles
    print(f"{complete(killed)} cycles, {arguments.kills} kills, the same bytes: {equal}")
    sys.exit(not equal)


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
