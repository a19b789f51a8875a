"""Rows 19-25 and 51 of the table of faults: what may happen to a store, and bad states."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hurt import bits_of, complete_cycles, copied, flip_bit, folder_digest, wait_for_cycles
from small_run import MODEL, run_small, small_experiment, with_parts

import align_da
from align_da.atmosphere import State
from align_da.errors import BadStateError, InputError, StorageError
from align_da.storage import analysis_store
from align_da.storage.ledger import read_ledger, write_ledger
from align_da.storage.store_places import ledger_path, manifest_path
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.verification import verify_store

CHUNK = "analysis/lorenz_96/c.5.0.0.0.0"


Start = Callable[..., ForkServerProcess]
Figure = Callable[[str], None]


@pytest.fixture(params=[8, pytest.param(60, marks=pytest.mark.long)])
def flips(request: pytest.FixtureRequest) -> int:
    """How many bits are flipped, one at a time."""
    return int(request.param)


@pytest.fixture
def store(uninterrupted: Path, tmp_path: Path) -> Path:
    return copied(uninterrupted, tmp_path)


def test_row_19_every_flipped_bit_of_a_chunk_is_found_and_named(
    store: Path, flips: int, figure: Figure
) -> None:
    chunk = store / CHUNK
    content = chunk.read_bytes()
    for bit in bits_of(chunk, flips):
        flip_bit(chunk, bit)
        (damage,) = verify_store(store)
        assert (damage.cycle, damage.variable) == (5, "analysis/lorenz_96")
        assert damage.file == chunk
        chunk.write_bytes(content)
    assert verify_store(store) == ()
    figure(f"{flips} of {flips} flipped bits of a chunk found")


def test_row_19_a_chunk_of_another_cycle_in_its_place_is_found(store: Path) -> None:
    shutil.copy(store / CHUNK.replace("c.5", "c.4"), store / CHUNK)
    (damage,) = verify_store(store)
    assert (damage.cycle, damage.file) == (5, store / CHUNK)
    assert "other values" in damage.reason


def test_row_19_what_the_disk_changes_while_a_cycle_is_written_is_found_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def careless(files: list[Path]) -> None:
        for chunk in (file for file in files if file.match(CHUNK)):
            shutil.copy(chunk.with_name("c.0.0.0.0.0"), chunk)

    monkeypatch.setattr(analysis_store, "sync_files", careless)
    store = tmp_path / "run.zarr"
    with pytest.raises(StorageError, match="cycle 5 of analysis/lorenz_96 is not what was"):
        run_small(store)
    assert complete_cycles(store) == 5


def test_row_19_a_flipped_bit_is_told_to_readers_too(store: Path) -> None:
    flip_bit(store / CHUNK, 8 * 200)
    with pytest.raises(StorageError, match=r"cycle 5.*(checksum|corrupt|[Zz]std)"):
        open_cycles(store).load()


def test_row_19_a_flipped_bit_of_the_last_analysis_stops_the_run(store: Path) -> None:
    flip_bit(store / CHUNK.replace("c.5", "c.7"), 8 * 200)
    with pytest.raises(StorageError, match="cycle 7"):
        run_small(store)


@pytest.mark.parametrize(
    "name",
    ["analysis/lorenz_96/zarr.json", "zarr.json", "analysis/time/c.0", "../run.manifest.json"],
)
def test_row_19_every_flipped_bit_of_metadata_is_found(
    name: str, store: Path, flips: int, figure: Figure
) -> None:
    file = (store / name).resolve()
    content = file.read_bytes()
    for bit in bits_of(file, flips):
        flip_bit(file, bit)
        assert file in {damage.file for damage in verify_store(store)}
        with pytest.raises(StorageError, match=str(file)):
            open_cycles(store)
        file.write_bytes(content)
    figure(f"{flips} of {flips} of {name}")


def test_row_19_every_flipped_bit_of_the_ledger_is_found(
    store: Path, flips: int, figure: Figure
) -> None:
    ledger = ledger_path(store)
    content = ledger.read_bytes()
    for bit in bits_of(ledger, flips):
        flip_bit(ledger, bit)
        with pytest.raises(StorageError, match=str(ledger)):
            verify_store(store)
        ledger.write_bytes(content)
    figure(f"{flips} of {flips} of the ledger")


@pytest.mark.parametrize("size", [0, 1, 100])
def test_row_20_a_cut_chunk_is_found_and_named(size: int, store: Path) -> None:
    chunk = store / CHUNK
    chunk.write_bytes(chunk.read_bytes()[:size])
    (damage,) = verify_store(store)
    assert (damage.cycle, damage.variable, damage.file) == (5, "analysis/lorenz_96", chunk)


def test_row_21_a_missing_chunk_is_an_error_and_never_data(store: Path) -> None:
    (store / CHUNK).unlink()
    (damage,) = verify_store(store)
    assert "missing" in str(damage)
    assert (damage.cycle, damage.variable) == (5, "analysis/lorenz_96")
    with pytest.raises(StorageError, match=r"c\.5\.0\.0\.0\.0 of cycle 5 is missing"):
        open_cycles(store)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"parts": replace(small_experiment().parts, seed=1)}, "seed: stored 0, now 1"),
        ({"cycles": 9}, "config.store.cycles: stored 8, now 9"),
        (
            {"initial": State(jnp.full((2, *MODEL.layout.shape), 8.0), MODEL.layout)},
            "config.store.members: stored 3, now 2",
        ),
    ],
)
def test_row_22_the_store_of_another_run_is_refused_with_the_difference(
    changed: dict[str, object], told: str, store: Path
) -> None:
    before = folder_digest(store.parent)
    with pytest.raises(StorageError, match=told):
        run_small(store, replace(small_experiment(), **changed))
    assert folder_digest(store.parent) == before


def test_row_22_a_store_written_by_another_library_is_refused(store: Path) -> None:
    manifest = json.loads(manifest_path(store).read_text())
    manifest["libraries"]["jax"] = "0.4.1"
    manifest_path(store).write_text(json.dumps(manifest))
    with pytest.raises(StorageError, match=r"libraries\.jax: stored '0\.4\.1'"):
        run_small(store)


def test_row_22_an_edited_manifest_breaks_the_ledger(store: Path) -> None:
    path = manifest_path(store)
    path.write_text(path.read_text().replace("\n", "\n\n"))
    with pytest.raises(StorageError, match="manifest"):
        run_small(store)


def test_row_23_a_ledger_that_was_reordered_or_edited_is_refused(
    store: Path,
) -> None:
    ledger = ledger_path(store)
    lines = ledger.read_text().splitlines(keepends=True)
    reordered = [*lines[:3], lines[4], lines[3], *lines[5:]]
    edited = [line.replace("2020-01-02", "2021-01-02") for line in lines]
    lost = [*lines[:3], *lines[4:]]
    for wrong in (reordered, edited, lost, [*lines[:3], lines[3][:40], *lines[4:]], []):
        ledger.write_text("".join(wrong))
        with pytest.raises(StorageError, match="damaged"):
            run_small(store)


def test_row_23_a_ledger_that_has_lost_its_last_cycles_is_completed_with_the_same_bits(
    store: Path, expected_digest: str
) -> None:
    ledger = ledger_path(store)
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:5]))
    assert open_cycles(store).sizes["time"] == 4
    assert run_small(store) == 0
    assert folder_digest(store.parent) == expected_digest


@pytest.mark.parametrize("left", [1, 40, -1])
def test_row_23_a_last_line_that_a_crash_has_cut_is_written_anew(
    left: int, store: Path, expected_digest: str
) -> None:
    """Its cycle is not complete: readers do not see it, and it is computed again."""
    ledger = ledger_path(store)
    *whole, last = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join([*whole, last[:left]]))
    assert open_cycles(store).sizes["time"] == 7
    assert verify_store(store) == ()
    assert run_small(store) == 0
    assert folder_digest(store.parent) == expected_digest


@pytest.mark.parametrize("polls", [40, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_row_24_readers_of_a_growing_store_see_whole_cycles_only(
    polls: int, start: Start, tmp_path: Path, figure: Figure
) -> None:
    store, seen = tmp_path / "run.zarr", set()
    cycles = 6 + polls // 40
    child = start(store, cycles=cycles, seconds=0.1)
    wait_for_cycles(store, 0)
    polled = 0
    while polled < polls or child.is_alive():
        dataset = open_cycles(store, "analysis")
        assert np.isfinite(dataset["lorenz_96"].values).all()
        seen.add(dataset.sizes["time"])
        polled += 1
        time.sleep(0.005)
    child.join()
    assert child.exitcode == 0
    assert len(seen) > 3
    figure(f"{polled} polls, {len(seen)} lengths seen, no half cycle")


def test_row_24_a_store_that_is_being_made_is_not_called_damaged(
    store: Path, tmp_path: Path
) -> None:
    made = read_ledger(ledger_path(store))
    write_ledger(ledger_path(tmp_path / "new.zarr"), replace(made, cycles=()))
    with pytest.raises(StorageError, match="not there yet"):
        open_cycles(tmp_path / "new.zarr")


def test_cycles_that_were_never_made_are_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        StorageError, match="found none: make them by `align-da cycle --name mine`"
    ):
        open_cycles(tmp_path / "mine.zarr")


def test_a_run_that_there_is_not_is_not_told_to_make_cycles(tmp_path: Path) -> None:
    told = r"folder of a run at .*rnu, found none: correct it, or begin a run"
    with pytest.raises(StorageError, match=told):
        align_da.open_cycles(tmp_path / "rnu")
    with pytest.raises(StorageError, match=told):
        align_da.open_run(tmp_path / "rnu")


def test_a_group_that_there_is_not_is_told_with_those_that_there_are(store: Path) -> None:
    with pytest.raises(StorageError, match=r"groups analysis, background, .*, got 'analyses'"):
        open_cycles(store, "analyses")


def test_row_25_a_moved_store_opens_and_its_digests_hold(
    store: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    moved = shutil.move(store.parent, tmp_path_factory.mktemp("elsewhere") / "run")
    assert verify_store(Path(moved) / store.name) == ()
    assert open_cycles(Path(moved) / store.name).sizes["time"] == 8


def test_users_open_the_store_with_plain_xarray(store: Path) -> None:
    for group in ("analysis", "background"):
        dataset = xr.open_zarr(store, group=group, consolidated=False)
        assert dataset["lorenz_96"].dims == (
            "time",
            "realization",
            "level",
            "latitude",
            "longitude",
        )
        assert np.isfinite(dataset["lorenz_96"]).all()


@pytest.mark.parametrize(("value", "told"), [(np.nan, "nan"), (1e6, "1000000")])
def test_row_51_a_bad_background_is_refused_before_anything_is_written(
    value: float, told: str, tmp_path: Path
) -> None:
    class Failing:
        layout, step_hours, frames, differentiable = MODEL.layout, 6, 1, True

        def forecast(
            self,
            states: State,
            valid_time: np.datetime64,
            lead_hours: int,
            previous: State | None = None,
        ) -> State:
            good = MODEL.forecast(states, valid_time, lead_hours)
            if valid_time < np.datetime64("2020-01-01T12:00"):
                return good
            return State(good.values.at[1, 0, 7, 0].set(value), good.layout)

    store = tmp_path / "run.zarr"
    with pytest.raises(
        BadStateError, match=f"background of cycle 2: member 1 has lorenz_96.*{told}"
    ):
        run_small(store, with_parts(small_experiment(), forecast_model=Failing()))
    assert complete_cycles(store) == 2
    assert not list(store.rglob("c.2*"))
    assert verify_store(store) == ()


def test_row_49_a_cycle_of_another_padded_size_is_refused(tmp_path: Path) -> None:
    experiment = small_experiment()

    def observe(cycle: int) -> object:
        batch = experiment.observe(cycle)
        kept = {name: array[: 12 - cycle] for name, array in vars(batch).items()}
        return type(batch)(**kept)

    with pytest.raises((StorageError, InputError), match="observations/value"):
        run_small(tmp_path / "run.zarr", replace(experiment, observe=observe))
