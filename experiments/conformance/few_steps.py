"""How few steps keep the posterior: JFPS with few noise levels beside the sampler of the paper.

Draws are compared with Kalman's as in `run.py`, with seeds that chose nothing.

Usage: python -m experiments.conformance.few_steps [--draws 1024] [--seeds 4]
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from align_da.config import GuidanceConfig, SamplerConfig, load_config
from align_da.parallel.progress import progress_bar
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import compare_with_kalman
from align_da.verification.table_format import to_markdown
from experiments.conformance.run import CASES, draw_options
from experiments.results import write_result

PAPER_SIZE = Path(__file__).parents[1] / "costs" / "config.toml"
PAPER = "DPS, ancestral, 128 steps, 2 correctors"
FIRST_SEED = 100
STEPS = (4, 5, 6, 7, 8, 12, 20)
KARRAS = 7.0


def main() -> None:
    """Compare, write the results and print the table."""
    arguments = draw_options(__doc__, Path(__file__).parent).parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    rows: list[dict[str, object]] = []
    with progress_bar() as progress:
        for name, method in progress.track(methods().items(), description="methods"):
            rows += compared(name, *method, seeds, arguments.draws)
    table = pd.DataFrame(rows)
    write_result(arguments.folder, "few_steps", table)
    print(show(table))


def compared(
    name: str, guidance: GuidanceConfig, sampler: SamplerConfig, seeds: range, draws: int
) -> Iterator[dict[str, object]]:
    """A row a case."""
    posterior, white = build_posterior_sampler(guidance, sampler), guidance.method == "jfps"
    for case_name, case in CASES.items():
        found = compare_with_kalman(
            posterior, case, seeds=seeds, draws=draws, control_variable=white
        )
        distance, spread = found.wasserstein, found.spread_ratio
        yield {"method": name, "case": case_name, "W2": distance, "spread_ratio": spread}


def show(table: pd.DataFrame) -> str:
    """A row a method, a column a case: W2, and the spread in brackets."""
    text = [f"{row.W2:.3f} ({row.spread_ratio:.2f})" for row in table.itertuples()]
    wide = table.assign(text=text).pivot_table(
        index="method", columns="case", values="text", aggfunc="first", sort=False
    )
    return to_markdown(wide.reset_index())


def methods() -> Mapping[str, tuple[GuidanceConfig, SamplerConfig]]:
    """The paper's sampler, and JFPS at the paper's size with more and fewer levels."""
    config = load_config(PAPER_SIZE)
    paper = SamplerConfig(kind="stochastic", steps=128, correctors=2)
    found = {PAPER: (GuidanceConfig(method="dps"), paper)}
    for rho in (config.sampler.rho, KARRAS):
        for steps in STEPS:
            sampler = config.sampler.model_copy(update={"steps": steps, "rho": rho})
            found[f"JFPS, ρ = {rho:g}, {steps} steps"] = (config.guidance, sampler)
    return found


if __name__ == "__main__":
    main()
