"""The model over states on sigma levels, with stand-ins for what it is made of."""

from dataclasses import dataclass, field
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from faults.observed_world import LAYOUT, atmosphere
from persistence import Persistence

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.free_run import FreeRun
from align_da.atmosphere import State
from align_da.config import Config, QualityControlConfig, ReportsConfig
from align_da.cycling.cycle import CycleParts
from align_da.earth2studio import AlignDA, array_of
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.runs import observing_system as observing
from align_da.runs.filed_reports import quality_control_of_reports
from align_da.runs.run import Run
from align_da.storage.run_folder import RunFolder
from data_pipelines.observations.error_table import with_errors

START = np.datetime64("2020-01-01T00:00", "ns")


@dataclass(frozen=True)
class Recorder:
    """Changes nothing and keeps the observations that it was given."""

    seen: list[ObservationBatch] = field(default_factory=list)

    def __call__(
        self, background: State, batch: ObservationBatch, lead_hours: float, key: jax.Array
    ) -> tuple[State, AnalysisDiagnostics]:
        self.seen.append(batch)
        return FreeRun(interpolation_operator)(background, batch, lead_hours, key)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AlignDA:
    variance = jnp.broadcast_to(jnp.asarray([9.0] * 15 + [1e-6] * 5 + [1e4]), LAYOUT.shape)
    monkeypatch.setattr(observing, "background_variance", lambda _: variance)
    surface = np.zeros(LAYOUT.grid.shape, np.float32)
    truth = xr.Dataset({"geopotential_at_surface": (("latitude", "longitude"), surface)})
    config = Config(
        reports=ReportsConfig(padded=16), quality_control=QualityControlConfig(buddy_check=False)
    )
    run = Run(config, RunFolder(tmp_path), truth, LAYOUT)
    control = quality_control_of_reports(run)
    return AlignDA(run, CycleParts(Persistence(LAYOUT), Recorder(), 6, control), with_errors)


def test_pressures_of_a_frame_become_sigma_and_errors_those_of_their_level(
    model: AlignDA,
) -> None:
    members = State(jnp.stack([atmosphere().values] * 20), LAYOUT)
    generator = model.create_generator(array_of(members, START))
    next(generator)
    latitude = np.array([10.0, -30.0, 40.0], np.float32)
    pressure = 0.5 * (9.7e4 + 1500 * np.cos(2 * np.deg2rad(latitude)))
    frame = pd.DataFrame(
        {
            "time": START + np.timedelta64(6, "h"),
            "lat": latitude,
            "lon": np.float32([0.0, 100.0, 200.0]),
            "observation": np.float32(220 + 37.5 * np.cos(np.deg2rad(latitude))),
            "variable": "t",
            "pres": np.float32(pressure),
        }
    )
    (found,) = generator.send(frame)
    assert isinstance(model.parts.analysis, Recorder)
    (batch,) = model.parts.analysis.seen
    np.testing.assert_allclose(batch.level[:3], 0.5, atol=0.02)
    np.testing.assert_array_less(0.5, batch.error[:3])
    assert found.attrs == {"cycle": 0, "observations": "pass 3"}
    assert found["variable"].values[-1] == "sp"
    (later,) = generator.send(None)
    assert later["time"].values[0] == START + np.timedelta64(12, "h")
    assert later.attrs == {"cycle": 1, "observations": "none"}
