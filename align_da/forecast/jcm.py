"""JCM, a general circulation model in JAX with SPEEDY physics, as a forecast model.

The model integrates at one spectral truncation and takes and gives states on the Gaussian grid of
another: T31 dynamics can thus be seen on the T21 grid of the assimilation, exactly as a T21 model
is. Fields are cut or padded in spectral space (wind through vorticity and divergence, so that
divergence is not aliased). Every truncation sees the same orography, that of the packaged T30 file
cut to T21.

A forecast restarts from gridded states alone. What the physics carries from step to step
(surface fluxes, radiation of the last step) starts afresh; this moves a 6-hour forecast by 3 % of
its change in wind, 5 % in temperature, 10 % in humidity and 9 % in surface pressure.

References: JCM (https://pypi.org/project/jcm); Molteni 2003 (SPEEDY), Clim. Dyn. 20, 175-191.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from importlib.resources import files
from typing import Any, Literal

import jax
import jax.numpy as jnp
import jax_datetime
import numpy as np
import xarray as xr
from dinosaur.coordinate_systems import CoordinateSystem
from dinosaur.primitive_equations import State as SpectralState
from dinosaur.sigma_coordinates import SigmaCoordinates
from dinosaur.spherical_harmonic import Grid as SphericalGrid
from jaxtyping import Array, Float
from jcm.data.bc.interpolate import (
    interpolate_to_daily,
    upsample_forcings_ds,
    upsample_terrain_ds,
)
from jcm.forcing import ForcingData
from jcm.model import Model, RunState
from jcm.physics.speedy.params import Parameters
from jcm.physics.speedy.speedy_coords import get_speedy_coords
from jcm.physics.speedy.speedy_terms import speedy_physics
from jcm.terrain import TerrainData

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.forecast.checks import check_request
from align_da.forecast.spectral import (
    truncated,
    vorticity_divergence_from_wind,
    wind_from_vorticity_divergence,
)
from align_da.parallel.threads import on_all_cores

OROGRAPHY_TRUNCATION = 21
LEVELS = 8
STEP_HOURS = 6
TIME_STEP_MINUTES = {21: 40, 31: 30}
"""The longest of each truncation; half an hour where it does not fill `step_hours`."""
BOUNDARY_FILES = {
    name: str(files("jcm") / "data" / "bc" / "t30" / "clim" / f"{name}.nc")
    for name in ("terrain", "forcing")
}
"""Boundary conditions, as the jcm wheel brings them."""
DAYS_AT_ONCE = 90  # of the boundary conditions, while they are interpolated
REFERENCE_PRESSURE = 1.0e5  # Pa, what JCM divides surface pressure by
VARIABLES = (
    "u_component_of_wind",
    "v_component_of_wind",
    "temperature",
    "specific_humidity",
    "surface_pressure",
)

Values = Float[Array, "lat lon channel"]


class JcmForecastModel:
    """A `ForecastModel` on the Gaussian grid of T21 (64 x 32) or T31 (96 x 48), 8 sigma levels.

    Attributes:
        layout: 33 channels: wind, temperature and specific humidity on the levels, and surface
            pressure.
        step_hours: 6 if not given.
        frames: 1.
        differentiable: True.
    """

    frames: Literal[1, 2] = 1
    differentiable = True

    def __init__(
        self,
        truncation: int = 21,
        grid_truncation: int = 21,
        *,
        perturbed_physics: bool = False,
        step_hours: int = STEP_HOURS,
    ) -> None:
        """Set up the model; it is built and compiled by the first forecast.

        Args:
            truncation: spectral truncation of the dynamics, 21 or 31.
            grid_truncation: that of the grid of the states, 21 or 31.
            perturbed_physics: use other parameters of convection, condensation, diffusion and
                drag than the standard ones, as a model error.
            step_hours: hours that the states can be apart. T21 dynamics of 1 or 3 hours take time
                steps of 30 minutes instead of 40, which is another model.
        """
        self._coordinates = get_speedy_coords(LEVELS, truncation)
        self._grid = get_speedy_coords(LEVELS, grid_truncation).horizontal
        self._perturbed_physics, self.step_hours = perturbed_physics, step_hours
        self._time_step = _time_step(truncation, step_hours)
        self.layout = Layout(_grid_of(self._grid, self._coordinates.vertical), VARIABLES)
        self._begin = _compiled(self._begin_untraced)
        self._end = _compiled(self._end_untraced)

    @cached_property
    def _built(self) -> tuple[Model, ForcingData]:
        """The model and its boundary conditions, which take seconds: a layout does not need them.

        The first forecast may be within a program that is traced, to which they are constants.
        """
        with jax.ensure_compile_time_eval():
            perturbed = self._perturbed_physics
            parameters = _perturbed_parameters() if perturbed else Parameters.default()
            return _build(self._coordinates, parameters, self._time_step)

    @property
    def _model(self) -> Model:
        return self._built[0]

    @cached_property
    def _fresh_physics(self) -> Any:  # noqa: ANN401  a tree of JCM
        with jax.ensure_compile_time_eval():
            return self._model.initial_physics_carry()

    @cached_property
    def _step(self) -> Callable[..., Any]:
        return _compiled(partial(_step, self._model, self.step_hours))

    @property
    def orography(self) -> Float[Array, "lat lon"]:
        """Height of the surface that every truncation sees, m."""
        return _shared_orography(self._grid).T

    @property
    def sigma(self) -> SigmaCoordinates:
        """The vertical coordinate as dinosaur holds it."""
        vertical: SigmaCoordinates = self._coordinates.vertical
        return vertical

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` after `valid_time`; see `ForecastModel.forecast`.

        Members run by themselves, on a CPU each on a core: a batched step costs as much as its
        members.
        """
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        return self.trajectory(states, valid_time, (lead_hours,))[0]

    def trajectory(
        self, states: State, valid_time: np.datetime64, lead_hours: Sequence[int]
    ) -> list[State]:
        """See `TrajectoryForecastModel.trajectory`: the physics is carried through all leads."""
        for lead in lead_hours:
            check_request(states, self.layout, lead, self.step_hours)

        def through(values: Values) -> list[Values]:
            return list(self._through(values, valid_time, lead_hours))

        traced = isinstance(states.values, jax.core.Tracer)
        members = list(states.values)
        of_members = [*map(through, members)] if traced else on_all_cores(through, members)
        return [
            State(jnp.stack(at_lead), self.layout) for at_lead in zip(*of_members, strict=True)
        ]

    def _through(
        self, values: Values, valid_time: np.datetime64, lead_hours: Sequence[int]
    ) -> Iterator[Values]:
        """One member at every lead."""
        run, age = self.begin(values, valid_time), 0
        for lead in lead_hours:
            for _ in range(age, lead, self.step_hours):
                run = self.step(run)
            age = lead
            yield self.end(run)

    def begin(self, values: Values, valid_time: np.datetime64) -> RunState:
        """The native state (spectral fields, fresh physics, clock) of gridded values."""
        return RunState(
            self._begin(values),
            self._fresh_physics,
            jax_datetime.to_datetime(valid_time),
            jnp.int32(0),
        )

    def step(self, run: RunState) -> RunState:
        """The native state `step_hours` later, physics carried on."""
        return self._step(run, self._built[1])

    def end(self, run: RunState) -> Values:
        """Gridded values of a native state in SI units."""
        values: Values = self._end(run.dynamics)
        return values

    def _begin_untraced(self, values: Values) -> SpectralState:
        fields = {
            name: jnp.transpose(values[..., self.layout.channels_of(name)])
            for name in self.layout.variables
        }
        primitive, own = self._model.dycore.primitive, self._coordinates.horizontal
        vorticity, divergence = vorticity_divergence_from_wind(
            self._grid, fields["u_component_of_wind"], fields["v_component_of_wind"]
        )
        anomaly = fields["temperature"] - primitive.reference_temperature[:, None, None]
        log_pressure = jnp.log(fields["surface_pressure"] / REFERENCE_PRESSURE)
        return SpectralState(
            vorticity=truncated(vorticity, own),
            divergence=truncated(divergence, own),
            temperature_variation=self._to_modal(anomaly),
            log_surface_pressure=self._to_modal(log_pressure),
            tracers={"specific_humidity": self._to_modal(fields["specific_humidity"])},
            sim_time=0.0,
        )

    def _to_modal(self, field: Float[Array, "level lon lat"]) -> Float[Array, "level m l"]:
        modal = truncated(self._grid.to_modal(field), self._grid)
        return truncated(modal, self._coordinates.horizontal)

    def _end_untraced(self, dynamics: SpectralState) -> Values:
        cut = partial(truncated, grid=self._grid)
        u, v = wind_from_vorticity_divergence(
            self._grid, cut(dynamics.vorticity), cut(dynamics.divergence)
        )
        reference = self._model.dycore.primitive.reference_temperature[:, None, None]
        fields = (
            u,
            v,
            self._grid.to_nodal(cut(dynamics.temperature_variation)) + reference,
            self._grid.to_nodal(cut(dynamics.tracers["specific_humidity"])),
            jnp.exp(self._grid.to_nodal(cut(dynamics.log_surface_pressure))) * REFERENCE_PRESSURE,
        )
        return jnp.transpose(jnp.concatenate(fields))


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled so that its bits do not depend on the number of cores.

    XLA splits loops into as many parts as there are cores and rounds differently at their seams.
    Inside of another compiled function the options of that one hold.
    """
    whole_loops = {"xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
    alone, inside = jax.jit(function, compiler_options=whole_loops), jax.jit(function)

    def call(*arguments: object) -> Any:  # noqa: ANN401  whatever the function gives
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments))
        return (inside if traced else alone)(*arguments)

    return call


def _step(model: Model, hours: int, run: RunState, forcing: ForcingData) -> RunState:
    """A few hours of the model."""
    after, _ = model.run_from_state_with_carry(
        run.dynamics,
        forcing,
        save_interval=f"{hours} hours",
        total_time=f"{hours} hours",
        initial_physics_state=run.physics,
        initial_time=run.time,
        initial_step=run.step,
    )
    return after


def _time_step(truncation: int, step_hours: int) -> float:
    """Minutes of a time step."""
    longest = TIME_STEP_MINUTES[truncation]
    return float(longest if 60 * step_hours % longest == 0 else 30)


def _build(
    coordinates: CoordinateSystem, parameters: Parameters, time_step: float
) -> tuple[Model, ForcingData]:
    """The model and its boundary conditions from the files of the jcm wheel."""
    with (
        warnings.catch_warnings(),
        xr.open_dataset(BOUNDARY_FILES["terrain"], engine="netcdf4") as surface,
        xr.open_dataset(BOUNDARY_FILES["forcing"], engine="netcdf4") as climatology,
    ):
        # JCM calls xarray and pandas in ways that later ones will refuse; its user can do nothing.
        warnings.simplefilter("ignore")
        land = jnp.asarray(upsample_terrain_ds(surface, coordinates.horizontal)["lsm"])
        on_grid = _on_grid(climatology, coordinates.horizontal)
        forcing = ForcingData.from_dataset(on_grid, coordinates, align_mode="wrap_year")
    terrain = TerrainData.from_coords(
        coordinates, orography=_shared_orography(coordinates.horizontal), fmask=land
    )
    model = Model(
        coords=coordinates,
        terrain=terrain,
        physics=speedy_physics(parameters),
        time_step=time_step,
    )
    return model, forcing


def _on_grid(climatology: xr.Dataset, grid: SphericalGrid) -> xr.Dataset:
    """A climatology of months on the nodes of `grid`, of days where these are not its own.

    Days know nothing of each other: JCM would take them all at once, which takes a second more.
    """
    if climatology["stl"].shape[:2] == grid.nodal_shape:
        return climatology
    daily = interpolate_to_daily(climatology)
    parts = [
        upsample_forcings_ds(daily.isel(time=slice(day, day + DAYS_AT_ONCE)), grid)
        for day in range(0, daily.sizes["time"], DAYS_AT_ONCE)
    ]
    whole: xr.Dataset = xr.concat(parts, "time", data_vars="minimal")
    return whole


def _shared_orography(grid: SphericalGrid) -> Float[Array, "lon lat"]:
    """The packaged T30 orography cut to what a T21 model keeps of it, on the nodes of `grid`, m.

    JCM clips the two highest wavenumbers that it stores from the orography of its dynamics.
    Orography that only the finer model keeps would move surface pressure by 7 hPa.
    """
    with xr.open_dataset(BOUNDARY_FILES["terrain"], engine="netcdf4") as terrain:
        height = jnp.asarray(terrain["orog"].transpose("lon", "lat").to_numpy())
    modal = get_speedy_coords(LEVELS, 31).horizontal.to_modal(height)
    coarse = get_speedy_coords(LEVELS, OROGRAPHY_TRUNCATION).horizontal
    kept = coarse.clip_wavenumbers(truncated(modal, coarse), n=2)
    height_on_grid: Float[Array, "lon lat"] = grid.to_nodal(truncated(kept, grid))
    return height_on_grid


def _grid_of(horizontal: SphericalGrid, vertical: SigmaCoordinates) -> Grid:
    """The grid in degrees and sigma of dinosaur's coordinates."""
    # The nearest decimals: float32 sigma would otherwise read 0.19999999.
    levels = tuple(round(float(sigma), 6) for sigma in vertical.centers)
    return Grid(
        latitude=tuple(np.rad2deg(np.asarray(horizontal.latitudes, np.float64)).tolist()),
        longitude=tuple(np.rad2deg(np.asarray(horizontal.longitudes, np.float64)).tolist()),
        vertical=VerticalCoordinate("sigma", levels),
    )


def _perturbed_parameters() -> Parameters:
    """SPEEDY with slower convection and diffusion, later condensation and weaker drag."""
    standard = Parameters.default()
    return standard.replace(
        convection=standard.convection.replace(
            trcnv=jnp.array(9.0), rhbl=jnp.array(0.85), entmax=jnp.array(0.4)
        ),
        condensation=standard.condensation.replace(trlsc=jnp.array(6.0), rhlsc=jnp.array(0.93)),
        surface_flux=standard.surface_flux.replace(cdl=jnp.array(2.0e-3), cds=jnp.array(0.8e-3)),
        vertical_diffusion=standard.vertical_diffusion.replace(
            trshc=jnp.array(9.0), trvdi=jnp.array(36.0), trvds=jnp.array(9.0)
        ),
    )
