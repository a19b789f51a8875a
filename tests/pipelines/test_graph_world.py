"""A world forecast by a graph of two frames: backgrounds, rewards on workers, verification."""

from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from forked_processes import forked_workers
from rich.progress import Progress
from small_graphs import TYPICAL, expected_step, fengwu_graph, random_states, scaling_of, written

from align_da.alignment import AlignmentCase, score_cases
from align_da.alignment.rewards.forecast import ForecastReward
from align_da.alignment.rewards.win_rate import rmse_win_rate
from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import dataset_from_state, layout_from_dataset
from align_da.config import (
    AlignmentConfig,
    BackgroundsConfig,
    Config,
    CycledBackgroundsConfig,
    VerificationConfig,
    WorldConfig,
)
from align_da.errors import StorageError
from align_da.keys import Purpose, key_for
from align_da.runs.alignment_cases import cases_of
from align_da.runs.forecast_models import configured_forecast_model, frame_before, kind_of
from align_da.runs.run import Run
from align_da.stages import score_runs
from align_da.stages.score_candidates import RewardScore
from align_da.stages.scoring_on_cluster import score_on_cluster
from align_da.storage.gridded import open_states
from align_da.storage.run_folder import RunFolder
from data_pipelines.backgrounds import draw_perturbation, make_backgrounds
from data_pipelines.splits import periods_of
from data_pipelines.template import write_region, write_template

STEP = np.timedelta64(6, "h")
LEADS = (6, 18)


@dataclass(frozen=True)
class GraphWorld:
    """A run folder with truth and backgrounds.

    Attributes:
        config: the configuration.
        folder: of the run.
        times: of the truth.
        truth: values [time, lat, lon, channel].
        layout: of the states.
    """

    config: Config
    folder: Path
    times: np.ndarray
    truth: np.ndarray
    layout: Layout

    def step(self, now: np.ndarray, before: np.ndarray) -> np.ndarray:
        """What the graph makes of states [batch, lat, lon, channel]."""
        assert self.config.onnx is not None
        kind = kind_of(self.config.onnx)
        return expected_step(kind, self.layout, now, before, scaling_of(kind)[1])

    def assert_same(self, found: np.ndarray, expected: np.ndarray) -> None:
        """Equal to the rounding of single precision."""
        scale = np.abs(self.truth).max(axis=(0, 1, 2))
        np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> GraphWorld:
    folder = tmp_path_factory.mktemp("graph_world")
    config = Config(
        world=WorldConfig(model="onnx", train_days=8, validation_days=3, test_days=3),
        onnx=written(folder, fengwu_graph(), kind="fengwu"),
        backgrounds=BackgroundsConfig(
            lead_hours=LEADS, train_starts=5, validation_starts=1, test_starts=1
        ),
        cycled_backgrounds=CycledBackgroundsConfig(segments=0),
        alignment=AlignmentConfig(rewards=("forecast", "accuracy"), forecast_lead_hours=12),
        verification=VerificationConfig(forecast_every=2, forecast_lead_hours=LEADS),
    )
    periods = periods_of(config.world)
    times = np.arange(periods["train"].start, periods["test"].end, STEP).astype("datetime64[ns]")
    layout = configured_forecast_model(config).layout
    truth = weather(times.size, layout)
    surface = xr.Dataset(
        {"geopotential_at_surface": (("latitude", "longitude"), np.zeros(layout.grid.shape))}
    )
    store = RunFolder(folder).truth
    write_template(store, layout, {"time": times}, times.size, surface)
    write_region(store, truth, layout, {"time": times}, 0)
    with Progress(disable=True) as progress:
        make_backgrounds(config, folder, 1, progress)
    return GraphWorld(config, folder, times, truth, layout)


def weather(count: int, layout: Layout) -> np.ndarray:
    """Waves that move slowly, of another phase in every channel."""
    mean, std = np.array([TYPICAL[channel.variable.name] for channel in layout.channels]).T
    time, lat, lon, channel = np.indices((count, *layout.shape))
    phase = 0.4 * lon + 0.7 * lat + 1.3 * channel - 0.05 * time
    return np.asarray(mean + std * np.sin(phase), np.float32)


def backgrounds_of(world: GraphWorld) -> tuple[np.ndarray, list[int], np.ndarray]:
    """Amplitudes, places on the axis of the truth and values [start, lead, lat, lon, channel]."""
    with open_states(RunFolder(world.folder).backgrounds("train")) as store:
        starts = store["time"].to_numpy()
        fields = [
            np.moveaxis(store[name].to_numpy(), 2, -1)
            if "level" in store[name].dims
            else store[name].to_numpy()[..., None]
            for name in world.layout.variables
        ]
        amplitude = store["amplitude"].to_numpy()
    places = np.searchsorted(world.times, starts).tolist()
    return amplitude, places, np.concatenate(fields, axis=-1)


