"""The denoising objective.

Everything is measured as the mean squared error of the noise, e = mean (s − D(s + σ n, σ))² / σ²,
which is what Diffusion-DPO compares (Wallace et al. 2024, arXiv:2311.12908); a schedule's weight
turns it into its training loss. Where the noise n is correlated, the mean is that of scaled
increments and not of white ones: any metric has the same minimiser, and this one cares for what
matters in an analysis, the large scales.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PyTree

from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import LatentFields
from align_da.diffusion.schedule import DenoiserNetwork, Schedule


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class DenoisingBatch:
    """Training cases.

    Attributes:
        increment: scaled latent increments s, [batch, lat, lon, latent].
        condition: their backgrounds, batched.
    """

    increment: LatentFields
    condition: Condition


DenoisingLoss = Callable[
    [PyTree, DenoisingBatch, jax.Array], tuple[Float[Array, ""], dict[str, Float[Array, ""]]]
]
"""(parameters, batch, key) → (loss, metrics)."""


Colour = Callable[[LatentFields, Float[Array, " batch"]], LatentFields]
"""(white noise, lead times in hours) → noise of the correlation of increments at that age."""


def white(noise: LatentFields, lead_hours: Float[Array, " batch"]) -> LatentFields:
    """Noise as it is: no correlation."""
    return noise


def draw_noise(
    schedule: Schedule, key: jax.Array, shape: tuple[int, ...]
) -> tuple[Float[Array, " batch"], LatentFields]:
    """Noise levels and standard normal noise for a batch of `shape`."""
    sigma = schedule.draw_sigma(jax.random.fold_in(key, 0), shape[0])
    return sigma, jax.random.normal(jax.random.fold_in(key, 1), shape)


def per_sample_error(
    network: DenoiserNetwork,
    schedule: Schedule,
    batch: DenoisingBatch,
    sigma: Float[Array, " batch"],
    noise: LatentFields,
) -> Float[Array, " batch"]:
    """Mean squared error of the noise of each sample, dimensionless.

    Args:
        network: takes a batch.
        schedule: the schedule of the network.
        batch: what is noised and its condition.
        sigma: noise levels; given, so that the chosen and the rejected of a pair can share them.
        noise: of unit variance and the correlation of the increments, likewise.
    """
    noisy = batch.increment + sigma[:, None, None, None] * noise
    denoised = schedule.denoise(network, noisy, sigma, batch.condition)
    return jnp.mean(jnp.square(batch.increment - denoised), axis=(1, 2, 3)) / sigma**2


def denoising_loss(
    graphdef: nnx.GraphDef, schedule: Schedule, colour: Colour = white
) -> DenoisingLoss:
    """The training loss of a network.

    Args:
        graphdef: structure of the network, the first part of `nnx.split(network)`.
        schedule: its noise schedule.
        colour: correlates the noise.

    Returns:
        A function of the network's state (second part of the split), a batch and a key.
    """

    def loss(
        params: PyTree, batch: DenoisingBatch, key: jax.Array
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        network = nnx.merge(graphdef, params)
        sigma, noise = draw_noise(schedule, key, batch.increment.shape)
        coloured = colour(noise, batch.condition.lead_hours)
        error = per_sample_error(network, schedule, batch, sigma, coloured)
        value = jnp.mean(schedule.weight(sigma) * error)
        return value, {"loss": value, "denoised_error": jnp.mean(sigma**2 * error)}

    return loss
