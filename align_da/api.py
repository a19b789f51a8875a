"""The names that `align_da` offers; each is documented where it is made.

Runs: `open_run`, `open_shipped`, `load_prior`, `build_analysis`, `cycle_forecast_model`;
`open_cycles` reads what they have written.
States: `State`, `Layout`, `Grid`, `VerticalCoordinate`, `periodic_line`, `limited_area`,
`state_from_dataset`, `dataset_from_state`.
Observations: `ObservationBatch`, `Flag`, `observations_from_frame`, `table_from_batch`,
`interpolation_operator`, `FunctionOperator`, `simulate_observations`, `observe_everything`.
Models: `FunctionForecastModel`, `Lorenz63ForecastModel`, `Lorenz96ForecastModel`.
Methods: `LETKF`, `Localisation`, `OptimalInterpolation`, `LatentThreeDVar`, `guided_analysis`.
Each takes `observation_errors` of `align_da.observations`: `CorrelatedErrors`, `WhitenedErrors`,
`Huber`, `StudentT`. Background errors of one's own: `prior_from_covariance`, `prior_from_root`,
`prior_from_samples`.
One analysis is a call, `method(background, observations, lead_hours, key)`.
Cycles: `cycles`, `CycleParts`, `CycleState`, `TwinExperiment`, `run_twins`.
Contracts, for parts of one's own: `ForecastModel`, `ObservationOperator`, `Analysis`, `Guidance`,
`Reward`, with the `AlignmentCase` that it judges.
"""

from align_da.alignment.contract import AlignmentCase, Reward
from align_da.assimilation.contract import Analysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import (
    Grid,
    Layout,
    State,
    VerticalCoordinate,
    limited_area,
    periodic_line,
)
from align_da.atmosphere.dataset import dataset_from_state, state_from_dataset
from align_da.cycling.cycle import CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.cycling.twin_experiment import TwinExperiment, observe_everything, run_twins
from align_da.forecast import (
    ForecastModel,
    FunctionForecastModel,
    Lorenz63ForecastModel,
    Lorenz96ForecastModel,
)
from align_da.guidance.contract import Guidance
from align_da.observations import (
    Flag,
    ObservationBatch,
    ObservationOperator,
    interpolation_operator,
    simulate_observations,
)
from align_da.observations.frames import observations_from_frame
from align_da.observations.function_operator import FunctionOperator
from align_da.observations.table import table_from_batch
from align_da.prior.background_errors import (
    prior_from_covariance,
    prior_from_root,
    prior_from_samples,
)
from align_da.runs.analyses import build_analysis
from align_da.runs.guided_analysis import guided_analysis
from align_da.runs.opening import open_cycles, open_run, open_shipped
from align_da.runs.priors import cycle_forecast_model, load_prior

__all__ = [
    "LETKF",
    "AlignmentCase",
    "Analysis",
    "CycleParts",
    "CycleState",
    "Flag",
    "ForecastModel",
    "FunctionForecastModel",
    "FunctionOperator",
    "Grid",
    "Guidance",
    "LatentThreeDVar",
    "Layout",
    "Localisation",
    "Lorenz63ForecastModel",
    "Lorenz96ForecastModel",
    "ObservationBatch",
    "ObservationOperator",
    "OptimalInterpolation",
    "Reward",
    "State",
    "TwinExperiment",
    "VerticalCoordinate",
    "build_analysis",
    "cycle_forecast_model",
    "cycles",
    "dataset_from_state",
    "guided_analysis",
    "interpolation_operator",
    "limited_area",
    "load_prior",
    "observations_from_frame",
    "observe_everything",
    "open_cycles",
    "open_run",
    "open_shipped",
    "periodic_line",
    "prior_from_covariance",
    "prior_from_root",
    "prior_from_samples",
    "run_twins",
    "simulate_observations",
    "state_from_dataset",
    "table_from_batch",
]
