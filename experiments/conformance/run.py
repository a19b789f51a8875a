"""Every guidance, sampler and number of correctors against the exact posterior, as Markdown.

Draws from the posterior of `align_da.verification.linear_gaussian` are compared with Kalman's.

Usage: python -m experiments.conformance.run [--draws 1024] [--seeds 4] [--guidance MMPS ...]
"""

import argparse
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.parallel.progress import progress_bar
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import compare_with_kalman, every
from align_da.verification.table_format import to_markdown
from experiments.options import options
from experiments.results import add_result

SPLIT_GIBBS = "split Gibbs, 10 repetitions"
GUIDANCE = {
    "MMPS": GuidanceConfig(method="mmps", iterations=8),
    "MMPS, 1 iteration": GuidanceConfig(method="mmps", iterations=1),
    "JFPS, control variable": GuidanceConfig(method="jfps", iterations=8),
    "SDA 0.1": GuidanceConfig(method="sda", strength=0.1),
    "DPS": GuidanceConfig(method="dps"),
    "RePaint": GuidanceConfig(method="repaint"),
    "RePaint, 10 repetitions": GuidanceConfig(method="repaint", repetitions=10),
    SPLIT_GIBBS: GuidanceConfig(method="split_gibbs", iterations=8, repetitions=10),
}
EXACT = ("MMPS", "JFPS, control variable")
SAMPLERS = {
    "ancestral, 128": SamplerConfig(kind="stochastic", steps=128, sigma_min=0.002, sigma_max=50.0),
    "Heun, 40": SamplerConfig(kind="heun", steps=40, sigma_max=50.0),
    "DPM-Solver++, 40": SamplerConfig(kind="dpm_solver", steps=40, sigma_max=50.0),
}
FAST = "DPM-Solver++, 40"
CORRECTORS = (0, 2)
CASES = {
    "every 4th point, error 0.1": every(4, 0.1),
    "every 4th point, error 0.5": every(4, 0.5),
    "every point, error 0.5": every(1, 0.5),
    "every 8th point, error 0.1": every(8, 0.1),
}


KEYS = ["case", "guidance", "sampler", "correctors"]


def main() -> None:
    """Compare, write the results and print a table a case."""
    parser = draw_options(__doc__, Path(__file__).parent)
    parser.add_argument("--guidance", nargs="+", choices=GUIDANCE, default=list(GUIDANCE))
    arguments = parser.parse_args()
    chosen = list(methods(arguments.guidance))
    rows: list[dict[str, object]] = []
    with progress_bar() as progress:
        for method in progress.track(chosen, description="conformance"):
            rows += compared(*method, range(arguments.seeds), arguments.draws)
    add_result(arguments.folder, "posterior", pd.DataFrame(rows), KEYS)
    print(show(pd.DataFrame(rows)))


def draw_options(description: str | None, folder: Path) -> argparse.ArgumentParser:
    """How many draws of how many seeds, by the command line."""
    parser = options(description, folder)
    parser.add_argument("--draws", type=int, default=1024)
    parser.add_argument("--seeds", type=int, default=4)
    return parser


def methods(guidance: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """Guidance, sampler and correctors; split Gibbs samples anew at every level: once."""
    for name in guidance:
        samplers = (FAST,) if name == SPLIT_GIBBS else SAMPLERS
        yield from ((name, *more) for more in product(samplers, CORRECTORS))


def compared(
    guidance: str, sampler: str, correctors: int, seeds: range, draws: int
) -> Iterator[dict[str, object]]:
    """A row a case: how far draws of a method are from the exact posterior."""
    config = GUIDANCE[guidance]
    corrected = SAMPLERS[sampler].model_copy(update={"correctors": correctors})
    posterior = build_posterior_sampler(config, corrected)
    for name, case in CASES.items():
        white = config.method == "jfps"
        found = compare_with_kalman(
            posterior, case, seeds=seeds, draws=draws, control_variable=white
        )
        method = dict(zip(KEYS, (name, guidance, sampler, correctors), strict=True))
        yield method | {
            "mean_error": found.mean_error,
            "spread_ratio": found.spread_ratio,
            "W2": found.wasserstein,
            "residual_ratio": found.residual / found.exact_residual,
        }


def show(rows: pd.DataFrame) -> str:
    """A table a case; whether an exact guidance passes."""
    spread = rows["spread_ratio"].between(0.95, 1.03)
    gate = np.where(spread & (rows["mean_error"] < 0.03), "passed", "missed")
    exact = rows["guidance"].isin(EXACT)
    shown = rows.round(3).assign(gate=np.where(exact, gate, ""))
    groups = shown.groupby("case", sort=False)
    return "\n".join(
        f"### {case}\n\n{to_markdown(table.drop(columns='case'))}" for case, table in groups
    )


if __name__ == "__main__":
    main()
