"""Observations: networks, operators, errors, quality control."""

from align_da.observations.batch import Flag, ObservationBatch, Vertical, padded
from align_da.observations.contract import ObservationOperator
from align_da.observations.error_model import ObservationErrors
from align_da.observations.interpolation import InterpolationOperator, interpolation_operator
from align_da.observations.networks import Network
from align_da.observations.simulate import (
    planned_observations,
    simulate_observations,
    split_withheld,
)

__all__ = [
    "Flag",
    "InterpolationOperator",
    "Network",
    "ObservationBatch",
    "ObservationErrors",
    "ObservationOperator",
    "Vertical",
    "interpolation_operator",
    "padded",
    "planned_observations",
    "simulate_observations",
    "split_withheld",
]
