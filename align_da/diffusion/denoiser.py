"""From a network to the denoiser of one member."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import Denoiser, LatentField
from align_da.diffusion.schedule import DenoiserNetwork, Schedule


def make_denoiser(network: DenoiserNetwork, schedule: Schedule, condition: Condition) -> Denoiser:
    """The denoiser of one member, given its background.

    For many members apply it inside `jax.vmap` over (condition, key): the batch of one below then
    becomes the batch of members.

    Args:
        network: takes a batch.
        schedule: the schedule that the network was trained with.
        condition: of one member, without batch axis.
    """

    def denoise(noisy: LatentField, sigma: Float[Array, ""]) -> LatentField:
        batched = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], condition)
        return schedule.denoise(network, noisy[None], jnp.asarray(sigma)[None], batched)[0]

    return denoise
