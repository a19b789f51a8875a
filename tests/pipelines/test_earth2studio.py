"""Runs behind the interface of earth2studio, held against `align-da cycle`."""

import inspect
import re
import runpy
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import GeneratorType
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.progress import Progress
from small_graphs import GRID, TYPICAL, eastward_graph, written

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import state_from_dataset
from align_da.config import Config, load_config
from align_da.earth2studio import AlignDA, array_of, open_model
from align_da.errors import BadStateError, ConfigError, InputError
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.initial_ensemble import initial_ensemble
from align_da.runs.run import Run, open_run
from align_da.stages.run_cycles import run_cycles
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.storage.stored_cycles import open_cycles
from data_pipelines import backgrounds
from data_pipelines.observations.stage import make_reports
from data_pipelines.splits import periods_of
from data_pipelines.template import write_region, write_template

README = Path(__file__).parents[2] / "experiments" / "forecast_model" / "README.md"
VARIABLES = ("u_component_of_wind", "temperature", "surface_pressure", "2m_temperature")
LEVELS = (30000.0, 50000.0, 85000.0)
CYCLES = 3
STEP = np.timedelta64(6, "h")
TYPICAL_VALUES = {"u": 5.0, "t500": 250.0, "t2m": 280.0, "sp": 9.8e4}
ERRORS = {"u": 8.0, "t500": 9.0, "t2m": 9.0, "sp": 400.0}


