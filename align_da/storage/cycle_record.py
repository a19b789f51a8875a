"""What a store keeps of one cycle, and the arrays that this becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import dataset_from_state
from align_da.errors import StorageError


@dataclass(frozen=True)
class StoredField:
    """A quantity that is stored for every cycle beside the states.

    Attributes:
        name: name of the variable.
        dtype: numpy type, "float32" or "int32".
        attributes: CF attributes.
    """

    name: str
    dtype: str
    attributes: Mapping[str, str | list[int]]


@dataclass(frozen=True)
class StoreTemplate:
    """The fixed size and content of a store.

    Attributes:
        layout: layout of the states.
        times: valid time of every cycle, [cycle], increasing.
        members: size of the ensemble.
        observations: number of observations of a cycle, padding included.
        observation_fields: what is stored of each observation.
        scalar_fields: what is stored once a cycle.
        member_fields: what is stored of each member beside its states.
    """

    layout: Layout
    times: np.ndarray
    members: int
    observations: int
    observation_fields: tuple[StoredField, ...]
    scalar_fields: tuple[StoredField, ...]
    member_fields: tuple[StoredField, ...] = ()

    @property
    def bytes_per_cycle(self) -> int:
        """Size of one cycle on disk, not compressed."""
        states = (2 * self.members + 1) * int(np.prod(self.layout.shape))
        fields = self.observations * len(self.observation_fields) + len(self.scalar_fields)
        return 4 * (states + fields + self.members * len(self.member_fields))

    def summary(self) -> dict[str, object]:
        """The template as a plain table for a manifest."""
        grid = self.layout.grid
        area = {} if grid.periodic else {"limited_area": True}
        return area | {
            "variables": list(self.layout.variables),
            "latitude": list(grid.latitude),
            "longitude": list(grid.longitude),
            "vertical": grid.vertical.kind,
            "levels": list(grid.vertical.levels),
            "first_time": str(self.times[0]),
            "last_time": str(self.times[-1]),
            "cycles": len(self.times),
            "members": self.members,
            "observations": self.observations,
        }


@dataclass(frozen=True)
class CycleRecord:
    """What is stored of one cycle.

    Attributes:
        background: ensemble, values [member, lat, lon, channel], SI units.
        analysis: ensemble of the same shape.
        observations: an array [observation] for each observation field.
        scalars: a number for each scalar field.
        members: an array [member] for each member field.
    """

    background: State
    analysis: State
    observations: Mapping[str, np.ndarray]
    scalars: Mapping[str, int | float]
    members: Mapping[str, np.ndarray] = field(default_factory=dict)


def arrays_of(record: CycleRecord, template: StoreTemplate) -> dict[str, np.ndarray]:
    """Every array of a cycle by "group/variable", without the time axis.

    Groups: background and analysis (realization, level, latitude, longitude), increment (ensemble
    mean of analysis − background), observations (observation), diagnostics (scalars) and members
    (realization).

    Raises:
        StorageError: an array has another shape than the template gives it.
    """
    members = {"realization": np.arange(template.members)}
    datasets = {
        "background": dataset_from_state(record.background, members),
        "analysis": dataset_from_state(record.analysis, members),
    }
    difference = np.asarray(record.analysis.values) - np.asarray(record.background.values)
    mean = jnp.asarray(difference.mean(axis=0, dtype=np.float64), jnp.float32)
    datasets["increment"] = dataset_from_state(State(mean, template.layout))
    found = {
        f"{group}/{name}": dataset[name].values
        for group, dataset in datasets.items()
        for name in template.layout.variables
    }
    for stored in template.observation_fields:
        found[f"observations/{stored.name}"] = _checked(record.observations, stored, template)
    for stored in template.scalar_fields:
        value = np.asarray(record.scalars[stored.name], dtype=stored.dtype)
        found[f"diagnostics/{stored.name}"] = value
    for stored in template.member_fields:
        found[f"members/{stored.name}"] = np.asarray(record.members[stored.name], stored.dtype)
    return found


def _checked(
    observations: Mapping[str, np.ndarray], field: StoredField, template: StoreTemplate
) -> np.ndarray:
    """One observation field, of the type and number of the template."""
    values = np.asarray(observations[field.name], dtype=field.dtype)
    if values.shape != (template.observations,):
        message = (
            f"observations/{field.name}: expected shape ({template.observations},), got "
            f"{values.shape}: pad every cycle to the same number of observations"
        )
        raise StorageError(message)
    return values
