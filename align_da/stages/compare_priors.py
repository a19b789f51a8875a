"""Compare the reference prior, the aligned one and the controls by their rewards.

The draws of all priors of a case form one group, so that win rates compare across priors, and all
priors draw with the same noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import xarray as xr

from align_da.alignment.candidates import CandidateScore
from align_da.alignment.evaluation import pooled_draw, prior_differences, prior_score
from align_da.alignment.rewards.win_rate import shares_beaten
from align_da.config import Config
from align_da.keys import Purpose, key_for
from align_da.runs.alignment_cases import cases_of
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, open_run
from align_da.runs.samplers import build_sampler
from align_da.runs.weight_names import PRIORS
from align_da.stages.score_candidates import configured_rewards, prior_draw
from align_da.stages.scoring_on_cluster import score_on_cluster
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.lock import lock_beside, owned
from align_da.storage.tables import write_table
from align_da.verification.significance import Bootstrap, mean_difference

_COLUMNS = (
    "prior",
    "measure",
    "mean",
    "difference",
    "low",
    "high",
    "significant",
    "block_length",
    "effective_dates",
)


@dataclass(frozen=True)
class PriorScore:
    """Builds the score of a pooled group, once in each worker.

    Attributes:
        config: the configuration.
        folder: the folder of the run.
    """

    config: Config
    folder: Path

    def __call__(self) -> CandidateScore:
        """The score that tells rewards, errors and spread of each prior."""
        use_compilation_cache()
        return prior_score(configured_rewards(self.config, self.folder), PRIORS)


def compare_priors(config: Config, folder: Path) -> None:
    """Write report/alignment.csv: rewards of every prior on test backgrounds, with intervals.

    Raises:
        StorageError: a prior or the backgrounds are missing or damaged, or another process
            writes the table.
    """
    run = open_run(config, folder)
    target = run.folder.report / "alignment.csv"
    with owned(lock_beside(target)):
        _compare(run, target)


def _compare(run: Run, target: Path) -> None:
    """Write the table."""
    config = run.config
    configured_rewards(config, run.folder.root)  # what is wrong is told before workers start
    settings, alignment = config.benchmark, config.alignment
    lead = (settings.background_lead_hours,)
    cases = cases_of(run, settings.split, settings.dates, alignment.forecast_lead_hours, lead)
    draws = {
        name: prior_draw(
            build_sampler(run.config.sampler), load_prior(run, name), settings.members
        )
        for name in PRIORS
    }
    scored = score_on_cluster(
        config,
        cases,
        pooled_draw(draws),
        PriorScore(config, run.folder.root),
        description="priors",
        total=settings.dates,
    )
    write_table(
        target,
        summarise_priors(scored, run.bootstrap, key_for(config.seed, Purpose.VERIFICATION)),
    )


def summarise_priors(scored: xr.Dataset, bootstrap: Bootstrap, key: jax.Array) -> pd.DataFrame:
    """Mean rewards of every prior with intervals, and its spread beside them.

    Each reward stands in its own unit. "sum" adds, over the rewards, the share of the other draws
    of a case, of any prior, that a draw is better than: a sum of units would be that of the
    largest.

    Args:
        scored: rewards of every draw of every prior, see `score_cases`.
        bootstrap: how intervals are found.
        key: of `Purpose.VERIFICATION`.
    """
    rewards = scored["rewards"].mean("draw")
    total = _beaten(scored["rewards"]).sum("reward").mean("draw").expand_dims(reward=["sum"])
    measures = xr.concat([rewards, total], dim="reward", join="outer")
    rows: list[Sequence[object]] = []
    for measure in measures["reward"].to_numpy():
        by_prior = measures.sel(reward=measure).transpose("prior", "case")
        old = by_prior.sel(prior="reference").to_numpy()
        rows += [
            (name, str(measure), *_gain(by_prior.sel(prior=name).to_numpy(), old, bootstrap, key))
            for name in PRIORS
        ]
    summary = prior_differences(scored)
    for measure in ("relative_rmse", "relative_spread", "relative_fair_crps", "spread_skill"):
        rows += [
            (name, measure, float(summary[measure].sel(prior=name)), *[None] * len(_COLUMNS[3:]))
            for name in PRIORS
        ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _beaten(rewards: xr.DataArray) -> xr.DataArray:
    """`shares_beaten` in the group of all draws of all priors of a case."""
    groups = rewards.stack(candidate=("prior", "draw")).transpose(..., "candidate")
    return groups.copy(data=shares_beaten(groups.to_numpy())).unstack("candidate")


def _gain(
    new: np.ndarray, old: np.ndarray, bootstrap: Bootstrap, key: jax.Array
) -> tuple[object, ...]:
    """A measure of one prior, and its gain over the reference."""
    gain = mean_difference(new, old, bootstrap, key)
    interval = gain.estimate, gain.low, gain.high, gain.excludes_zero
    return float(new.mean()), *interval, gain.block_length, gain.effective_dates
