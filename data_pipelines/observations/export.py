"""The observations of a cycling run as an IODA v3 file, with their model equivalents.

Groups: ObsValue, ObsError, hofx0 (of the background mean), hofx1 (of the analysis mean) and
EffectiveQC (flags by the numbers of UFO). On sigma levels MetaData/pressure is sigma times the
surface pressure of the background mean at the place. MetaData/stationElevation is the surface of
the model, which simulated stations stand on and pressures from files were reduced to; a pressure
that was not used may not have been, and has none. Padding, and what was missing, is left out, and
so are variables that the state does not hold, whose index says no more than that.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.constants import GRAVITY
from align_da.observations.batch import UNKNOWN_VARIABLE, Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.reports import REPORT_COLUMNS, checked_reports
from align_da.storage.lock import lock_beside, owned
from align_da.storage.stored_cycles import open_cycles
from data_pipelines.observations.ioda import GROUPS, write_ioda

_EQUIVALENTS = {"hofx0": "background_equivalent", "hofx1": "analysis_equivalent"}


def export_observations(
    store: Path, layout: Layout, surface_geopotential: Float[Array, "lat lon"], target: Path
) -> int:
    """Write the observations of every complete cycle of `store`.

    Args:
        store: of a cycling run.
        layout: of its states.
        surface_geopotential: of the surface of the model, m2 s-2.
        target: the file.

    Returns:
        Their number.

    Raises:
        StorageError: the store is missing or damaged, or the file cannot be written.
        InputError: there is none, or a variable has no name in IODA.
    """
    observations = open_cycles(store, "observations").load()
    background = open_cycles(store, "background")
    ground = State(surface_geopotential[..., None], _at_surface(layout))
    parts = [
        _of_cycle(
            observations.isel(time=cycle),
            layout,
            _surface_pressure(background.isel(time=cycle), layout),
            ground,
        )
        for cycle in range(observations.sizes["time"])
    ]
    table = pd.concat(parts, ignore_index=True)
    checked_reports(table[list(REPORT_COLUMNS)])
    with owned(lock_beside(target)):
        write_ioda(target, table, {**GROUPS, **_EQUIVALENTS})
    return len(table)


def _of_cycle(cycle: xr.Dataset, layout: Layout, pressure: State, ground: State) -> pd.DataFrame:
    """The reports of one cycle with their equivalents.

    Args:
        cycle: its observations.
        layout: of the states.
        pressure: at the surface, Pa.
        ground: geopotential of the surface, m2 s-2.
    """
    column = {str(name): cycle[name].to_numpy() for name in cycle.data_vars}
    seconds = column["seconds_from_valid_time"].astype(np.float64)
    time = cycle["time"].to_numpy().astype("datetime64[s]")
    at_surface = column["vertical"] == Vertical.SURFACE
    level = column["level"].astype(np.float64)
    if layout.grid.vertical.kind == "sigma":
        level = level * _at_places(column, pressure)
    unused = at_surface & (column["flag"] != Flag.PASS)
    elevation = np.where(unused, np.nan, _at_places(column, ground) / GRAVITY)
    table = pd.DataFrame(
        {name: column[name].astype(np.float64) for name in ("value", "error", "latitude")}
        | {name: column[name].astype(np.float64) for name in _EQUIVALENTS.values()}
        | {
            "longitude": column["longitude"].astype(np.float64),
            "level": np.where(at_surface, np.nan, level),
            "elevation": elevation,
            "time": time + np.round(seconds).astype("timedelta64[s]"),
            "vertical": np.where(at_surface, "surface", "level"),
            "station_id": column["station"].astype(str),
            "type": "cycle",
            "flag": [Flag(number).name.lower() for number in column["flag"]],
            "variable": [layout.variables[max(index, 0)] for index in column["variable"]],
        }
    )
    known = (column["flag"] != Flag.MISSING) & (column["variable"] != UNKNOWN_VARIABLE)
    kept: pd.DataFrame = table[known]
    return kept


def _surface_pressure(background: xr.Dataset, layout: Layout) -> State:
    """Surface pressure of the background mean, Pa; nothing but zeros where there is none."""
    single = _at_surface(layout)
    if "surface_pressure" not in background:
        return State(jnp.zeros(single.shape), single)
    mean = background["surface_pressure"].mean("realization")
    return State(jnp.asarray(mean.to_numpy(), jnp.float32)[..., None], single)


def _at_surface(layout: Layout) -> Layout:
    """The layout of one field at the surface; operators know the places alone."""
    return Layout(layout.grid, ("surface_pressure",))


def _at_places(column: dict[str, np.ndarray], surface: State) -> np.ndarray:
    """A field at the surface at the places of the observations, in its unit."""
    nothing = np.zeros(column["value"].size, np.int32)
    batch = ObservationBatch(
        **{
            name: jnp.asarray(column[name])
            for name in ("value", "error", "latitude", "longitude", "level", "station", "flag")
        },
        time=jnp.zeros(nothing.size),
        variable=jnp.asarray(nothing),
        vertical=jnp.asarray(nothing + int(Vertical.SURFACE)),
    )
    return np.asarray(interpolation_operator(batch, surface.layout)(surface), np.float64)
