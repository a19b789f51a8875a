"""What is stored of a cycle beside the states: fields of each observation and scalars."""

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
    }
    return CycleRecord(cycle.background, cycle.analysis, observations, scalars)
