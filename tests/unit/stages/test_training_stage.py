"""A training goes on from its own checkpoints, and never from those of another one."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.config import Config, TrainingConfig
from align_da.digests import digest_of
from align_da.runs.run import Run
from align_da.runs.training_plan import training_plan
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.checkpoints import load_weights, save_step
from align_da.storage.durable import write_durably
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.storage.training_checkpoints import claim_checkpoints
from align_da.training import initial_state, make_optimizer

NAME = "network"
SETTINGS = TrainingConfig(
    steps=20, batch_size=2, learning_rate=0.1, warm_up_steps=0, validate_every=5, patience=100
)
LAYOUT = Layout(
    Grid((0.0,), (0.0, 180.0), VerticalCoordinate("index", (1.0,))), ("abstract_field",)
)
START = jnp.zeros(1)


class PowerCutError(Exception):
    """Stands for a training that is killed."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose data are made."""
    opened = Run(Config(), RunFolder(tmp_path), xr.Dataset(), LAYOUT)
    make_data(opened, b"first")
    return opened


def make_data(run: Run, content: bytes) -> None:
    product = run.folder.root / "data"
    product.unlink(missing_ok=True)
    stage = Stage("data", [], [], [product])
    run_stage(run.folder, stage, lambda: write_durably(product, content))


def train(run: Run, schedule: str, target: float = 1.0, cut_after: int = 1000) -> int:
    """Train as a command does, and be killed after some batches; how many it took."""
    taken: list[int] = []

    def batch_of(_: np.ndarray) -> jax.Array:
        if len(taken) == cut_after:
            raise PowerCutError
        taken.append(1)
        return jnp.full(1, target)

    def fit(identity: str) -> None:
        fit_stage(
            run,
            NAME,
            identity,
            START,
            lambda params, batch, _: (jnp.square(params - batch).sum(), {}),
            SETTINGS,
            (batch_of, 4),
            (lambda _: jnp.full(1, target), 4),
            lambda best: {"value": best},
            None,
        )

    stage = Stage(NAME, [SETTINGS, schedule], ["data"], [run.folder.weights(NAME)])
    training_stage(run.folder, stage, SETTINGS, fit, None)
    return len(taken)


def weight(run: Run) -> float:
    return float(load_weights(run.folder.weights(NAME), {"value": START})["value"][0])


def test_another_setting_is_another_training(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    assert train(run, "edm", target=1.0) == SETTINGS.steps
    assert train(run, "edm", target=1.0) == 0
    assert weight(run) > 0
    assert caplog.text == ""
    assert train(run, "vp_cosine", target=-1.0) == SETTINGS.steps
    assert weight(run) < 0
    assert str(run.folder.checkpoints(NAME)) in caplog.text
    assert "set aside" in caplog.text


def test_other_data_are_another_training(run: Run) -> None:
    assert train(run, "edm") == SETTINGS.steps
    make_data(run, b"second")
    assert train(run, "edm") == SETTINGS.steps


def test_a_killed_training_goes_on_with_the_same_bits(run: Run, tmp_path: Path) -> None:
    whole = Run(Config(), RunFolder(tmp_path / "whole"), xr.Dataset(), LAYOUT)
    make_data(whole, b"first")
    train(whole, "edm")
    with pytest.raises(PowerCutError):
        train(run, "edm", cut_after=12)
    assert train(run, "edm") == 10  # from the checkpoint of step 10
    assert weight(run) == weight(whole)


def test_a_killed_training_is_found_again_after_another_one(run: Run) -> None:
    with pytest.raises(PowerCutError):
        train(run, "edm", cut_after=17)
    assert train(run, "vp_cosine") == SETTINGS.steps
    assert train(run, "edm") == 5


def test_lost_weights_come_back_from_the_checkpoints(run: Run) -> None:
    train(run, "edm")
    before = weight(run)
    for file in sorted(run.folder.weights(NAME).rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    run.folder.weights(NAME).rmdir()
    assert train(run, "edm") == 0
    assert weight(run) == before


def test_checkpoints_that_do_not_say_what_they_were_trained_on_are_set_aside(run: Run) -> None:
    """Those of earlier versions know settings and seed alone."""
    state = initial_state(START, make_optimizer(training_plan(SETTINGS)))
    old = {"identity": digest_of(SETTINGS, run.config.seed), "best_loss": 0.0, "stale": 0}
    tree = {"state": state, "best": START}
    save_step(run.folder.checkpoints(NAME), SETTINGS.steps, tree, {**old, "history": []})
    assert train(run, "edm") == SETTINGS.steps


def steps(folder: Path, *identities: str) -> None:
    for step, identity in enumerate(identities):
        save_step(folder, step, {"value": START}, {"identity": identity})


def test_own_checkpoints_stay_and_a_new_folder_is_left_alone(tmp_path: Path) -> None:
    assert claim_checkpoints(tmp_path / "new", "a" * 64) is None
    assert list(tmp_path.iterdir()) == []
    steps(tmp_path / "own", "a" * 64, "a" * 64)
    assert claim_checkpoints(tmp_path / "own", "a" * 64) is None
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_a_damaged_newest_checkpoint_does_not_hide_whose_they_are(tmp_path: Path) -> None:
    steps(tmp_path / "own", "a" * 64, "a" * 64)
    (tmp_path / "own" / "step_00000001" / "digests.json").write_text("{}")
    assert claim_checkpoints(tmp_path / "own", "a" * 64) is None
    assert claim_checkpoints(tmp_path / "own", "b" * 64) == tmp_path / "own.aaaaaaaaaaaa"


@pytest.mark.parametrize(("target", "kept"), [(0.0, True), (1.0, False)])
def test_a_training_that_betters_nothing_says_that_its_start_is_kept(
    target: float, kept: bool, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    train(run, "edm", target)
    told = "no validation was better than that before the first step"
    assert (told in caplog.text) is kept
