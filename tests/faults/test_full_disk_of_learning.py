"""Row 7, the commands that learn: a full disk ends each with exit code 4 and nothing left behind.

They build on each other: each meets the full disk, then does its work with space, and the next one
goes on from there. What takes a minute to compile is exchanged for what does not (the losses, the
draws, the scores of the benchmark); what is read and written, and by whom, is theirs.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from command_line import align_da
from cycled_world import LAYOUT, WORLD, make_world
from persistence import Persistence
from test_full_disk_of_commands import Figure, ends_with_nothing_left

from align_da.alignment.candidates import Draw
from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State
from align_da.parallel.cluster import client_of
from align_da.runs import alignment_cases, work
from align_da.stages import (
    benchmark,
    compare_leads,
    compare_priors,
    score_candidates,
    scoring_on_cluster,
    train_model_error,
    training_stage,
)
from align_da.storage.met_cycles import Column, make_store, write_end, write_met
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.training.loop import FitResult, fit
from align_da.verification.score_table import ROW_COLUMNS
from data_pipelines import cycled_backgrounds
from data_pipelines.segments import Segment

LIMIT = 150  # bytes of a file: locks fit, the smallest table does not
TRAINING = "{ steps = 2, batch_size = 2, warm_up_steps = 1, ema_decay = 0.0, validate_every = 1 }"
CONFIG = f"""{WORLD}[autoencoder]
width = 4
depth = 1
latent_channels = 4
training = {TRAINING}
[denoiser]
width = 8
levels = 1
correlation_modes = 2
training = {TRAINING}
[model_error]
starts = 4
validation_starts = 2
training = {TRAINING}
[correction]
width = 4
depth = 1
training = {TRAINING}
[alignment]
backgrounds = 9
candidates = 4
forecast_lead_hours = 6
rewards = ["accuracy"]
training = {TRAINING}
[benchmark]
dates = 2
members = 2
background_lead_hours = 12
forecast_lead_hours = 6
peers = []
priors = ["reference"]
controls = []
"""
CYCLED = (
    *("backgrounds.lead_hours=[12]", "analysis.representation_error=false"),
    *(f"cycled_backgrounds.{setting}" for setting in ("segments=1", "cycles=2", "spin_up=1")),
)
COMMANDS = (
    "train autoencoder",
    f"data cycled --workers 1 {' '.join(f'--set {setting}' for setting in CYCLED)}",
    "train denoiser",
    "train model_error",
    "train correction",
    "align leads",
    "align candidates",
    "align aligned",
    "align compare",
    "benchmark",
)
MODELLED = (alignment_cases, benchmark, compare_leads, train_model_error)
DRAWN = (compare_leads, compare_priors, score_candidates)

pytestmark = [
    pytest.mark.long,  # a minute, most of it to trace networks
    pytest.mark.filterwarnings("ignore:Error (writing|reading) persistent compilation cache"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning"
    ),
]


def fit_size(params: Any, _loss: object, *rest: Any, **options: Any) -> FitResult:
    """Train as a command does, to make parameters small."""

    def size(params: Any, *_: object) -> tuple[jax.Array, dict[str, jax.Array]]:
        return sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(params)), {}

    return fit(params, size, *rest, **options)


def draw_near(_sampler: object, _prior: object, count: int) -> Draw:
    """Backgrounds with noise, and latents of nothing."""

    def draw(case: AlignmentCase, key: jax.Array) -> tuple[State, jax.Array]:
        noise = jax.random.normal(key, (count, *LAYOUT.shape))
        return State(case.background.values + noise, LAYOUT), jnp.zeros((count, 4, 8, 4))

    return draw


def scores(*_: object) -> pd.DataFrame:
    """Scores of two methods at two dates."""
    dates = np.datetime64("2000-01-05", "ns") + np.arange(2) * np.timedelta64(6, "h")
    place = ("analysis", "T", "rmse")
    rows = [(date, method, *place, 1.0) for date in dates for method in ("background", "jfps")]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def backgrounds(segment: Segment, _: object) -> list[SimpleNamespace]:
    """The cycles of a segment, of which backgrounds are kept."""
    cycle = SimpleNamespace(background=State(jnp.ones((1, *LAYOUT.shape)), LAYOUT))
    return [cycle] * segment.config.cycled_backgrounds.cycles


def meet_cycles(folder: RunFolder) -> None:
    """What the first round of closed-loop learning has met, and its record."""
    stores = [folder.closed_loop(0, split) for split in ("train", "validation")]
    lat, lon, channel = LAYOUT.shape
    shapes = {"evidence": (lat, lon, 6 * channel), "error": LAYOUT.shape, "spread": LAYOUT.shape}
    columns = {name: Column(("lat", "lon", name), shape) for name, shape in shapes.items()}
    times = np.datetime64("2000-01-02", "ns") + np.arange(2) * np.timedelta64(6, "h")
    rng = np.random.default_rng(0)

    def write() -> None:
        for store in stores:
            make_store(store, times, columns, (1, 1, 2, *LAYOUT.shape), "closed loop")
            write_met(store, {name: rng.uniform(1, 2, (2, *shapes[name])) for name in shapes}, 0)
            write_end(store, np.ones((1, 2, *LAYOUT.shape)), 0)

    run_stage(folder, Stage("closed_loop_0", [], ["statistics"], stores), write)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world that stands still, scored in this process, where the disk is full."""
    root = tmp_path_factory.mktemp("learning")
    (root / "world.toml").write_text(CONFIG)
    splits = {"train": (0, 12), "validation": (13, 18), "test": (18, 20)}
    folder = make_world(root / "run", splits)
    meet_cycles(folder)
    with pytest.MonkeyPatch.context() as patch:
        for module in MODELLED:
            patch.setattr(module, "configured_forecast_model", lambda _: Persistence(LAYOUT))
        for module in DRAWN:
            patch.setattr(module, "prior_draw", draw_near)
        for module in (compare_priors, work):
            patch.setattr(module, "PRIORS", ("reference", "aligned"))
        patch.setattr(scoring_on_cluster, "client_of", partial(client_of, workers=1))
        patch.setattr(training_stage, "fit", fit_size)
        patch.setattr(cycled_backgrounds, "cycles_of", backgrounds)
        patch.setattr(benchmark, "score_dates", scores)
        yield folder.root


@pytest.mark.parametrize("command", COMMANDS)
def test_row_7_a_full_disk_ends_the_commands_that_learn(
    command: str, run: Path, figure: Figure
) -> None:
    ends_with_nothing_left(
        command, run, lambda: align_da(command, run, run.with_name("world.toml")), figure, LIMIT
    )
