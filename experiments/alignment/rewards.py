"""Rewards of a corrected analysis, as losses: lower is better.

analysis    the loss that the correction was trained with: its continued training
squared     squared error of the mean of the forecast; at lead 0 the null control, a reward
            that is a distance to the truth
crps        fair CRPS of the ensemble of forecasts
observed    CRPS of its Gaussian where there are observations, against these: no truth is read
winners     squared distance to the best of the members by the forecast: supervised on winners
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.training.analysis_correction import Judgement, Scores
from align_da.training.centred_crps import centred_crps
from align_da.training.gaussian_crps import gaussian_crps
from align_da.training.truth_target import TruthTarget, judged_by_truth
from experiments.alignment.futures import LEADS, states_ahead
from experiments.closed_loop.worlds import EVERY, LAYOUT, World

Members = Float[Array, "case member lat lon channel"]
Future = Float[Array, "case lead lat lon channel"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AheadTarget:
    """What is known of a cycle and of what came after it.

    Attributes:
        members: before the correction.
        truth: at `LEADS`.
        observed: the same with errors of observations, of which `EVERY` fourth place is looked at.
        unit: of increments.
    """

    members: Members | Float[np.ndarray, "case member lat lon channel"]
    truth: Future | Float[np.ndarray, "case lead lat lon channel"]
    observed: Future | Float[np.ndarray, "case lead lat lon channel"]
    unit: Float[Array | np.ndarray, "case channel"]

    def true(self, lead: int) -> Float[Array, "case lat lon channel"]:
        """The truth at one of `LEADS`."""
        return jnp.asarray(self.truth)[:, LEADS.index(lead)]

    def typical(self, channels: int) -> Float[np.ndarray, " channel"]:
        """Root mean square of the errors of the means, by channel."""
        error = np.asarray(self.truth)[:, 0] - np.asarray(self.members).mean(axis=1)
        found: Float[np.ndarray, " channel"] = np.sqrt(np.square(error).mean(axis=(0, 1, 2)))
        return found

    def over(self, unit: Float[Array, " channel"]) -> "AheadTarget":
        """The same for increments in units of so many of the present ones."""
        return replace(self, unit=jnp.asarray(self.unit) * unit)


@dataclass(frozen=True)
class Reward:
    """What is asked for.

    Attributes:
        kind: of the list above.
        leads: of the forecasts, in windows; the losses of all count alike.
        holds_spread: the reward is of the mean alone. The spread goes on as it was trained.
    """

    kind: str
    leads: tuple[int, ...] = (0,)
    holds_spread: bool = False

    def loss(self, world: World, members: Members, target: AheadTarget) -> Float[Array, ""]:
        """Mean over cases and leads of members that are corrected already."""
        flat = members.reshape(-1, *LAYOUT.shape)
        ahead = states_ahead(world.model, flat, self.leads)
        forecasts = [jnp.swapaxes(one.reshape(members.shape), 0, 1) for one in ahead]
        return _OF_FORECASTS[self.kind](world, forecasts, target, self.leads)

    def judged(self, world: World) -> Judgement:
        """The same of what a network says of cases, for a training."""
        if self.kind == "analysis":
            return _as_it_was_trained

        def judged(
            target: AheadTarget,
            increment: Float[Array, "case lat lon channel"],
            factor: Float[Array, "case lat lon channel"] | None,
        ) -> Scores:
            if not self.holds_spread:
                return self.loss(world, corrected(target, increment, factor), target), {}
            fixed = None if factor is None else jax.lax.stop_gradient(factor)
            of_mean = self.loss(world, corrected(target, increment, fixed), target)
            still = jax.lax.stop_gradient(increment)
            of_spread, _ = _as_it_was_trained(target, still, factor)
            return of_mean + of_spread, {}

        return judged


def corrected(
    target: AheadTarget,
    increment: Float[Array, "case lat lon channel"],
    factor: Float[Array, "case lat lon channel"] | None,
) -> Members:
    """The members of cases with a correction, of their spread too where there is a factor."""
    mean = target.members.mean(axis=1, keepdims=True)
    moved = (target.unit[:, None, None] * increment)[:, None]
    apart = target.members - mean
    return mean + moved + (apart if factor is None else factor[:, None] * apart)


_Forecasts = list[Float[Array, "member case lat lon channel"]]


def _squared(
    world: World, forecasts: _Forecasts, target: AheadTarget, leads: tuple[int, ...]
) -> Float[Array, ""]:
    errors = [
        one.mean(axis=0) - target.true(lead) for one, lead in zip(forecasts, leads, strict=True)
    ]
    return jnp.mean(jnp.square(jnp.stack(errors)))


def _crps(
    world: World, forecasts: _Forecasts, target: AheadTarget, leads: tuple[int, ...]
) -> Float[Array, ""]:
    found = [
        centred_crps(one, target.true(lead)) for one, lead in zip(forecasts, leads, strict=True)
    ]
    return jnp.mean(jnp.stack(found))


def _observed(
    world: World, forecasts: _Forecasts, target: AheadTarget, leads: tuple[int, ...]
) -> Float[Array, ""]:
    found = []
    for one, lead in zip(forecasts, leads, strict=True):
        seen = one[..., ::EVERY, :]
        observed = jnp.asarray(target.observed)[:, LEADS.index(lead), :, ::EVERY]
        departure = observed - seen.mean(axis=0)
        spread = jnp.sqrt(seen.var(axis=0, ddof=1) + world.error**2)
        found.append(gaussian_crps(departure, spread))
    return jnp.mean(jnp.stack(found))


def _winners(
    world: World, forecasts: _Forecasts, target: AheadTarget, leads: tuple[int, ...]
) -> Float[Array, ""]:
    """The first of the forecasts is the analysis; the spread goes on as it was trained."""
    analysis, *later = forecasts
    missed = sum(
        jnp.square(one - target.true(lead)).mean(axis=(2, 3, 4))
        for one, lead in zip(later, leads[1:], strict=True)
    )
    best = jnp.argmin(missed, axis=0)
    winner = analysis[best, jnp.arange(best.size)]
    mean, spread = analysis.mean(axis=0), analysis.std(axis=0, ddof=1)
    of_mean = jnp.square(jax.lax.stop_gradient(winner) - mean)
    error = target.true(0) - jax.lax.stop_gradient(mean)
    return jnp.mean(of_mean + gaussian_crps(error, spread))


_OF_FORECASTS: Mapping[
    str, Callable[[World, _Forecasts, AheadTarget, tuple[int, ...]], Float[Array, ""]]
] = {"squared": _squared, "crps": _crps, "observed": _observed, "winners": _winners}


def _as_it_was_trained(
    target: AheadTarget,
    increment: Float[Array, "case lat lon channel"],
    factor: Float[Array, "case lat lon channel"] | None,
) -> Scores:
    unit = target.unit[:, None, None]
    members = jnp.asarray(target.members)
    error = (target.true(0) - members.mean(axis=1)) / unit
    spread = members.std(axis=1, ddof=1) / unit
    judged = judged_by_truth(jnp.ones((*LAYOUT.grid.shape, 1)))
    return judged(TruthTarget(error, spread), increment, factor)
