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
        test: the file of tests and what chooses those that must find out ("" for all of it).
    """

    file: str
    safeguard: str
    instead: str
    test: tuple[str, str]


MUTANTS = {
    "cycles are not flushed": Mutant(
        "storage/analysis_store.py",
        "    sync_files(files)\n",
        "",
        ("faults/test_power.py", "row_6"),
    ),
    "the ledger is not flushed": Mutant(
        "storage/ledger.py",
        "            os.fsync(file.fileno())\n",
        "",
        ("faults/test_power.py", "row_6"),
    ),
    "what was written is not read back": Mutant(
        "storage/analysis_store.py",
        "        _read_verified(store.path, name, written[name], cycle, digest)\n    seals",
        "        pass\n    seals",
        ("faults/test_store.py", "while_a_cycle_is_written"),
    ),
    "digests of arrays are not compared": Mutant(
        "storage/verification.py",
        "if digest_of_array(values) != digest:",
        "if False:",
        ("faults/test_store.py", "chunk_of_another_cycle"),
    ),
    "chunks carry no checksum": Mutant(
        "storage/store_template.py",
        "checksum=True",
        "checksum=False",
        ("faults/test_store.py", "told_to_readers"),
    ),
    "the chain of the ledger is not checked": Mutant(
        "storage/ledger.py",
        "if text.encode() != whole:",
        "if False:",
        ("faults/test_store.py", "row_23 or ledger_is_found"),
    ),
    "chunks that are read are not compared with the ledger": Mutant(
        "storage/verified_cycles.py",
        "written = chunk_seal(file) == seal",
        "written = True",
        ("faults/test_exchanged_chunks.py", "export"),
    ),
    "a store has no lock": Mutant(
        "storage/lock.py",
        "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        ("faults/test_process.py", "row_10"),
    ),
    "states are not checked": Mutant(
        "atmosphere/plausibility.py",
        "    if good.all():\n",
        "    if True:\n",
        ("faults/test_store.py", "row_51"),
    ),
    "any number of members is replaced": Mutant(
        "cycling/replacement.py",
        "    if reason is not None:\n",
        "    if False:\n",
        ("faults/test_replaced_members.py", "more_than_the_limit"),
    ),
    "replaced members are forgotten": Mutant(
        "cycling/driver.py",
        'int(read_scalars(store, last)["replaced_members"])',
        "0",
        ("faults/test_replaced_members.py", "total_is_remembered"),
    ),
    "the disk is not estimated": Mutant(
        "storage/store_template.py",
        "if needed > free:",
        "if False:",
        ("faults/test_disk.py", "row_8"),
    ),
    "missing values are used": Mutant(
        "observations/quality_control.py",
        "return flagged(batch, no_value | no_error, Flag.MISSING)",
        "return batch",
        ("faults/test_observations.py", "row_32"),
    ),
    "digests of weights are not compared": Mutant(
        "storage/array_manifest.py",
        '    _check_files(folder / ARRAYS, content["files"])\n',
        "",
        ("faults/test_checkpoints.py", "row_27"),
    ),
    "a training is gone on with that was computed otherwise": Mutant(
        "training/loop.py",
        "    check_computed_alike(folder, found.metadata)\n",
        "",
        ("unit/training/test_loop.py", "computed_otherwise"),
    ),
    "flags of XLA are no part of a manifest": Mutant(
        "storage/arithmetic.py",
        '| {"XLA_FLAGS": told, "device"',
        '| {"XLA_FLAGS": "", "device"',
        ("unit/storage/test_manifest.py", "otherwise"),
    ),
    "variables that change bits are looked at": Mutant(
        "environment.py",
        "    return name in _OF_OTHERS or ",
        "    return False and ",
        ("unit/test_environment.py", "changes_bits_is_set_aside"),
    ),
    "compiled programs of others are run": Mutant(
        "storage/compiled_programs.py",
        "found.st_uid != os.geteuid() or mode != _PRIVATE:",
        "False:",
        ("unit/storage/test_compiled_programs.py", "refused"),
    ),
    "a part may make anything": Mutant(
        "runs/parts.py",
        "if isinstance(made, type) or not isinstance(made, contract):",
        "if False:",
        ("unit/runs/test_wrong_parts.py", "makes_something_else"),
    ),
    "an objective may give anything": Mutant(
        "runs/objectives.py",
        "if not isinstance(loss, jax.Array) or loss.shape != (_PAIRS,):",
        "if False:",
        ("unit/runs/test_wrong_parts.py", "makes_something_else"),
    ),
    "chunks of format 2 are inflated to any size": Mutant(
        "storage/bounded_chunks.py",
        "        if size_of is not None:\n",
        "        if False:\n",
        ("unit/storage/test_bounded_chunks.py", "other_writers"),
    ),
    "chunks of format 3 are inflated to any size": Mutant(
        "storage/bounded_chunks.py",
        "    if size > most:\n",
        "    if False:\n",
        ("unit/storage/test_bounded_chunks.py", "too_large"),
    ),
    "a header of NumPy is believed": Mutant(
        "storage/bounded_files.py",
        "if claimed != held and not dtype.hasobject:",
        "if False:",
        ("unit/storage/test_bounded_files.py", ""),
    ),
    "a table grows to any size": Mutant(
        "storage/observation_tables.py",
        "    check_growth(path.stat().st_size, claimed)\n",
        "",
        ("unit/storage/test_observation_tables.py", "fill_the_memory"),
    ),
    "a seal is not compared": Mutant(
        "storage/seal.py",
        "    if damaged:\n",
        "    if False:\n",
        ("faults/test_sealed_files.py", "readers_are_told or place_of_another"),
    ),
    "a missing chunk is its fill value": Mutant(
        "storage/stages.py",
        "        if missing_chunks(folder.root / place):\n            return False\n",
        "",
        ("unit/storage/test_stages.py", "missing_chunk"),
    ),
    "the product of a stage is not compared": Mutant(
        "storage/stages.py",
        "    if found != made:\n",
        "    if False:\n",
        ("unit/storage/test_stages.py", "changed"),
    ),
    "what was loaded is not in the manifest": Mutant(
        "stages/run_cycles.py",
        "by_place(reads, folder)",
        "{}",
        ("unit/stages/test_run_cycles.py", ""),
    ),
    "fill values are numbers": Mutant(
        "observations/fill_values.py",
        "beyond | np.isin(values, FILL_VALUES)",
        "beyond",
        ("pipelines/test_observation_cases.py", "no_number or fill_value"),
    ),
    "reports are thinned before quality control": Mutant(
        "runs/filed_reports.py",
        "return thin(checked) if isinstance(checked, BoxedObservations) else checked",
        "return checked",
        ("unit/runs/test_filed_reports.py", "boxes"),
    ),
    "lines of a configuration have any length": Mutant(
        "config/load.py",
        "    if longest > _LONGEST_LINE:\n",
        "    if False:\n",
        ("faults/test_configuration.py", "hostile_toml"),
    ),
    "verify owns nothing": Mutant(
        "stages/score_runs.py",
        '    with owned(run.folder.report / "verify.lock"):\n',
        "    if True:\n",
        ("unit/stages/test_owners.py", "verify"),
    ),
    "humidity is left negative": Mutant(
        "assimilation/physical_bounds.py",
        "values < limits.least",
        "values < -1.0",
        ("unit/assimilation/test_physical_bounds.py", "negative"),
    ),
    "systems are solved by a number of iterations": Mutant(
        "guidance/krylov.py",
        "at.iteration < self.iterations, large)",
        "at.iteration < 5, large)",
        ("unit/guidance/test_krylov.py", "within_the_tolerance"),
    ),
    "blocks have a fixed length": Mutant(
        "verification/serial_correlation.py",
        "length = min(math.ceil(wished), longest)",
        "length = 4",
        ("unit/verification/test_serial_correlation.py", "closed_form"),
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
    assert run_with_library_in(tmp_path, "faults/test_store.py", "row_51") == pytest.ExitCode.OK


def run_with_library_in(folder: Path, test: str, chosen: str) -> int:
    """Run some tests of faults with the library of `folder`; the exit code of pytest."""
    command = [
        *(sys.executable, "-P", "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-x", "-q"),
        *("-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not long", "-k", chosen),
        str(ROOT / "tests" / test),
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, env=environment, cwd=folder, check=False).returncode
