"""Where the error of a single analysis comes from: each part replaced by its ideal, as Markdown.

    decoder     what latents cannot hold of the true increment is added to the analysis
    truncation  what the forecast model cannot hold of the true increment is added
    draws       the mean of 32 draws instead of 4
    guidance    under the Gaussian prior without a network, draws against the minimum of the cost
                function of latent 3D-Var, found in three Gauss-Newton iterations
    network     the prior without a network

Tuning is on the validation period, and so is this.

Usage: python experiments/gap/run.py RUN [--config CONFIG] [--set section.key=value]
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import pandas as pd
from jaxtyping import Array, Float

from align_da.assimilation.contract import Analysis
from align_da.atmosphere import State
from align_da.config import load_config
from align_da.keys import Purpose, key_for
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.analyses import latent_score, latent_three_d_var
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, bootstrap_of, open_run
from align_da.stages.benchmark import BenchmarkCase, benchmark_cases
from align_da.verification.score_table import ROW_COLUMNS, summarise_scores
from align_da.verification.table_format import readable_table, to_markdown
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle

CONFIG = Path(__file__).parents[1] / "embedded_world" / "config.toml"
REFERENCE = "JFPS, network, 4 draws"
MANY = 32
SETTINGS = ["benchmark.split=validation", "latent_three_d_var.outer=3"]
Values = Float[Array, "lat lon channel"]


def main() -> None:
    """Print the error of every variable, and its improvement over the learned method as it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    config = load_config(arguments.config, [*SETTINGS, *arguments.set])
    rows = pd.DataFrame(list(scored(open_run(config, arguments.run))), columns=list(ROW_COLUMNS))
    key = key_for(config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(rows, REFERENCE, bootstrap_of(config), key)
    for score in ("rmse", "spread_skill"):
        table = readable_table(summary, score, "analysis").set_index("variable").T
        print(f"\n### {score}\n")
        print(to_markdown(table.rename_axis("method").reset_index()))


def scored(run: Run) -> Iterator[tuple[object, ...]]:
    """Rows of scores of every date and replacement."""
    static, network = load_prior(run, "static"), load_prior(run, "reference")
    few = run.config.benchmark.members
    methods: dict[str, tuple[Analysis, int]] = {
        REFERENCE: (latent_score(run, network, few), few),
        f"JFPS, network, {MANY} draws": (latent_score(run, network, MANY), MANY),
        "JFPS, no network, 4 draws": (latent_score(run, static, few), few),
        f"JFPS, no network, {MANY} draws": (latent_score(run, static, MANY), MANY),
        "latent 3D-Var, no network": (latent_three_d_var(run, static), few),
    }
    fields = default_fields(run.layout)
    lead = float(run.config.benchmark.background_lead_hours)
    for case in benchmark_cases(run):
        found = {"background": case.background}
        for name, (method, members) in methods.items():
            values = jnp.repeat(case.background.values[:1], members, axis=0)
            background = replace(case.background, values=values)
            found[name], _ = method(background, case.observations, lead, case.key)
        found |= with_ideal_parts(static, case, found[REFERENCE])
        for name, analysis in found.items():
            scores = score_cycle(analysis, case.truth, fields)
            for field, value in scores.items():
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
