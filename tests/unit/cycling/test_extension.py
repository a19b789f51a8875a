"""A run that is extended ends as one that was made at that length at once, in every byte."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from unit.cycling.test_driver import experiment

from align_da.cycling import driver
from align_da.cycling.driver import run_experiment
from align_da.errors import ConfigError, StorageError
from align_da.storage import durable
from align_da.storage.digest import digests_of_files
from align_da.storage.manifest import manifest_of
from align_da.storage.store_places import costs_path, extension_path, manifest_path
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.verification import verify_store


class KilledError(BaseException):
    """In the place of a signal that nobody can catch."""


def run(folder: Path, cycles: int, *, seed: int = 0, extend: bool = True) -> int:
    manifest = manifest_of({"cycle": {"cycles": cycles, "members": 5}}, seed, {})
    return run_experiment(experiment(cycles), folder / "main.zarr", manifest, extend=extend)


def digests_but_of_costs(folder: Path) -> dict[str, str]:
    """Of every file; what a run has cost is never the same twice."""
    costs = costs_path(folder / "main.zarr").name
    return {name: it for name, it in digests_of_files(folder).items() if name != costs}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Runs that were made at a length at once."""
    folders = {cycles: tmp_path_factory.mktemp("made") for cycles in (2, 4)}
    for cycles, folder in folders.items():
        assert run(folder, cycles, extend=False) == 0
    return folders


@pytest.fixture
def short(made: dict[int, Path], tmp_path: Path) -> Path:
    """A copy of a finished run of two cycles."""
    return shutil.copytree(made[2], tmp_path / "run")


def test_an_extended_run_is_the_one_made_at_that_length(
    short: Path, made: dict[int, Path]
) -> None:
    before = digests_but_of_costs(short / "main.zarr")
    assert run(short, 4) == 0
    assert digests_but_of_costs(short) == digests_but_of_costs(made[4])
    assert not verify_store(short / "main.zarr")
    after = digests_but_of_costs(short / "main.zarr")
    chunks = {name for name in before if "/c.0" in name or "/c.1" in name}
    changed = {name for name in chunks if before[name] != after[name]}
    assert {name.rpartition("/")[0].rpartition("/")[2] for name in changed} == {"time"}


def test_it_can_be_extended_again_and_before_it_is_complete(
    short: Path, made: dict[int, Path]
) -> None:
    assert run(short, 3) == 0
    assert run(short, 4) == 0
    assert digests_but_of_costs(short) == digests_but_of_costs(made[4])


def test_as_many_cycles_as_there_are_change_nothing(short: Path, made: dict[int, Path]) -> None:
    assert run(short, 2) == 0
    assert digests_but_of_costs(short) == digests_but_of_costs(made[2])


def test_a_run_that_is_not_there_is_made(tmp_path: Path, made: dict[int, Path]) -> None:
    assert run(tmp_path, 2) == 0
    assert digests_but_of_costs(tmp_path) == digests_but_of_costs(made[2])


def test_fewer_cycles_are_refused_and_change_nothing(short: Path, made: dict[int, Path]) -> None:
    with pytest.raises(ConfigError, match=r"has 2 cycles, 2 of them complete: .*got 1; choose"):
        run(short, 1)
    assert digests_but_of_costs(short) == digests_but_of_costs(made[2])


def test_a_run_that_differs_in_more_is_refused_and_not_changed(
    short: Path, made: dict[int, Path]
) -> None:
    with pytest.raises(StorageError, match=r"(?s)another run.*seed: stored 0, now 1") as told:
        run(short, 4, seed=1)
    assert "cycles" not in str(told.value).partition("\n")[2]
    assert digests_but_of_costs(short) == digests_but_of_costs(made[2])


def test_more_cycles_are_refused_where_nobody_asks_to_extend(short: Path) -> None:
    with pytest.raises(StorageError, match=r"cycle.cycles: stored 2, now 4"):
        run(short, 4, extend=False)


@pytest.mark.parametrize("flush", [1, 60, 130, 131, 132, 160, 230, 260, 300])
def test_an_extension_that_was_killed_is_gone_on_with(
    flush: int, short: Path, made: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls = durable._sync, []

    def dying(path: Path) -> None:
        calls.append(path)
        if len(calls) >= flush:
            raise KilledError
        sync(path)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "_sync", dying)
        with suppress(KilledError):
            run(short, 4)
    assert run(short, 4) == 0
    assert digests_but_of_costs(short) == digests_but_of_costs(made[4])


def test_who_reads_while_a_run_is_extended_is_told(short: Path, made: dict[int, Path]) -> None:
    shutil.copytree(made[4], extension_path(short / "main.zarr"))
    shutil.copy(made[4] / "main.manifest.json", manifest_path(short / "main.zarr"))
    with pytest.raises(StorageError, match="is being extended, or that was stopped: wait"):
        open_cycles(short / "main.zarr")


def test_a_store_of_other_arrays_is_not_extended(
    short: Path, made: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "SCALAR_FIELDS", driver.SCALAR_FIELDS[:-1])
    with pytest.raises(StorageError, match=r"by another version, .*choose another name"):
        run(short, 4)
    assert digests_but_of_costs(short) == digests_but_of_costs(made[2])
