"""Regression of the implicit margin: IPO and its calibrated form CaPO.

DPO pushes a pair apart without end; here the margin has an aim.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.alignment.objectives.errors import PairErrors, implicit_margin


def ipo_loss(errors: PairErrors, beta: float) -> Float[Array, " pair"]:
    """(1 − u)² (Azar et al. 2024, arXiv:2310.12036, eq. 17, with 1/(2τ) taken into β)."""
    return jnp.square(1.0 - implicit_margin(errors, beta))


def capo_loss(errors: PairErrors, beta: float) -> Float[Array, " pair"]:
    """(ΔR − u)² with the calibrated reward margin ΔR (CaPO, arXiv:2502.02588)."""
    return jnp.square(errors.margin - implicit_margin(errors, beta))
