"""The one training of the score model."""

import jax
import numpy as np
import pytest
from flax import nnx

from align_da.config import TrainingConfig
from align_da.diffusion.condition import Condition
from align_da.diffusion.schedule import EDMSchedule
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import LatentScaling, estimate_scaling
from align_da.runs.training_plan import training_plan
from align_da.training import batches
from align_da.training.batches import VALIDATION_BATCHES, BatchPlan, validation_batches
from align_da.training.latent_pairs import LatentPairs
from align_da.training.score_model import ScoreModelTask, score_model_task, train_score_model

SHAPE = (4, 8, 2)
PLAN = training_plan(
    TrainingConfig(
        steps=4, batch_size=4, learning_rate=1e-2, warm_up_steps=0, validate_every=2, patience=9
    )
)


class Pointwise(nnx.Module):
    """A network that compiles at once."""

    def __init__(self) -> None:
        self.mix = nnx.Linear(SHAPE[2], SHAPE[2], rngs=nnx.Rngs(0))

    def __call__(self, noisy: jax.Array, _noise: jax.Array, _condition: Condition) -> jax.Array:
        return self.mix(noisy)


def pairs_of(seed: int, count: int = 24) -> LatentPairs:
    random = np.random.default_rng(seed)
    truth, background = random.normal(size=(2, count, *SHAPE)).astype(np.float32)
    return LatentPairs(truth, background, np.full(count, 24.0, np.float32))


@pytest.fixture(scope="module")
def scaling() -> LatentScaling:
    return estimate_scaling(pairs_of(0).by_lead(), CorrelationRank(modes=1, radius=4e6))


@pytest.fixture(scope="module")
def task(scaling: LatentScaling) -> ScoreModelTask:
    return score_model_task(Pointwise(), EDMSchedule(0.0, 1.0), scaling, pairs_of(0), pairs_of(1))


def test_every_training_validates_on_as_many_batches_of_cases_that_are_held_out() -> None:
    found = validation_batches((lambda rows: rows, 20), 4, 0)
    assert len(found) == VALIDATION_BATCHES
    expected = [BatchPlan(20, 4, 0).indices(step) for step in range(VALIDATION_BATCHES)]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_batches_are_those_of_their_step() -> None:
    batch_at = batches.batches_of((lambda rows: 10 * rows, 20), 4, 3)
    np.testing.assert_array_equal(batch_at(7), 10 * BatchPlan(20, 4, 3).indices(7))


def test_a_score_model_learns_from_its_pairs_and_is_validated_on_others(
    task: ScoreModelTask, scaling: LatentScaling
) -> None:
    rows = np.arange(4)
    for cases, seed in ((task.training, 0), (task.validation, 1)):
        batch_of, count = cases
        expected = pairs_of(seed).batch(rows, scaling)
        assert count == 24
        np.testing.assert_array_equal(batch_of(rows).increment, expected.increment)


def test_training_twice_gives_the_same_bits(task: ScoreModelTask) -> None:
    first, second = (train_score_model(task, PLAN, 0, "test") for _ in range(2))
    assert [row["step"] for row in first.history] == [0.0, 2.0, 4.0]
    assert first.history == second.history
    leaves = (jax.tree.leaves(nnx.state(found.network)) for found in (first, second))
    assert all(np.array_equal(a, b) for a, b in zip(*leaves, strict=True))
