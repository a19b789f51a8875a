"""Principal components of patches: where the linear map of an autoencoder starts.

The map P of given rank that minimises the objective (see objective.py) for states x and
increments d

    trace[S (I - P)(w Cov(d) + m Cov(x))(I - P)'],    S = diag(1 / increment variance)

consists of the leading eigenvectors of the covariance in brackets in the metric S (Eckart and
Young 1936). m is the mean increment variance: it makes the first term of the objective, whose
metric is the identity, comparable; exactly so where all channels have the same increment
variance.
"""

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from align_da.autoencoder.patch_autoencoder import PatchAutoencoder
from align_da.autoencoder.patches import to_patches

_SMALLEST_VARIANCE = 1e-6  # of a latent of states: below it a component is noise


def initialise_from_patches(
    autoencoder: PatchAutoencoder,
    states: Float[Array | np.ndarray, "state lat lon channel"],
    increments: Float[Array | np.ndarray, "increment lat lon channel"],
    increment_std: Float[Array | np.ndarray, " channel"],
    increment_weight: float = 1.0,
) -> PatchAutoencoder:
    """A copy of `autoencoder` whose linear map is that of the leading principal patches.

    Latents of the given states have zero mean and unit variance under it.

    Args:
        autoencoder: the untrained autoencoder.
        states: standardised states, some hundreds (dimensionless).
        increments: truth - background in the same standardisation (dimensionless).
        increment_std: standard deviation of `increments` by channel, positive (dimensionless).
        increment_weight: weight of increments against states, as in the objective.
    """
    scale = np.tile(1 / np.asarray(increment_std, np.float64), autoencoder.stride**2)
    state_patches = _patch_rows(states, autoencoder.stride)
    mean = state_patches.mean(axis=0)
    centred = (state_patches - mean) * scale
    of_states = centred.T @ centred / len(centred)
    increment_patches = _patch_rows(increments, autoencoder.stride) * scale
    of_increments = increment_patches.T @ increment_patches / len(increment_patches)
    pooled = increment_weight * of_increments + np.mean(1 / scale**2) * of_states
    _, vectors = np.linalg.eigh(pooled)
    leading = vectors[:, ::-1][:, : autoencoder.latent_shape[2]]
    variance = np.einsum("pk,pq,qk->k", leading, of_states, leading)
    deviation = np.sqrt(np.maximum(variance, _SMALLEST_VARIANCE))
    initialised = nnx.clone(autoencoder)
    initialised.linear.encoder[...] = jnp.asarray(
        scale[:, None] * leading / deviation, jnp.float32
    )
    initialised.linear.decoder[...] = jnp.asarray(
        (deviation * leading / scale[:, None]).T, jnp.float32
    )
    initialised.linear.mean[...] = jnp.asarray(mean, jnp.float32)
    return initialised


def _patch_rows(
    fields: Float[Array | np.ndarray, "sample lat lon channel"], stride: int
) -> Float[np.ndarray, "place patch"]:
    """All patches of all samples, one a row, in double precision."""
    patches = np.asarray(to_patches(jnp.asarray(fields), stride), np.float64)
    return patches.reshape(-1, patches.shape[-1])
