"""Cycles of one member without noise: the backgrounds that a prior meets, and their errors."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.atmosphere import State
from align_da.cycling.cycle import Cycle
from align_da.forecast import ForecastModel
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.run import Run
from align_da.storage.gridded import read_times
from align_da.training.latent_pairs import LatentPairs, encode_pairs
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle
from data_pipelines.segments import Segment, cycles_of

SETTINGS = ["sampler.steps=6", "sampler.sigma_max=10", "guidance.iterations=12"]
PRODUCTS = ("background", "analysis")


def deterministic(run: Run, prior: LatentPrior) -> LatentScoreAnalysis:
    """The analysis without noise."""
    config = run.config

    def silent(_: jax.Array, shape: tuple[int, ...]) -> Float[Array, "..."]:
        return jnp.zeros(shape)

    posterior = build_posterior_sampler(config.guidance, config.sampler, silent)
    errors_of_the_day = ErrorsOfTheDay(calibrates=config.cycle.calibrated)
    return LatentScoreAnalysis(
        prior, posterior, interpolation_operator, 1, errors_of_the_day=errors_of_the_day
    )


def met_by(run: Run, prior: LatentPrior) -> LatentPairs:
    """Latents of the backgrounds that cycles with a prior meet in the training period."""
    count = run.config.cycled_backgrounds.segments
    method = deterministic(run, prior)
    truths, backgrounds = [], []
    for number in range(count):
        segment = Segment(run.config, run.folder.root, "train", number, count)
        for cycle in cycles_of(segment, method):
            truths.append(_truth(run, cycle).values)
            backgrounds.append(cycle.background.values)
    truth, background = (
        State(jnp.concatenate(values), run.layout) for values in (truths, backgrounds)
    )
    lead = float(run.config.cycle.window_hours)
    return encode_pairs(prior.space, [(truth, background, lead)])


def _truth(run: Run, cycle: Cycle) -> State:
    """The truth of a cycle, values [1, lat, lon, channel]."""
    return read_times(run.truth, run.layout, np.asarray([cycle.valid_time]))


def scored_cycles(
    run: Run, prior: LatentPrior, name: str, model: ForecastModel | None = None
) -> Iterator[tuple[object, ...]]:
    """Rows of scores of backgrounds and analyses over the validation period."""
    fields = default_fields(run.layout)
    segment = Segment(run.config, run.folder.root, "validation", 0, 1)
    for cycle in cycles_of(segment, deterministic(run, prior), model):
        truth = State(_truth(run, cycle).values[0], run.layout)
        for product in PRODUCTS:
            scores = score_cycle(getattr(cycle, product), truth, fields)
            for field, value in scores.items():
                yield (cycle.valid_time, name, product, *field, value)
