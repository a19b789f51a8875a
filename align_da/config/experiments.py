"""The cycling experiment, the benchmark of single analyses, and their verification."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.names import AnalysisName, GuidanceName
from align_da.config.section import LARGEST, Positive, PositiveFloat, Section, Share


class WatchdogConfig(Section):
    """What happens when the spread of the ensemble no longer explains its innovations.

    The alarm is given when the spread would have to be more than `limit` times as large in each of
    `cycles` cycles: the run then goes on with a warning, stops (exit code 5, what is stored is
    kept), or has the perturbations of its backgrounds multiplied by what the innovations ask for.
    """

    policy: Literal["warn", "stop", "inflate"] = "warn"
    limit: Annotated[float, Field(gt=1)] = 3.0
    cycles: Positive = 4


class ReplacementConfig(Section):
    """How many members that are not finite or plausible are replaced before a run stops.

    At most the `share` of the members of an ensemble, rounded down but one at least, and `total`
    in all cycles; with a share of 0 the first one stops the run.
    """

    share: Share = 0.2
    total: Annotated[int, Field(ge=0, le=LARGEST)] = 100


class CycleConfig(Section):
    """The cycling experiment.

    `network_share` is the weight of the score model against the Gaussian of the same covariance.
    What the network knows of the error of a background is corrected once; in a cycle the same
    correction would be made again and again, and only what grew since the last analysis is new.
    `ensemble_share` is the part of the error covariance of latent methods that the ensemble of the
    day gives, localised with the half width `ensemble_radius_km`.
    With `calibrated` the amplitude of the background errors of latent methods and of 3D-Var
    follows from the innovations of every cycle. That is the amplitude where observations are:
    elsewhere errors are larger, and the members of the learned method differ from its mean as
    draws of the `prior` amplitude do, not as its `own` draws. With `perturbations` of the LETKF it
    gives the mean alone, of `draws` draws, and latent 3D-Var that of the mean of the backgrounds.
    Every forecast of a cycle is corrected by `model_error_share` of what `align-da train
    model_error` has learned from forecasts from the truth, which are shocked by more than those
    from analyses. Every analysis is corrected by `correction_share` of what round
    `correction.round` has learned from cycles of the same method (`align-da data closed_loop`,
    `align-da train correction`); 1 is what it has been trained for. Methods are tuned on the
    `split` "validation"; "train" is long, and what was learned has seen it. Values of analyses
    that a variable cannot have (negative or supersaturated humidity) are moved by
    `physical_bounds`.
    Every observation of a window, which is centred on the valid time, is taken as of that time;
    or with `trajectory_hours` forecasts go through the window in slots so far apart, and every
    method compares each observation with the background at its own time (4D-LETKF, 4DEnVar in
    hybrid covariances, first guess at appropriate time elsewhere). A forecast model of such steps
    is needed, and half as much again of its time.
    """

    method: AnalysisName = "latent_score"
    prior: Literal["static", "reference", "aligned", "continued", "supervised"] = "aligned"
    condition_on: Literal["member", "mean"] = "mean"
    network_share: Share = 1.0
    ensemble_share: Share = 0.0
    ensemble_radius_km: PositiveFloat = 2000.0
    calibrated: bool = True
    perturbations: Literal["own", "prior", "letkf"] = "prior"
    draws: Positive = 4
    model_error_share: Share = 0.0
    correction_share: Annotated[Share, Field(exclude_if=lambda share: share == 0)] = 0.0
    split: Literal["train", "validation", "test"] = "test"
    members: Positive = 4
    cycles: Positive = 40
    window_hours: Positive = 6
    trajectory_hours: Annotated[
        int, Field(ge=0, le=LARGEST, exclude_if=lambda hours: hours == 0)
    ] = 0
    watchdog: WatchdogConfig = WatchdogConfig()
    replacement: ReplacementConfig = ReplacementConfig()
    physical_bounds: Literal["none", "clip", "conserve_mean"] = "none"

    @model_validator(mode="after")
    def _slots_in_half_a_window(self) -> "CycleConfig":
        hours, window = self.trajectory_hours, self.window_hours
        if hours and window % (2 * hours):
            message = (
                f"cycle.trajectory_hours = {hours} does not divide half of the window of {window} "
                "hours, which is centred on the valid time: take a divisor, or 0 for none"
            )
            raise ValueError(message)
        if hours and self.model_error_share > 0:
            message = (
                "cycle.model_error_share corrects forecasts of a whole window, and a trajectory "
                "has shorter ones: set it to 0, or cycle.trajectory_hours = 0"
            )
            raise ValueError(message)
        return self


class VerificationConfig(Section):
    """What is verified."""

    forecast_lead_hours: tuple[Positive, ...] = (24, 48)
    forecast_every: Positive = 4
    bootstrap_samples: Positive = 1000


class DownscalingConfig(Section):
    """Fine analyses of a coarse map and stations.

    Every one of `priors` draws with each of `sources`: the map interpolated and nothing else
    ("none"), the map or the stations assimilated as well, or both. Peers have both.
    """

    split: Literal["validation", "test"] = "test"
    dates: Positive = 24
    members: Positive = 4
    peers: tuple[AnalysisName, ...] = ("optimal_interpolation", "latent_three_d_var")
    priors: tuple[Literal["static", "reference"], ...] = ("static", "reference")
    sources: tuple[Literal["none", "map", "stations", "both"], ...] = (
        "none",
        "map",
        "stations",
        "both",
    )


class BenchmarkConfig(Section):
    """Single analyses of several methods on the same dates and observations.

    A guidance has the strength that `strengths` gives it, or else its own default.
    """

    split: Literal["validation", "test"] = "test"
    dates: Positive = 24
    members: Positive = 4
    background_lead_hours: Positive = 48
    forecast_lead_hours: Positive = 24
    peers: tuple[AnalysisName, ...] = (
        "optimal_interpolation",
        "three_d_var",
        "latent_three_d_var",
    )
    guidance: tuple[GuidanceName, ...] = ("none", "dps", "repaint", "jfps")
    control_guidance: tuple[GuidanceName, ...] = ("none", "dps", "repaint", "jfps")
    strengths: Mapping[GuidanceName, PositiveFloat] = Field(default_factory=dict)
    priors: tuple[Literal["reference", "aligned"], ...] = ("reference", "aligned")
    controls: tuple[Literal["continued", "supervised"], ...] = ("continued", "supervised")
