"""NeuralGCM (https://github.com/neuralgcm/neuralgcm) as a forecast model on pressure levels.

The adapter takes a model that is loaded already; `neuralgcm_checkpoint` loads one. Water and ice
of clouds, which NeuralGCM takes and our states lack, start from zero. The sea surface of the
nearest known time, which must be within a month, is held during a forecast.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.atmosphere.variables import VARIABLES
from align_da.errors import InputError
from align_da.forecast.checks import check_request

_CLOUDS = ("specific_cloud_ice_water_content", "specific_cloud_liquid_water_content")
_HECTOPASCAL = 100.0
_AXES = ("level", "longitude", "latitude")
_LARGEST_GAP = np.timedelta64(31, "D")  # between a forecast and its sea surface


@runtime_checkable
class PressureLevelModel(Protocol):
    """What is used of `neuralgcm.PressureLevelModel` (version 1.2)."""

    @property
    def input_variables(self) -> Sequence[str]:
        """Names of variables on levels."""
        ...

    @property
    def forcing_variables(self) -> Sequence[str]:
        """Names of variables at the surface."""
        ...

    @property
    def data_coords(self) -> Any:  # noqa: ANN401  dinosaur's CoordinateSystem
        """Latitudes and longitudes in radians, pressure in hPa."""
        ...

    def inputs_from_xarray(self, dataset: xr.Dataset) -> dict[str, Any]:
        """Arrays [level, longitude, latitude]."""
        ...

    def forcings_from_xarray(self, dataset: xr.Dataset) -> dict[str, Any]:
        """Arrays [time, 1, longitude, latitude], without time where the dataset has none."""
        ...

    def encode(
        self, inputs: dict[str, Any], forcings: dict[str, Any], rng_key: jax.Array | None
    ) -> Any:  # noqa: ANN401  a native state
        """The native state."""
        ...

    def unroll(
        self,
        state: Any,  # noqa: ANN401  a native state
        forcings: dict[str, Any],
        *,
        steps: int,
        timedelta: np.timedelta64,
    ) -> tuple[Any, Mapping[str, Any]]:
        """The last native state, and arrays [time, level, longitude, latitude]."""
        ...


class NeuralGcmForecastModel:
    """A `ForecastModel` that runs a NeuralGCM.

    Attributes:
        layout: the variables of the model that our states have, on its pressure levels.
        step_hours: 6.
        frames: 1.
        differentiable: False: states go through xarray.
    """

    step_hours = 6
    frames: Literal[1, 2] = 1
    differentiable = False

    def __init__(
        self, model: PressureLevelModel, forcings: xr.Dataset, key: jax.Array | None = None
    ) -> None:
        """Look at the grid and the variables of a model.

        Args:
            model: loaded.
            forcings: what the model takes at the surface, by time, on its grid, without gaps.
            key: of a stochastic model; each forecast draws anew by its time, and each member by
                its place.

        Raises:
            InputError: the model wants a variable that is not known here, or the forcings lack a
                variable, hold what is not finite or are on another grid.
        """
        strange = sorted({*model.input_variables} - {*VARIABLES, *_CLOUDS})
        if strange:
            message = f"the model takes {', '.join(strange)}, which states here do not have"
            raise InputError(message)
        self._model, self._forcings, self._key = model, forcings, key
        self.layout = _layout_of(model)
        _check_forcings(forcings, model.forcing_variables, self.layout.grid)

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` after `valid_time`; see `ForecastModel.forecast`."""
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        surface = self._forcings.sel(time=[valid_time], method="nearest")
        nearest = surface["time"].to_numpy()[0]
        if abs(nearest - valid_time) > _LARGEST_GAP:
            message = f"expected forcings within {_LARGEST_GAP} of {valid_time}, got {nearest}"
            raise InputError(message)
        members = [
            self._advanced(values, surface, valid_time, lead_hours, member)
            for member, values in enumerate(states.values)
        ]
        return State(jnp.stack(members), self.layout)

    def _advanced(
        self,
        values: Float[Array, "lat lon channel"],
        surface: xr.Dataset,
        valid_time: np.datetime64,
        lead_hours: int,
        member: int,
    ) -> Float[Array, "lat lon channel"]:
        """One member `lead_hours` later."""
        at_start = surface.isel(time=0).assign_coords(time=valid_time)
        native = self._model.encode(
            self._model.inputs_from_xarray(self._dataset(values, valid_time)),
            self._model.forcings_from_xarray(at_start),
            _key_of(self._key, valid_time, member),
        )
        _, outputs = self._model.unroll(
            native,
            jax.tree.map(jnp.asarray, self._model.forcings_from_xarray(surface)),
            steps=1,
            timedelta=np.timedelta64(lead_hours, "h"),
        )
        fields = [
            jnp.transpose(jnp.asarray(outputs[name])[0], (2, 1, 0))
            for name in self.layout.variables
        ]
        return jnp.concatenate(fields, axis=-1)

    def _dataset(
        self, values: Float[Array, "lat lon channel"], valid_time: np.datetime64
    ) -> xr.Dataset:
        """A state as NeuralGCM takes it."""
        dataset = dataset_from_state(State(values, self.layout))
        level = np.asarray(self.layout.grid.vertical.levels) / _HECTOPASCAL
        dataset = dataset.assign_coords(level=level, time=valid_time).transpose(*_AXES)
        clear = xr.zeros_like(dataset["specific_humidity"])
        clouds = {name: clear for name in _CLOUDS if name in self._model.input_variables}
        return dataset.assign(clouds)


def _layout_of(model: PressureLevelModel) -> Layout:
    """The layout of the states of a model, in degrees and Pa."""
    horizontal, vertical = model.data_coords.horizontal, model.data_coords.vertical
    grid = Grid(
        latitude=tuple(np.rad2deg(np.asarray(horizontal.latitudes, np.float64)).tolist()),
        longitude=tuple(np.rad2deg(np.asarray(horizontal.longitudes, np.float64)).tolist()),
        vertical=VerticalCoordinate(
            "pressure", tuple(_HECTOPASCAL * float(level) for level in vertical.centers)
        ),
    )
    return Layout(grid, tuple(name for name in VARIABLES if name in model.input_variables))


def _check_forcings(forcings: xr.Dataset, names: Sequence[str], grid: Grid) -> None:
    """Refuse forcings that lack a variable, have gaps or are on another grid.

    Raises:
        InputError: says which.
    """
    for name in names:
        if name not in forcings or "time" not in forcings[name].dims:
            message = (
                f"expected the forcing {name!r} with a time axis, got "
                f"{', '.join(map(str, forcings.data_vars)) or 'none'}"
            )
            raise InputError(message)
        if not bool(np.isfinite(forcings[name]).all()):
            message = f"the forcing {name!r} has gaps: fill land and ice with their neighbours"
            raise InputError(message)
        size = tuple(forcings.sizes.get(axis, 0) for axis in ("latitude", "longitude"))
        if size != grid.shape:
            message = f"expected forcings on {grid.shape} latitudes and longitudes, got {size}"
            raise InputError(message)


def _key_of(key: jax.Array | None, valid_time: np.datetime64, member: int) -> jax.Array | None:
    """The key of one member of one forecast."""
    if key is None:
        return None
    hours = int(valid_time.astype("datetime64[h]").astype(int)) % 2**31
    return jax.random.fold_in(jax.random.fold_in(key, hours), member)
