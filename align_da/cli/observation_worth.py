"""The commands that tell what observations were worth: to an analysis, and to forecasts."""

from typing import Annotated, Literal

import typer

from align_da.terminal.answers import tell, words_aside
from align_da.terminal.beginning import settings_to_compute
from align_da.terminal.option_values import span_of
from align_da.terminal.options import (
    ConfigOption,
    JsonOption,
    RunArgument,
    RunNameOption,
    SetOption,
)


def explain(
    run: RunArgument,
    name: RunNameOption = "main",
    config: ConfigOption = None,
    override: SetOption = None,
    *,
    cycle: Annotated[int, typer.Option(min=0, help="Number of the cycle, from 0.")],
    station: Annotated[str, typer.Option(help="Its number in the cycles, or its name.")],
    as_json: JsonOption = False,
) -> None:
    """Say what the observations of a station were worth in a cycle, and why no more.

    The analysis is made again without them: what has changed there, and most elsewhere, is told.
    """
    settings = settings_to_compute("explain", run, config, override, [name])
    from align_da.stages.explain_station import explain_station

    tell(explain_station(settings, run, name, cycle, station), as_json=as_json)


def impact(
    run: RunArgument,
    name: RunNameOption = "main",
    config: ConfigOption = None,
    override: SetOption = None,
    *,
    lead: Annotated[int, typer.Option(min=1, help="Hours of the forecasts.")] = 24,
    cycles: Annotated[
        str | None,
        typer.Option(metavar="FIRST:END", help="Which cycles, END not among them; all if none."),
    ] = None,
    against: Annotated[
        Literal["truth", "analysis"],
        typer.Option(help="What forecasts are compared with: the truth, or later analyses."),
    ] = "truth",
    as_json: JsonOption = False,
) -> None:
    """Say which observations have made forecasts better or worse, by type and station (EFSOI)."""
    span = span_of(cycles)
    settings = settings_to_compute("impact", run, config, override, [name])
    from align_da.stages.observation_impact import ImpactPlan, observation_impact

    plan = ImpactPlan(lead, *span, against)
    with words_aside(aside=as_json):
        summary = observation_impact(settings, run, name, plan)
    if as_json:
        typer.echo(summary.read_text(encoding="utf-8"))
