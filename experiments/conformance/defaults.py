"""The defaults of every guidance and sampler against the exact posterior, as Markdown.

A row is what a configuration gives that names a guidance or a sampler and nothing else. The draws
are of the white control variable, as those of the product are. Observations are few and many, of
equal errors, of errors over two orders of magnitude (R over four), and of correlated ones.

Usage: python -m experiments.conformance.defaults [--draws 1024] [--seeds 4]
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.guidance.contract import PosteriorSampler
from align_da.parallel.progress import progress_bar
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import compare_with_kalman, scattered
from align_da.verification.table_format import to_markdown
from experiments.conformance.run import draw_options
from experiments.results import write_result

CASES = {
    "3 %, error 0.1": scattered(0.03, 0.1, 0.1),
    "60 %, error 0.1": scattered(0.6, 0.1, 0.1),
    "60 %, errors 0.01 to 1": scattered(0.6, 0.01, 1.0),
    "60 %, error 0.1, correlated": scattered(0.6, 0.1, 0.1, length=3.0),
    "60 %, errors 0.01 to 1, correlated": scattered(0.6, 0.01, 1.0, length=3.0),
}
GUIDANCES = ("jfps", "mmps", "split_gibbs", "sda", "dps", "repaint")
SAMPLERS = ("heun", "stochastic")
FIXED = "jfps, 5 iterations"


def main() -> None:
    """Compare, write the results and print the table."""
    arguments = draw_options(__doc__, Path(__file__).parent).parse_args()
    rows: list[dict[str, object]] = []
    with progress_bar() as progress:
        for name, posterior in progress.track(defaults().items(), description="defaults"):
            rows += compared(name, posterior, range(arguments.seeds), arguments.draws)
    table = pd.DataFrame(rows)
    write_result(arguments.folder, "defaults", table)
    print(show(table))


def defaults() -> Mapping[str, PosteriorSampler]:
    """What each name gives, and what it gave before systems were solved to a tolerance."""
    plain = SamplerConfig()
    found = {
        name: build_posterior_sampler(GuidanceConfig(method=name), plain) for name in GUIDANCES
    }
    for kind in SAMPLERS:
        sampler = SamplerConfig(kind=kind)
        found[f"jfps, {kind}"] = build_posterior_sampler(GuidanceConfig(), sampler)
    found[FIXED] = build_posterior_sampler(GuidanceConfig(tolerance=1e-5, iterations=5), plain)
    return found


def compared(
    name: str, posterior: PosteriorSampler, seeds: range, draws: int
) -> Iterator[dict[str, object]]:
    """A row a case: mean error and spread in posterior standard deviations of each point."""
    for case_name, case in CASES.items():
        found = compare_with_kalman(
            posterior, case, seeds=seeds, draws=draws, control_variable=True
        )
        yield {
            "defaults": name,
            "case": case_name,
            "standardised_error": found.standardised_error,
            "standardised_spread": found.standardised_spread,
        }


def show(table: pd.DataFrame) -> str:
    """A row a method, a column a case: error of the mean, and the spread in brackets."""
    text = [
        f"{row.standardised_error:.2f} ({row.standardised_spread:.2f})"
        for row in table.itertuples()
    ]
    wide = table.assign(text=text).pivot_table(
        index="defaults", columns="case", values="text", aggfunc="first", sort=False
    )
    return to_markdown(wide.reset_index())


if __name__ == "__main__":
    main()
