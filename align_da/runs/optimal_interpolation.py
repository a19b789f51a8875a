"""Optimal interpolation with the past errors of a run."""

import jax.numpy as jnp

from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import State
from align_da.runs.run import Run
from align_da.storage.background_pairs import BackgroundPairs


def optimal_interpolation(
    run: Run, pairs: BackgroundPairs, lead_hours: int, samples: int | None = None
) -> OptimalInterpolation:
    """Optimal interpolation with the errors of `pairs` at the lead nearest to `lead_hours`.

    Args:
        run: gives the settings.
        pairs: past backgrounds and what was true.
        lead_hours: age of the backgrounds that it is used on.
        samples: how many errors, at most as many as there are; what the settings say if None.
    """
    settings = run.config.optimal_interpolation
    nearest = min(pairs.lead_hours, key=lambda lead: abs(lead - lead_hours))
    count = min(samples or settings.samples, pairs.starts.size)
    every = pairs.starts.size // count
    truth, background = pairs.read(nearest, slice(0, every * count, every))
    errors = background.values - truth.values
    return OptimalInterpolation(
        State(errors - errors.mean(axis=0), run.layout),
        jnp.float32(settings.variance_factor),
        settings.radius_km * 1e3,
        run.operator_for,
        run.truncation,
    )
