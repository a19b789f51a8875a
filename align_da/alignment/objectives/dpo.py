"""Diffusion-DPO (Wallace et al. 2024, arXiv:2311.12908, eq. 14), in its noise-prediction form."""

import jax
from jaxtyping import Array, Float

from align_da.alignment.objectives.errors import PairErrors, implicit_margin


def dpo_loss(errors: PairErrors, beta: float) -> Float[Array, " pair"]:
    """−log sigmoid(u), which is log 2 at the reference."""
    return -jax.nn.log_sigmoid(implicit_margin(errors, beta))
