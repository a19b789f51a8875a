"""Calibration of the prior against the number of training pairs, as Markdown and as a picture.

The score model is trained anew on few and many starts of the training period, all else as it is,
the statistics of increments among it. Draws without observations are compared with the truth of
the validation period: is their spread the error of their mean, has the truth every rank among
them, is their mean better than the background? Every network is trained for one and for two
epochs (`--epochs`), and the one with the lower validation loss counts.

Usage: python -m experiments.calibration.run RUN [--starts 350 700 ...] [--set section.key=value]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from align_da.alignment.contract import AlignmentCase
from align_da.config import TrainingConfig, load_config
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.static_prior import static_prior
from align_da.runs.alignment_cases import cases_of
from align_da.runs.background_latents import learned_latents, scaling_of
from align_da.runs.denoisers import build_schedule
from align_da.runs.priors import load_space, untrained_network
from align_da.runs.run import Run, open_run
from align_da.runs.training_plan import training_plan
from align_da.training.latent_pairs import LatentPairs
from align_da.training.score_model import TrainedScoreModel, score_model_task, train_score_model
from align_da.verification.figure_style import to_png
from align_da.verification.rank_histogram_chart import rank_histogram_chart
from experiments.calibration.draws import Row, scored_draws
from experiments.calibration.tables import TRAINING, ranks_by_prior, result, show
from experiments.options import run_options
from experiments.results import tidy, write_picture, write_result, write_scores


@dataclass(frozen=True)
class Trained:
    """A prior of so many pairs.

    Attributes:
        label: of the tables.
        prior: what draws.
        epochs: how long it was trained; 0 without a network.
        loss: on the validation period; 1 is a prior without a network.
    """

    label: str
    prior: LatentPrior
    epochs: int
    loss: float


def main() -> None:
    """Train, draw, keep the scores, print the table and draw the rank histograms."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--starts", type=int, nargs="+", default=[350, 700, 1400, 2800])
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dates", type=int, default=12)
    parser.add_argument("--draws", type=int, default=12)
    arguments = parser.parse_args()
    run = open_run(load_config(arguments.config, arguments.set), arguments.run)
    rows: list[Row] = []
    for trained in priors(run, arguments):
        rows += rows_of(run, trained, arguments.dates, arguments.draws)
        print(show(tidy(rows)), flush=True)
    table = tidy(rows)
    write_scores(arguments.folder, "validation", table)
    write_result(arguments.folder, "validation", result(table))
    picture = rank_histogram_chart(ranks_by_prior(table, "T"), "T")
    write_picture(run.folder.report / "calibration_ranks.png", to_png(picture))


def rows_of(run: Run, trained: Trained, dates: int, draws: int) -> Iterator[Row]:
    """Scores of draws from a prior, and how it was trained."""
    told = {"loss": trained.loss, "epochs": trained.epochs, "draws": draws}
    for name, value in told.items():
        yield (0, trained.label, TRAINING, "state", name, value)
    yield from scored_draws(run, trained.prior, trained.label, cases(run, dates), draws)


def cases(run: Run, dates: int) -> Iterator[AlignmentCase]:
    """So many backgrounds of every lead time, of the validation period."""
    leads = run.config.learned_lead_hours
    return cases_of(run, "validation", dates * len(leads), 0, leads)


def priors(run: Run, options: argparse.Namespace) -> Iterator[Trained]:
    """The prior without a network, then one of every number of starts."""
    space = load_space(run)
    pairs, held_out = learned_latents(run, space)
    gaussian = static_prior(space, scaling_of(run.config, pairs), run.truncation)
    yield Trained("no network", gaussian, 0, 1.0)
    for starts in options.starts:
        few = some_starts(pairs, starts)
        trained = (prior_after(run, gaussian, few, held_out, epochs) for epochs in options.epochs)
        yield min(trained, key=lambda one: one.loss)


def some_starts(pairs: LatentPairs, starts: int) -> LatentPairs:
    """So many starts of every lead time, or all, spread evenly over the training period."""
    rows = [np.flatnonzero(pairs.lead_hours == lead) for lead in np.unique(pairs.lead_hours)]
    chosen = [every[np.linspace(0, every.size - 1, starts).astype(int)] for every in rows]
    kept = np.unique(np.concatenate(chosen))
    return LatentPairs(pairs.truth[kept], pairs.background[kept], pairs.lead_hours[kept])


def prior_after(
    run: Run, gaussian: LatentPrior, pairs: LatentPairs, held_out: LatentPairs, epochs: int
) -> Trained:
    """The prior after so many epochs, or at its lowest validation loss before."""
    settings, label = run.config.denoiser, f"{len(pairs)} pairs"
    schedule = build_schedule(settings)
    network = untrained_network(run.config, gaussian.space.autoencoder.latent_shape)
    task = score_model_task(network, schedule, gaussian.scaling, pairs, held_out)
    config = schedule_of(settings.training, len(pairs), epochs)
    found = train_score_model(
        task, training_plan(config), run.config.seed, f"{label}, {epochs} epochs"
    )
    prior = replace(gaussian, network=found.network, schedule=schedule)
    return Trained(label, prior, epochs, lowest_loss(found))


def schedule_of(config: TrainingConfig, pairs: int, epochs: int) -> TrainingConfig:
    """The training of so many epochs, the rest of its schedule in proportion."""
    steps = max(8, epochs * pairs // config.batch_size)
    changed = {"steps": steps, "validate_every": max(1, steps // 4)}
    return config.model_copy(update=changed | {"warm_up_steps": min(100, steps // 4)})


def lowest_loss(trained: TrainedScoreModel) -> float:
    """The validation loss of the parameters that were kept, that of no network being 1."""
    losses = [row["validation_loss"] for row in trained.history]
    return min(losses) / losses[0]


if __name__ == "__main__":
    main()