@dataclass(frozen=True)
class ReportedRun:
    """A run folder with reports of three cycles, and the same observations as data frames.

    Attributes:
        config: path of its configuration.
        folder: of the run.
        start: one window before the first analysis.
        frames: observations of each cycle.
    """

    config: Path
    folder: Path
    start: np.datetime64
    frames: list[pd.DataFrame]

    @property
    def settings(self) -> Config:
        return load_config(self.config)

    def open(self, *overrides: str) -> AlignDA:
        return open_model(self.folder, self.config, overrides)

    @cached_property
    def model(self) -> AlignDA:
        return self.open()

    @cached_property
    def initial(self) -> State:
        return initial_ensemble(open_run(self.settings, self.folder))[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ReportedRun:
    folder = tmp_path_factory.mktemp("neighbour")
    graph = eastward_graph(2 * len(LEVELS) + 2, GRID, 0.5)
    onnx = written(folder, graph, kind="frame", variables=VARIABLES, levels=LEVELS)
    config = folder / "demo.toml"
    config.write_text(
        f"""
        [world]
        model = "onnx"
        train_days = 8
        validation_days = 3
        test_days = 3
        [onnx]
        path = "{onnx.path}"
        kind = "frame"
        rows = "bands"
        variables = {list(VARIABLES)}
        levels = {list(LEVELS)}
        [backgrounds]
        lead_hours = [12]
        train_starts = 6
        validation_starts = 1
        test_starts = 1
        [cycled_backgrounds]
        segments = 0
        [observations]
        withheld = 0.0
        [reports]
        padded = 128
        [optimal_interpolation]
        samples = 6
        radius_km = 3000.0
        [cycle]
        method = "optimal_interpolation"
        members = 4
        cycles = {CYCLES}
        """
    )
    settings = load_config(config)
    make_world(settings, folder)
    _, start = initial_ensemble(open_run(settings, folder))
    frames = [observations(start + (cycle + 1) * STEP, cycle) for cycle in range(CYCLES)]
    table = folder / "table.parquet"
    pd.concat([as_reports(frame) for frame in frames]).to_parquet(table)
    make_reports([table], "table", RunFolder(folder))
    return ReportedRun(config, folder, start, frames)


def make_world(config: Config, folder: Path) -> None:
    """Truth and backgrounds."""
    periods = periods_of(config.world)
    times = np.arange(periods["train"].start, periods["test"].end, STEP).astype("datetime64[ns]")
    layout = configured_forecast_model(config).layout
    surface = xr.Dataset(
        {"geopotential_at_surface": (("latitude", "longitude"), np.full(GRID, 980.0))}
    )
    store = RunFolder(folder).truth
    write_template(store, layout, {"time": times}, times.size, surface)
    write_region(store, weather(times.size, layout), layout, {"time": times}, 0)
    with pytest.MonkeyPatch.context() as patch:  # here: starting a worker takes longer
        patch.setattr(backgrounds, "run_tasks", lambda work, tasks, *_: list(map(work, tasks)))
        patch.setattr(backgrounds, "use_compilation_cache", lambda: None)
        stage = Stage("backgrounds", [], [], [])
        run_stage(RunFolder(folder), stage, lambda: make(config, folder))


def make(config: Config, folder: Path) -> None:
    with Progress(disable=True) as progress:
        backgrounds.make_backgrounds(config, folder, 1, progress)


def weather(count: int, layout: Layout) -> np.ndarray:
    """Waves that move slowly, of another phase in every channel."""
    typical = TYPICAL | {"surface_pressure": (9.8e4, 500.0)}
    mean, std = np.array([typical[channel.variable.name] for channel in layout.channels]).T
    time, lat, lon, channel = np.indices((count, *layout.shape))
    phase = 0.4 * lon + 0.7 * lat + 1.3 * channel - 0.05 * time
    return np.asarray(mean + std * np.sin(phase), np.float32)


def observations(time: np.datetime64, seed: int) -> pd.DataFrame:
    """Reports with names of earth2studio and errors as large as states are different."""
    random, count = np.random.default_rng(seed), 60
    names = np.asarray(["u", "t500", "t2m", "sp"])[np.arange(count) % 4]
    errors = np.asarray([ERRORS[name] for name in names])
    values = np.asarray([TYPICAL_VALUES[name] for name in names])
    return pd.DataFrame(
        {
            "time": time + random.integers(-3 * 3600, 3 * 3600, count).astype("timedelta64[s]"),
            "lat": random.uniform(-80, 80, count).astype(np.float32),
            "lon": random.uniform(0, 360, count).astype(np.float32),
            "observation": np.float32(values + errors * random.standard_normal(count)),
            "variable": names,
            "pres": np.where(names == "u", 70000.0, np.nan).astype(np.float32),
            "elev": np.where(np.isin(names, ["sp", "t2m"]), 150.0, np.nan).astype(np.float32),
            "error": errors,
            "station": [f"s{number}" for number in range(count)],
        }
    )


def as_reports(frame: pd.DataFrame) -> pd.DataFrame:
    """The same observations by hand, as a reader of files gives them."""
    names = {
        "u": "u_component_of_wind",
        "t500": "temperature",
        "t2m": "2m_temperature",
        "sp": "surface_pressure",
    }
    return pd.DataFrame(
        {
            "value": frame["observation"].astype(float),
            "error": frame["error"],
            "latitude": frame["lat"].astype(float),
            "longitude": frame["lon"].astype(float),
            "level": frame["pres"].astype(float).where(frame["variable"] != "t500", 50000.0),
            "elevation": frame["elev"].astype(float),
            "time": frame["time"],
            "vertical": np.where(frame["variable"].isin(["u", "t500"]), "level", "surface"),
            "variable": frame["variable"].map(names),
            "station_id": frame["station"],
            "type": "other",
            "flag": "pass",
        }
    )


@pytest.fixture(scope="module")
def stored(run: ReportedRun) -> dict[str, xr.Dataset]:
    """Analyses and backgrounds that `align-da cycle` stores; the method draws by its key."""
    assert run_cycles(run.settings, run.folder, "main") == 0
    store = RunFolder(run.folder).cycles("main")
    return {group: open_cycles(store, group).load() for group in ("analysis", "background")}


@runtime_checkable
class AssimilationModel(Protocol):
    """The interface, written down from earth2studio 0.19 (earth2studio/models/da/base.py)."""

    def __call__(self, *args: pd.DataFrame | xr.DataArray | None) -> tuple[Any, ...]: ...

    def create_generator(
        self, *args: pd.DataFrame | xr.DataArray
    ) -> Generator[tuple[Any, ...], Any, None]: ...

    def init_coords(self) -> tuple[OrderedDict[str, np.ndarray], ...] | None: ...

    def input_coords(self) -> tuple[OrderedDict[str, np.ndarray], ...]: ...

    def output_coords(
        self, input_coords: tuple[OrderedDict[str, np.ndarray], ...], *args: Any, **kwargs: Any
    ) -> tuple[OrderedDict[str, np.ndarray], ...]: ...

    def to(self, device: Any) -> "AssimilationModel": ...


def test_the_interface_is_that_of_earth2studio(run: ReportedRun) -> None:
    model = run.model
    assert isinstance(model, AssimilationModel)
    state, frame = xr.DataArray(), pd.DataFrame()
    inspect.signature(model.__call__).bind(state, frame)
    inspect.signature(model.__call__).bind(state, None)
    inspect.signature(model.create_generator).bind(state)
    inspect.signature(model.output_coords).bind((OrderedDict(),), request_time=0, other=1)
    for coordinates in (model.init_coords(), model.input_coords()):
        assert isinstance(coordinates, tuple)
        for axis in coordinates[0].values():
            assert isinstance(axis, np.ndarray)
    assert model.to("cpu") is model


def test_coordinates_say_what_is_taken_and_given(run: ReportedRun) -> None:
    model = run.model
    names = ["u300", "u500", "u850", "t300", "t500", "t850", "sp", "t2m"]
    (initial,), (columns,) = model.init_coords(), model.input_coords()
    assert isinstance(initial, OrderedDict)
    assert list(initial) == ["time", "variable", "lat", "lon"]
    assert initial["variable"].tolist() == names
    assert list(columns) == ["time", "lat", "lon", "observation", "variable", "pres", "elev"]
    assert columns["variable"].tolist() == [*names, "u", "t", "pres"]
    time = np.asarray([run.start])
    for given in (model.input_coords(), (OrderedDict(initial, time=time),)):
        (found,) = model.output_coords(given, request_time=time)
        assert list(found) == ["ensemble", "time", "variable", "lat", "lon"]
        assert [axis.size for axis in found.values()] == [4, 1, 8, *GRID]
    state = OrderedDict(initial, time=time, lead_time=np.asarray([STEP]))
    assert model.output_coords((state,))[0]["time"] == run.start + STEP
    with pytest.raises(InputError, match="with a time"):
        model.output_coords((OrderedDict(list(initial.items())[1:]),))
    with pytest.raises(InputError, match="lat differ"):
        model.output_coords((OrderedDict(initial, lat=initial["lat"][::2]),))


def test_one_analysis_is_bit_for_bit_what_the_cycle_stores(
    run: ReportedRun, stored: dict[str, xr.Dataset]
) -> None:
    model, layout = run.model, run.model.run.layout
    for cycle in range(CYCLES):
        time = run.start + (cycle + 1) * STEP
        background = state_from_dataset(stored["background"], layout, cycle)
        expected = state_from_dataset(stored["analysis"], layout, cycle)
        (found,) = model(array_of(background, time), run.frames[cycle], cycle=cycle)
        xr.testing.assert_equal(found, array_of(expected, time))
        assert found.attrs["observations"].startswith("pass 6")
        assert float(np.abs(found - array_of(background, time)).max()) > 1
        (other,) = model(array_of(background, time), run.frames[cycle], cycle=cycle + 1)
        assert float(np.abs(found - other).max()) > 0.01


def test_the_generator_goes_through_the_cycles_as_they_are_stored(
    run: ReportedRun, stored: dict[str, xr.Dataset]
) -> None:
    model, layout = run.model, run.model.run.layout
    generator = model.create_generator(array_of(run.initial, run.start))
    assert isinstance(generator, GeneratorType)
    (first,) = generator.send(None)
    xr.testing.assert_equal(first, array_of(run.initial, run.start))
    for cycle, frame in enumerate(run.frames):
        (found,) = generator.send(frame if cycle != 1 else (frame,))
        expected = state_from_dataset(stored["analysis"], layout, cycle)
        xr.testing.assert_equal(found, array_of(expected, run.start + (cycle + 1) * STEP))
        (axes,) = model.output_coords(model.input_coords(), request_time=found["time"].values)
        assert list(axes) == list(found.dims)
        assert all(np.array_equal(found[name], axis) for name, axis in axes.items())
    generator.close()


def test_a_window_without_observations_keeps_the_background(run: ReportedRun) -> None:
    model = run.model
    expected = model.parts.forecast_model.forecast(run.initial, run.start, 6)
    generator = model.create_generator(array_of(run.initial, run.start))
    next(generator)
    (found,) = generator.send(None)
    xr.testing.assert_equal(found, array_of(expected, run.start + STEP))
    assert found.attrs["observations"] == "none"


def test_a_single_state_becomes_the_mean_of_the_members(run: ReportedRun) -> None:
    initial = array_of(run.initial, run.start)
    (found,) = run.model.create_generator(initial.mean("ensemble")).send(None)
    assert found.sizes["ensemble"] == 4
    np.testing.assert_allclose(found, initial, rtol=1e-5, atol=1e-4)


def test_nothing_that_was_reported_goes_untold(run: ReportedRun) -> None:
    time, frame = run.start + STEP, run.frames[0].copy()
    frame.loc[0, "observation"] = np.nan
    frame.loc[1, "time"] += np.timedelta64(9, "h")
    frame.loc[2, "observation"] = 1000.0
    frame.loc[[3, 6], "elev"] = np.nan  # a pressure and a temperature at the surface
    frame.attrs = {"request_time": np.asarray([time]), "request_lead_time": np.zeros(1, "m8[ns]")}
    (found,) = run.model(array_of(run.initial, time), frame)
    assert found.attrs["observations"] == (
        "pass 55, passive 2, missing 1, bounds 1, outside the window 1"
    )


def test_errors_that_the_frame_lacks_are_those_of_the_run_or_given(run: ReportedRun) -> None:
    background = array_of(run.initial, run.start + STEP)
    bare = run.frames[0].drop(columns="error")
    (told,) = run.model(background, run.frames[0])
    (configured,) = run.open("observations.wind_error=4.0")(background, bare)
    given = open_model(
        run.folder, run.config, fill_errors=lambda reports: reports.assign(error=as_given(reports))
    )
    (filled,) = given(background, bare)
    xr.testing.assert_equal(filled, told)
    assert float(np.abs(configured - told).max()) > 0.1


def as_given(reports: pd.DataFrame) -> pd.Series:
    errors = {"u_component_of_wind": 8.0, "surface_pressure": 400.0}
    return reports["variable"].map(errors).fillna(9.0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda array, frame: (array, frame.drop(columns="lon")), InputError, "missing: lon"),
        (lambda array, frame: (array, array), InputError, "data frame or None, got DataArray"),
        (
            lambda array, frame: (array, frame.assign(variable="q500")),
            InputError,
            "60 of 60 observations are of variables",
        ),
        (
            lambda array, frame: (
                array,
                frame.assign(time=frame["time"] + np.timedelta64(1, "D")),
            ),
            InputError,
            "expected observations of the 6 hours around",
        ),
        (
            lambda array, frame: (array.isel(ensemble=slice(0, 3)), frame),
            InputError,
            "cycle.members = 3",
        ),
        (
            lambda array, frame: (array.isel(variable=slice(0, 4)), frame),
            InputError,
            "missing: t500, t850, sp, t2m",
        ),
        (lambda array, frame: (array * np.nan, frame), InputError, "not finite"),
        (lambda array, frame: (array / 100, frame), BadStateError, "temperature at level 0 = "),
    ],
)
def test_what_is_wrong_is_told(
    run: ReportedRun, change: Any, error: type[Exception], message: str
) -> None:
    given = change(array_of(run.initial, run.start + STEP), run.frames[0])
    with pytest.raises(error, match=message):
        run.model(*given)


