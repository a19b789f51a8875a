"""Watch the observations of a cycling run: what has come, how good it was, and what changed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console

from align_da.atmosphere import variable_named
from align_da.config import Config
from align_da.cycling.convergence import left_unsolved
from align_da.observations.monitoring import (
    MonitoredCycles,
    observation_alerts,
    observation_series,
)
from align_da.runs.run import Run, open_run
from align_da.storage.durable import write_durably
from align_da.storage.lock import owned
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.tables import write_table
from align_da.verification.figure_style import to_png
from align_da.verification.observation_chart import observation_chart

_SHOWN = 20  # alerts


def monitor_observations(config: Config, folder: Path, name: str) -> Path:
    """Print the alerts of the cycling run `name`, and write them and a figure into the report.

    Returns:
        The path of the table of alerts.

    Raises:
        StorageError: the store is missing or damaged, or another process writes the alerts.
    """
    run = open_run(config, folder)
    with owned(run.folder.report / "monitor.lock"):
        return _monitor(run, name)


def _monitor(run: Run, name: str) -> Path:
    """Write the alerts of a cycling run; the path of their table."""
    cycles = _monitored(open_cycles(run.folder.cycles(name), "observations").load())
    series = observation_series(cycles, run.layout.variables)
    alerts = observation_alerts(series)
    target = run.folder.report / "observation_monitor.csv"
    units = {variable: variable_named(variable).units for variable in run.layout.variables}
    if series.variable:
        picture = to_png(observation_chart(series, alerts, units))
        write_durably(target.with_suffix(".png"), picture)
    write_table(target, alerts)
    console = Console()
    console.print(
        f"{name}: {len(cycles.flag)} cycles, {len(series.variable)} series, {len(alerts)} alerts"
    )
    if len(alerts):
        console.print(alerts.head(_SHOWN).to_string(index=False))
    for told in _unsolved(run.folder.cycles(name)):
        console.print(told, style="yellow", highlight=False)
    console.print(f"alerts: {target}")
    return target


def _unsolved(store: Path) -> Iterator[str]:
    """A line for each cycle whose analysis left a linear system unsolved."""
    told = open_cycles(store, "diagnostics")[["solver_iterations", "solver_residual"]].load()
    for cycle in range(told.sizes["time"]):
        of_cycle = {str(name): float(values[cycle]) for name, values in told.items()}
        yield from left_unsolved(cycle, of_cycle)


def _monitored(observations: xr.Dataset) -> MonitoredCycles:
    """What the monitor reads of the observations of a store."""
    return MonitoredCycles(
        departure=np.asarray(observations["value"] - observations["background_equivalent"]),
        variable=np.asarray(observations["variable"]).astype(np.int64),
        station=np.asarray(observations["station"]).astype(np.int64),
        flag=np.asarray(observations["flag"]).astype(np.int64),
    )
