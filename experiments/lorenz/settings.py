"""The classical peers and the two Lorenz models as DAPPER sets them.

Settings are those of https://github.com/nansencenter/DAPPER, mods/Lorenz63/sakov2012.py and
mods/Lorenz96/sakov2008.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.contract import Analysis
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import Layout, State
from align_da.constants import EARTH_RADIUS
from align_da.cycling.twin_experiment import observe_everything
from align_da.forecast import ForecastModel
from align_da.forecast.lorenz63 import Lorenz63ForecastModel
from align_da.forecast.lorenz96 import SIZE, Lorenz96ForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator
from align_da.observations.interpolation import interpolation_operator

SITE = 2 * np.pi * EARTH_RADIUS / SIZE  # metres between two variables of Lorenz-96
EVERYWHERE = 1e12  # metres
CLIMATE = 2000  # states


@dataclass(frozen=True)
class Setting:
    """A model with its observations and first states.

    Attributes:
        model: the truth and the forecasts.
        initial: mean of the first states, by variable.
        initial_variance: of the first states.
        observation_variance: R, of every variable after every window.
        burn_in: cycles that do not count.
    """

    model: ForecastModel
    initial: tuple[float, ...]
    initial_variance: float
    observation_variance: float
    burn_in: int


@dataclass(frozen=True)
class Entry:
    """One row of the table: a method and its members."""

    label: str
    method: Analysis
    members: int


LORENZ_63 = Setting(Lorenz63ForecastModel(), (1.509, -1.531, 25.46), 2.0, 2.0, burn_in=64)
LORENZ_96 = Setting(Lorenz96ForecastModel(), (1.0, *(0.0,) * (SIZE - 1)), 0.001, 1.0, burn_in=400)


def entries_63() -> list[Entry]:
    """Methods on Lorenz-63."""
    return [
        Entry("3D-Var, 0.1 B", three_d_var(LORENZ_63, 0.1), 1),
        Entry("ETKF", LETKF(bound(LORENZ_63), inflation=1.02, rotate=True), 10),
    ]


def entries_96() -> list[Entry]:
    """Methods on Lorenz-96; a half width of 1.82 L is DAPPER's localisation length L."""
    near = Localisation(radius=1.82 * 4 * SITE)
    return [
        Entry("3D-Var, 0.02 B", three_d_var(LORENZ_96, 0.02), 1),
        Entry("ETKF", LETKF(bound(LORENZ_96), inflation=1.02, rotate=True), 28),
        Entry("LETKF", LETKF(bound(LORENZ_96), near, inflation=1.04, rotate=True), 7),
    ]


def planned(setting: Setting) -> ObservationBatch:
    """Every variable, observed at its place."""
    return observe_everything(setting.model.layout, setting.observation_variance)


def bound(
    setting: Setting,
) -> Callable[[ObservationBatch, Layout], ObservationOperator]:
    """H for the observations of every cycle, bound once: their positions never change."""
    operator = interpolation_operator(planned(setting), setting.model.layout)

    def operator_for(observations: ObservationBatch, layout: Layout) -> ObservationOperator:
        return operator

    return operator_for


def three_d_var(setting: Setting, share: float) -> OptimalInterpolation:
    """3D-Var with a share of the covariance of the climate.

    With a linear H its minimum is the optimal interpolation.
    """
    states = climate(setting)
    apart = State(states.values - states.values.mean(axis=0), states.layout)
    return OptimalInterpolation(apart, share, EVERYWHERE, bound(setting))


def climate(setting: Setting) -> State:
    """States of a long free run."""
    shape = setting.model.layout.shape
    noise = jax.random.normal(jax.random.key(0), (CLIMATE // 10, *shape))
    state = State(jnp.reshape(jnp.asarray(setting.initial), shape) + noise, setting.model.layout)
    kept = []
    for _ in range(10):
        state = setting.model.forecast(state, np.datetime64("2000-01-01"), 50 * 24)
        kept.append(state.values)
    return State(jnp.concatenate(kept), state.layout)


MODELS: Mapping[str, tuple[Setting, Callable[[], list[Entry]]]] = {
    "Lorenz-63": (LORENZ_63, entries_63),
    "Lorenz-96": (LORENZ_96, entries_96),
}
