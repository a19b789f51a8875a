"""Draw candidates from the reference prior and score them with the rewards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dask.config
import jax
from distributed import Client, LocalCluster

from align_da.alignment.candidates import Draw, Latents, Score, reward_score, score_cases
from align_da.alignment.contract import Case
from align_da.alignment.rewards.build import build_rewards
from align_da.assimilation.latent_prior import LatentPrior
from align_da.assimilation.prior_draws import draw_from_prior
from align_da.atmosphere import State
from align_da.cli.assembly import World, load_prior, open_world
from align_da.cli.cases import cases_of
from align_da.cli.progress import progress_bar
from align_da.config import Config
from align_da.diffusion.build import build_sampler
from align_da.forecast import build_forecast_model
from align_da.storage.datasets import write_dataset
from align_da.storage.stages import run_stage

_WORKERS = 2


@dataclass(frozen=True)
class RewardScore:
    """Builds the score of a group of candidates, once in each worker.

    Attributes:
        config: the configuration.
        folder: the folder of the run.
    """

    config: Config
    folder: Path

    def __call__(self) -> Score:
        """The score that tells every configured reward."""
        settings, world = self.config.alignment, open_world(self.config, self.folder)
        rewards = build_rewards(
            settings.rewards,
            lambda: build_forecast_model(self.config.world),
            settings.forecast_lead_hours,
            world.surface_geopotential,
        )
        return reward_score(rewards)


def run(config: Config, folder: Path) -> None:
    """Write candidates.zarr; nothing is done where that has been done before.

    Raises:
        StorageError: the prior or the backgrounds are missing or damaged.
    """
    world = open_world(config, folder)
    run_stage(
        world.folder.stages,
        "candidates",
        [config.seed, config.sampler, _drawing(config)],
        ["denoiser"],
        lambda: _score(world),
    )


def _drawing(config: Config) -> list[object]:
    """The part of [alignment] that candidates depend on."""
    settings = config.alignment
    return [
        settings.backgrounds,
        settings.candidates,
        settings.forecast_lead_hours,
        list(settings.rewards),
    ]


def _score(world: World) -> None:
    config, settings = world.config, world.config.alignment
    cases = cases_of(
        world,
        "train",
        settings.backgrounds,
        settings.forecast_lead_hours,
        config.backgrounds.lead_hours,
    )
    with progress_bar() as progress, _client(settings.scheduler) as client:
        task = progress.add_task("candidates", total=settings.backgrounds)
        scored = score_cases(
            cases,
            prior_draw(world, load_prior(world, "reference")),
            RewardScore(config, world.folder.root),
            seed=config.seed,
            executor=client.get_executor(pure=False),
            on_case=lambda _: progress.advance(task),
        )
    write_dataset(world.folder.candidates, scored)


def prior_draw(world: World, prior: LatentPrior) -> Draw:
    """Draws the configured number of candidates from a prior."""
    sampler, count = build_sampler(world.config.sampler), world.config.alignment.candidates

    def draw(case: Case, key: jax.Array) -> tuple[State, Latents]:
        return draw_from_prior(
            prior, sampler, case.background, case.background_lead_hours, key, count
        )

    return draw


@contextmanager
def _client(scheduler: str | None) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a local cluster of processes."""
    if scheduler is not None:
        with Client(scheduler) as client:
            yield client
        return
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(
            n_workers=_WORKERS, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
