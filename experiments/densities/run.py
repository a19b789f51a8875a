"""Single analyses with more and fewer, better and worse observations, as Markdown.

The error of an analysis must fall with the density of the observations and rise with their noise:
where it does not, the likelihood is badly scaled (as that of DPS in Align-DA, arXiv:2505.22008,
tables 5 and 6). A setting that has been run is not run again.

Usage: python -m experiments.densities.run RUN [--config CONFIG] [--jobs 1] [--set ...]
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pandas as pd

from align_da.config import Config, load_config
from experiments.commands import align_da
from experiments.densities.tables import DENSITIES, NOISES, VARIABLES, result, show, steps
from experiments.options import run_options
from experiments.results import only, write_result, write_scores

METHODS = (
    "benchmark.peers=['latent_three_d_var']",
    "benchmark.guidance=['dps','jfps']",
    "benchmark.priors=['reference']",
    "benchmark.controls=[]",
)


def main() -> None:
    """Run every setting, keep the scores and print the tables."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--jobs", type=int, default=1, help="settings at a time")
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.set)
    settings = list(product(DENSITIES, NOISES))

    def run(setting: tuple[float, float]) -> None:
        if not rows_of(arguments.run, *setting).exists():
            changes = [*METHODS, *arguments.set, *changed(config, *setting)]
            command = f"benchmark --name {name_of(*setting)}"
            align_da(command, arguments.run, arguments.config, changes)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(run, settings))
    rows = pd.concat([read_rows(arguments.run, *setting) for setting in settings])
    write_scores(arguments.folder, "test", rows)
    write_result(arguments.folder, "errors", result(rows))
    write_result(arguments.folder, "steps", steps(rows))
    print(show(rows))


def name_of(density: float, noise: float) -> str:
    """The name of the benchmark of a setting."""
    return f"density_{100 * density:g}_noise_{noise:g}"


def changed(config: Config, density: float, noise: float) -> list[str]:
    """A setting of the network as overrides."""
    errors = [
        f"observations.{name}={noise * value!r}"
        for name, value in config.observations
        if name.endswith("_error")
    ]
    return [f"observations.density={density}", *errors]


def rows_of(run: Path, density: float, noise: float) -> Path:
    """The file of the scores of a setting."""
    return run / "report" / "benchmark" / f"{name_of(density, noise)}_rows.csv"


def read_rows(run: Path, density: float, noise: float) -> pd.DataFrame:
    """The errors of the analyses of a setting."""
    rows = pd.read_csv(rows_of(run, density, noise))
    errors = only(rows, product=["analysis"], score=["rmse"], variable=VARIABLES)
    return errors.assign(density=density, noise=noise)


if __name__ == "__main__":
    main()
