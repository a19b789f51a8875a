"""Compare priors (reference, aligned, controls) on held-out cases.

Rewards that compare candidates within their group have the same mean for every prior, so the
candidates of all priors of a case are put into one group. A reward of single draws can be won by
losing spread: RMSE of the mean, spread and fair CRPS stand beside it.
"""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from align_da.alignment.candidates import CandidateLatents, CandidateScore, Draw
from align_da.alignment.contract import AlignmentCase, Reward
from align_da.alignment.rewards.calibration import fair_crps
from align_da.alignment.rewards.win_rate import channel_rmse
from align_da.atmosphere import State
from align_da.errors import InputError


def pooled_draw(draws: Mapping[str, Draw]) -> Draw:
    """Candidates of every prior behind one another, all drawn with the same key.

    The same key means the same noise, so that differences are those of the priors.
    """

    def draw(case: AlignmentCase, key: jax.Array) -> tuple[State, CandidateLatents]:
        groups = [one(case, key) for one in draws.values()]
        values = jnp.concatenate([states.values for states, _ in groups])
        latents = jnp.concatenate([jnp.asarray(latents) for _, latents in groups])
        return State(values, groups[0][0].layout), latents

    return draw


def prior_score(rewards: Mapping[str, Reward], priors: Sequence[str]) -> CandidateScore:
    """The score of a pooled group.

    Args:
        rewards: by name.
        priors: names, in the order of `pooled_draw`; each has an equal share of the group.

    Returns:
        A score that tells `rewards` [prior, draw, reward], and in SI units `rmse` of a single
        draw, `mean_rmse` of the mean of the draws, `spread` and `fair_crps`, each
        [prior, channel].
    """

    def score(candidates: State, case: AlignmentCase) -> xr.Dataset:
        groups = split_by_prior(candidates, len(priors))
        columns = [np.asarray(reward(candidates, case)) for reward in rewards.values()]
        by_prior = np.stack(columns, axis=-1).reshape(len(priors), -1, len(rewards))
        data: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "rewards": (("prior", "draw", "reward"), by_prior)
        }
        for name, measure in _MEASURES.items():
            rows = np.stack([np.asarray(measure(group, case.truth)) for group in groups])
            data[name] = (("prior", "channel"), rows)
        return xr.Dataset(data, coords={"prior": list(priors), "reward": list(rewards)})

    return score


def split_by_prior(candidates: State, priors: int) -> list[State]:
    """The groups of equal size that a pooled group was made of.

    Raises:
        InputError: the group has no equal shares of two draws or more.
    """
    pooled = candidates.values.shape[0]
    if pooled % priors or pooled // priors < 2:
        message = f"expected at least 2 draws of each of {priors} priors, got {pooled} candidates"
        raise InputError(message)
    parts = jnp.split(jnp.asarray(candidates.values), priors)
    return [State(part, candidates.layout) for part in parts]


def prior_differences(scored: xr.Dataset, reference: str = "reference") -> xr.Dataset:
    """Means over cases of what `score_cases` with `prior_score` told.

    Args:
        scored: variables of `prior_score` with a `case` dimension.
        reference: the prior that others are compared with.

    Returns:
        `mean_reward` and `best_reward` (best of the N draws, each reward by itself)
        [prior, reward]; `relative_rmse`, `relative_mean_rmse`, `relative_spread`,
        `relative_fair_crps` [prior], mean over channels of the ratio to the reference;
        `spread_skill` [prior], mean over channels, 1 for a reliable ensemble.
    """
    draws = scored.sizes["draw"]
    squared = (scored[["rmse", "mean_rmse", "spread"]] ** 2).mean(dim="case")
    measures = (squared**0.5).assign(fair_crps=scored["fair_crps"].mean("case"))
    ratios = (measures / measures.sel(prior=reference)).mean(dim="channel")
    renamed = {name: f"relative_{name}" for name in ratios.data_vars}
    skill = np.sqrt((draws + 1) / draws) * measures["spread"] / measures["mean_rmse"]
    return ratios.rename(renamed).assign(
        mean_reward=scored["rewards"].mean(("case", "draw")),
        best_reward=scored["rewards"].max("draw").mean("case"),
        spread_skill=skill.mean("channel"),
    )


def _draw_rmse(states: State, truth: State) -> Float[Array, " channel"]:
    """Area-weighted RMSE of single draws, root of the mean square over draws."""
    return jnp.sqrt(jnp.square(channel_rmse(states, truth)).mean(axis=0))


def _mean_rmse(states: State, truth: State) -> Float[Array, " channel"]:
    """Area-weighted RMSE of the mean of the draws."""
    errors: Float[Array, " channel"] = channel_rmse(_mean(states), truth)
    return errors


def _spread(states: State, _truth: State) -> Float[Array, " channel"]:
    """Area-weighted standard deviation of the draws (ddof 1)."""
    squared = jnp.square(channel_rmse(states, _mean(states))).sum(axis=0)
    return jnp.sqrt(squared / (states.values.shape[0] - 1))


def _mean(states: State) -> State:
    return State(states.values.mean(axis=0), states.layout)


_MEASURES: dict[str, Callable[[State, State], Float[Array, " channel"]]] = {
    "rmse": _draw_rmse,
    "mean_rmse": _mean_rmse,
    "spread": _spread,
    "fair_crps": fair_crps,
}
