"""Cycle stores of any size, with states that are plausible and noise."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import Layout, State
from align_da.cycling.record import OBSERVATION_FIELDS, SCALAR_FIELDS
from align_da.storage.analysis_store import AnalysisStore, open_store
from align_da.storage.cycle_record import CycleRecord, StoreTemplate
from align_da.storage.manifest import manifest_of

_SPREAD = 0.1  # of the plausible range of a variable


def noise_states(layout: Layout, count: int) -> State:
    """States within the bounds of their variables, white in space: hardly to be compressed."""
    low, high = np.array([channel.variable.bounds for channel in layout.channels]).T
    noise = np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, (count, *layout.shape))
    values = (low + high) / 2 + noise * (high - low)
    return State(jnp.asarray(values, jnp.float32), layout)


def template_of(layout: Layout, members: int, observations: int, cycles: int) -> StoreTemplate:
    """A store of so many cycles, six hours apart."""
    times = np.datetime64("2000-01-01", "ns") + np.arange(cycles) * np.timedelta64(6, "h")
    fields = OBSERVATION_FIELDS, SCALAR_FIELDS
    return StoreTemplate(layout, times, members, observations, *fields)


def new_store(path: Path, template: StoreTemplate) -> AnalysisStore:
    """An empty store at `path`."""
    return open_store(path, template, manifest_of({}, 0, {}))


def record_with(background: State, analysis: State, template: StoreTemplate) -> CycleRecord:
    """A cycle with observations of noise."""
    random = np.random.default_rng(1)
    observations = {
        field.name: random.normal(size=template.observations).astype(field.dtype)
        for field in template.observation_fields
    }
    scalars = {field.name: 1 for field in template.scalar_fields}
    return CycleRecord(background, analysis, observations, scalars)


def bytes_on_disk(path: Path) -> int:
    """Size of all files in a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