@pytest.mark.slow
def test_backgrounds_start_from_two_states_with_the_same_perturbation(world: GraphWorld) -> None:
    """The first start has no state before it and sees the same one twice."""
    amplitude, places, found = backgrounds_of(world)
    period = range(8 * 4)
    assert places[0] == 0
    humid = world.layout.channels_of("specific_humidity")
    for number, place in enumerate(places):
        key = key_for(world.config.seed, Purpose.BACKGROUND_PERTURBATION, place)
        drawn = draw_perturbation(key, place, period, 4, world.config.backgrounds.amplitude)
        assert drawn.amplitude == pytest.approx(amplitude[number])
        change = (
            drawn.amplitude / np.sqrt(2) * (world.truth[drawn.first] - world.truth[drawn.second])
        )
        now, before = world.truth[place] + change, world.truth[max(place - 1, 0)] + change
        for state in (now, before):
            state[..., humid] = np.maximum(state[..., humid], 0)
        first = world.step(now[None], before[None])
        second = world.step(first, now[None])
        third = world.step(second, first)
        world.assert_same(found[number], np.concatenate([first, third]))


@pytest.mark.slow
def test_backgrounds_of_another_graph_are_refused(world: GraphWorld) -> None:
    assert world.config.onnx is not None
    graph = Path(world.config.onnx.path)
    content = graph.read_bytes()
    graph.write_bytes(fengwu_graph(given=69))
    with pytest.raises(StorageError, match="another configuration"), Progress(disable=True) as bar:
        make_backgrounds(world.config, world.folder, 1, bar)
    graph.write_bytes(content)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_rewards_from_two_workers_are_those_of_this_process(world: GraphWorld) -> None:
    """A session cannot be sent to a worker: each builds its own from the file."""
    states = random_states(world.layout, batch=2)
    one, later = (State(states.values[i], world.layout) for i in range(2))
    cases = [AlignmentCase(one, one, time, later, 6.0, later) for time in world.times[:5]]

    def draw(case: AlignmentCase, key: jax.Array) -> tuple[State, jax.Array]:
        std = jnp.std(case.truth.values, axis=(0, 1))
        noise = 0.1 * std * jax.random.normal(key, (4, *world.layout.shape))
        return State(case.truth.values + noise, world.layout), noise[..., :1, :1, :1]

    build = RewardScore(world.config, world.folder)
    here = score_cases(cases, draw, build, seed=0)
    with forked_workers():
        there = score_on_cluster(world.config, cases, draw, build, description="rewards", total=5)
    xr.testing.assert_identical(here, there)
    assert float(here["rewards"].std("candidate").min()) > 0


@pytest.mark.slow
def test_the_forecast_reward_starts_from_the_truth_before(world: GraphWorld) -> None:
    with open_states(RunFolder(world.folder).truth) as truth:
        run = Run(world.config, RunFolder(world.folder), truth, layout_from_dataset(truth))
        (case,) = cases_of(run, "train", 1, 12, (6,))
    place = int(np.searchsorted(world.times, case.valid_time))
    before, now, _, later = world.truth[place - 1 : place + 3]
    assert case.truth_before is not None
    np.testing.assert_array_equal(np.asarray(case.truth_before.values), before)
    shares = np.array([0.0, 0.01, 0.02])[:, None, None, None]
    drawn = np.asarray(now + shares * world.truth.std(axis=(0, 1, 2)), np.float32)
    model = configured_forecast_model(world.config)
    found = ForecastReward(model, 12)(State(jnp.asarray(drawn), world.layout), case)
    first = world.step(drawn, np.broadcast_to(before, drawn.shape))
    second = State(jnp.asarray(world.step(first, drawn), jnp.float32), world.layout)
    expected = rmse_win_rate(second, State(jnp.asarray(later), world.layout))
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-3)
    blind = ForecastReward(model, 12)(
        State(jnp.asarray(drawn), world.layout), replace(case, truth_before=None)
    )
    assert np.abs(np.asarray(blind) - np.asarray(found)).max() > 0.01


@pytest.mark.slow
def test_forecasts_of_verification_start_from_two_analyses(world: GraphWorld) -> None:
    members = np.stack([world.truth[:8], world.truth[:8] * 1.001], axis=1)
    leading = {"time": world.times[:8], "realization": np.arange(2)}
    analyses = dataset_from_state(State(jnp.asarray(members), world.layout), leading)
    with open_states(RunFolder(world.folder).truth) as truth:
        run = Run(world.config, RunFolder(world.folder), truth, layout_from_dataset(truth))
        found = score_runs._forecasts(run, analyses, "main")
    assert list(found) == ["forecast 6 h", "forecast 18 h"]
    for index, place in enumerate((0, 2, 4, 6)):
        now, before = members[place], members[max(place - 1, 0)]
        first = world.step(now, before)
        third = world.step(world.step(first, now), first)
        for name, expected in zip(found, (first, third), strict=True):
            state = found[name].isel(time=index)
            temperature = np.moveaxis(state["temperature"].to_numpy(), 1, -1)
            channels = world.layout.channels_of("temperature")
            np.testing.assert_allclose(temperature, expected[..., channels], rtol=1e-5)
            assert state["time"].to_numpy() == world.times[place] + np.timedelta64(
                LEADS[list(found).index(name)], "h"
            )


def test_a_frame_before_is_read_where_it_is_known_and_looked_at(world: GraphWorld) -> None:
    model = configured_forecast_model(world.config)
    with open_states(RunFolder(world.folder).truth) as truth:
        assert frame_before(model, truth, world.layout, world.times[0]) is None
        found = frame_before(model, truth, world.layout, world.times[3])
    assert found is not None
    np.testing.assert_array_equal(np.asarray(found.values[0]), world.truth[2])
