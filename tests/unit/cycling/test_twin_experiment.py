"""Twin experiments with noise of other kinds, and with part of the variables observed."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.free_run import FreeRun
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, State, periodic_line
from align_da.cycling.twin_experiment import TwinExperiment, observe_everything, run_twins
from align_da.errors import InputError
from align_da.forecast import FunctionForecastModel, Lorenz96ForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator

MODEL = Lorenz96ForecastModel(size=20)
PLANNED = observe_everything(MODEL.layout, 1.0, every=2)
OPERATOR = interpolation_operator(PLANNED, MODEL.layout)


def bound(batch: ObservationBatch, layout: Layout) -> object:
    return OPERATOR


def experiment(**changed: object) -> TwinExperiment:
    near = Localisation(4 * MODEL.layout.grid.spacing)
    twins = TwinExperiment(
        model=MODEL,
        method=LETKF(bound, near, inflation=1.1, rotate=True),
        planned=PLANNED,
        initial=jnp.full(MODEL.layout.shape, 3.0),
        initial_std=3.0,
        members=16,
        cycles=60,
        window_hours=6,
    )
    return replace(twins, **changed)


def test_every_other_variable_is_observed_at_its_place() -> None:
    state = State(jnp.arange(20.0).reshape(MODEL.layout.shape), MODEL.layout)
    np.testing.assert_array_equal(OPERATOR(state), np.arange(0.0, 20.0, 2.0))


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t", "log_normal"])
def test_a_filter_finds_the_truth_under_any_noise(noise: str) -> None:
    result = run_twins(experiment(observation_noise=noise), (0, 1))
    error = np.sqrt(((result.analysis.mean(axis=2) - result.truth)[30:] ** 2).mean())
    assert error < 1.2  # a free run: 5
    other = run_twins(experiment(cycles=1, observation_noise="gaussian"), (0, 1))
    assert np.array_equal(other.analysis[0], result.analysis[0]) == (noise == "gaussian")


def test_model_noise_is_added_to_truth_and_members_each_their_own() -> None:
    """In a model that changes nothing the variance of a state grows by that of every window."""
    layout = Layout(periodic_line(500), ("abstract_field",))
    twins = TwinExperiment(
        model=FunctionForecastModel(lambda values: values, layout),
        method=FreeRun(interpolation_operator_of_nothing),
        planned=observe_everything(layout, 1.0),
        initial=jnp.zeros(layout.shape),
        initial_std=0.0,
        members=8,
        cycles=9,
        window_hours=6,
        model_noise=0.5,
    )
    result = run_twins(twins, (0, 1))
    states = np.concatenate([result.truth[:, :, None], result.analysis], axis=2)[..., 0, :, 0]
    growth = states.var(axis=(1, 2, 3))
    np.testing.assert_allclose(growth, 0.25 * np.arange(1, 10), rtol=0.06)
    together = np.corrcoef(states[-1].reshape(18, -1))
    assert np.abs(together - np.eye(18)).max() < 0.2
    still = run_twins(replace(twins, model_noise=0.0), (0,))
    assert not still.truth.any()


def interpolation_operator_of_nothing(batch: ObservationBatch, layout: Layout) -> object:
    return lambda state: state.values[..., 0, :, 0]


def test_a_noise_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="got 'pink'"):
        run_twins(experiment(observation_noise="pink"), (0,))
