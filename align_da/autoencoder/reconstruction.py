"""How well states and increments pass through an autoencoder, in physical units."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, Normalisation, State, variable_named
from align_da.autoencoder.contract import Autoencoder

_MICRO_BATCH = 8  # states at a time: bounds the memory


@dataclass(frozen=True)
class VariableReconstruction:
    """Errors of one variable, root mean squares over cases, area and levels.

    Attributes:
        variable: WeatherBench 2 name.
        units: SI unit of the first three figures.
        state_error: of D(E(truth)).
        increment: of truth - background itself.
        increment_error: of D(E(truth)) - D(E(background)).
        increment_share_lost: increment_error^2 / increment^2 (0 is perfect, 1 is nothing decoded).
    """

    variable: str
    units: str
    state_error: float
    increment: float
    increment_error: float
    increment_share_lost: float


def reconstruction_errors(
    variance: Mapping[str, Float[np.ndarray, " channel"]], layout: Layout
) -> tuple[VariableReconstruction, ...]:
    """Errors of every variable, of the variances that `reconstruction_variances` gives."""
    return tuple(_row(name, layout.channels_of(name), variance) for name in layout.variables)


def reconstruction_variances(
    autoencoder: Autoencoder, pairs: Iterable[tuple[State, State]], normalisation: Normalisation
) -> dict[str, Float[np.ndarray, " channel"]]:
    """Mean squares of each channel over cases and area, SI units squared.

    Args:
        autoencoder: a trained autoencoder.
        pairs: truths and their backgrounds, [case, lat, lon, channel], SI units, some cases at a
            time, at least one.
        normalisation: the standardisation the autoencoder was trained with.

    Returns:
        "state", of D(E(truth)) - truth; "increment", of truth - background; "error", of what
        the autoencoder makes of the increment less the increment.
    """
    cases, sums = 0, dict[str, Float[np.ndarray, " channel"]]()
    for truth, background in pairs:
        count = len(truth.values)
        found = _mean_squares(autoencoder, truth, background, normalisation)
        sums = {name: sums.get(name, 0.0) + count * mean for name, mean in found.items()}
        cases += count
    return {name: total / cases for name, total in sums.items()}


def _mean_squares(
    autoencoder: Autoencoder, truth: State, background: State, normalisation: Normalisation
) -> dict[str, Float[np.ndarray, " channel"]]:
    """The variances of some cases, see `reconstruction_variances`."""
    true_states = normalisation.normalise(truth)
    background_states = normalisation.normalise(background)
    of_truth = _reconstruct(autoencoder, true_states) - true_states
    of_background = _reconstruct(autoencoder, background_states) - background_states
    weights = jnp.asarray(truth.layout.grid.area_weights)
    return {
        name: np.asarray(_mean_square(fields, weights) * normalisation.std**2, np.float64)
        for name, fields in (
            ("state", of_truth),
            ("increment", true_states - background_states),
            ("error", of_truth - of_background),
        )
    }


def _row(
    name: str, channels: slice, variance: Mapping[str, Float[np.ndarray, " channel"]]
) -> VariableReconstruction:
    """The figures of one variable."""
    state, increment, error = (
        float(np.sqrt(variance[key][channels].mean())) for key in ("state", "increment", "error")
    )
    share = (error / increment) ** 2 if increment > 0 else float("nan")
    return VariableReconstruction(name, variable_named(name).units, state, increment, error, share)


def _reconstruct(
    autoencoder: Autoencoder, states: Float[Array, "case lat lon channel"]
) -> Float[Array, "case lat lon channel"]:
    """D(E(states)), a few at a time."""

    def one(state: Float[Array, "lat lon channel"]) -> Float[Array, "lat lon channel"]:
        return autoencoder.decode(autoencoder.encode(state[None]))[0]

    return jax.lax.map(one, states, batch_size=min(_MICRO_BATCH, len(states)))


def _mean_square(
    fields: Float[Array, "case lat lon channel"], weights: Float[Array, "lat lon"]
) -> Float[Array, " channel"]:
    """Mean of squares over cases and the sphere."""
    return jnp.einsum("byxc,yx->c", jnp.square(fields), weights) / fields.shape[0]
