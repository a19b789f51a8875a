"""The training loop on a problem that is solved in a second."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import TrainingConfig
from align_da.errors import BadStateError, InputError, StorageError
from align_da.runs.training_plan import training_plan
from align_da.storage.training_checkpoints import check_computed_alike, computed
from align_da.training import TrainingPlan, fit, make_optimizer, make_step
from align_da.training.state import initial_state


def quadratic(
    params: jax.Array, batch: jax.Array, key: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Minimum at the batch; `key` is seen as a metric."""
    return jnp.square(params - batch).sum(), {"key": jax.random.uniform(key)}


def settings(**changes: Any) -> TrainingPlan:
    plain = {
        "steps": 20,
        "learning_rate": 0.1,
        "warm_up_steps": 0,
        "weight_decay": 0.0,
        "ema_decay": 0.0,
        "validate_every": 5,
        "patience": 100,
    }
    return training_plan(TrainingConfig(**{**plain, **changes}))


def fit_to(target: float, validation: float, plan: TrainingPlan, **more: Any) -> Any:
    return fit(
        jnp.zeros(1),
        quadratic,
        lambda _: jnp.full(1, target),
        [jnp.full(1, validation)],
        plan,
        seed=0,
        **more,
    )


@pytest.fixture(scope="module")
def tiny() -> ModuleType:
    path = Path(__file__).with_name("tiny.py")
    specification = importlib.util.spec_from_file_location("tiny", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_training_lowers_the_validation_loss(tiny: ModuleType) -> None:
    result = tiny.train()
    losses = [row["validation_loss"] for row in result.history]
    assert min(losses) < 0.6 * losses[0]
    assert [row["step"] for row in result.history] == [0, 8, 16, 24, 32, 40]
    assert "training_largest" in result.history[1]


def test_training_stops_when_validation_no_longer_improves_and_returns_the_best() -> None:
    """Training goes to 1, validation wants 0.3: it improves on the way and then worsens."""
    plan = settings(steps=200, validate_every=1, patience=3)
    result = fit_to(1.0, 0.3, plan)
    losses = [row["validation_loss"] for row in result.history]
    best = int(np.argmin(losses))
    assert 0 < best == len(losses) - 1 - plan.patience
    np.testing.assert_allclose(np.square(result.params - 0.3).sum(), losses[best], rtol=1e-6)


def test_the_start_is_returned_when_training_only_worsens() -> None:
    result = fit_to(1.0, -1.0, settings(patience=2))
    assert np.array_equal(result.params, np.zeros(1))
    assert len(result.history) == 3


def test_validation_keys_are_the_same_each_time_and_training_keys_are_not() -> None:
    history = fit_to(1.0, 0.5, settings(validate_every=1)).history
    assert len({row["validation_key"] for row in history}) == 1
    assert len({row["training_key"] for row in history[1:]}) == len(history) - 1


def test_report_is_told_of_every_step() -> None:
    seen: list[int] = []
    fit_to(1.0, 0.5, settings(steps=7), report=lambda step, _: seen.append(step))
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    first = fit_to(1.0, 0.5, settings(), checkpoints=tmp_path)
    seen: list[int] = []
    again = fit_to(
        1.0, 0.5, settings(), checkpoints=tmp_path, report=lambda step, _: seen.append(step)
    )
    assert seen == []
    assert again.history == first.history
    assert np.array_equal(again.params, first.params)


def test_checkpoints_of_another_training_are_refused(tmp_path: Path) -> None:
    fit_to(1.0, 0.5, settings(), checkpoints=tmp_path)
    with pytest.raises(StorageError, match="other settings"):
        fit_to(1.0, 0.5, settings(learning_rate=0.2), checkpoints=tmp_path)


OTHERWISE = {
    "XLA_FLAGS": patch.dict(os.environ, XLA_FLAGS="--xla_cpu_enable_fast_math=true"),
    "jax_default_prng_impl": jax.default_prng_impl("rbg"),
    "jax_disable_jit": jax.disable_jit(),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_training_that_would_be_computed_otherwise_is_not_gone_on_with(
    name: str, tmp_path: Path
) -> None:
    fit_to(1.0, 1.0, settings(steps=5), checkpoints=tmp_path, identity="a")
    before = sorted(tmp_path.rglob("*"))
    with (
        OTHERWISE[name],
        pytest.raises(StorageError, match=rf"computes otherwise.*\n  arithmetic\.{name}: stored"),
    ):
        fit_to(1.0, 1.0, settings(steps=20), checkpoints=tmp_path, identity="a")
    assert sorted(tmp_path.rglob("*")) == before
    fit_to(1.0, 1.0, settings(steps=20), checkpoints=tmp_path, identity="a")


def test_a_checkpoint_of_other_libraries_or_that_does_not_say_is_not_gone_on_from(
    tmp_path: Path,
) -> None:
    here = computed()["computed"]
    check_computed_alike(tmp_path, {"computed": here})
    older = {**here, "libraries": {**here["libraries"], "jax": "0.0.1"}}
    with pytest.raises(StorageError, match=r"libraries\.jax: stored '0\.0\.1'"):
        check_computed_alike(tmp_path, {"computed": older})
    with pytest.raises(StorageError, match="code_version: stored None"):
        check_computed_alike(tmp_path, {})


@pytest.mark.row(26)
def test_a_damaged_newest_checkpoint_costs_an_interval_and_no_bits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = fit_to(1.0, 0.5, settings(), checkpoints=tmp_path)
    (tmp_path / "step_00000020" / "digests.json").write_text("{}")
    again = fit_to(1.0, 0.5, settings(), checkpoints=tmp_path)
    assert "falling back" in caplog.text
    assert again.history == first.history
    assert np.array_equal(again.params, first.params)


def test_a_loss_that_is_not_finite_stops_the_training() -> None:
    with pytest.raises(BadStateError, match="training loss, got nan at step 5"):
        fit_to(float("nan"), 0.5, settings())


def test_validation_needs_cases() -> None:
    with pytest.raises(InputError, match="validation batch"):
        fit(jnp.zeros(1), quadratic, lambda _: jnp.ones(1), [], settings(), seed=0)


def test_average_follows_the_parameters_with_warmed_decay() -> None:
    """Against the recursion ema <- d ema + (1 - d) params, d = min(decay, (1 + k) / (10 + k))."""
    optimizer = make_optimizer(settings())
    step = make_step(quadratic, optimizer, ema_decay=0.2)
    state = initial_state(jnp.zeros(1), optimizer)
    expected = np.zeros(1)
    for index in range(4):
        state, _ = step(state, jnp.ones(1), jax.random.key(0))
        decay = min(0.2, (1 + index) / (10 + index))
        expected = decay * expected + (1 - decay) * np.asarray(state.params)
    np.testing.assert_allclose(state.ema, expected, rtol=1e-6)
    assert int(state.step) == 4


def test_without_averaging_the_average_is_the_parameters() -> None:
    optimizer = make_optimizer(settings())
    step = make_step(quadratic, optimizer, ema_decay=0.0)
    state, _ = step(initial_state(jnp.zeros(1), optimizer), jnp.ones(1), jax.random.key(0))
    assert np.array_equal(state.ema, state.params)


def test_a_step_takes_its_state_and_leaves_the_parameters_that_it_began_with() -> None:
    optimizer, params = make_optimizer(settings()), jnp.ones(1)
    state = initial_state(params, optimizer)
    make_step(quadratic, optimizer, ema_decay=0.2)(state, jnp.zeros(1), jax.random.key(0))
    assert state.params.is_deleted()
    assert state.ema.is_deleted()
    assert np.array_equal(params, np.ones(1))


def test_only_matrices_decay() -> None:
    optimizer = make_optimizer(settings(weight_decay=0.5, learning_rate=0.1))
    params = {"matrix": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    nothing = jax.tree.map(jnp.zeros_like, params)
    update, _ = optimizer.update(nothing, optimizer.init(params), params)
    np.testing.assert_allclose(update["matrix"], -0.05)
    np.testing.assert_allclose(update["bias"], 0)
