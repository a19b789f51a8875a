"""Calibration of the prior against the number of training pairs, as Markdown and as a picture.

The score model is trained anew on few and many starts of the training period, all else as it is,
the statistics of increments among it. Draws without observations are compared with the truth of
the validation period: is their spread the error of their mean, has the truth every rank among
them, is their mean better than the background? Every network is trained for one and for two
epochs (`--epochs`), and the one with the lower validation loss counts.

Usage: python experiments/calibration/run.py RUN [--starts 350 700 ...] [--set section.key=value]
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from flax import nnx
from jaxtyping import Int

from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State
from align_da.config import TrainingConfig, load_config
from align_da.diffusion.objective import denoising_loss
from align_da.diffusion.schedule import EDMSchedule
from align_da.diffusion.unit_normal import UnitNormal
from align_da.keys import Purpose, key_for
from align_da.prior.draws import draw_from_prior
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.runs.alignment_cases import cases_of
from align_da.runs.background_latents import encode_backgrounds, scaling_of
from align_da.runs.denoisers import build_schedule
from align_da.runs.priors import load_space, untrained_network
from align_da.runs.run import Run, open_run
from align_da.runs.samplers import build_sampler
from align_da.training.batches import BatchPlan
from align_da.training.latent_pairs import LatentPairs
from align_da.training.loop import FitResult, fit
from align_da.training.progress import progress_bar
from align_da.verification.ensemble_scores import flatness, rank_histogram
from align_da.verification.rank_histogram_chart import rank_histogram_chart
from align_da.verification.score_table import ROW_COLUMNS, spread_skill_ratios
from align_da.verification.table_format import to_markdown
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle

CONFIG = Path(__file__).parents[1] / "embedded_world" / "config.toml"
APART = 8  # points of the grid between two whose ranks count
SHOWN = ("u", "v", "T", "q", "p_s")
Scores = tuple[pd.DataFrame, dict[str, Int[np.ndarray, " rank"]]]


@dataclass(frozen=True)
class Trained:
    """A prior of so many starts.

    Attributes:
        prior: what draws.
        epochs: how long it was trained; 0 without a network.
        loss: on the validation period; 1 is a prior without a network.
    """

    prior: LatentPrior
    epochs: int
    loss: float


def main() -> None:
    """Train, draw, print the tables and write the rank histograms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--starts", type=int, nargs="+", default=[350, 700, 1400, 2800])
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dates", type=int, default=12)
    parser.add_argument("--draws", type=int, default=12)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    run = open_run(load_config(arguments.config, arguments.set), arguments.run)
    space = load_space(run)
    pairs = encode_backgrounds(space, run.learned_pairs("train"))
    held_out = encode_backgrounds(space, run.learned_pairs("validation"))
    leads = run.config.learned_lead_hours
    cases = list(cases_of(run, "validation", arguments.dates * len(leads), 0, leads))
    scaling = scaling_of(run.config, pairs)
    unit = EDMSchedule(0.0, 1.0)
    gaussian = LatentPrior(space, UnitNormal(), scaling, unit, truncation=run.truncation)
    tables, ranks = [], {}

    def measure(label: str, trained: Trained) -> None:
        scores, ranks[label] = draw_and_score(run, trained.prior, cases, arguments.draws)
        tables.append(scores.assign(method=label))
        found = summary(tables[-1], ranks[label], trained, arguments.draws)
        print(to_markdown(found), flush=True)

    measure("no network", Trained(gaussian, 0, 1.0))
    for starts in arguments.starts:
        few = some_starts(pairs, starts)
        measure(f"{len(few)} pairs", best_network(run, gaussian, few, held_out, arguments.epochs))
    report = run.folder.report
    report.mkdir(parents=True, exist_ok=True)
    last = {label: by_field["T"] for label, by_field in ranks.items()}
    rank_histogram_chart(last, "T").savefig(report / "calibration_ranks.png")
    pd.concat(tables).to_csv(report / "calibration.csv", index=False)


def some_starts(pairs: LatentPairs, starts: int) -> LatentPairs:
    """So many starts of every lead time, or all, spread evenly over the training period."""
    rows = [np.flatnonzero(pairs.lead_hours == lead) for lead in np.unique(pairs.lead_hours)]
    chosen = [every[np.linspace(0, every.size - 1, starts).astype(int)] for every in rows]
    kept = np.unique(np.concatenate(chosen))
    return LatentPairs(pairs.truth[kept], pairs.background[kept], pairs.lead_hours[kept])


def best_network(
    run: Run,
    gaussian: LatentPrior,
    pairs: LatentPairs,
    held_out: LatentPairs,
    lengths: Sequence[int],
) -> Trained:
    """The prior with the best network of these pairs, trained for so many epochs."""
    shape = gaussian.space.autoencoder.latent_shape
    graph, _ = nnx.split(untrained_network(run.config, shape))
    results = {
        epochs: trained_for(run, pairs, held_out, gaussian.scaling, epochs) for epochs in lengths
    }
    losses = {epochs: lowest_loss(result) for epochs, result in results.items()}
    best = min(lengths, key=lambda epochs: losses[epochs])
    network = nnx.merge(graph, results[best].params)
    learned = replace(gaussian, network=network, schedule=build_schedule(run.config.denoiser))
    return Trained(learned, best, losses[best])


