"""The observing system of a run with real observations: reports from files, cycle by cycle.

The reports of a window come with pressures as levels. For a state on sigma levels, quality control
divides them by the surface pressure of the background mean at the place. The operator belongs to
the positions of one cycle and is a pytree of a fixed shape: nothing is compiled again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from align_da.atmosphere import Grid, Layout, State
from align_da.config import ReportsConfig
from align_da.constants import GRAVITY
from align_da.cycling.cycle import QualityControl
from align_da.errors import ConfigError
from align_da.observations.batch import ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.period import check_period
from align_da.observations.thinning import BoxedObservations, boxed, superobbed, thinned
from align_da.observations.window import (
    batch_of_reports,
    reduced_to_surface,
    reports_in_window,
    with_stations_withheld,
)
from align_da.runs.observing_system import observing_system, quality_control_for
from align_da.runs.run import Run
from align_da.storage.report_file import read_reports


@dataclass(frozen=True)
class FiledObservations:
    """The reports of a run, window by window.

    Attributes:
        run: the run.
        settings: what becomes of the reports.
    """

    run: Run
    settings: ReportsConfig

    @cached_property
    def filed(self) -> pd.DataFrame:
        """All reports.

        Raises:
            StorageError: there are none, or they are damaged.
        """
        return read_reports(self.run.folder.observations)

    @cached_property
    def reports(self) -> pd.DataFrame:
        """All reports, stations withheld; raises as `filed` does."""
        config = self.run.config
        return with_stations_withheld(self.filed, config.observations.withheld, config.seed)

    def told(self, period: tuple[np.datetime64, np.datetime64]) -> list[str]:
        """What is to be told of the reports before cycling over a period; see `check_period`.

        Raises:
            InputError: no report is ever used, or none of a type that is required.
            StorageError: there are none, or they are damaged.
        """
        types = self.settings.required, self.settings.optional
        return check_period(self.filed, self.run.layout.variables, period, *types)

    def observe(self, time: np.datetime64) -> ObservationBatch:
        """Reports of the window around `time`, levels in Pa."""
        found = reports_in_window(self.reports, time, self.run.config.cycle.window_hours)
        return batch_of_window(self.run, self.settings, found, time)


Observe = Callable[[np.datetime64, int], ObservationBatch]
"""The observations of a time and of the cycle of this number."""


def observations_of(run: Run, filed: FiledObservations | None) -> tuple[Observe, QualityControl]:
    """The observations of a run, simulated where there are no reports, and their checks."""
    if filed is not None:
        return lambda time, _: filed.observe(time), quality_control_of_reports(run)
    system = observing_system(run)
    return system.observe, quality_control_for(run)


def batch_of_window(
    run: Run, settings: ReportsConfig, reports: pd.DataFrame, time: np.datetime64
) -> ObservationBatch:
    """Reports of one window, reduced to the surface of the model, in their order.

    Thinning and superobbing wait for quality control; the boxes for it are found here.

    Args:
        run: the run.
        settings: what becomes of the reports.
        reports: checked, all of one window and with a value.
        time: the valid time of the window.

    Returns:
        The batch, levels in Pa.

    Raises:
        InputError: there are more reports than `settings.padded`.
    """
    surface = _surface_height(run.surface_geopotential, run.layout.grid, reports)
    found = reduced_to_surface(reports, surface, settings.largest_elevation_difference)
    batch = batch_of_reports(found, run.layout, time, settings.padded)
    if settings.thinning == "none":
        return batch
    return boxed(batch, found, settings.box_degrees, settings.box_pascal)


def quality_control_of_reports(
    run: Run,
) -> Callable[[ObservationBatch, State], ObservationBatch]:
    """Every check of `quality_control_for` on the levels of the state; thinning comes after them.

    A superob is as good as what is in it: a report that is wrong or a copy must not be.

    Raises:
        ConfigError: levels of reports cannot be brought to those of the state.
    """
    _check_levels(run.layout)
    control = quality_control_for(run)
    settings = run.config.reports or ReportsConfig()
    thin = superobbed if settings.thinning == "superob" else thinned

    def controlled(reported: ObservationBatch, background: State) -> ObservationBatch:
        checked = control(on_levels_of(reported, background), background)
        return thin(checked) if isinstance(checked, BoxedObservations) else checked

    return controlled


def _check_levels(layout: Layout) -> None:
    """Refuse sigma levels without the pressure that they are shares of."""
    if layout.grid.vertical.kind == "sigma" and "surface_pressure" not in layout.variables:
        message = (
            "expected surface_pressure among the variables of the state, by which pressures of "
            f"[reports] become sigma levels, got {', '.join(layout.variables)}: add it to the "
            "forecast model, or give it levels of pressure"
        )
        raise ConfigError(message)


def on_levels_of(reported: ObservationBatch, background: State) -> ObservationBatch:
    """Levels in Pa as those of the state: on sigma levels over the surface pressure there.

    Args:
        reported: levels in Pa.
        background: ensemble, values [member, lat, lon, channel], SI units.
    """
    layout = background.layout
    if layout.grid.vertical.kind != "sigma":
        return reported
    index = layout.variables.index("surface_pressure")
    places = replace(
        reported,
        variable=jnp.full_like(reported.variable, index),
        vertical=jnp.full_like(reported.vertical, int(Vertical.SURFACE)),
    )
    pressure = interpolation_operator(places, layout)(background).mean(axis=0)
    return replace(reported, level=reported.level / pressure)


def _surface_height(
    surface_geopotential: Float[Array, "lat lon"], grid: Grid, reports: pd.DataFrame
) -> Float[np.ndarray, " report"]:
    """Height of the surface of the model at each report, m."""
    layout = Layout(grid, ("surface_pressure",))
    places = batch_of_reports(
        reports.assign(variable="surface_pressure", vertical="surface"),
        layout,
        np.datetime64("2000-01-01"),
        len(reports),
    )
    # The operator knows the places alone: what is interpolated is geopotential here.
    field = State(surface_geopotential[..., None], layout)
    return np.asarray(interpolation_operator(places, layout)(field), np.float64) / GRAVITY
