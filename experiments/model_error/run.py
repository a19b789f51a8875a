"""Cycles of the validation period with the learned correction of the forecast model, as Markdown.

What a network learns from backgrounds of cycles depends on the history of these cycles: see
`experiments/rounds`. The error that six hours add to a true state does not.

Usage: python -m experiments.model_error.run RUN [--set section.key=value]
"""

import argparse
from dataclasses import replace
from pathlib import Path

from align_da.config import load_config
from align_da.parallel.compilation import use_compilation_cache
from align_da.runs.priors import cycle_forecast_model, load_prior
from align_da.runs.run import open_run
from experiments.rounds.run import CONFIG, REFERENCE, SETTINGS, print_table, scored_cycles


def main() -> None:
    """Cycle with the forecast model as it is, and with it corrected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 1.0])
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    config = load_config(arguments.config, [*SETTINGS, *arguments.set])
    run = open_run(config, arguments.run)
    use_compilation_cache(arguments.run)
    static = load_prior(run, "static")
    rows = scored_cycles(run, static, REFERENCE)
    for share in arguments.shares:
        cycle = config.cycle.model_copy(update={"model_error_share": share})
        corrected = replace(run, config=config.model_copy(update={"cycle": cycle}))
        model = cycle_forecast_model(corrected)
        rows += scored_cycles(run, static, f"{share:g} of the correction", model)
        print_table(run, rows)


if __name__ == "__main__":
    main()
