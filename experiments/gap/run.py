"""Where the error of a single analysis comes from: each part replaced by its ideal, as Markdown.

    decoder     what latents cannot hold of the true increment is added to the analysis
    truncation  what the forecast model cannot hold of the true increment is added
    draws       the mean of 32 draws instead of 4
    guidance    under the Gaussian prior without a network, draws against the minimum of the cost
                function of latent 3D-Var, found in three Gauss-Newton iterations
    network     the prior without a network

Tuning is on the validation period, and so is this.

Usage: python -m experiments.gap.run RUN [--config CONFIG] [--set section.key=value]
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import pandas as pd
from jaxtyping import Array, Float

from align_da.assimilation.contract import Analysis
from align_da.atmosphere import State
from align_da.config import load_config
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.analyses import draws_are_centred
from align_da.runs.analysis_methods import latent_score
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, open_run
from align_da.runs.variational import latent_three_d_var
from align_da.stages.benchmark import BenchmarkCase, benchmark_cases
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle
from experiments.options import run_options
from experiments.results import tidy, write_result, write_scores
from experiments.score_tables import by_method, summarised

REFERENCE = "JFPS, network, 4 draws"
MANY = 32
PERTURBED = ("background", "latent 3D-Var, no network")
"""Whose members are perturbed without a mean, however the learned method draws."""
SETTINGS = ["benchmark.split=validation", "latent_three_d_var.outer=3"]
Values = Float[Array, "lat lon channel"]


def main() -> None:
    """Keep and print the errors, and their improvement over the learned method as it is."""
    arguments = run_options(__doc__, Path(__file__).parent).parse_args()
    config = load_config(arguments.config, [*SETTINGS, *arguments.set])
    rows = tidy(scored(open_run(config, arguments.run)))
    write_scores(arguments.folder, "validation", rows)
    write_result(arguments.folder, "validation", result(rows))
    print(show(rows))


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean of every score, and its gain over the learned method as it is."""
    return summarised(rows, REFERENCE)


def show(rows: pd.DataFrame) -> str:
    """Errors, and spread over error."""
    summary, scores = result(rows), ("rmse", "spread_skill")
    return "\n".join(f"### {score}\n\n{by_method(summary, score, 'analysis')}" for score in scores)


def methods(run: Run) -> dict[str, tuple[Analysis, int]]:
    """What is compared, and the members of each."""
    static, network = load_prior(run, "static"), load_prior(run, "reference")
    few = run.config.benchmark.members
    return {
        REFERENCE: (latent_score(run, network, few), few),
        f"JFPS, network, {MANY} draws": (latent_score(run, network, MANY), MANY),
        "JFPS, no network, 4 draws": (latent_score(run, static, few), few),
        f"JFPS, no network, {MANY} draws": (latent_score(run, static, MANY), MANY),
        "latent 3D-Var, no network": (latent_three_d_var(run, static), few),
    }


def scored(run: Run) -> Iterator[tuple[object, ...]]:
    """Rows of scores of every date and replacement."""
    compared, static = methods(run), load_prior(run, "static")
    drawn_centred = draws_are_centred(run.config.sampler, run.config.benchmark.members)
    fields = default_fields(run.layout)
    lead = float(run.config.benchmark.background_lead_hours)
    for case in benchmark_cases(run):
        found = {"background": case.background}
        for name, (method, members) in compared.items():
            values = jnp.repeat(case.background.values[:1], members, axis=0)
            background = replace(case.background, values=values)
            found[name], _ = method(background, case.observations, lead, case.key)
        found |= with_ideal_parts(static, case, found[REFERENCE])
        for name, analysis in found.items():
            centred = drawn_centred or name in PERTURBED
            for field, value in score_cycle(analysis, case.truth, fields, centred=centred).items():
                yield (case.time, name, "analysis", *field, value)


def with_ideal_parts(prior: LatentPrior, case: BenchmarkCase, analysis: State) -> dict[str, State]:
    """The analysis with what the decoder, or the truncation, cannot hold of the increment."""
    background = case.background.values[0]
    increment = case.truth.values - background
    space, cut = prior.space, prior.truncation or (lambda values: values)
    latents = space.encode(case.truth.values), space.encode(background)
    lost_in_latents = cut(increment - space.difference(*latents))
    lost_in_truncation = increment - cut(increment)

    def added(lost: Values) -> State:
        return replace(analysis, values=analysis.values + lost)

    return {
        "ideal decoder": added(lost_in_latents),
        "ideal truncation": added(lost_in_truncation),
        "both ideal": added(lost_in_latents + lost_in_truncation),
    }


if __name__ == "__main__":
    main()
