"""The names that `align_da` offers; each is documented where it is made.

Runs: `open_run`, `open_shipped`, `load_prior`, `build_analysis`, `cycle_forecast_model`;
`open_cycles` reads what they have written.
States: `State`, `Layout`, `periodic_line`, `state_from_dataset`, `dataset_from_state`.
Observations: `ObservationBatch`, `observations_from_frame`, `observe_everything`,
`FunctionOperator`.
Models: `FunctionForecastModel`, `Lorenz63ForecastModel`, `Lorenz96ForecastModel`.
Methods: `LETKF`, `Localisation`, `guided_analysis`. One analysis is a call,
`method(background, observations, lead_hours, key)`.
Cycles: `cycles`, `CycleParts`, `CycleState`, `TwinExperiment`, `run_twins`.

What goes further comes from its room:

    from align_da.atmosphere import Grid, VerticalCoordinate, limited_area
    from align_da.atmosphere import at_pressure, geopotential_of, pressure_of
    from align_da.observations import Flag, interpolation_operator, simulate_observations
    from align_da.observations import InstrumentErrors, Network, table_from_batch
    from align_da.observations import CorrelatedErrors, WhitenedErrors, Huber, StudentT
    from align_da.prior import prior_from_covariance, prior_from_root, prior_from_samples
    from align_da.assimilation import LatentThreeDVar, OptimalInterpolation
    from align_da.assimilation import AnalysisCorrection, CorrectedAnalysis

`pressure_of`, `geopotential_of` and `at_pressure` take what `open_cycles` gives.
`observation_errors` of every method takes `CorrelatedErrors` and what stands beside it. Contracts,
for parts of one's own, with the `AlignmentCase` that a reward judges:

    from align_da.forecast import ForecastModel
    from align_da.observations import ObservationOperator
    from align_da.assimilation import Analysis
    from align_da.guidance import Guidance
    from align_da.alignment import AlignmentCase, Reward
"""

from align_da.assimilation import LETKF, Localisation
from align_da.atmosphere import Layout, State, periodic_line
from align_da.atmosphere.dataset import dataset_from_state, state_from_dataset
from align_da.cycling.cycle import CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.cycling.twin_experiment import TwinExperiment, observe_everything, run_twins
from align_da.forecast import (
    FunctionForecastModel,
    Lorenz63ForecastModel,
    Lorenz96ForecastModel,
)
from align_da.observations import FunctionOperator, ObservationBatch, observations_from_frame
from align_da.runs.analysis_methods import build_analysis
from align_da.runs.guided_analysis import guided_analysis
from align_da.runs.opening import open_cycles, open_run, open_shipped
from align_da.runs.priors import cycle_forecast_model, load_prior

__all__ = [
    "LETKF",
    "CycleParts",
    "CycleState",
    "FunctionForecastModel",
    "FunctionOperator",
    "Layout",
    "Localisation",
    "Lorenz63ForecastModel",
    "Lorenz96ForecastModel",
    "ObservationBatch",
    "State",
    "TwinExperiment",
    "build_analysis",
    "cycle_forecast_model",
    "cycles",
    "dataset_from_state",
    "guided_analysis",
    "load_prior",
    "observations_from_frame",
    "observe_everything",
    "open_cycles",
    "open_run",
    "open_shipped",
    "periodic_line",
    "run_twins",
    "state_from_dataset",
]
