"""Does a prior that learns from cycles of its own give better ones? Errors by round, as Markdown.

Round 0 is the trained prior of the run. Every further round cycles through segments of the
training period with the prior of the round before, adds the backgrounds it met to those of all
rounds, and trains the score model anew, as in imitation learning by aggregated data (Ross, Gordon
and Bagnell 2011, arXiv:1011.0686). Cycles are of one member: the analysis is the draw without
noise, which for a Gaussian is the mean. Priors are compared by cycles of the validation period.

Usage: python experiments/rounds/run.py RUN [--rounds 2] [--set section.key=value]
"""

import argparse
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from flax import nnx
from jaxtyping import Array, Float

from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.atmosphere import State
from align_da.config import load_config
from align_da.cycling.cycle import Cycle
from align_da.diffusion.objective import denoising_loss
from align_da.forecast import ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.interpolation import interpolation_operator
from align_da.parallel.compilation import use_compilation_cache
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.background_latents import encode_backgrounds
from align_da.runs.denoisers import build_schedule
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.priors import load_prior, untrained_network
from align_da.runs.run import Run, open_run
from align_da.storage.gridded import read_times
from align_da.training.batches import BatchPlan
from align_da.training.latent_pairs import LatentPairs, encode_pairs, together
from align_da.training.loop import fit
from align_da.training.progress import progress_bar
from align_da.verification.score_table import ROW_COLUMNS, summarise_scores
from align_da.verification.table_format import readable_table, to_markdown
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle
from data_pipelines.cycled_backgrounds import Segment, cycles_of

CONFIG = Path(__file__).parents[1] / "embedded_world" / "config.toml"
REFERENCE = "no network"
SETTINGS = ["sampler.steps=6", "sampler.sigma_max=10", "guidance.iterations=12"]


def main() -> None:
    """Train round after round and print the errors of the cycles of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 1.0])
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    run = open_run(load_config(arguments.config, [*SETTINGS, *arguments.set]), arguments.run)
    use_compilation_cache(arguments.run)
    prior = load_prior(run, "reference")
    rows = scored_cycles(run, load_prior(run, "static"), REFERENCE)
    free = encode_backgrounds(prior.space, [run.pairs("train")])
    met: list[LatentPairs] = []
    for number in range(arguments.rounds + 1):
        if number:
            met.append(met_by(run, prior))
            prior = replace(prior, network=trained(run, prior, together([free, *met])))
        for share in arguments.shares:
            weighted = replace(prior, network_share=share)
            rows += scored_cycles(run, weighted, f"round {number}, share {share:g}")
            print_table(run, rows)


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


def trained(run: Run, prior: LatentPrior, pairs: LatentPairs) -> nnx.Module:
    """The score model of `pairs` with the statistics of `prior`, trained for its full schedule."""
    settings, scaling = run.config.denoiser, prior.scaling
    config = settings.training.model_copy(update={"early_stopping": False})
    graph, params = nnx.split(untrained_network(run.config, prior.space.autoencoder.latent_shape))
    loss = denoising_loss(graph, build_schedule(settings), jax.vmap(scaling.colour))
    plan = BatchPlan(len(pairs), config.batch_size, run.config.seed)

    def batch_at(step: int) -> object:
        return pairs.batch(plan.indices(step), scaling)

    with progress_bar(f"{len(pairs)} pairs", config.steps) as report:
        result = fit(params, loss, batch_at, [batch_at(0)], config, run.config.seed, report=report)
    network: nnx.Module = nnx.merge(graph, result.params)
    return network


def scored_cycles(
    run: Run, prior: LatentPrior, name: str, model: ForecastModel | None = None
) -> list[tuple[object, ...]]:
    """Rows of scores of backgrounds and analyses over the validation period."""
    fields = default_fields(run.layout)
    segment = Segment(run.config, run.folder.root, "validation", 0, 1)
    rows: list[tuple[object, ...]] = []
    for cycle in cycles_of(segment, deterministic(run, prior), model):
        truth = State(_truth(run, cycle).values[0], run.layout)
        for product in ("background", "analysis"):
            scores = score_cycle(getattr(cycle, product), truth, fields)
            rows += [
                (cycle.valid_time, name, product, *field, value) for field, value in scores.items()
            ]
    return rows


def print_table(run: Run, rows: list[tuple[object, ...]]) -> None:
    """RMSE of all that has been scored, with its improvement over cycles without a network."""
    table = pd.DataFrame(rows, columns=list(ROW_COLUMNS))
    key = key_for(run.config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(table, REFERENCE, run.bootstrap, key)
    for product in ("background", "analysis"):
        readable = readable_table(summary, "rmse", product).set_index("variable").T
        print(f"\n### {product}\n")
        print(to_markdown(readable.rename_axis("method").reset_index()), flush=True)


if __name__ == "__main__":
    main()
