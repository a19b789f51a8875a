"""What is stored of a cycle beside the states: fields of observations and members, and scalars."""

import math

import numpy as np

from align_da.cycling.cycle import Cycle
from align_da.cycling.watchdog import consistency_of
from align_da.observations.batch import Flag, Vertical
from align_da.storage.cycle_record import CycleRecord, StoredField

_DIMENSIONLESS = {"units": "1"}
OBSERVATION_FIELDS = (
    StoredField("value", "float32", {"long_name": "observed value (SI unit of its variable)"}),
    StoredField("error", "float32", {"long_name": "standard deviation of the observation error"}),
    StoredField("background_equivalent", "float32", {"long_name": "H of the background mean"}),
    StoredField("analysis_equivalent", "float32", {"long_name": "H of the analysis mean"}),
    StoredField("latitude", "float32", {"standard_name": "latitude", "units": "degrees_north"}),
    StoredField("longitude", "float32", {"standard_name": "longitude", "units": "degrees_east"}),
    StoredField("level", "float32", {"long_name": "position on the vertical coordinate"}),
    StoredField("seconds_from_valid_time", "float32", {"long_name": "observation time, seconds"}),
    StoredField(
        "vertical",
        "int32",
        {
            "long_name": "meaning of the vertical position",
            "flag_values": [int(kind) for kind in Vertical],
            "flag_meanings": " ".join(kind.name.lower() for kind in Vertical),
        },
    ),
    StoredField("variable", "int32", {"long_name": "index of the variable in the state"}),
    StoredField("station", "int32", {"long_name": "station number"}),
    StoredField(
        "flag",
        "int32",
        {
            "long_name": "quality control flag",
            "flag_values": [int(flag) for flag in Flag],
            "flag_meanings": " ".join(flag.name.lower() for flag in Flag),
        },
    ),
)
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
            "long_name": "share of the learned estimate of the analysis error that has reached "
            "the analysis (NaN: nothing is learned)",
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
_REASON = (
    "0: kept, 1: replaced, a value is not finite, 2 + i: replaced, a value of variable i of the "
    "state is not plausible"
)
MEMBER_FIELDS = tuple(
    StoredField(f"{product}_replaced", "int32", {"long_name": f"{product} member, {_REASON}"})
    for product in ("background", "analysis")
)
_RENAMED = {"time": "seconds_from_valid_time"}  # "time" is the axis of the store


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
        "learned_share": math.nan if report.learned is None else float(report.learned.share),
        "replaced_members": cycle.following.replaced,
        "beyond_limits": cycle.moved.share,
        "water_added": cycle.moved.water_added,
    }
    return CycleRecord(cycle.background, cycle.analysis, observations, scalars, _reasons_of(cycle))


def _reasons_of(cycle: Cycle) -> dict[str, np.ndarray]:
    """Why members were replaced, see `MEMBER_FIELDS`."""
    members = cycle.background.values.shape[0]
    reasons = {field.name: np.zeros(members, np.int32) for field in MEMBER_FIELDS}
    variables = cycle.background.layout.variables
    for replaced in cycle.replaced:
        offence = replaced.offence
        which = variables.index(offence.channel.variable.name)
        reason = 2 + which if np.isfinite(offence.value) else 1
        reasons[f"{replaced.product}_replaced"][offence.member] = reason
    return reasons
