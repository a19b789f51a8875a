"""What is shipped of the covariance of 3D-Var."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.prior.increment_correlation import IncrementCorrelation
from align_da.prior.latent_scaling import LatentScaling
from experiments.embedded_world.ship_correction import up_to, with_shorter_lead

WAVES, MODES, ROWS, CHANNELS = 5, 2, 3, 2


def correlation_of(modes: jax.Array, leads: int) -> IncrementCorrelation:
    return IncrementCorrelation(
        jnp.zeros((WAVES, ROWS, CHANNELS, CHANNELS, 2)),
        modes,
        1.0 + jnp.arange(leads * WAVES * MODES, dtype=jnp.float32).reshape(leads, WAVES, MODES),
        1.0 + jnp.arange(leads * WAVES, dtype=jnp.float32).reshape(leads, WAVES),
    )


@pytest.mark.parametrize("hours", [3.0, 6.0, 12.0, 20.0, 48.0])
def test_a_shorter_lead_time_changes_nothing_at_any_lead_time(hours: float) -> None:
    draw = jax.random.normal(jax.random.key(0), (WAVES, MODES, ROWS * CHANNELS, 2))
    roots = jax.random.normal(jax.random.key(1), (2, ROWS, CHANNELS, CHANNELS))
    whole = jnp.ones(CHANNELS)
    before = LatentScaling(
        jnp.asarray([12.0, 48.0]), roots, whole, whole, correlation_of(draw, leads=2)
    )
    after = with_shorter_lead(before, 6.0)
    np.testing.assert_array_equal(after.lead_hours, [6.0, 12.0, 48.0])
    np.testing.assert_allclose(after.root_at(hours), before.root_at(hours), rtol=1e-6)
    for name in ("mode_variance", "other_variance"):
        one, other = (
            jnp.tensordot(
                scaling.share_of_leads(hours), getattr(scaling.correlation, name), axes=1
            )
            for scaling in (before, after)
        )
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_waves_that_the_forecast_model_cannot_hold_have_no_modes() -> None:
    draw = jax.random.normal(jax.random.key(0), (WAVES, MODES, ROWS * CHANNELS, 2))
    correlation = correlation_of(draw, leads=1)
    kept = up_to(correlation, truncation=2)
    np.testing.assert_array_equal(kept.modes[:3], draw[:3])
    np.testing.assert_array_equal(kept.modes[3:], 0)
    np.testing.assert_array_equal(kept.mode_variance, correlation.mode_variance)
