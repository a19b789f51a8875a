"""What is shipped of the covariance of 3D-Var."""

import jax
import jax.numpy as jnp
import numpy as np

from align_da.prior.increment_correlation import IncrementCorrelation
from experiments.embedded_world.ship_correction import up_to

WAVES, MODES, ROWS, CHANNELS = 5, 2, 3, 2


def test_waves_that_the_forecast_model_cannot_hold_have_no_modes() -> None:
    draw = jax.random.normal(jax.random.key(0), (WAVES, MODES, ROWS * CHANNELS, 2))
    correlation = IncrementCorrelation(
        jnp.zeros((WAVES, ROWS, CHANNELS, CHANNELS, 2)),
        draw,
        jnp.ones((1, WAVES, MODES)),
        jnp.ones((1, WAVES)),
    )
    kept = up_to(correlation, truncation=2)
    np.testing.assert_array_equal(kept.modes[:3], draw[:3])
    np.testing.assert_array_equal(kept.modes[3:], 0)
    np.testing.assert_array_equal(kept.mode_variance, correlation.mode_variance)
