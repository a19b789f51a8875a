"""The cycling experiment, the benchmark of single analyses, and their verification."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.key import FoundBy
from align_da.config.names import AnalysisName, GuidanceName
from align_da.config.section import LARGEST, Positive, PositiveFloat, Section, Share

_Split = Annotated[
    Literal["validation", "test"],
    FoundBy("period", "dataset"),
    Field(description="Period that the dates are of."),
]
_Dates = Annotated[
    Positive,
    FoundBy("cases", "samples"),
    Field(description="Dates of single analyses, spread evenly over the period."),
]
_Members = Annotated[
    Positive,
    FoundBy("ensemble size", "particles"),
    Field(description="Members of an analysis."),
]


class WatchdogConfig(Section):
    """What happens when the spread of the ensemble no longer explains its innovations.

    The alarm is given when the spread would have to be more than `limit` times as large in each of
    `cycles` cycles.
    """

    policy: Annotated[
        Literal["warn", "stop", "inflate"], FoundBy("divergence", "on divergence", "action")
    ] = Field(
        default="warn",
        description="What an alarm does. The run goes on with a warning, stops (exit code 5, what "
        "is stored is kept), or has the perturbations of its backgrounds multiplied by what the "
        "innovations ask for.",
    )
    limit: float = Field(
        default=3.0,
        gt=1,
        description="Factor on the spread that innovations have to ask for, dimensionless.",
    )
    cycles: Positive = Field(default=4, description="Cycles in a row that have to ask for it.")


class ReplacementConfig(Section):
    """How many members that are not finite or plausible are replaced before a run stops."""

    share: Annotated[Share, FoundBy("fraction", "tolerated failures")] = Field(
        default=0.2,
        description="Share of the members of an ensemble that are replaced at most, rounded down "
        "but one at least. With 0 the first one stops the run.",
    )
    total: Annotated[int, FoundBy("maximum", "failures")] = Field(
        default=100,
        ge=0,
        le=LARGEST,
        description="Members that are replaced at most in all cycles together.",
    )


class OutageConfig(Section):
    """Stations that fall silent for some cycles: an experiment that denies observations."""

    share: Annotated[Share, FoundBy("data denial", "ose", "missing stations")] = Field(
        default=0.0, description="Probability that a station is silent; 0 is no outage."
    )
    first: int = Field(
        default=0, ge=0, le=LARGEST, description="Cycle in which they fall silent, from 0."
    )
    cycles: Positive = Field(
        default=40, description="Cycles that it takes until they report again."
    )


class CycleConfig(Section):
    """The cycling experiment.

    `align-da cycle` runs it. Methods are tuned on the validation period.
    """

    method: Annotated[
        AnalysisName, FoundBy("algorithm", "scheme", "filter", "nudging", "4dvar")
    ] = Field(
        default="hybrid_gain",
        description="The analysis method of every cycle. That of [hybrid_gain] has the least "
        "error of all that need no autoencoder and score model.",
    )
    prior: Annotated[
        Literal["static", "reference", "aligned", "continued", "supervised"],
        FoundBy("weights", "checkpoint"),
    ] = Field(
        default="aligned",
        description='Prior of the learned method. "static" has no network, "reference" is the '
        'trained one, "aligned" that with preferences, "continued" and "supervised" are controls.',
    )
    condition_on: Annotated[Literal["member", "mean"], FoundBy("conditioning")] = Field(
        default="mean",
        description="Background that the network is given: that of each member, or the mean.",
    )
    network_share: Annotated[Share, FoundBy("network weight", "score weight")] = Field(
        default=1.0,
        description="Weight of the score model against the Gaussian of the same covariance. "
        "What the network knows of the error of a background is corrected once; in a cycle the "
        "same correction would be made again and again, and only what grew since the last "
        "analysis is new.",
    )
    ensemble_share: Annotated[
        Share,
        FoundBy("hybrid weight", "hybrid covariance", "ensemble weight", "flow dependence"),
    ] = Field(
        default=0.0,
        description="Part of the error covariance of latent methods that the ensemble of the day "
        "gives.",
    )
    ensemble_radius_km: Annotated[PositiveFloat, FoundBy("localization", "length scale")] = Field(
        default=2000.0,
        description="Half width of the localisation of the part of the ensemble, km.",
    )
    calibrated: Annotated[bool, FoundBy("adaptive", "background error variance")] = Field(
        default=True,
        description="Whether the amplitude of background errors follows from the innovations of "
        "every cycle. It is that of latent methods and of 3D-Var, where observations are; "
        "elsewhere errors are larger.",
    )
    perturbations: Annotated[Literal["own", "prior", "letkf"], FoundBy("recentering")] = Field(
        default="prior",
        description='Where the members of a latent method come from. They are its "own" draws, '
        'draws with the amplitude of the "prior" about its mean, or those of the LETKF about '
        "it, with which latent 3D-Var analyses the mean of the backgrounds alone.",
    )
    draws: Annotated[Positive, FoundBy("samples")] = Field(
        default=4,
        description='Draws whose mean the learned method gives with perturbations = "letkf".',
    )
    model_error_share: Annotated[Share | None, FoundBy("model bias", "bias correction")] = Field(
        default=None,
        description="Share of the learned model error that every forecast is corrected by. It is "
        "that of `align-da train model_error` or, with `model_error.taken_from`, the shipped one: "
        "learned from forecasts from the truth, which are shocked by more than those from "
        "analyses. Without a value it is 0.3 of the shipped one where `correction_share` without "
        "a value is not 0, and else 0.",
    )
    correction_share: Annotated[Share | None, FoundBy("learned correction")] = Field(
        default=None,
        exclude_if=lambda share: share == 0,
        description="Share of the correction of round `correction.round` that every analysis is "
        "corrected by. It has to come from cycles of the same method (`align-da data "
        "closed_loop`, `align-da train correction`); 1 is what it has been trained for. Without "
        "a value it is 0.5 of the shipped one where that has been learned in the same world and "
        "with the same method, and no other correction is named or trained; else it is 0.",
    )
    correction_reach_km: Annotated[
        PositiveFloat | None, FoundBy("far from observations", "unobserved", "oceans", "taper")
    ] = Field(
        default=None,
        exclude_if=lambda reach: reach is None,
        description="Distance from the next observation up to which the learned correction of "
        "analyses acts, km. It fades from there to twice as far. What is farther than any column "
        "was in training is corrected in vain, and more in every cycle. Without a value it acts "
        "everywhere; of the shipped one at other stations than random ones within 1000 km.",
    )
    split: Annotated[Literal["train", "validation", "test"], FoundBy("period", "dataset")] = Field(
        default="test",
        description='Period that is cycled over. "train" is long, and what was learned has '
        "seen it.",
    )
    members: Annotated[Positive, FoundBy("ensemble size", "particles")] = Field(
        default=20, description="Members of the ensemble."
    )
    cycles: Annotated[Positive, FoundBy("duration", "steps")] = Field(
        default=40, description="Cycles of the run."
    )
    window_hours: Annotated[
        Positive, FoundBy("assimilation window", "analysis interval", "cycle length")
    ] = Field(
        default=6,
        description="Length of the cycle window, hours: from one analysis to the next. "
        "Observations are those of a window centred on the valid time.",
    )
    trajectory_hours: Annotated[
        int,
        FoundBy("4d", "fgat", "4dvar", "4denvar", "asynchronous", "time slots", "subwindow"),
    ] = Field(
        default=0,
        ge=0,
        le=LARGEST,
        exclude_if=lambda hours: hours == 0,
        description="Hours between the slots in which forecasts go through a window; 0 is none. "
        "Then every observation is taken as of the valid time. With slots, which divide half of "
        "the window, each is compared with the background at its own time (4D-LETKF, 4DEnVar in "
        "hybrid covariances, first guess at appropriate time elsewhere): that takes a forecast "
        "model of such steps, and half as much again of its time.",
    )
    watchdog: WatchdogConfig = WatchdogConfig()
    replacement: ReplacementConfig = ReplacementConfig()
    outage: OutageConfig = Field(
        default=OutageConfig(), exclude_if=lambda outage: outage.share == 0
    )
    physical_bounds: Annotated[
        Literal["none", "clip", "conserve_mean"], FoundBy("positivity", "humidity limits")
    ] = Field(
        default="none",
        description="What becomes of analysed values that a variable cannot have. Humidity that "
        "is negative or supersaturated stays, is moved to the limit, or is moved so that the "
        "mean of the ensemble stays.",
    )

    @model_validator(mode="after")
    def _slots_in_half_a_window(self) -> "CycleConfig":
        hours, window = self.trajectory_hours, self.window_hours
        if hours and window % (2 * hours):
            message = (
                f"cycle.trajectory_hours = {hours} does not divide half of the window of {window} "
                "hours, which is centred on the valid time: take a divisor, or 0 for none"
            )
            raise ValueError(message)
        if hours and self.model_error_share:
            message = (
                "cycle.model_error_share corrects forecasts of a whole window, and a trajectory "
                "has shorter ones: set it to 0, or cycle.trajectory_hours = 0"
            )
            raise ValueError(message)
        return self


class VerificationConfig(Section):
    """What is verified."""

    forecast_lead_hours: Annotated[tuple[Positive, ...], FoundBy("forecast horizon")] = Field(
        default=(24, 48),
        description="Lead times of the forecasts from analyses that are scored, hours.",
    )
    forecast_every: Annotated[Positive, FoundBy("forecast frequency")] = Field(
        default=4, description="Analyses from one such forecast to the next."
    )
    bootstrap_samples: Annotated[
        Positive, FoundBy("confidence intervals", "significance", "resampling")
    ] = Field(default=1000, description="Resamples that give the intervals of scores.")


class DownscalingConfig(Section):
    """Fine analyses of a coarse map and stations."""

    split: _Split = "test"
    dates: _Dates = 24
    members: _Members = 4
    peers: Annotated[tuple[AnalysisName, ...], FoundBy("baselines", "methods")] = Field(
        default=("optimal_interpolation", "latent_three_d_var"),
        description="Other analysis methods, which are given map and stations.",
    )
    priors: tuple[Literal["static", "reference"], ...] = Field(
        default=("static", "reference"),
        description="Priors of the learned method; each draws with each of `sources`.",
    )
    sources: Annotated[
        tuple[Literal["none", "map", "stations", "both"], ...],
        FoundBy("observations", "inputs"),
    ] = Field(
        default=(
            "none",
            "map",
            "stations",
            "both",
        ),
        description="What is assimilated beside the interpolated map: nothing, the map itself, "
        "the stations, or both.",
    )


class BenchmarkConfig(Section):
    """Single analyses of several methods on the same dates and observations."""

    split: _Split = "test"
    dates: _Dates = 24
    members: _Members = 4
    background_lead_hours: Annotated[Positive, FoundBy("background age")] = Field(
        default=48, description="Lead time of the backgrounds, hours."
    )
    forecast_lead_hours: Positive = Field(
        default=24, description="Lead time of the forecasts from the analyses, hours."
    )
    peers: Annotated[tuple[AnalysisName, ...], FoundBy("baselines", "methods")] = Field(
        default=(
            "optimal_interpolation",
            "three_d_var",
            "latent_three_d_var",
        ),
        description="Analysis methods without a network.",
    )
    guidance: tuple[GuidanceName, ...] = Field(
        default=("none", "dps", "repaint", "jfps"),
        description="Guidances that each of `priors` is steered by.",
    )
    control_guidance: tuple[GuidanceName, ...] = Field(
        default=("none", "dps", "repaint", "jfps"),
        description="Guidances that each of `controls` is steered by.",
    )
    strengths: Annotated[Mapping[GuidanceName, PositiveFloat], FoundBy("guidance scale")] = Field(
        default_factory=dict,
        description="Strengths of guidances by name; what is not named has its own default.",
    )
    priors: tuple[Literal["reference", "aligned"], ...] = Field(
        default=("reference", "aligned"), description="Priors that are compared."
    )
    controls: tuple[Literal["continued", "supervised"], ...] = Field(
        default=("continued", "supervised"),
        description="Priors that were trained on without preferences, to compare with.",
    )
