"""What every cycle is looked at by, while something learns and when it is scored."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.alignment.hacking_monitor import Look
from align_da.cycling.twin_experiment import TwinCycle
from align_da.training.centred_crps import centred_crps
from experiments.alignment.futures import HELD_OUT, LEADS, REWARDED, states_ahead, truths_ahead
from experiments.closed_loop.worlds import World

Scores = Float[Array, "lead 3"]
"""RMSE of the mean, fair CRPS and spread at every one of `LEADS`."""


def scores_of(world: World, cycle: TwinCycle) -> Scores:
    """Scores of the analysis of a cycle and of the forecasts from it."""
    forecasts = states_ahead(world.model, cycle.analysis, LEADS)
    return jnp.stack(
        [
            jnp.stack(_scores(members, truth))
            for members, truth in zip(forecasts, truths_ahead(world, cycle.truth), strict=True)
        ]
    )


def _scores(
    members: Float[Array, "member lat lon channel"], truth: Float[Array, "lat lon channel"]
) -> tuple[Float[Array, ""], ...]:
    error = members.mean(axis=0) - truth
    return (
        jnp.sqrt(jnp.mean(error**2)),
        jnp.mean(centred_crps(members, truth)),
        jnp.sqrt(jnp.mean(members.var(axis=0, ddof=1))),
    )


def look_at(scores: Float[np.ndarray, "case lead 3"]) -> Look:
    """Geometric means over cases by name; `spread` tells how far spread over error is from one.

    A few trajectories that have lost their truth for a dozen cycles would rule a plain mean.
    """
    means = np.exp(np.log(scores).mean(axis=0))
    rewarded = [LEADS.index(lead) for lead in REWARDED]
    ratio = means[0, 2] / means[0, 0]
    return {
        "analysis error": float(means[0, 0]),
        "analysis CRPS": float(means[0, 1]),
        "forecast error": float(means[rewarded, 0].mean()),
        "forecast CRPS": float(means[rewarded, 1].mean()),
        "held-out lead": float(means[LEADS.index(HELD_OUT), 1]),
        "spread": float(max(ratio, 1 / ratio)),
    }
