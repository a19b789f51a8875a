"""Langevin correctors: they mend the spread that a few steps lose.

At a fixed noise level, x ← x − (δ e + √(2δ) n) σ with the predicted noise e = (x − D(x, σ)) / σ
and δ = τ / mean(e²), as in score-based data assimilation (Rozet and Louppe 2023, arXiv:2306.10574,
Algorithm 4 and its code). δ grows where the whole field is nearly free of noise, which mends the
spread fast and leaves the smallest scales up to a quarter too wide (Gaussian with variances from
0.1 to 1.4).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.diffusion.noise import NoiseDraw, standard_normal


def langevin_correct(
    denoiser: Denoiser,
    noisy: Float[Array, "lat lon latent"],
    sigma: Float[Array, ""],
    key: jax.Array,
    corrections: int,
    step: float,
    noise: NoiseDraw = standard_normal,
) -> Float[Array, "lat lon latent"]:
    """Apply `corrections` Langevin steps of relative size τ = `step` at the level `sigma` > 0."""

    def correct(
        index: int | Array, x: Float[Array, "lat lon latent"]
    ) -> Float[Array, "lat lon latent"]:
        predicted = (x - denoiser(x, sigma)) / sigma
        size = step / jnp.mean(jnp.square(predicted))
        fresh = noise(jax.random.fold_in(key, index), x.shape)
        return x - (size * predicted + jnp.sqrt(2 * size) * fresh) * sigma

    if corrections == 0:
        return noisy
    corrected: Float[Array, "lat lon latent"]
    corrected = jax.lax.fori_loop(0, corrections, correct, noisy)
    return corrected
