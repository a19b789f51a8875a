"""Coarse maps of a fine truth: what they report, and what they say of the fine grid.

A map reports every variable at every level as means over its cells (`coarsening`). Interpolated
bilinearly to the fine grid, its surface pressure moved to the fine orography and its mean error
taken away, it is the background of downscaling: the errors of that background are the weather that
a map cannot show.
"""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Grid, Layout, State
from align_da.atmosphere.orography import on_orography
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.coarsening import CoarseningOperator, coarsening_operator
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.interpolation import InterpolationOperator, interpolation_operator
from align_da.observations.simulate import simulate_observations


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CoarseMap:
    """Between the grid of the states and that of a map.

    Attributes:
        planned: every cell and channel of the map with its error, values still zero.
        operator: H of the map.
        interpolation: from the map to every point and channel of the states.
        orography: geopotential of the surface of the states, m2 s-2.
        smooth_orography: the same as the map shows it, interpolated.
        layout: of the states.
        cells: layout of the map.
    """

    planned: ObservationBatch
    operator: CoarseningOperator
    interpolation: InterpolationOperator
    orography: Float[Array, "lat lon"]
    smooth_orography: Float[Array, "lat lon"]
    layout: Layout = field(metadata={"static": True})
    cells: Layout = field(metadata={"static": True})

    def observe(self, truth: State, key: jax.Array) -> ObservationBatch:
        """The map of one truth, values [lat, lon, channel], with errors drawn from `key`."""
        return simulate_observations(self.planned, self.operator, truth, key)

    def values(self, reported: ObservationBatch) -> State:
        """The map as a state on its own grid, values [lat, lon, channel]."""
        return State(reported.value.reshape(self.cells.shape), self.cells)

    def interpolated(self, reported: ObservationBatch) -> State:
        """The map on the grid of the states, values [lat, lon, channel].

        Bilinear, surface pressure moved to the fine orography.
        """
        flat = self.interpolation(self.values(reported))
        smooth = State(flat.reshape(self.layout.shape), self.layout)
        return on_orography(smooth, self.smooth_orography, self.orography)

    def background(
        self, reported: ObservationBatch, correction: Float[Array, "lat lon channel"]
    ) -> State:
        """The map on the grid of the states with its mean error taken away.

        Args:
            reported: the map.
            correction: mean of truth − `interpolated` over the training period, SI units. The
                sum is a fine climatology plus the interpolated anomaly of the map: mountains and
                coasts, which stand still, are known to every method.

        Returns:
            Values [lat, lon, channel]; humidity is not negative.
        """
        return _humid(State(self.interpolated(reported).values + correction, self.layout))


def coarse_map(
    layout: Layout,
    orography: Float[Array, "lat lon"],
    shape: tuple[int, int],
    errors: InstrumentErrors,
) -> CoarseMap:
    """A map of equal angles, for states of a layout.

    Args:
        layout: of the states.
        orography: geopotential of their surface, m2 s-2.
        shape: latitudes and longitudes of the map.
        errors: of its cells.

    Raises:
        InputError: the map is finer than the states.
        ConfigError: a variable of the states has no error.
    """
    cells = Layout(_equal_angles(shape, layout.grid), layout.variables)
    planned = every_value(cells, errors)
    operator = coarsening_operator(cells.grid)(planned, layout)
    points = every_value(layout, errors)
    smooth = _smoothed(orography, layout, cells)
    return CoarseMap(
        planned,
        operator,
        interpolation_operator(points, cells),
        orography,
        smooth,
        layout,
        cells,
    )


def every_value(layout: Layout, errors: InstrumentErrors) -> ObservationBatch:
    """A report of every channel at every point of a grid, in the order of [lat, lon, channel].

    Args:
        layout: of the grid.
        errors: of the source.

    Raises:
        ConfigError: a variable has no error.
    """
    shape, levels = layout.shape, layout.grid.vertical.levels
    row, column, channel = (place.ravel() for place in np.indices(shape))
    on_level = np.asarray([0.0 if c.level is None else levels[c.level] for c in layout.channels])
    vertical = [Vertical.SURFACE if c.level is None else Vertical.LEVEL for c in layout.channels]
    variable = [layout.variables.index(c.variable.name) for c in layout.channels]
    error = np.asarray([errors.of(c.variable.name) for c in layout.channels])
    nothing = jnp.zeros(row.size)
    return ObservationBatch(
        value=nothing,
        error=jnp.asarray(error[channel]),
        latitude=jnp.asarray(np.asarray(layout.grid.latitude)[row]),
        longitude=jnp.asarray(np.asarray(layout.grid.longitude)[column]),
        level=jnp.asarray(on_level[channel]),
        vertical=jnp.asarray(np.asarray(vertical, np.int32)[channel]),
        time=nothing,
        variable=jnp.asarray(np.asarray(variable, np.int32)[channel]),
        station=jnp.asarray((row * shape[1] + column).astype(np.int32)),
        flag=jnp.full(row.shape, int(Flag.PASS)),
    )


def _equal_angles(shape: tuple[int, int], fine: Grid) -> Grid:
    """The grid of the map: cells of equal angles, the first centred on the first meridian."""
    rows, columns = shape
    latitude = -90.0 + (np.arange(rows) + 0.5) * 180.0 / rows
    longitude = fine.longitude[0] + np.arange(columns) * 360.0 / columns
    return Grid(tuple(latitude.tolist()), tuple(longitude.tolist()), fine.vertical)


def _smoothed(
    orography: Float[Array, "lat lon"], layout: Layout, cells: Layout
) -> Float[Array, "lat lon"]:
    """A field at the surface, averaged over the cells of a map and interpolated back."""
    fine, coarse = (Layout(place.grid, ("surface_pressure",)) for place in (layout, cells))
    state = State(orography[..., None], fine)
    averaged = coarsening_operator(coarse.grid)(every_value(coarse, InstrumentErrors()), fine)(
        state
    )
    back = interpolation_operator(every_value(fine, InstrumentErrors()), coarse)
    smooth: Float[Array, "lat lon"] = back(State(averaged.reshape(coarse.shape), coarse))
    return smooth.reshape(orography.shape)


def _humid(state: State) -> State:
    """The state with humidity that is not negative."""
    if "specific_humidity" not in state.layout.variables:
        return state
    humid = state.layout.channels_of("specific_humidity")
    return State(state.values.at[..., humid].max(0.0), state.layout)
