"""What writes into a folder owns what it writes: a second process is refused at once."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr

from align_da.atmosphere import Layout
from align_da.atmosphere.plain_grids import periodic_line
from align_da.config import Config
from align_da.errors import StorageError
from align_da.runs.run import Run
from align_da.stages import (
    benchmark,
    compare_leads,
    compare_priors,
    downscale,
    export_analyses,
    monitor_observations,
    observation_impact,
    score_runs,
)
from align_da.storage.lock import owned
from align_da.storage.run_folder import RunFolder

CONFIG = Config()
WRITERS: dict[str, tuple[ModuleType, str, Callable[[Path], object]]] = {
    "verify": (score_runs, "report/verify.lock", lambda at: score_runs.score_runs(CONFIG, at, [])),
    "monitor": (
        monitor_observations,
        "report/monitor.lock",
        lambda at: monitor_observations.monitor_observations(CONFIG, at, "main"),
    ),
    "impact": (
        observation_impact,
        "report/impact/main.json.lock",
        lambda at: observation_impact.observation_impact(
            CONFIG, at, "main", observation_impact.ImpactPlan()
        ),
    ),
    "benchmark": (
        benchmark,
        "report/benchmark/single.csv.lock",
        lambda at: benchmark.benchmark(CONFIG, at, "single"),
    ),
    "downscale": (
        downscale,
        "downscaled/fine.zarr.lock",
        lambda at: downscale.downscale(CONFIG, at, "fine"),
    ),
    "align leads": (
        compare_leads,
        "report/forecast_leads.csv.lock",
        lambda at: compare_leads.compare_leads(CONFIG, at),
    ),
    "align compare": (
        compare_priors,
        "report/alignment.csv.lock",
        lambda at: compare_priors.compare_priors(CONFIG, at),
    ),
    "export": (
        export_analyses,
        "main.nc.lock",
        lambda at: export_analyses.export_analyses(at, "main", "analysis", at / "main.nc"),
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_second_writer_is_refused_before_it_does_anything(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, lock, write = WRITERS[name]
    layout = Layout(periodic_line(4), ("abstract_field",))
    run = Run(CONFIG, RunFolder(tmp_path), xr.Dataset(), layout)
    monkeypatch.setattr(module, "open_run", lambda *_: run, raising=False)
    with (
        owned(tmp_path / lock),
        pytest.raises(StorageError, match=rf"{re.escape(lock)} is owned by another process"),
    ):
        write(tmp_path)
