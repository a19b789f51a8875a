"""What is stored of a cycle beside the states: fields of observations and members, and scalars.

Numbers that stand for names say which (`flag_values`, `flag_meanings`; CF-1.11, section 3.5).
"""

import enum
from collections.abc import Mapping
from dataclasses import fields

import jax.numpy as jnp
import numpy as np
import xarray as xr

from align_da.atmosphere import Layout
from align_da.atmosphere.dataset import level_coordinate
from align_da.cycling.cycle import Cycle
from align_da.cycling.watchdog import consistency_of
from align_da.observations.batch import UNKNOWN_VARIABLE, Flag, ObservationBatch, Vertical
from align_da.storage.cycle_record import CycleRecord, StoredField

_DIMENSIONLESS = {"units": "1"}
SCALAR_FIELDS = (
    StoredField(
        "used_observations",
        "int32",
        {"long_name": "assimilated observations (0: empty window)", **_DIMENSIONLESS},
    ),
    StoredField(
        "chi_square",
        "float32",
        {"long_name": "mean of (y - H x_a)^2 / R over assimilated observations", **_DIMENSIONLESS},
    ),
    StoredField(
        "background_factor",
        "float32",
        {"long_name": "factor on the assumed variance of background errors", **_DIMENSIONLESS},
    ),
    StoredField(
        "background_chi_square",
        "float32",
        {"long_name": "mean of (y - H x_b)^2 / R over assimilated observations", **_DIMENSIONLESS},
    ),
    StoredField(
        "background_variance",
        "float32",
        {
            "long_name": "variance of H x_b over the members over R, mean over assimilated "
            "observations (NaN: not known)",
            **_DIMENSIONLESS,
        },
    ),
    StoredField(
        "solver_iterations",
        "float32",
        {
            "long_name": "iterations of the hardest linear system of the analysis (NaN: none)",
            **_DIMENSIONLESS,
        },
    ),
    StoredField(
        "solver_residual",
        "float32",
        {
            "long_name": "largest residual of a linear system of the analysis over what its "
            "tolerance allows (above 1: not met, NaN: no system)",
            **_DIMENSIONLESS,
        },
    ),
    StoredField(
        "learned_share",
        "float32",
        {
            "long_name": "share of what a network expects of the error of the mean that has "
            "reached the analysis (NaN: no network)",
            **_DIMENSIONLESS,
        },
    ),
    StoredField(
        "replaced_members",
        "int32",
        {
            "long_name": "members of backgrounds and analyses that were replaced up to this cycle",
            **_DIMENSIONLESS,
        },
    ),
    StoredField(
        "beyond_limits",
        "float32",
        {
            "long_name": "share of analysed values that were moved into physical limits",
            **_DIMENSIONLESS,
        },
    ),
    StoredField(
        "water_added",
        "float32",
        {
            "long_name": "precipitable water that moving values into physical limits added, mean "
            "over members and area",
            "units": "kg m-2",
        },
    ),
)
_PRODUCTS = ("background", "analysis")
_KEPT, _NOT_FINITE, _NOT_PLAUSIBLE = 0, 1, 2  # the last one and those after it: of a variable
_RENAMED = {"time": "seconds_from_valid_time"}  # "time" is the axis of the store


def observation_fields(layout: Layout) -> tuple[StoredField, ...]:
    """What is stored of each observation.

    Args:
        layout: of the states, names the variables.
    """
    variables = {UNKNOWN_VARIABLE: "not_in_state"} | dict(enumerate(layout.variables))
    described: dict[str, dict[str, str]] = {
        "value": {"long_name": "observed value (SI unit of its variable)"},
        "error": {
            "long_name": "standard deviation of the observation error (SI unit of its variable)"
        },
        "background_equivalent": {"long_name": "H of the background mean"},
        "analysis_equivalent": {"long_name": "H of the analysis mean"},
        "latitude": {"standard_name": "latitude", "units": "degrees_north"},
        "longitude": {"standard_name": "longitude", "units": "degrees_east"},
        "level": {
            "long_name": "position on the vertical coordinate",
            "units": level_coordinate(layout.grid.vertical).attrs["units"],
        },
        "seconds_from_valid_time": {
            "long_name": "observation time minus valid time",
            "units": "s",
        },
    }
    return (
        *(StoredField(name, "float32", about) for name, about in described.items()),
        _names("vertical", "meaning of the vertical position", _lower(Vertical)),
        _names("variable", "index of the variable in the state", variables),
        StoredField("station", "int32", {"long_name": "station number"}),
        _names("flag", "quality control flag", _lower(Flag)),
    )


def member_fields(layout: Layout) -> tuple[StoredField, ...]:
    """Why members were replaced.

    Args:
        layout: of the states, names the variables.
    """
    reasons = {_KEPT: "kept", _NOT_FINITE: "value_not_finite"} | {
        _NOT_PLAUSIBLE + index: f"value_not_plausible_of_{name}"
        for index, name in enumerate(layout.variables)
    }
    return tuple(
        _names(f"{product}_replaced", f"{product} member, kept or why it was replaced", reasons)
        for product in _PRODUCTS
    )


def _names(field: str, long_name: str, names: Mapping[int, str]) -> StoredField:
    """A field of numbers that stand for names."""
    attributes: dict[str, str | list[int]] = {
        "long_name": long_name,
        "flag_values": list(names),
        "flag_meanings": " ".join(names.values()),
    }
    return StoredField(field, "int32", attributes)


def _lower(kinds: type[enum.IntEnum]) -> dict[int, str]:
    """Names of an enumeration by their numbers."""
    return {int(kind): kind.name.lower() for kind in kinds}


def record_of(cycle: Cycle) -> CycleRecord:
    """What is stored of a cycle."""
    report = cycle.report
    observations = {
        _RENAMED.get(name, name): np.asarray(array)
        for name, array in vars(cycle.observations).items()
    }
    observations["background_equivalent"] = np.asarray(report.background_equivalent)
    observations["analysis_equivalent"] = np.asarray(report.analysis_equivalent)
    scalars = {
        **vars(consistency_of(cycle.observations, report)),
        "chi_square": float(report.chi_square),
        "background_factor": float(report.background_factor),
        "solver_iterations": float(report.effort.iterations),
        "solver_residual": float(report.effort.residual),
        "learned_share": float(report.learned_share),
        "replaced_members": cycle.following.replaced,
        "beyond_limits": cycle.moved.share,
        "water_added": cycle.moved.water_added,
    }
    return CycleRecord(cycle.background, cycle.analysis, observations, scalars, _reasons_of(cycle))


def observations_of_record(observations: xr.Dataset) -> ObservationBatch:
    """The observations of a cycle as they were assimilated, quality controlled.

    Args:
        observations: the group "observations" of a store at one time.
    """
    names = {
        field.name: _RENAMED.get(field.name, field.name) for field in fields(ObservationBatch)
    }
    return ObservationBatch(
        **{name: jnp.asarray(observations[stored].to_numpy()) for name, stored in names.items()}
    )


def _reasons_of(cycle: Cycle) -> dict[str, np.ndarray]:
    """Why members were replaced, see `member_fields`."""
    members = cycle.background.values.shape[0]
    reasons = {f"{product}_replaced": np.full(members, _KEPT, np.int32) for product in _PRODUCTS}
    variables = cycle.background.layout.variables
    for replaced in cycle.replaced:
        offence = replaced.offence
        which = variables.index(offence.channel.variable.name)
        reason = _NOT_PLAUSIBLE + which if np.isfinite(offence.value) else _NOT_FINITE
        reasons[f"{replaced.product}_replaced"][offence.member] = reason
    return reasons
