"""How few steps keep the posterior: JFPS with few noise levels beside the sampler of the paper.

Draws are compared with Kalman's as in `run.py`, with seeds that chose nothing.

Usage: python -m experiments.conformance.few_steps [--draws 1024] [--seeds 4]
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from rich.progress import Progress

from align_da.config import GuidanceConfig, SamplerConfig, load_config
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import compare_with_kalman
from align_da.verification.table_format import to_markdown
from experiments.conformance.run import CASES, options

PAPER_SIZE = Path(__file__).parents[1] / "costs" / "config.toml"
PAPER = "DPS, ancestral, 128 steps, 2 correctors"
FIRST_SEED = 100
STEPS = (4, 5, 6, 7, 8, 12, 20)
KARRAS = 7.0


def main() -> None:
    """Print the table."""
    arguments = options(__doc__)
    rows = []
    with Progress() as progress:
        for name, (guidance, sampler) in progress.track(methods().items(), description="methods"):
            posterior = build_posterior_sampler(guidance, sampler)
            row = {"guidance, levels": name}
            for case_name, case in CASES.items():
                found = compare_with_kalman(
                    posterior,
                    case,
                    seeds=range(FIRST_SEED, FIRST_SEED + arguments.seeds),
                    draws=arguments.draws,
                    control_variable=guidance.method == "jfps",
                )
                row[case_name] = f"{found.wasserstein:.3f} ({found.spread_ratio:.2f})"
            rows.append(row)
    print(to_markdown(pd.DataFrame(rows)))


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
