"""Analysis methods by name (`align_da.analyses`).

A part says how its method is built for a run and a use, what it is called in tables, and which
stages of the run it reads. What a method is made of is imported when one is built: who asks for
stages waits for none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from align_da.checks import in_brief
from align_da.config import Config, SamplerConfig
from align_da.errors import ConfigError
from align_da.registry import ANALYSES
from align_da.runs.shipped_parts import takes_shipped_model_error
from align_da.runs.weight_names import MODEL_ERROR


@dataclass(frozen=True)
class SingleAnalyses:
    """The use of a method on single dates, whose backgrounds are forecasts from perturbed truth.

    Attributes:
        lead_hours: age of the backgrounds.
        members: of an analysis.
    """

    lead_hours: int
    members: int


Use = SingleAnalyses | None
"""What a method is built for; None is the cycle of the section [cycle]."""


def _no_stage(_: Config) -> tuple[str, ...]:
    return ()


def _always_centred(_: Config, __: Use) -> bool:
    return True


def _never_centred(_: Config, __: Use) -> bool:
    return False


@dataclass(frozen=True)
class AnalysisPart:
    """An analysis method that a configuration can name.

    Attributes:
        build: makes the `Analysis` for a `Run` and a `Use`.
        label: its name in tables and pictures.
        stages: stages of the run whose results it reads in a cycle, beside the backgrounds.
        needs_ensemble: whether its background errors come from the ensemble of a cycle, so that
            single backgrounds tell it nothing.
        centred: whether the mean of the members has no sampling error, as that of a filter's or
            with perturbations without a mean; they are scored accordingly.
        trajectories: whether it takes observations at their own times, with `operator_for` of the
            run and a background that drifts (`cycle.trajectory_hours`): what it gives to H it has
            to make of the background by `dataclasses.replace`.
        ensemble_filter: the filter whose gain makes its increments, or most of them, so that the
            members of that say what an observation is worth; None where there is none.
    """

    build: Callable[..., Any]
    label: str
    stages: Callable[[Config], tuple[str, ...]] = _no_stage
    needs_ensemble: bool = False
    centred: Callable[[Config, Use], bool] = _never_centred
    trajectories: bool = False
    ensemble_filter: Callable[..., Any] | None = None


def analysis_part(name: str) -> AnalysisPart:
    """The part called `name`.

    Raises:
        ConfigError: no such method is installed, or what is installed is none.
    """
    part = ANALYSES.load(name)
    if not isinstance(part, AnalysisPart) or not callable(part.build):
        message = (
            f"{ANALYSES.owner(name)} has to be an AnalysisPart, got {in_brief(part)}: "
            "correct it in its package"
        )
        raise ConfigError(message)
    return part


def stages_of_cycles(config: Config) -> list[str]:
    """Stages whose results the cycles of [cycle] read beside the backgrounds, but a correction."""
    cycle = config.cycle
    own = bool(cycle.model_error_share) and not takes_shipped_model_error(config)
    of_model = [MODEL_ERROR] if own else []
    return [*analysis_part(cycle.method).stages(config), *of_model]


def cycles_are_centred(config: Config) -> bool:
    """Whether the mean of the members of the cycles in [cycle] has no sampling error."""
    return analysis_part(config.cycle.method).centred(config, None)


def draws_are_centred(settings: SamplerConfig, members: int) -> bool:
    """Whether the noise of so many members has no mean: they fill micro-batches."""
    batch = settings.micro_batch
    return settings.centred and batch > 1 and members % batch == 0


def _centred_latent_score(config: Config, use: Use) -> bool:
    if use is not None:
        return draws_are_centred(config.sampler, use.members)
    of_filter = config.cycle.perturbations == "letkf"
    return of_filter or draws_are_centred(config.sampler, config.cycle.members)


def _stage_of_the_prior(config: Config) -> tuple[str, ...]:
    prior = config.cycle.prior
    return ("denoiser" if prior in {"static", "reference"} else prior,)


def _made(method: Callable[[ModuleType], Callable[..., Any]]) -> Callable[..., Any]:
    """Builds a method of ours for a run and a use."""

    def build(run: object, use: object) -> Any:  # noqa: ANN401 (an Analysis)
        from align_da.runs import analysis_methods

        return method(analysis_methods)(run, use)

    return build


LATENT_SCORE = AnalysisPart(
    _made(lambda methods: methods.latent_score_of_run),
    "Align-DA",
    _stage_of_the_prior,
    trajectories=True,
    centred=_centred_latent_score,
)
LATENT_THREE_D_VAR = AnalysisPart(
    _made(lambda methods: methods.latent_three_d_var_of_run),
    "latent 3D-Var",
    lambda _: ("denoiser",),  # the stage of its covariance
    trajectories=True,
    centred=_always_centred,
)
THREE_D_VAR = AnalysisPart(
    _made(lambda methods: methods.three_d_var_of_run),
    "3D-Var",
    lambda _: ("covariance",),
    trajectories=True,
    centred=_always_centred,
)
LETKF_PART = AnalysisPart(
    _made(lambda methods: methods.letkf),
    "LETKF",
    needs_ensemble=True,
    trajectories=True,
    centred=_always_centred,
    ensemble_filter=_made(lambda methods: methods.letkf),
)
HYBRID_GAIN = AnalysisPart(
    _made(lambda methods: methods.hybrid_gain),
    "hybrid gain",
    lambda _: ("covariance",),
    needs_ensemble=True,
    trajectories=True,
    centred=_always_centred,
    ensemble_filter=_made(lambda methods: methods.letkf),
)
OPTIMAL_INTERPOLATION = AnalysisPart(
    _made(lambda methods: methods.optimal_interpolation_of_run),
    "optimal interpolation",
    trajectories=True,
    centred=_always_centred,
)
FREE_RUN = AnalysisPart(
    _made(lambda methods: methods.free_run),
    "free run",
    trajectories=True,
    centred=_always_centred,
)