def test_observations_that_were_requested_for_another_time_are_refused(run: ReportedRun) -> None:
    frame = run.frames[0].copy()
    frame.attrs["request_time"] = np.asarray([run.start])
    with pytest.raises(InputError, match="expected observations requested for"):
        run.model(array_of(run.initial, run.start + STEP), frame)


def test_several_data_frames_are_refused(run: ReportedRun) -> None:
    generator = run.model.create_generator(array_of(run.initial, run.start))
    next(generator)
    with pytest.raises(InputError, match="got 2 arguments"):
        generator.send((run.frames[0], run.frames[1]))


def test_observations_are_judged_before_the_forecast(
    run: ReportedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "align_da.cycling.cycles.make_background", lambda *_: pytest.fail("a forecast")
    )
    generator = run.model.create_generator(array_of(run.initial, run.start))
    next(generator)
    with pytest.raises(InputError, match="expected observations of the 6 hours around"):
        generator.send(run.frames[2])


def test_a_configuration_that_the_model_cannot_follow_is_refused(run: ReportedRun) -> None:
    with pytest.raises(ConfigError, match=r"watchdog\.policy = 'inflate'"):
        run.open("cycle.watchdog.policy=inflate")
    with pytest.raises(ConfigError, match="JAX_PLATFORMS"):
        run.model.to("cuda:0")


def test_an_abstract_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Lorenz96ForecastModel().layout
    world = Run(Config(), RunFolder(tmp_path), xr.Dataset(), layout)
    monkeypatch.setattr("align_da.earth2studio.model.open_run", lambda *_: world)
    with pytest.raises(ConfigError, match="got lorenz_96"):
        open_model(tmp_path)


def test_the_example_of_the_readme_runs(
    run: ReportedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = README.read_text(encoding="utf-8").partition("## earth2studio")[2]
    code = text.partition("```python\n")[2].partition("```")[0]
    assert "runs/demo" in code
    example = tmp_path / "example.py"
    example.write_text(code.replace("runs/demo", str(run.folder)), encoding="utf-8")
    runpy.run_path(str(example))
    assert re.match(r"pass \d", capsys.readouterr().out)
