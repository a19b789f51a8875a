"""Analysis methods by name (`align_da.analyses`), built of what a run has learned.

A part says how its method is built for a run and a use, what it is called in tables, and which
stages of the run it reads.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import jax.numpy as jnp

from align_da.assimilation.contract import Analysis
from align_da.assimilation.free_run import FreeRun
from align_da.assimilation.hybrid_gain import HybridGain
from align_da.assimilation.latent_score import MEMBER_AXIS, LatentScoreAnalysis
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.assimilation.recentred import Recentred
from align_da.atmosphere import State
from align_da.config import Config, SamplerConfig
from align_da.diffusion.noise import centred_over, standard_normal
from align_da.errors import ConfigError
from align_da.prior.ensemble_errors import taper_root
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.hybrid_errors import Hybrid
from align_da.prior.latent_prior import LatentPrior
from align_da.registry import ANALYSES
from align_da.runs.corrections import corrected, load_correction, untrained_correction
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.parts import built
from align_da.runs.priors import MODEL_ERROR, load_prior
from align_da.runs.rounds import with_last_round
from align_da.runs.run import Run
from align_da.runs.variational import latent_three_d_var, three_d_var
from align_da.storage.background_pairs import BackgroundPairs


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
        build: makes it for a run and a use.
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

    build: Callable[[Run, Use], Analysis]
    label: str
    stages: Callable[[Config], tuple[str, ...]] = _no_stage
    needs_ensemble: bool = False
    centred: Callable[[Config, Use], bool] = _never_centred
    trajectories: bool = False
    ensemble_filter: Callable[[Run], LETKF] | None = None


@dataclass(frozen=True)
class SingleAnalysis:
    """A method for single dates.

    Attributes:
        method: the analysis.
        centred: see `AnalysisPart`.
    """

    method: Analysis
    centred: bool


def analysis_part(name: str) -> AnalysisPart:
    """The part called `name`.

    Raises:
        ConfigError: no such method is installed, or what is installed is none.
    """
    part = ANALYSES.load(name)
    if not isinstance(part, AnalysisPart) or not callable(part.build):
        message = (
            f"{ANALYSES.owner(name)} has to be an AnalysisPart, got {part!r:.80}: "
            "correct it in its package"
        )
        raise ConfigError(message)
    return part


def build_analysis(run: Run) -> Analysis:
    """The analysis method that the section [cycle] names, with a learned correction if it asks.

    Raises:
        StorageError: what it has learned is missing or damaged.
    """
    cycle = run.config.cycle
    method = _built(run, cycle.method, None)
    if cycle.correction_share == 0:
        return method
    number = with_last_round(run.config, run.folder).correction.number
    return corrected(run, method, load_correction(run, number), cycle.correction_share)


def build_closed_loop(run: Run) -> Analysis:
    """The method of [cycle] as a round of closed-loop learning cycles it: see [correction]."""
    method, settings = _built(run, run.config.cycle.method, None), run.config.correction
    if not settings.acts_in_cycles:
        return corrected(run, method, untrained_correction(run), share=0.0)
    return corrected(run, method, load_correction(run, settings.number - 1), share=1.0)


def stages_of_cycles(config: Config) -> list[str]:
    """Stages whose results the cycles of [cycle] read beside the backgrounds, but a correction."""
    cycle = config.cycle
    of_model = [MODEL_ERROR] if cycle.model_error_share > 0 else []
    return [*analysis_part(cycle.method).stages(config), *of_model]


def filter_of_cycles(run: Run) -> LETKF | None:
    """The filter whose gain makes the increments of [cycle]; None where there is none.

    It relaxes nothing: the covariance of its members is that of the errors that its gain leaves.
    """
    made = analysis_part(run.config.cycle.method).ensemble_filter
    return None if made is None else replace(made(run), relaxation=0.0)


def _built(run: Run, name: str, use: Use) -> Analysis:
    """The method called `name` for a run and a use.

    Raises:
        ConfigError: the part is not what it should be, or knows no trajectories where there are.
    """
    part = analysis_part(name)
    if use is None and run.config.cycle.trajectory_hours and not part.trajectories:
        message = (
            f"{ANALYSES.owner(name)} does not say that it takes observations at their own times "
            "(AnalysisPart.trajectories): set cycle.trajectory_hours = 0, or take another method"
        )
        raise ConfigError(message)
    build = part.build
    made: Analysis = built(ANALYSES, name, build, Analysis, run.config, run=run, use=use)
    return made


def single_analyses(
    run: Run, names: Iterable[str], use: SingleAnalyses
) -> dict[str, SingleAnalysis]:
    """The methods called `names` for single dates, by label.

    Raises:
        ConfigError: a method needs the ensemble of a cycle.
    """
    parts = {name: analysis_part(name) for name in names}
    for name, part in parts.items():
        if part.needs_ensemble:
            message = (
                f"{name!r} takes its background errors from the ensemble of a cycle and cannot "
                "analyse single backgrounds: leave it out here, or run align-da cycle with it"
            )
            raise ConfigError(message)
    return {
        part.label: SingleAnalysis(_built(run, name, use), part.centred(run.config, use))
        for name, part in parts.items()
    }


def cycles_are_centred(config: Config) -> bool:
    """Whether the mean of the members of the cycles in [cycle] has no sampling error."""
    return analysis_part(config.cycle.method).centred(config, None)


def _latent_score(run: Run, use: Use) -> Analysis:
    """The learned method; in a cycle with the perturbations that the configuration names."""
    cycle = run.config.cycle
    prior = load_prior(run, cycle.prior)
    if use is not None:
        return latent_score(run, prior, use.members)
    errors_of_the_day = _errors_of_the_day(run)
    weighted = replace(prior, network_share=cycle.network_share)
    if cycle.perturbations == "letkf":
        mean = latent_score(run, weighted, cycle.draws)
        return Recentred(
            replace(mean, errors_of_the_day=errors_of_the_day, draws=cycle.draws), letkf(run)
        )
    members = replace(
        latent_score(run, weighted, cycle.members), errors_of_the_day=errors_of_the_day
    )
    if cycle.perturbations == "own" or not errors_of_the_day.calibrates:
        return members
    return Recentred(
        members, replace(members, errors_of_the_day=replace(errors_of_the_day, calibrates=False))
    )


def latent_score(run: Run, prior: LatentPrior, members: int) -> LatentScoreAnalysis:
    """The learned method with the sampler and the guidance of the configuration.

    Noise is centred over the members of a micro-batch where `members` fill them.
    """
    config = run.config
    centred = draws_are_centred(config.sampler, members)
    noise = centred_over(MEMBER_AXIS, members) if centred else standard_normal
    return LatentScoreAnalysis(
        prior,
        build_posterior_sampler(config.guidance, config.sampler, noise),
        run.operator_for,
        config.sampler.micro_batch,
        config.cycle.condition_on,
    )


def draws_are_centred(settings: SamplerConfig, members: int) -> bool:
    """Whether the noise of so many members has no mean: they fill micro-batches."""
    batch = settings.micro_batch
    return settings.centred and batch > 1 and members % batch == 0


def _centred_latent_score(config: Config, use: Use) -> bool:
    if use is not None:
        return draws_are_centred(config.sampler, use.members)
    of_filter = config.cycle.perturbations == "letkf"
    return of_filter or draws_are_centred(config.sampler, config.cycle.members)


def _latent_three_d_var(run: Run, use: Use) -> Analysis:
    method = latent_three_d_var(run, load_prior(run, "static"))
    if use is not None:
        return method
    method = replace(method, errors_of_the_day=_errors_of_the_day(run))
    if run.config.cycle.perturbations != "letkf":
        return method
    return Recentred(replace(method, of_mean=True), letkf(run))


def _three_d_var(run: Run, use: Use) -> Analysis:
    """3D-Var in model space."""
    method = three_d_var(run)
    calibrated = ErrorsOfTheDay(calibrates=run.config.cycle.calibrated)
    return method if use else replace(method, errors_of_the_day=calibrated)


def letkf(run: Run, _: Use = None) -> LETKF:
    """The local ensemble transform Kalman filter."""
    settings = run.config.letkf
    radius = None if settings.radius_km is None else settings.radius_km * 1e3
    near = Localisation(radius, settings.depth)
    return LETKF(
        run.operator_for,
        near,
        settings.inflation,
        settings.relaxation,
        truncation=run.truncation,
        calibrates=settings.calibrated,
        inflated=settings.inflated,
    )


def _hybrid_gain(run: Run, _: Use) -> Analysis:
    """The LETKF and a share of what 3D-Var with uncalibrated errors adds to its mean."""
    return HybridGain(letkf(run), three_d_var(run), run.config.hybrid_gain.share, run.operator_for)


def _errors_of_the_day(run: Run) -> ErrorsOfTheDay:
    """What of the background errors in a cycle is taken from the cycle itself."""
    cycle = run.config.cycle
    if cycle.ensemble_share == 0:
        return ErrorsOfTheDay(None, cycle.calibrated)
    stride = run.config.autoencoder.stride
    root = taper_root(run.layout.grid, stride, cycle.ensemble_radius_km * 1e3)
    return ErrorsOfTheDay(Hybrid(root, cycle.ensemble_share), cycle.calibrated)


def _optimal_interpolation(run: Run, use: Use) -> Analysis:
    """With the errors of backgrounds as old as those that it is used on."""
    if use is not None:
        return optimal_interpolation(run, run.pairs("train"), use.lead_hours)
    cycled = run.config.optimal_interpolation.errors_in_cycles == "cycled"
    pairs = run.pairs("cycled_train" if cycled else "train")
    return optimal_interpolation(run, pairs, run.config.cycle.window_hours)


def optimal_interpolation(
    run: Run, pairs: BackgroundPairs, lead_hours: int
) -> OptimalInterpolation:
    """Optimal interpolation with the errors of `pairs` at the lead nearest to `lead_hours`."""
    settings = run.config.optimal_interpolation
    nearest = min(pairs.lead_hours, key=lambda lead: abs(lead - lead_hours))
    every = max(1, pairs.starts.size // settings.samples)
    truth, background = pairs.read(nearest, slice(0, every * settings.samples, every))
    errors = background.values - truth.values
    return OptimalInterpolation(
        State(errors - errors.mean(axis=0), run.layout),
        jnp.float32(settings.variance_factor),
        settings.radius_km * 1e3,
        run.operator_for,
        run.truncation,
    )


def _stage_of_the_prior(config: Config) -> tuple[str, ...]:
    prior = config.cycle.prior
    return ("denoiser" if prior in {"static", "reference"} else prior,)


LATENT_SCORE = AnalysisPart(
    _latent_score,
    "Align-DA",
    _stage_of_the_prior,
    trajectories=True,
    centred=_centred_latent_score,
)
LATENT_THREE_D_VAR = AnalysisPart(
    _latent_three_d_var,
    "latent 3D-Var",
    lambda _: ("denoiser",),  # the stage of its covariance
    trajectories=True,
    centred=_always_centred,
)
THREE_D_VAR = AnalysisPart(
    _three_d_var,
    "3D-Var",
    lambda _: ("covariance",),
    trajectories=True,
    centred=_always_centred,
)
LETKF_PART = AnalysisPart(
    letkf,
    "LETKF",
    needs_ensemble=True,
    trajectories=True,
    centred=_always_centred,
    ensemble_filter=letkf,
)
HYBRID_GAIN = AnalysisPart(
    _hybrid_gain,
    "hybrid gain",
    lambda _: ("covariance",),
    needs_ensemble=True,
    trajectories=True,
    centred=_always_centred,
    ensemble_filter=letkf,
)
OPTIMAL_INTERPOLATION = AnalysisPart(
    _optimal_interpolation,
    "optimal interpolation",
    trajectories=True,
    centred=_always_centred,
)
FREE_RUN = AnalysisPart(
    lambda run, _: FreeRun(run.operator_for),
    "free run",
    trajectories=True,
    centred=_always_centred,
)
