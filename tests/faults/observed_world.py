"""A small atmosphere and Lorenz-96 to observe, for the tests that hurt observations."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.observations import (
    Flag,
    ObservationBatch,
    interpolation_operator,
    planned_observations,
    simulate_observations,
)
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.networks import random_network
from align_da.observations.screening import Limits, screened

SIX_HOURS = 6 * 3600.0
WIND = ("u_component_of_wind", "v_component_of_wind")
LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-84.375, 84.375, 16).tolist()),
        tuple((np.arange(32) * 11.25).tolist()),
        VerticalCoordinate("sigma", (0.1, 0.3, 0.5, 0.7, 0.9)),
    ),
    (*WIND, "temperature", "specific_humidity", "surface_pressure"),
)
MODEL = Lorenz96ForecastModel()
METHOD = LETKF(interpolation_operator, Localisation(radius=3e6), inflation=1.05)
COUNT = 100


def atmosphere() -> State:
    """A smooth state of plausible values in every variable."""
    north = np.deg2rad(LAYOUT.grid.latitude)[:, None, None]
    east = np.deg2rad(LAYOUT.grid.longitude)[None, :, None]
    sigma = np.asarray(LAYOUT.grid.vertical.levels)
    wave = np.sin(3 * east) * np.cos(north)
    fields = (
        25 * np.cos(north) ** 2 + 8 * wave + 0 * sigma,
        8 * wave * np.cos(2 * north) + 0 * sigma,
        220 + 75 * sigma * np.cos(north) + 3 * wave,
        0.012 * sigma**3 * np.cos(north) ** 2 * (1 + 0.2 * wave),
        (9.7e4 + 1500 * np.cos(2 * north) + 600 * wave),
    )
    return State(jnp.asarray(np.concatenate(fields, axis=-1), jnp.float32), LAYOUT)


def variance_of(batch: ObservationBatch) -> jax.Array:
    """Background error variance of each observation, generous as that of old forecasts."""
    channels = [9.0] * 10 + [4.0] * 5 + [4e-8, 1e-7, 2.5e-7, 1e-6, 2.25e-6] + [9e4]
    field = jnp.broadcast_to(jnp.asarray(channels, jnp.float32), LAYOUT.shape)
    operator = interpolation_operator(batch, LAYOUT)
    return replace(operator, weight=jnp.abs(operator.weight))(State(field, LAYOUT))


def reports(seed: int = 0, density: float = 0.1) -> tuple[ObservationBatch, jax.Array]:
    """Good observations of the atmosphere, and what a background with errors says there."""
    keys = jax.random.split(jax.random.key(seed), 3)
    network = random_network(LAYOUT.grid, density, keys[0])
    planned = planned_observations(network, LAYOUT, InstrumentErrors())
    operator, truth = interpolation_operator(planned, LAYOUT), atmosphere()
    batch = simulate_observations(planned, operator, truth, keys[1])
    errors = 0.3 * jnp.sqrt(variance_of(batch)) * jax.random.normal(keys[2], batch.value.shape)
    return batch, operator(truth) + errors


def screen(batch: ObservationBatch, equivalent: jax.Array, **changed: Any) -> ObservationBatch:
    """All of quality control of the atmosphere's observations."""
    limits = Limits(**changed)
    return screened(batch, LAYOUT, SIX_HOURS, equivalent, variance_of(batch), limits)


def circle_background(members: int = 10) -> State:
    """An ensemble of Lorenz-96."""
    smooth = 3 + 4 * np.sin(2 * np.pi * np.arange(40) / 10)
    noise = 0.7 * np.random.default_rng(1).standard_normal((members, 40))
    values = jnp.asarray(smooth + noise, jnp.float32)
    return State(values[:, None, :, None], MODEL.layout)


def circle_reports() -> ObservationBatch:
    """A hundred good observations around the circle of Lorenz-96."""
    place = np.random.default_rng(2)
    nothing, whole = jnp.zeros(COUNT), jnp.arange(COUNT, dtype=jnp.int32)
    blank = ObservationBatch(
        value=nothing,
        error=nothing + 1,
        latitude=nothing,
        longitude=jnp.asarray(place.uniform(0, 360, COUNT), jnp.float32),
        level=nothing + 1,
        vertical=0 * whole,
        time=nothing,
        variable=0 * whole,
        station=whole,
        flag=0 * whole + int(Flag.PASS),
    )
    mean = State(circle_background().values.mean(axis=0), MODEL.layout)
    truth = interpolation_operator(blank, MODEL.layout)(mean)
    return replace(blank, value=truth + jnp.asarray(place.standard_normal(COUNT), jnp.float32))


def screen_circle(batch: ObservationBatch, background: State) -> ObservationBatch:
    """All of quality control of observations of Lorenz-96."""
    equivalent = interpolation_operator(batch, MODEL.layout)(background).mean(axis=0)
    variance = jnp.full_like(equivalent, 0.5)
    limits = Limits(largest_reject_ratio=1.0)
    return screened(batch, MODEL.layout, SIX_HOURS, equivalent, variance, limits)


def analyse(batch: ObservationBatch) -> np.ndarray:
    """Analysis ensemble of Lorenz-96."""
    return np.asarray(METHOD(circle_background(), batch, 6.0, jax.random.key(0))[0].values)


def with_entry(batch: ObservationBatch, place: int | slice, **changes: object) -> ObservationBatch:
    """`batch` with some observations changed."""
    return replace(
        batch, **{name: getattr(batch, name).at[place].set(x) for name, x in changes.items()}
    )


def flag_count(batch: ObservationBatch, *flags: Flag) -> int:
    """Number of observations with one of the flags."""
    return int(np.isin(np.asarray(batch.flag), flags).sum())
