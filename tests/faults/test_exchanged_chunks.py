"""Row 69 of the table of faults: whole chunks, each with its checksum, in the places of others."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import jax.numpy as jnp
import pytest
import xarray as xr
from cycled_world import CONFIG, LAYOUT, make_world
from persistence import Persistence

import align_da
from align_da.errors import StorageError
from align_da.stages import run_cycles, score_runs
from align_da.stages.export_analyses import export_analyses
from align_da.stages.monitor_observations import monitor_observations
from align_da.storage.ledger import CycleLine, read_ledger, write_ledger
from align_da.storage.run_folder import RunFolder
from align_da.storage.store_places import ledger_path
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.verification import verify_store
from data_pipelines.observations.export import export_observations

U, V, T = "u_component_of_wind", "v_component_of_wind", "temperature"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    """The cycles "main", and "other" with another seed."""
    folder = make_world(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        patch.setattr(score_runs, "configured_forecast_model", lambda _: Persistence(LAYOUT))
        assert run_cycles.run_cycles(CONFIG, folder.root, "main") == 0
        other = CONFIG.model_copy(update={"seed": 1})
        assert run_cycles.run_cycles(other, folder.root, "other") == 0
        yield folder


@pytest.fixture
def folder(runs: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy, to be hurt."""
    return RunFolder(shutil.copytree(runs.root, tmp_path / "run"))


def verify(folder: RunFolder) -> object:
    return score_runs.score_runs(CONFIG, folder.root, ["main"])


def export(folder: RunFolder) -> object:
    return export_analyses(folder.root, "main", "analysis", folder.root / "analyses.nc")


def monitor(folder: RunFolder) -> object:
    return monitor_observations(CONFIG, folder.root, "main")


def export_ioda(folder: RunFolder) -> object:
    ground = jnp.zeros(LAYOUT.shape[:2])
    return export_observations(
        folder.cycles("main"), LAYOUT, ground, folder.root / "observations.nc"
    )


def open_whole(folder: RunFolder) -> object:
    return align_da.open_cycles(folder.root).load()


OF_ANALYSES = (verify, export, open_whole)
OF_OBSERVATIONS = (verify, monitor, export_ioda)
Exchange = tuple[str, str, bool]
EXCHANGES: dict[str, tuple[Exchange, tuple[Callable[[RunFolder], object], ...]]] = {
    "two cycles": ((f"main/analysis/{T}/c.0", f"main/analysis/{T}/c.1", True), OF_ANALYSES),
    "u and v": ((f"main/analysis/{U}/c.1", f"main/analysis/{V}/c.1", True), OF_ANALYSES),
    "a background as analysis": (
        (f"main/background/{U}/c.1", f"main/analysis/{U}/c.1", False),
        OF_ANALYSES,
    ),
    "a chunk of another run": (
        (f"other/analysis/{U}/c.1", f"main/analysis/{U}/c.1", False),
        OF_ANALYSES,
    ),
    "observations of two cycles": (
        ("main/observations/value/c.0", "main/observations/value/c.1", True),
        OF_OBSERVATIONS,
    ),
    "values and their equivalents": (
        ("main/observations/value/c.1", "main/observations/analysis_equivalent/c.1", True),
        OF_OBSERVATIONS,
    ),
    "an older version of a chunk": (
        ("other/observations/value/c.1", "main/observations/value/c.1", False),
        OF_OBSERVATIONS,
    ),
}
CASES = [(name, reader) for name, (_, readers) in EXCHANGES.items() for reader in readers]


def exchange(folder: RunFolder, source: str, target: str, *, both: bool) -> None:
    """Put a chunk into the place of another, or exchange them."""
    files = []
    for place in (source, target):
        run, inside = place.split("/", 1)
        (file,) = (folder.cycles(run) / inside).parent.glob(f"{Path(inside).name}.*")
        files.append(file)
    contents = [file.read_bytes() for file in files]
    assert contents[0] != contents[1]
    files[1].write_bytes(contents[0])
    if both:
        files[0].write_bytes(contents[1])


@pytest.mark.row(69)
@pytest.mark.parametrize(
    ("name", "reader"), CASES, ids=[f"{name}-{reader.__name__}" for name, reader in CASES]
)
def test_row_69_every_reader_refuses_an_exchanged_chunk_and_names_cycle_and_variable(
    name: str, reader: Callable[[RunFolder], object], folder: RunFolder
) -> None:
    (source, target, both), _ = EXCHANGES[name]
    exchange(folder, source, target, both=both)
    run, group, variable, _ = target.split("/")
    of_one = variable if not both else r"\w+"
    told = rf"cycle [01] of {group}/{of_one} is not what the run has written"
    with pytest.raises(StorageError, match=told) as raised:
        reader(folder)
    assert raised.value.exit_code == 4
    assert verify_store(folder.cycles(run))


@pytest.mark.row(69)
def test_row_69_verified_cycles_are_what_lies_in_the_store(runs: RunFolder) -> None:
    store = runs.cycles("main")
    for group in ("background", "analysis", "increment", "observations", "diagnostics", "members"):
        plain = xr.open_zarr(store, group=group, consolidated=False)
        found = open_cycles(store, group)
        xr.testing.assert_identical(found.load(), plain.load())
    part = align_da.open_cycles(runs.root, "main", "background")[T]
    wanted = xr.open_zarr(store, group="background", consolidated=False)[T].load()
    chosen = {"time": [1, 0], "latitude": slice(6, 1, -2), "longitude": 3}
    xr.testing.assert_identical(part.isel(chosen).load(), wanted.isel(chosen))
    told = align_da.open_cycles(runs.root, "main", "diagnostics")["used_observations"]
    assert told[-1].to_numpy().shape == ()
    assert int(told[-1]) > 0


@pytest.mark.row(69)
def test_row_69_a_store_of_an_earlier_version_is_verified_by_its_digests(
    folder: RunFolder,
) -> None:
    """Its ledger has no seals of files."""
    store = folder.cycles("main")
    ledger = read_ledger(ledger_path(store))
    lines = [CycleLine(line.cycle, line.valid_time, line.arrays) for line in ledger.cycles]
    write_ledger(ledger_path(store), type(ledger)(ledger.files, tuple(lines)))
    assert '"chunks"' not in ledger_path(store).read_text()
    assert align_da.open_cycles(folder.root).load().sizes["time"] == 2
    exchange(folder, f"main/analysis/{U}/c.1", f"main/analysis/{V}/c.1", both=True)
    with pytest.raises(StorageError, match=rf"cycle 1 of analysis/({U}|{V})"):
        open_whole(folder)
