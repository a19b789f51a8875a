"""Observations: networks, operators, errors, quality control."""

from align_da.observations.batch import Flag, ObservationBatch, Vertical, padded
from align_da.observations.contract import ObservationOperator
from align_da.observations.correlated_errors import CorrelatedErrors, WhitenedErrors
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.frames import observations_from_frame
from align_da.observations.function_operator import FunctionOperator
from align_da.observations.interpolation import InterpolationOperator, interpolation_operator
from align_da.observations.networks import Network
from align_da.observations.robust_errors import Huber, StudentT
from align_da.observations.simulate import (
    planned_observations,
    simulate_observations,
    split_withheld,
)
from align_da.observations.table import table_from_batch

__all__ = [
    "CorrelatedErrors",
    "Flag",
    "FunctionOperator",
    "Huber",
    "InstrumentErrors",
    "InterpolationOperator",
    "Network",
    "ObservationBatch",
    "ObservationOperator",
    "StudentT",
    "Vertical",
    "WhitenedErrors",
    "interpolation_operator",
    "observations_from_frame",
    "padded",
    "planned_observations",
    "simulate_observations",
    "split_withheld",
    "table_from_batch",
]
