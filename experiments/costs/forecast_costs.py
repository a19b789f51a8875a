"""Cost of the embedded forecast model, and how well its states are compressed."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import State
from align_da.forecast.jcm import JcmForecastModel
from align_da.storage.analysis_store import write_cycle
from align_da.verification.cost import Cost
from data_pipelines.era5_start import era5_state
from experiments.costs.costs import cost_of_call
from experiments.costs.sizes import Size
from experiments.costs.small_store import bytes_on_disk, new_store, record_with, template_of

START = np.datetime64("1959-01-02T00")
_PERTURBATION = 0.5  # K


def forecast(size: Size, repeat: int) -> dict[str, Cost]:
    """Six hours of every member."""
    model = model_of(size.truncation)
    ensemble = perturbed(model, size.members)

    def step() -> None:
        np.asarray(model.forecast(ensemble, START, 6).values)

    return {"forecast of 6 h": cost_of_call(step, repeat)}


def compression_of_forecasts(members: int = 4) -> float:
    """Bytes in memory over bytes on disk of a cycle of real states.

    Backgrounds are forecasts of 24 hours from perturbed states, the analyses are drawn half-way
    to the first of them. Observations are left out.
    """
    model = model_of(21)
    background = model.forecast(perturbed(model, members), START, 24)
    values = background.values
    analysis = State(values + 0.5 * (values[:1] - values), background.layout)
    template = template_of(background.layout, members, 1, 1)
    with TemporaryDirectory() as folder:
        store = new_store(Path(folder) / "cycles.zarr", template)
        empty = bytes_on_disk(store.path)
        write_cycle(store, record_with(background, analysis, template))
        return template.bytes_per_cycle / (bytes_on_disk(store.path) - empty)


@lru_cache
def model_of(truncation: int) -> JcmForecastModel:
    """A model that is compiled once."""
    return JcmForecastModel(truncation)


def perturbed(model: JcmForecastModel, members: int) -> State:
    """A state of ERA5 with other temperatures in every member."""
    state = era5_state(model)
    temperature = state.layout.channels_of("temperature")
    shape = (members, *state.values[0, ..., temperature].shape)
    noise = _PERTURBATION * jax.random.normal(jax.random.key(0), shape)
    values = jnp.repeat(state.values, members, axis=0).at[..., temperature].add(noise)
    return State(values, state.layout)
