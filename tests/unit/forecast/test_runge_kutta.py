"""The Runge-Kutta scheme is of fourth order."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.forecast.runge_kutta import runge_kutta


def error(steps: int) -> float:
    """Of a quarter turn of a circle, from larger steps than float32 rounds."""
    turned = runge_kutta(
        lambda x: jnp.stack([-x[1], x[0]]), jnp.asarray([1.0, 0.0]), np.pi / 2 / steps, steps
    )
    return float(np.hypot(turned[0] - 0.0, turned[1] - 1.0))


def test_half_the_step_is_a_sixteenth_of_the_error() -> None:
    assert error(1) / error(2) == pytest.approx(16, rel=0.3)
