"""The impact of observations on a forecast, from an ensemble and without an adjoint (EFSOI).

An analysis and its background are both forecast to the same time t. With e_a and e_b the errors of
the two forecasts, and C the weights of their norm, observations have changed the error by

    e_aᵀ C e_a − e_bᵀ C e_b = (e_a − e_b)ᵀ C (e_a + e_b),   e_a − e_b ≈ M K d,

with d the innovations. The members X_a of the analysis say what the gain is, K = X_a Y_aᵀ R⁻¹ /
(m − 1), and their forecasts X_t = M X_a what becomes of it, so that the part of observation l is

    d_l / R_ll · 1/(m − 1) Σ_j ρ_lj (Y_aᵀ X_t)_lj C_j (e_a + e_b)_j,

ρ being the taper of the localisation, which stays where it is while the forecast moves. Negative
is good: the error has become less. Where nothing is localised, the spread is not relaxed and the
forecast is linear, the parts add up to the change.

Sources: Kalnay, Ota, Miyoshi and Liu 2012, Tellus 64A, 18462, equation 6; Hotta, Chen, Kalnay,
Ota and Miyoshi 2017, Mon. Wea. Rev. 145, 5015-5031.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from align_da.assimilation.letkf import Localisation, channel_levels, vertical_taper
from align_da.atmosphere import State
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, great_circle_distance
from align_da.observations.batch import ObservationBatch

_TOGETHER = 64  # observations whose tapers are computed at once


@dataclass(frozen=True)
class ForecastErrors:
    """What has become of an analysis.

    Attributes:
        members: forecasts of the members, values [member, lat, lon, channel], SI units.
        analysis: e_a, error of the forecast from the analysis mean, SI units.
        background: e_b, that of the forecast from the background mean to the same time.
        weights: C.
    """

    members: State
    analysis: Float[Array, "lat lon channel"]
    background: Float[Array, "lat lon channel"]
    weights: Float[np.ndarray, "lat lon channel"]

    @property
    def change(self) -> float:
        """What all observations have changed of the error, in the unit of the norm."""
        after, before = (
            np.sum(self.weights * np.asarray(error, np.float64) ** 2)
            for error in (self.analysis, self.background)
        )
        return float(after - before)


def impacts_of(
    errors: ForecastErrors,
    equivalents: Float[Array, "member observation"],
    innovation: Float[np.ndarray, " observation"],
    observations: ObservationBatch,
    localisation: Localisation,
) -> Float[np.ndarray, " observation"]:
    """The impact of every observation, 0 of what was not used, in the unit of the norm.

    Args:
        errors: of the forecasts.
        equivalents: H of the members of the analysis, SI units.
        innovation: d, SI units.
        observations: of the analysis.
        localisation: of the method.
    """
    used, members = np.asarray(observations.used), equivalents.shape[0]
    gradient = jnp.asarray(errors.weights, jnp.float32) * (errors.analysis + errors.background)
    projected = _projected(errors.members, gradient)
    tapered = _tapered(projected, observations, localisation, errors.members)
    apart = np.asarray(equivalents, np.float64)
    apart = apart - apart.mean(axis=0)
    pull = np.where(used, innovation, 0.0)
    variance = np.where(used, np.asarray(observations.error, np.float64), 1.0) ** 2
    covariance = (apart * np.asarray(tapered, np.float64).T).sum(axis=0) / (members - 1)
    return np.asarray(pull / variance * covariance)


def table_by(impacts: pd.DataFrame, by: list[str], cycles: int) -> pd.DataFrame:
    """Impacts added up, the most helpful first.

    Args:
        impacts: a row a used observation: `impact`, and the columns of `by`.
        by: what each row of the result is of.
        cycles: number of cycles.

    Returns:
        The columns of `by`, then `observations` a cycle, `impact_per_cycle`,
        `impact_per_observation` and the share of observations that were `beneficial`.
    """
    groups = impacts.assign(beneficial=impacts["impact"] < 0).groupby(by, sort=True)
    table = groups.agg(
        observations=("impact", "size"), total=("impact", "sum"), beneficial=("beneficial", "mean")
    ).reset_index()
    return pd.DataFrame(
        {
            **{name: table[name] for name in by},
            "observations": table["observations"] / cycles,
            "impact_per_cycle": table["total"] / cycles,
            "impact_per_observation": table["total"] / table["observations"],
            "beneficial": table["beneficial"],
        }
    ).sort_values("impact_per_cycle", kind="stable", ignore_index=True)


def _projected(
    members: State, gradient: Float[Array, "lat lon channel"]
) -> Float[Array, "member column level"]:
    """X_tᵀ C (e_a + e_b) of every column and level; the surface counts as the lowest level."""
    layout = members.layout
    apart = members.values - members.values.mean(axis=0)
    of_level = np.eye(layout.grid.level_count, dtype=np.float32)[channel_levels(layout)]
    found = jnp.einsum("mijc,ijc,cl->mijl", apart, gradient, of_level)
    return found.reshape(found.shape[0], -1, found.shape[-1])


def _tapered(
    projected: Float[Array, "member column level"],
    observations: ObservationBatch,
    localisation: Localisation,
    members: State,
) -> Float[Array, "observation member"]:
    """Sums over columns and levels with the taper of every observation."""
    grid = members.layout.grid
    columns = column_positions(grid.latitude, grid.longitude)
    vertical = vertical_taper(localisation.depth, observations, grid)
    by_level = jnp.broadcast_to(vertical, (grid.level_count, vertical.shape[1])).T

    def one(
        place: tuple[Float[Array, ""], Float[Array, ""], Float[Array, " level"]],
    ) -> Float[Array, " member"]:
        latitude, longitude, levels = place
        of_columns = jnp.einsum("mcl,l->mc", projected, levels)
        if localisation.radius is None:
            return of_columns.sum(axis=1)
        distance = great_circle_distance(latitude[None], longitude[None], *columns)[0]
        return of_columns @ gaspari_cohn(distance, localisation.radius)

    places = observations.latitude, observations.longitude, by_level
    found: Float[Array, "observation member"] = jax.lax.map(one, places, batch_size=_TOGETHER)
    return found
