"""Draw candidates from the reference prior and score them with the rewards."""

from dataclasses import dataclass
from pathlib import Path

import jax

from align_da.alignment.candidates import CandidateLatents, CandidateScore, Draw, reward_score
from align_da.alignment.contract import AlignmentCase, Reward
from align_da.atmosphere import State
from align_da.config import Config
from align_da.diffusion.contract import Sampler
from align_da.prior.draws import draw_from_prior
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.alignment_cases import alignment_cases
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.priors import load_prior
from align_da.runs.rewards import RewardInputs, build_rewards
from align_da.runs.run import Run, open_run
from align_da.runs.samplers import build_sampler
from align_da.runs.stage_graph import candidates_stage
from align_da.stages.scoring_on_cluster import score_on_cluster
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.datasets import write_dataset
from align_da.storage.stages import run_stage


@dataclass(frozen=True)
class RewardScore:
    """Builds the score of a group of candidates, once in each worker.

    Attributes:
        config: the configuration.
        folder: the folder of the run.
    """

    config: Config
    folder: Path

    def __call__(self) -> CandidateScore:
        """The score that tells every configured reward."""
        use_compilation_cache()
        return reward_score(configured_rewards(self.config, self.folder))


def configured_rewards(config: Config, folder: Path) -> dict[str, Reward]:
    """The rewards that the section [alignment] names."""
    run = open_run(config, folder)
    inputs = RewardInputs(
        lambda: configured_forecast_model(config),
        config.alignment.forecast_lead_hours,
        run.surface_geopotential,
        lambda: run.balance_variability,
        config,
    )
    return build_rewards(config.alignment.rewards, inputs)


def score_candidates(config: Config, folder: Path) -> None:
    """Write candidates.zarr; nothing is done where that has been done before.

    Raises:
        StorageError: the prior or the backgrounds are missing or damaged.
    """
    run = open_run(config, folder)
    run_stage(run.folder, candidates_stage(config, run.folder), lambda: _score(run))


def _score(run: Run) -> None:
    config, settings = run.config, run.config.alignment
    configured_rewards(config, run.folder.root)  # what is wrong is told before workers start
    scored = score_on_cluster(
        config,
        alignment_cases(run),
        prior_draw(
            build_sampler(run.config.sampler), load_prior(run, "reference"), settings.candidates
        ),
        RewardScore(config, run.folder.root),
        description="candidates",
        total=settings.backgrounds,
    )
    # Names as an attribute: zarr has no dtype for text that every reader knows.
    named = scored.drop_vars("reward").assign_attrs(rewards=list(settings.rewards))
    write_dataset(run.folder.candidates, named)


def prior_draw(sampler: Sampler, prior: LatentPrior, count: int) -> Draw:
    """Draws `count` candidates from a prior."""

    def draw(case: AlignmentCase, key: jax.Array) -> tuple[State, CandidateLatents]:
        return draw_from_prior(
            prior, sampler, case.background, case.background_lead_hours, key, count
        )

    return draw
