"""The mixed precision that a section of a transformer asks for."""

import jax.numpy as jnp

from align_da.config import ArithmeticConfig
from align_da.mixed_precision import Arithmetic


def arithmetic_of(config: ArithmeticConfig) -> Arithmetic:
    """How the transformer of a section calculates."""
    return Arithmetic(jnp.dtype(config.precision), config.recompute)
