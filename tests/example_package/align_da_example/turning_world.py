"""A forecast model: waves of wind, temperature and ozone that turn around the earth."""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.config import Config
from align_da.forecast.checks import check_request

ROWS, COLUMNS = 8, 16
VARIABLES = ("u_component_of_wind", "v_component_of_wind", "temperature", "ozone")
MEAN = (10.0, 0.0, 250.0, 5.0e-6)
SIZE = (5.0, 5.0, 8.0, 1.0e-6)
TURN = 0.35  # columns in six hours
PULL = 0.02  # of what a wave pulls on the next variable in six hours


class TurningWorld:
    """See `align_da.forecast.contract.ForecastModel`."""

    step_hours = 6
    frames: Literal[1, 2] = 1
    differentiable = True

    def __init__(self) -> None:
        """Make the grid."""
        grid = Grid(
            latitude=tuple(np.linspace(-78.75, 78.75, ROWS).tolist()),
            longitude=tuple(np.linspace(0, 360, COLUMNS, endpoint=False).tolist()),
            vertical=VerticalCoordinate("sigma", (0.3, 0.8)),
        )
        self.layout = Layout(grid, VARIABLES)

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` later, whatever `valid_time`."""
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        steps = lead_hours // self.step_hours
        return State(_advanced(states.values, steps), self.layout)

    def start(self) -> State:
        """Waves of several lengths, of another phase in every channel."""
        lat, lon, channel = np.indices(self.layout.shape)
        angle = 2 * np.pi * lon / COLUMNS
        waves = sum(
            np.cos(k * angle + 0.9 * lat + 1.7 * channel + k) / k for k in range(1, COLUMNS // 2)
        )
        return State(jnp.asarray(waves * self._size + self._mean, jnp.float32)[None], self.layout)

    @property
    def _mean(self) -> np.ndarray:
        return np.repeat(MEAN, len(self.layout.grid.vertical.levels))

    @property
    def _size(self) -> np.ndarray:
        return np.repeat(SIZE, len(self.layout.grid.vertical.levels))


@partial(jax.jit, static_argnames="steps")
def _advanced(values: jax.Array, steps: int) -> jax.Array:
    """The states `steps` steps later, values [batch, lat, lon, channel]."""
    levels = values.shape[-1] // len(VARIABLES)
    mean, size = (jnp.repeat(jnp.asarray(each), levels) for each in (MEAN, SIZE))
    wave = jnp.arange(COLUMNS // 2 + 1)
    turn = jnp.exp(-2j * jnp.pi * TURN * (1 + 0.1 * jnp.cos(wave)) * wave / COLUMNS)

    def step(_: int, scaled: jax.Array) -> jax.Array:
        spectrum = jnp.fft.rfft(scaled, axis=2) * turn[:, None]
        turned = jnp.fft.irfft(spectrum, COLUMNS, axis=2)
        pulled = turned + PULL * jnp.sin(jnp.roll(turned, levels, axis=-1))
        return pulled / jnp.sqrt(1 + PULL * jnp.mean(pulled**2, axis=(1, 2, 3), keepdims=True))

    return jax.lax.fori_loop(0, steps, step, (values - mean) / size) * size + mean


def build(_: Config) -> TurningWorld:
    """The model, which has nothing to be set."""
    return TurningWorld()
