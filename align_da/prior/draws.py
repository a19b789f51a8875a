"""Draws of the learned prior without observations: what alignment judges."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.autoencoder.latent_space import Latent, Values
from align_da.diffusion.contract import Sampler
from align_da.keys import keys_for_members
from align_da.prior.latent_prior import LatentPrior


def draw_from_prior(
    prior: LatentPrior,
    sampler: Sampler,
    background: State,
    lead_hours: float,
    key: jax.Array,
    count: int,
) -> tuple[State, Float[Array, "draw rows columns latent"]]:
    """Several draws for one background.

    Args:
        prior: the learned prior.
        sampler: integrates the reverse process.
        background: values [lat, lon, channel], SI units.
        lead_hours: age of the background forecast.
        key: draw m uses fold_in(key, m).
        count: number of draws; another number changes the last bits.

    Returns:
        The states [draw, lat, lon, channel] in SI units and their scaled latent increments; with
        errors of an ensemble the increments are the static part alone.
    """
    keys = keys_for_members(key, count)
    values, latents = _draw(prior, background.values, jnp.float32(lead_hours), keys, sampler)
    return State(values, background.layout), latents


@partial(jax.jit, static_argnames=("sampler",))
def _draw(
    prior: LatentPrior,
    background: Values,
    lead_hours: Float[Array, ""],
    keys: jax.Array,
    sampler: Sampler,
) -> tuple[Float[Array, "draw lat lon channel"], Float[Array, "draw rows columns latent"]]:
    latent = prior.space.encode(background)
    static = latent.shape[2]
    denoiser = prior.denoiser(latent, lead_hours)

    def draw_one(key: jax.Array) -> tuple[Values, Latent]:
        z = sampler(denoiser, key, prior.control_shape)
        scaled = prior.scaling.colour(z[..., :static], lead_hours)
        return prior.analysis(background, latent, z, lead_hours), scaled

    values, latents = jax.vmap(draw_one)(keys)
    return values, latents
