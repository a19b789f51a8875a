"""Files of observations through the commands: read, cycled with, monitored."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import align_da
from cycled_world import CONFIG, LAYOUT, make_world
from persistence import Persistence

from align_da.config import ReportsConfig
from align_da.errors import InputError
from align_da.observations import Flag
from align_da.stages import run_cycles
from align_da.stages.monitor_observations import monitor_observations
from align_da.storage.durable import copy_files
from align_da.storage.run_folder import RunFolder
from align_da.storage.stored_cycles import open_cycles

COUNT = 12  # stations
HOURS = np.datetime64("2000-01-04T00", "s") + 6 * np.arange(16) * np.timedelta64(3600, "s")
LONGITUDES = (-999.0, 9999.0, 32767.0)


def reports() -> pd.DataFrame:
    """Temperatures that the world may have at one level, every six hours, of twelve stations."""
    place = np.arange(COUNT)
    one = pd.DataFrame(
        {
            "value": 280.0 + place % 3,
            "error": 3.0,
            "latitude": -60.0 + 10.0 * place,
            "longitude": 29.0 * place,
            "level": 8.0e4,
            "vertical": "level",
            "variable": "temperature",
            "station_id": [f"net{number}" for number in place],
            "type": "radiosonde",
        }
    )
    return pd.concat([one.assign(time=time) for time in HOURS.astype(str)], ignore_index=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def run(world: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A copy of the world, and forecasts that stand still."""
    monkeypatch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
    copy_files(world.root, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def cycle(run: RunFolder, *tables: pd.DataFrame, **settings: object) -> np.ndarray:
    """Read the tables and cycle twice; value and flag of every report, [report, 2]."""
    files = []
    for number, table in enumerate(tables):
        files.append(run.root.with_name(f"file_{number}.csv"))
        table.to_csv(files[-1], index=False)
    align_da(f"data observations {' '.join(map(str, files))}", run.root)
    reports = ReportsConfig(padded=64, **settings)
    observed = CONFIG.observations.model_copy(update={"withheld": 0.0})
    config = CONFIG.model_copy(update={"reports": reports, "observations": observed})
    assert run_cycles.run_cycles(config, run.root, "main") == 0
    assert monitor_observations(config, run.root, "main").exists()
    found = open_cycles(run.cycles("main"), "observations").load()
    return np.stack([found[name].to_numpy().ravel() for name in ("value", "flag")], axis=-1)


def used(found: np.ndarray) -> np.ndarray:
    return found[found[:, 1] == Flag.PASS, 0]


def test_a_longitude_that_is_a_fill_value_has_no_part_in_a_cycle(run: RunFolder) -> None:
    """Modulo 360 each would be a place: 81, 279 and 7 degrees east."""
    good = reports()
    bad = good[good["station_id"].isin({"net0", "net1", "net2"})].assign(value=281.5)
    bad["longitude"] = np.tile(LONGITUDES, len(HOURS))
    found = cycle(run, pd.concat([good, bad]))
    assert used(found).size == 2 * COUNT
    assert not (used(found) == 281.5).any()


def test_reports_of_another_year_end_the_cycle_before_it_begins(run: RunFolder) -> None:
    late = reports().assign(time=lambda table: table["time"].str.replace("2000", "2001"))
    with pytest.raises(InputError, match="no report"):
        cycle(run, late)
    assert not run.cycles("main").exists()


def test_a_file_of_another_year_beside_a_good_one_is_told_by_name(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    late = reports().assign(time=lambda table: table["time"].str.replace("2000", "2001"))
    assert used(cycle(run, reports(), late)).size == 2 * COUNT
    assert "file_1.csv" in capsys.readouterr().out.split("cycles")[0]


@pytest.mark.parametrize("thinning", ["thin", "superob"])
def test_a_bad_report_and_copies_of_a_good_one_have_no_part_in_a_box(
    thinning: str, run: RunFolder
) -> None:
    good = reports()
    beside = good.assign(
        latitude=good["latitude"] + 0.1, station_id="x" + good["station_id"], value=-999.0
    )
    copies = [good[good["station_id"] == "net4"]] * 31
    found = cycle(run, pd.concat([good, beside, *copies]), thinning=thinning)
    assert used(found).size == 2 * COUNT
    np.testing.assert_allclose(
        np.sort(used(found)), np.sort(np.tile(good["value"][:COUNT], 2)), atol=1e-3
    )
