"""Lorenz-96 as it is cycled here, each with its tuned filter.

Every fourth variable is observed. One setting has been published with scores of a learned filter
(arXiv:2504.17836): a perfect model, windows of 0.15 time units, errors of standard deviation one.
In the other the forecast model lacks a part of the tendency.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.assimilation.contract import Analysis
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, Normalisation, periodic_line
from align_da.constants import EARTH_RADIUS
from align_da.cycling.twin_experiment import TwinExperiment, observe_everything
from align_da.forecast import ForecastModel, FunctionForecastModel, Lorenz96ForecastModel
from align_da.forecast.lorenz96 import SIZE, tendency
from align_da.forecast.runge_kutta import runge_kutta
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator
from align_da.observations.interpolation import interpolation_operator

SITE = 2 * np.pi * EARTH_RADIUS / SIZE  # metres between two variables
CLIMATE_MEAN, CLIMATE_STD = 2.34, 3.64
NORMALISATION = Normalisation(jnp.asarray([CLIMATE_MEAN]), jnp.asarray([CLIMATE_STD]))
LAYOUT = Layout(periodic_line(SIZE), ("lorenz_96",))
EVERY = 4
WINDOW_HOURS = 6
_STEP = 0.05
_FORCING = 8.0


@dataclass(frozen=True)
class Filter:
    """A LETKF as `tune` has found it best.

    Attributes:
        radius: half width of the localisation, in variables.
        inflation: of the background.
        relaxation: RTPS.
    """

    radius: float
    inflation: float
    relaxation: float

    def __str__(self) -> str:
        return f"{self.radius:g}, {self.inflation:g}, {self.relaxation:g}"


@dataclass(frozen=True)
class World:
    """A truth, a forecast model, observations and an ensemble.

    Attributes:
        model: makes the forecasts.
        nature: makes the truth; None is the model.
        error: standard deviation of the observation errors.
        members: of the ensemble.
        tuned: its filter.
    """

    model: ForecastModel
    nature: ForecastModel | None
    error: float
    members: int
    tuned: Filter

    @property
    def planned(self) -> ObservationBatch:
        """Every fourth variable, at its place."""
        return observe_everything(LAYOUT, self.error**2, EVERY)

    def letkf(self, settings: Filter, planned: ObservationBatch | None = None) -> LETKF:
        """The filter with some settings; of other places than those of the world if given."""
        operator = interpolation_operator(planned or self.planned, LAYOUT)
        near = Localisation(settings.radius * SITE)
        return LETKF(bound(operator), near, settings.inflation, relaxation=settings.relaxation)

    def twins(self, method: Analysis, cycles: int) -> TwinExperiment:
        """So many cycles of a method, from members and truths of the climate."""
        return TwinExperiment(
            model=self.model,
            method=method,
            planned=self.planned,
            initial=jnp.full(LAYOUT.shape, CLIMATE_MEAN),
            initial_std=CLIMATE_STD,
            members=self.members,
            cycles=cycles,
            window_hours=WINDOW_HOURS,
            nature=self.nature,
        )


def bound(
    operator: ObservationOperator,
) -> Callable[[ObservationBatch, Layout], ObservationOperator]:
    """H of positions that never change."""

    def operator_for(observations: ObservationBatch, layout: Layout) -> ObservationOperator:
        return operator

    return operator_for


def with_missing_tendency(steps: int) -> FunctionForecastModel:
    """Lorenz-96 with cos(0.8 x) added to its tendency, which the forecast model does not know."""

    def whole(x: Float[Array, "*batch site"]) -> Float[Array, "*batch site"]:
        return tendency(x, _FORCING) + jnp.cos(0.8 * x)

    def step(values: Float[Array, "lat lon channel"]) -> Float[Array, "lat lon channel"]:
        moved = runge_kutta(whole, values[:, :, 0], step=_STEP, steps=steps)
        return moved[:, :, None]

    return FunctionForecastModel(step, LAYOUT)


_published = partial(World, Lorenz96ForecastModel(step=_STEP, steps=3), None)
WORLDS: Mapping[str, World] = {
    "published, 10 members": _published(1.0, 10, Filter(2.5, 1.05, 0.0)),
    "published, 20 members": _published(1.0, 20, Filter(3.0, 1.02, 0.0)),
    "published, 40 members": _published(1.0, 40, Filter(4.5, 1.02, 0.0)),
    "model error, 20 members": World(
        Lorenz96ForecastModel(step=_STEP, steps=2),
        with_missing_tendency(steps=2),
        1.0,
        20,
        Filter(4.5, 1.0, 0.25),
    ),
}
