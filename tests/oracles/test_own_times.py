"""Observations at their own times: the filter and smoother of Kalman, in four dimensions."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.contract import Analysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, State, periodic_line
from align_da.cycling.twin_experiment import TwinExperiment, observe_everything, run_twins
from align_da.forecast import FunctionForecastModel, Lorenz96ForecastModel
from align_da.forecast.leads import forecast_through
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import Bind
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.own_times import at_own_times, slots_of_window
from align_da.prior.background_errors import prior_from_covariance
from align_da.prior.ensemble_errors import taper_root
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.hybrid_errors import Hybrid

SIZE, MEMBERS, ERROR, WINDOW = 12, 9, 0.5, 24
LAYOUT = Layout(periodic_line(SIZE), ("abstract_field",))
SLOTS = slots_of_window(WINDOW, 6)
START, KEY = np.datetime64("2000-01-01", "ns"), jax.random.key(0)
STEP = 0.9 * np.roll(np.eye(SIZE), 1, axis=0)
"""Of the linear model: everything moves one place in six hours and loses a tenth."""
NOT_LOCAL = 1e12
AT_OWN_TIMES = at_own_times(interpolation_operator, SLOTS)


def taking_turns(planned: ObservationBatch, slots: tuple[int, ...]) -> ObservationBatch:
    """Every place has its own hour of the window."""
    hours = np.resize(np.asarray(slots[:-1], np.float32), planned.value.size)
    return replace(planned, time=jnp.asarray(3600 * hours))


@dataclass(frozen=True)
class Window:
    """A linear and Gaussian window.

    Attributes:
        first: members a window before the valid time, [member, place].
        background: their forecast, with its drift.
        observations: one at every place, each at its own time.
    """

    first: np.ndarray
    background: State
    observations: ObservationBatch

    def kalman(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance at the valid time given all observations, in closed form."""
        mean, covariance = self.first.mean(axis=0), np.cov(self.first.T)
        steps = ((np.asarray(self.observations.time) / 3600 + WINDOW) / 6).astype(int)
        seen = np.stack([np.linalg.matrix_power(STEP, n)[i] for i, n in enumerate(steps)])
        to_valid_time = np.linalg.matrix_power(STEP, WINDOW // 6)
        gain = covariance @ seen.T
        gain @= np.linalg.inv(seen @ covariance @ seen.T + ERROR**2 * np.eye(SIZE))
        smoothed = mean + gain @ (np.asarray(self.observations.value) - seen @ mean)
        left = covariance - gain @ seen @ covariance
        return to_valid_time @ smoothed, to_valid_time @ left @ to_valid_time.T


def window() -> Window:
    random = np.random.default_rng(0)
    first = random.normal(size=(MEMBERS, SIZE)).astype(np.float32)
    model = FunctionForecastModel(lambda values: 0.9 * jnp.roll(values, 1, axis=1), LAYOUT)
    states = State(jnp.asarray(first)[:, None, :, None], LAYOUT)
    planned = taking_turns(observe_everything(LAYOUT, ERROR**2), SLOTS)
    value = jnp.asarray(random.normal(size=SIZE), jnp.float32)
    background = forecast_through(model, states, START, WINDOW, SLOTS)
    return Window(first.astype(np.float64), background, replace(planned, value=value))


def four_d_en_var(share: float) -> LatentThreeDVar:
    """In model space, of the mean; the part of the ensemble is not localised."""
    errors = Hybrid(taper_root(LAYOUT.grid, 1, NOT_LOCAL), share)
    return LatentThreeDVar(
        prior_from_covariance(LAYOUT, np.eye(SIZE)),
        AT_OWN_TIMES,
        outer=1,
        inner=40,
        errors_of_the_day=ErrorsOfTheDay(errors),
        tolerance=1e-5,
        of_mean=True,
    )


def values_of(method: Analysis, case: Window) -> np.ndarray:
    analysis, _ = method(case.background, case.observations, float(WINDOW), KEY)
    return np.asarray(analysis.values, np.float64)[:, 0, :, 0]


def test_the_etkf_at_own_times_has_the_mean_and_covariance_of_the_kalman_smoother() -> None:
    case = window()
    members = values_of(LETKF(AT_OWN_TIMES), case)
    mean, covariance = case.kalman()
    np.testing.assert_allclose(members.mean(axis=0), mean, atol=2e-5)
    np.testing.assert_allclose(np.cov(members.T), covariance, atol=2e-5)
    as_of_one_time = values_of(LETKF(interpolation_operator), case).mean(axis=0)
    assert np.abs(as_of_one_time - mean).max() > 0.1


def test_four_d_en_var_has_the_mean_of_the_kalman_smoother_without_an_adjoint() -> None:
    case = window()
    mean, _ = case.kalman()
    np.testing.assert_allclose(values_of(four_d_en_var(1.0), case)[0], mean, atol=2e-4)


def test_the_static_part_of_a_hybrid_persists_over_the_window() -> None:
    """Closed form: a static increment is seen at every time, one of the members as it moves."""
    case, share = window(), 0.4
    x = np.asarray(case.background.in_slots, np.float64)[:, :, 0, :, 0]
    slot = np.resize(np.arange(len(SLOTS) - 1), SIZE)
    seen = x[:, slot, np.arange(SIZE)]
    apart, of_seen = (part - part.mean(axis=0) for part in (x[:, SLOTS.index(0)], seen))
    cross = (1 - share) * np.eye(SIZE) + share * apart.T @ of_seen / (MEMBERS - 1)
    own = (1 - share) * np.eye(SIZE) + share * of_seen.T @ of_seen / (MEMBERS - 1)
    innovation = np.asarray(case.observations.value) - seen.mean(axis=0)
    increment = cross @ np.linalg.solve(own + ERROR**2 * np.eye(SIZE), innovation)
    found = values_of(four_d_en_var(share), case)[0] - x[:, SLOTS.index(0)].mean(axis=0)
    np.testing.assert_allclose(found, increment, atol=2e-4)


def mean_error(bind: Bind, inflation: float) -> float:
    """Root mean square error of the LETKF on Lorenz-96 with a window of a day."""
    model = Lorenz96ForecastModel()
    near = Localisation(4 * model.layout.grid.spacing)
    twins = TwinExperiment(
        model=model,
        method=LETKF(bind, near, inflation, rotate=True),
        planned=taking_turns(observe_everything(model.layout, 1.0), SLOTS),
        initial=jnp.full(model.layout.shape, 3.0),
        initial_std=3.0,
        members=20,
        cycles=100,
        window_hours=WINDOW,
        trajectory_hours=6,
    )
    result = run_twins(twins, (0, 1))
    return float(np.sqrt(((result.analysis.mean(axis=2) - result.truth)[40:] ** 2).mean()))


@pytest.mark.slow
def test_observations_taken_as_of_the_valid_time_make_worse_cycles() -> None:
    at_own_times = mean_error(AT_OWN_TIMES, inflation=1.1)
    assert at_own_times < 0.6 * mean_error(interpolation_operator, inflation=1.4)
