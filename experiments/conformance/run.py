"""Every guidance, sampler and number of correctors against the exact posterior, as Markdown.

Draws from the posterior of `align_da.verification.linear_gaussian` are compared with Kalman's.

Usage: python experiments/conformance/run.py [--draws 1024] [--seeds 4]
"""

import argparse

import pandas as pd
from rich.progress import Progress

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import (
    Conformance,
    LinearGaussianCase,
    compare_with_kalman,
)
from align_da.verification.table_format import to_markdown

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
    "every 4th point, error 0.1": LinearGaussianCase(4, 0.1),
    "every 4th point, error 0.5": LinearGaussianCase(4, 0.5),
    "every point, error 0.5": LinearGaussianCase(1, 0.5),
    "every 8th point, error 0.1": LinearGaussianCase(8, 0.1),
}


def main() -> None:
    """Print a table a case."""
    arguments = options(__doc__)
    rows = []
    with Progress() as progress:
        total = ((len(GUIDANCE) - 1) * len(SAMPLERS) + 1) * len(CORRECTORS)
        task = progress.add_task("conformance", total=total)
        for sampler_name, sampler in SAMPLERS.items():
            for correctors in CORRECTORS:
                corrected = sampler.model_copy(update={"correctors": correctors})
                for name, config in GUIDANCE.items():
                    if name == SPLIT_GIBBS and sampler_name != FAST:
                        continue  # it samples anew at every level
                    posterior = build_posterior_sampler(config, corrected)
                    for case_name, case in CASES.items():
                        found = compare_with_kalman(
                            posterior,
                            case,
                            seeds=range(arguments.seeds),
                            draws=arguments.draws,
                            control_variable=config.method == "jfps",
                        )
                        method = (case_name, name, sampler_name, correctors)
                        rows.append((*method, *formatted(name, found)))
                    progress.advance(task)
    columns = ["case", "guidance", "sampler", "correctors"]
    scores = ["mean error", "spread ratio", "W2", "residual / exact", "gate"]
    table = pd.DataFrame(rows, columns=[*columns, *scores])
    for case_name in CASES:
        print(f"\n### {case_name}\n")
        print(to_markdown(table[table["case"] == case_name].drop(columns="case")))


def options(description: str | None) -> argparse.Namespace:
    """How many draws of how many seeds, by the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--draws", type=int, default=1024)
    parser.add_argument("--seeds", type=int, default=4)
    return parser.parse_args()


def formatted(guidance: str, found: Conformance) -> tuple[str, ...]:
    """Rounded figures, and for an exact guidance whether it passes."""
    passed = found.mean_error < 0.03 and 0.95 <= found.spread_ratio <= 1.03
    gate = ("passed" if passed else "missed") if guidance in EXACT else ""
    residual = found.residual / found.exact_residual
    figures = (found.mean_error, found.spread_ratio, found.wasserstein)
    return (*(f"{value:.3f}" for value in figures), f"{residual:.2f}", gate)


if __name__ == "__main__":
    main()