def trained_for(
    run: Run,
    pairs: LatentPairs,
    held_out: LatentPairs,
    scaling: LatentScaling,
    epochs: int,
) -> FitResult:
    """A score model after so many epochs, or at its lowest validation loss before."""
    config = schedule_of(run.config.denoiser.training, len(pairs), epochs)
    shape = pairs.truth.shape[1:]
    graph, params = nnx.split(untrained_network(run.config, (shape[0], shape[1], shape[2])))
    loss = denoising_loss(graph, build_schedule(run.config.denoiser), jax.vmap(scaling.colour))
    plan = BatchPlan(len(pairs), config.batch_size, run.config.seed)
    unseen = BatchPlan(len(held_out), config.batch_size, run.config.seed)
    with progress_bar(f"{len(pairs)} pairs, {epochs} epochs", config.steps) as report:
        return fit(
            params,
            loss,
            lambda step: pairs.batch(plan.indices(step), scaling),
            [held_out.batch(unseen.indices(index), scaling) for index in range(16)],
            config,
            run.config.seed,
            report=report,
        )


def schedule_of(config: TrainingConfig, pairs: int, epochs: int) -> TrainingConfig:
    """The training of so many epochs, the rest of its schedule in proportion."""
    steps = max(8, epochs * pairs // config.batch_size)
    changed = {"steps": steps, "validate_every": max(1, steps // 4)}
    return config.model_copy(update=changed | {"warm_up_steps": min(100, steps // 4)})


def lowest_loss(result: FitResult) -> float:
    """The validation loss of the parameters that were kept, that of no network being 1."""
    losses = [row["validation_loss"] for row in result.history]
    return min(losses) / losses[0]


def draw_and_score(run: Run, prior: LatentPrior, cases: list[AlignmentCase], draws: int) -> Scores:
    """Scores of draws as tidy rows, and ranks of the truth by variable."""
    fields = default_fields(run.layout)
    sampler = build_sampler(run.config.sampler)
    rows: list[tuple[object, ...]] = []
    ranks: dict[str, Int[np.ndarray, " rank"]] = {}
    for number, case in enumerate(cases):
        key = key_for(run.config.seed, Purpose.VERIFICATION, number)
        lead = case.background_lead_hours
        drawn, _ = draw_from_prior(prior, sampler, case.background, lead, key, draws)
        one = State(case.background.values[None], run.layout)
        for product, ensemble in (("draws", drawn), ("background", one)):
            scores = score_cycle(ensemble, case.truth, fields)
            place = (number, "", f"{product}, {lead:.0f} h")
            rows += [(*place, *field, value) for field, value in scores.items()]
        for label, counts in ranks_of(drawn, case.truth, key):
            ranks[label] = ranks.get(label, 0) + counts
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS)), ranks


def ranks_of(
    drawn: State, truth: State, key: jax.Array
) -> Iterator[tuple[str, Int[np.ndarray, " rank"]]]:
    """Counts of the ranks of the truth, of distant points at one level of every variable."""
    for label, variable in zip(SHOWN, drawn.layout.variables, strict=True):
        level = drawn[variable].shape[-1] // 2
        members, value = (
            np.asarray(state[variable][..., ::APART, ::APART, level]) for state in (drawn, truth)
        )
        yield label, rank_histogram(members, value, key)


def summary(
    rows: pd.DataFrame, ranks: dict[str, Int[np.ndarray, " rank"]], trained: Trained, draws: int
) -> pd.DataFrame:
    """One row a variable: what a calibrated prior has near 1, or p values that are not small."""
    label = str(rows["method"].iloc[0])
    ratios = spread_skill_ratios(rows).set_index(["product", "variable"])["mean"]
    squares = rows.assign(value=rows["value"] ** 2)
    mean = squares.groupby(["product", "variable", "score"])["value"].mean().unstack("score")
    # The mean of the draws is that much further from the truth than that of infinitely many.
    square = mean["rmse"] - mean["spread"].fillna(0.0) / (draws + 1)
    products = [name for name in dict.fromkeys(rows["product"]) if name.startswith("draws")]
    table = []
    for variable in SHOWN:
        row: dict[str, object] = {"prior": label, "epochs": trained.epochs, "variable": variable}
        row["loss"] = f"{trained.loss:.3f}"
        for product in products:
            lead = product.removeprefix("draws, ")
            before = square[product.replace("draws", "background"), variable]
            gain = 1 - np.sqrt(square[product, variable] / before)
            row[f"spread/skill {lead}"] = f"{ratios[product, variable]:.2f}"
            row[f"gain of the mean {lead}"] = f"{100 * gain:+.1f} %"
        counts = ranks[variable]
        expected = 2 * counts.sum() / counts.size
        row["outside / expected"] = f"{(counts[0] + counts[-1]) / expected:.2f}"
        row["p of a flat histogram"] = f"{flatness(counts).p_value:.3f}"
        table.append(row)
    return pd.DataFrame(table)


if __name__ == "__main__":
    main()
