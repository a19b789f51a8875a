"""Cycles of the validation period with the learned correction of the forecast model, as Markdown.

What a network learns from backgrounds of cycles depends on the history of these cycles: see
`experiments/rounds`. The error that six hours add to a true state does not.

Usage: python -m experiments.model_error.run RUN [--set section.key=value]
"""

from dataclasses import replace
from pathlib import Path

from align_da.config import load_config
from align_da.forecast import ForecastModel
from align_da.runs.priors import cycle_forecast_model, load_prior
from align_da.runs.run import Run, open_run
from align_da.storage.compiled_programs import use_compilation_cache
from experiments.options import run_options
from experiments.results import tidy, write_result, write_scores
from experiments.rounds.cycles import SETTINGS, scored_cycles
from experiments.rounds.tables import REFERENCE, result, show


def main() -> None:
    """Cycle with the forecast model as it is, and with it corrected."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 1.0])
    arguments = parser.parse_args()
    run = open_run(load_config(arguments.config, [*SETTINGS, *arguments.set]), arguments.run)
    use_compilation_cache()
    static = load_prior(run, "static")
    rows = list(scored_cycles(run, static, REFERENCE))
    for share in arguments.shares:
        model = corrected_model(run, share)
        rows += scored_cycles(run, static, f"{share:g} of the correction", model)
        print(show(tidy(rows)), flush=True)
    write_scores(arguments.folder, "validation", tidy(rows))
    write_result(arguments.folder, "validation", result(tidy(rows)))


def corrected_model(run: Run, share: float) -> ForecastModel:
    """The forecast model with a share of the correction."""
    cycle = run.config.cycle.model_copy(update={"model_error_share": share})
    return cycle_forecast_model(
        replace(run, config=run.config.model_copy(update={"cycle": cycle}))
    )


if __name__ == "__main__":
    main()
