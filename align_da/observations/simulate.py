"""Observations of a simulated truth (an OSSE, twin experiment): y = H(x_t) + e, cov e = R.

The positions are planned once a run and shared by every cycle, so that the operator is built once
and each cycle draws only its errors.
"""

from collections.abc import Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from align_da.atmosphere import Layout, State, VerticalCoordinate, variable_named
from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.contract import ObservationOperator
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.networks import Network
from align_da.observations.noise import Noise, noise_of

_UPPER_AIR = (
    "u_component_of_wind",
    "v_component_of_wind",
    "temperature",
    "specific_humidity",
)
_GROUND = (
    "surface_pressure",
    "mean_sea_level_pressure",
    "2m_temperature",
    "10m_u_component_of_wind",
    "10m_v_component_of_wind",
)


def planned_observations(
    network: Network, layout: Layout, errors: InstrumentErrors, hours: Sequence[int] = (0,)
) -> ObservationBatch:
    """What the network reports in each cycle: positions and errors, values still zero.

    Columns report u, v, T and q at every level, geopotential at those of pressure, the surface
    variables and those that say how well they are observed; surface stations report these, and on
    sigma levels u, v, T and q of the lowest one as near-surface values (the lowest pressure may
    lie below the ground). Variables that the state does not hold are left out.

    Args:
        network: the stations.
        layout: layout of the states to observe.
        errors: the observation errors.
        hours: from the valid time; the stations take turns, each reports at one of them.

    Returns:
        A batch of station-by-station reports, all flagged pass.

    Raises:
        InputError: the state holds none of the reported variables.
    """
    reports = _reports(network, layout)
    if not reports:
        message = (
            f"expected a variable that a {network.kind} station reports, the state has none: "
            f"{', '.join(layout.variables)}. Bring one of your own with an observation_error "
            "(`align_da.variables`), or reports of others ([reports])"
        )
        raise InputError(message)
    stations = network.station.size
    position = {
        name: jnp.asarray(np.repeat(getattr(network, name), len(reports)))
        for name in ("latitude", "longitude", "station")
    }
    variable, level, vertical = (
        np.tile(np.asarray(part), stations) for part in zip(*reports, strict=True)
    )
    error = [errors.of(layout.variables[index]) for index, _, _ in reports]
    nothing = jnp.zeros(stations * len(reports))
    own_hour = np.resize(np.asarray(hours), stations)
    return ObservationBatch(
        value=nothing,
        error=jnp.asarray(np.tile(np.asarray(error), stations)),
        level=jnp.asarray(level.astype(np.float64)),
        vertical=jnp.asarray(vertical.astype(np.int32)),
        time=nothing + 3600 * jnp.asarray(np.repeat(own_hour, len(reports))),
        variable=jnp.asarray(variable.astype(np.int32)),
        flag=jnp.full(nothing.shape, int(Flag.PASS)),
        **position,
    )


def simulate_observations(
    planned: ObservationBatch,
    operator: ObservationOperator,
    truth: State,
    key: jax.Array,
    noise: str | Noise = "gaussian",
) -> ObservationBatch:
    """Observe `truth` with independent errors.

    Args:
        planned: positions and errors.
        operator: H at those positions.
        truth: one state, values [lat, lon, channel].
        key: of `Purpose.OBSERVATION_ERROR` at the cycle.
        noise: distribution of the errors over their standard deviation, or its name.

    Returns:
        `planned` with values, SI units.

    Raises:
        InputError: no noise has that name.
    """
    drawn = noise_of(noise)(key, planned.value.shape, planned.value.dtype)
    return replace(planned, value=operator(truth) + planned.error * drawn)


def split_withheld(batch: ObservationBatch, share: float, key: jax.Array) -> ObservationBatch:
    """Flag a share of the stations passive: withheld from assimilation, kept for verification.

    Each station is decided on its own number, whatever else reports: with one key the same
    stations are withheld in every cycle. The realised share varies as a binomial.

    Args:
        batch: observations.
        share: probability that a station is withheld, in [0, 1].
        key: of `Purpose.OBSERVATION_NETWORK`; of the cycle where each shall withhold others.
    """
    withheld = stations_drawn(batch, share, key) & batch.used
    return replace(batch, flag=jnp.where(withheld, int(Flag.PASSIVE), batch.flag))


def stations_drawn(
    batch: ObservationBatch, share: float, key: jax.Array
) -> Bool[Array, " observation"]:
    """Whether an observation is of a station that was drawn: each by its own number alone.

    Args:
        batch: observations.
        share: probability that a station is drawn, in [0, 1].
        key: what it is drawn with.
    """
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, batch.station)
    drawn: Bool[Array, " observation"] = jax.vmap(jax.random.uniform)(keys) < share
    return drawn


def _reports(network: Network, layout: Layout) -> list[tuple[int, float, Vertical]]:
    """Variable index, level and vertical of every report of one station."""
    wanted = _reported(network, layout.grid.vertical)
    found: list[tuple[int, float, Vertical]] = []
    for index, name in enumerate(layout.variables):
        if name not in wanted and variable_named(name).observation_error is None:
            continue
        if network.kind == "column" and variable_named(name).on_levels:
            found += [(index, level, Vertical.LEVEL) for level in layout.grid.vertical.levels]
        else:
            found.append((index, 0.0, Vertical.SURFACE))
    return found


def _reported(network: Network, vertical: VerticalCoordinate) -> tuple[str, ...]:
    """The variables that a station of the network reports where the state holds them."""
    on_pressure = vertical.kind == "pressure"
    if network.kind == "column":
        return (*_GROUND, *_UPPER_AIR, *(("geopotential",) if on_pressure else ()))
    return _GROUND if on_pressure else (*_GROUND, *_UPPER_AIR)
