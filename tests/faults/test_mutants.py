"""The tests of faults are tested: without a safeguard, one of them must fail.

Each mutant is a copy of the library with one safeguard taken out.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """One safeguard less.

    Attributes:
        file: of the library.
        safeguard: text in it that keeps something safe.
        instead: what takes its place.
        test: the file of tests and what chooses those that must find out.
    """

    file: str
    safeguard: str
    instead: str
    test: tuple[str, str]


MUTANTS = {
    "cycles are not flushed": Mutant(
        "storage/analysis_store.py",
        "    sync_files(written.values())\n",
        "",
        ("test_power.py", "row_6"),
    ),
    "the ledger is not flushed": Mutant(
        "storage/ledger.py",
        "            os.fsync(file.fileno())\n",
        "",
        ("test_power.py", "row_6"),
    ),
    "what was written is not read back": Mutant(
        "storage/analysis_store.py",
        "        _read_verified(store.path, name, cycle, digest)\n    seals",
        "        pass\n    seals",
        ("test_store.py", "while_a_cycle_is_written"),
    ),
    "digests of arrays are not compared": Mutant(
        "storage/verification.py",
        "if digest_of_array(values) != digest:",
        "if False:",
        ("test_store.py", "chunk_of_another_cycle"),
    ),
    "chunks carry no checksum": Mutant(
        "storage/store_template.py",
        "checksum=True",
        "checksum=False",
        ("test_store.py", "told_to_readers"),
    ),
    "the chain of the ledger is not checked": Mutant(
        "storage/ledger.py",
        "if text.encode() != whole:",
        "if False:",
        ("test_store.py", "row_23 or ledger_is_found"),
    ),
    "chunks that are read are not compared with the ledger": Mutant(
        "storage/verified_cycles.py",
        "written = chunk_seal(file) == seal",
        "written = True",
        ("test_exchanged_chunks.py", "export"),
    ),
    "a store has no lock": Mutant(
        "storage/lock.py",
        "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        ("test_process.py", "row_10"),
    ),
    "states are not checked": Mutant(
        "atmosphere/plausibility.py",
        "    if good.all():\n",
        "    if True:\n",
        ("test_store.py", "row_51"),
    ),
    "any number of members is replaced": Mutant(
        "cycling/replacement.py",
        "    if reason is not None:\n",
        "    if False:\n",
        ("test_replaced_members.py", "more_than_the_limit"),
    ),
    "replaced members are forgotten": Mutant(
        "cycling/driver.py",
        'int(read_scalars(store, last)["replaced_members"])',
        "0",
        ("test_replaced_members.py", "total_is_remembered"),
    ),
    "the disk is not estimated": Mutant(
        "storage/store_template.py",
        "if needed > free:",
        "if False:",
        ("test_disk.py", "row_8"),
    ),
    "missing values are used": Mutant(
        "observations/quality_control.py",
        "return flagged(batch, no_value | no_error, Flag.MISSING)",
        "return batch",
        ("test_observations.py", "row_32"),
    ),
    "digests of weights are not compared": Mutant(
        "storage/verified_arrays.py",
        '    _check_files(folder / _ARRAYS, content["files"])\n',
        "",
        ("test_checkpoints.py", "row_27"),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_row_68_the_library_has_the_safeguard_that_a_mutant_lacks(name: str) -> None:
    mutant = MUTANTS[name]
    assert (ROOT / "align_da" / mutant.file).read_text().count(mutant.safeguard) == 1


@pytest.mark.long
@pytest.mark.parametrize("name", MUTANTS)
def test_row_68_without_a_safeguard_a_test_of_faults_fails(
    name: str, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    mutant = MUTANTS[name]
    file = shutil.copytree(ROOT / "align_da", tmp_path / "align_da") / mutant.file
    file.write_text(file.read_text().replace(mutant.safeguard, mutant.instead))
    assert run_with_library_in(tmp_path, *mutant.test) == pytest.ExitCode.TESTS_FAILED
    figure(f"{name}: found out")


@pytest.mark.long
def test_row_68_with_every_safeguard_the_same_tests_pass(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "align_da", tmp_path / "align_da")
    assert run_with_library_in(tmp_path, "test_store.py", "row_51") == pytest.ExitCode.OK


def run_with_library_in(folder: Path, test: str, chosen: str) -> int:
    """Run some tests of faults with the library of `folder`; the exit code of pytest."""
    command = [
        *(sys.executable, "-P", "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-x", "-q"),
        *("-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not long", "-k", chosen),
        str(ROOT / "tests" / "faults" / test),
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, env=environment, cwd=folder, check=False).returncode
