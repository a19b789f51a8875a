"""Row 1 of the table of faults for a forecast model that also looks at the state before."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import xarray as xr
from hurt import complete_cycles, folder_digest
from small_graphs import fengwu_graph, frame_graph, written
from small_run import MODEL, run_small, small_experiment, with_parts

from align_da.atmosphere import Layout, State
from align_da.config import Config, OnnxConfig, WorldConfig
from align_da.cycling.driver import run_experiment
from align_da.errors import StorageError
from align_da.runs.forecast_model_files import forecast_model_definition, forecast_model_digests
from align_da.runs.run import Run
from align_da.stages import run_cycles
from align_da.storage.manifest import manifest_of
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage


class StoppedError(Exception):
    """The end of the process, as far as the store is concerned."""


@dataclass
class Persisting:
    """Lorenz-96 pushed on as far as it has come from the state before.

    Attributes:
        stop: number of the forecast that ends the process.
        frames: 1 where the state before is not looked at.
        calls: forecasts until now.
    """

    stop: int = 99
    frames: Literal[1, 2] = 2
    layout: Layout = MODEL.layout
    step_hours: int = 6
    differentiable: bool = True
    calls: int = 0

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        if self.calls == self.stop:
            raise StoppedError
        self.calls += 1
        later = MODEL.forecast(states, valid_time, lead_hours)
        if previous is None or self.frames == 1:
            return later
        return State(later.values + 0.1 * (states.values - previous.values), states.layout)


EXPERIMENT = small_experiment(cycles=6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Digest of the run that nothing stops, which is not that of a model of one frame."""
    digests = []
    for frames in (1, 2):
        folder = tmp_path_factory.mktemp(f"frames_{frames}")
        model = Persisting(frames=frames)
        run_small(folder / "run.zarr", with_parts(EXPERIMENT, forecast_model=model))
        digests.append(folder_digest(folder))
    assert digests[0] != digests[1]
    return digests[1]


@pytest.mark.row(1)
@pytest.mark.parametrize("stops", [(1,), (2,), (5,), (1, 1, 1, 1)])
def test_a_resumed_run_of_two_frames_has_the_same_bits(
    stops: tuple[int, ...], whole: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    for stop in stops:
        with pytest.raises(StoppedError):
            run_small(store, with_parts(EXPERIMENT, forecast_model=Persisting(stop)))
    assert complete_cycles(store) == sum(stops)
    run_small(store, with_parts(EXPERIMENT, forecast_model=Persisting()))
    assert folder_digest(tmp_path) == whole


def configured(graph: OnnxConfig) -> Config:
    return Config(world=WorldConfig(model="onnx"), onnx=graph)


def test_a_run_does_not_go_on_with_another_graph(tmp_path: Path) -> None:
    graph = written(tmp_path, frame_graph(69), kind="frame")
    config, experiment = configured(graph), small_experiment(cycles=2)

    def run() -> int:
        manifest = manifest_of(config, 0, forecast_model_digests(config))
        return run_experiment(experiment, tmp_path / "run.zarr", manifest)

    assert run() == 0
    Path(graph.path).write_bytes(frame_graph(69, offset=0.02))
    with pytest.raises(
        StorageError, match=r"(?s)another run.*inputs\.onnx\.path: stored '[0-9a-f]"
    ):
        run()


def test_a_stage_is_defined_by_every_file_of_its_forecast_model(tmp_path: Path) -> None:
    assert forecast_model_definition(Config()) == []
    config = configured(written(tmp_path, fengwu_graph(), kind="fengwu"))
    before = forecast_model_definition(config)
    np.save(str(config.onnx and config.onnx.std), np.ones(69))
    assert forecast_model_definition(config) != before


def test_the_manifest_of_cycles_holds_the_digest_of_every_file(tmp_path: Path) -> None:
    config = configured(written(tmp_path, fengwu_graph(), kind="fengwu"))
    cycle = config.cycle.model_copy(update={"method": "free_run"})
    folder = RunFolder(tmp_path)
    run_stage(folder, Stage("backgrounds", [], [], []), lambda: None)
    run = Run(config.model_copy(update={"cycle": cycle}), folder, xr.Dataset(), MODEL.layout)
    assert sorted(run_cycles._inputs(run)) == [
        "backgrounds",
        "onnx.mean",
        "onnx.path",
        "onnx.std",
    ]
