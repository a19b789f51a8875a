"""Analysis methods, built of what a run has learned; see `align_da.runs.analyses`."""

from collections.abc import Iterable
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
from align_da.diffusion.noise import centred_over, standard_normal
from align_da.errors import ConfigError
from align_da.prior.ensemble_errors import taper_root
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.hybrid_errors import Hybrid
from align_da.prior.latent_prior import LatentPrior
from align_da.registry import ANALYSES
from align_da.runs.analyses import SingleAnalyses, Use, analysis_part, draws_are_centred
from align_da.runs.corrections import corrected, load_correction, untrained_correction
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.parts import built
from align_da.runs.priors import load_prior
from align_da.runs.rounds import with_last_round
from align_da.runs.run import Run
from align_da.runs.variational import latent_three_d_var, three_d_var
from align_da.storage.background_pairs import BackgroundPairs


@dataclass(frozen=True)
class SingleAnalysis:
    """A method for single dates.

    Attributes:
        method: the analysis.
        centred: see `AnalysisPart`.
    """

    method: Analysis
    centred: bool


def build_analysis(run: Run) -> Analysis:
    """The analysis method that the section [cycle] names, with a learned correction if it asks.

    Raises:
        StorageError: what it has learned is missing or damaged.
    """
    config = with_last_round(run.config, run.folder)
    run = replace(run, config=config)
    method, share = _built(run, config.cycle.method, None), config.cycle.correction_share
    if not share:
        return method
    reach = config.cycle.correction_reach_km
    return corrected(
        run,
        method,
        load_correction(run, config.correction.number),
        share,
        None if reach is None else 1e3 * reach,
    )


def build_closed_loop(run: Run) -> Analysis:
    """The method of [cycle] as a round of closed-loop learning cycles it: see [correction]."""
    method, settings = _built(run, run.config.cycle.method, None), run.config.correction
    if not settings.acts_in_cycles:
        return corrected(run, method, untrained_correction(run), share=0.0)
    return corrected(run, method, load_correction(run, settings.number - 1), share=1.0)


def filter_of_cycles(run: Run) -> LETKF | None:
    """The filter whose gain makes the increments of [cycle]; None where there is none.

    It relaxes nothing: the covariance of its members is that of the errors that its gain leaves.
    """
    made = analysis_part(run.config.cycle.method).ensemble_filter
    return None if made is None else replace(made(run, None), relaxation=0.0)


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


def latent_score_of_run(run: Run, use: Use) -> Analysis:
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


def latent_three_d_var_of_run(run: Run, use: Use) -> Analysis:
    """Latent 3D-Var; in a cycle with what the configuration takes from the cycle itself."""
    method = latent_three_d_var(run, load_prior(run, "static"))
    if use is not None:
        return method
    method = replace(method, errors_of_the_day=_errors_of_the_day(run))
    if run.config.cycle.perturbations != "letkf":
        return method
    return Recentred(replace(method, of_mean=True), letkf(run))


def three_d_var_of_run(run: Run, use: Use) -> Analysis:
    """3D-Var in model space."""
    method = three_d_var(run)
    calibrated = ErrorsOfTheDay(calibrates=run.config.cycle.calibrated)
    return method if use else replace(method, errors_of_the_day=calibrated)


def letkf(run: Run, _: Use = None) -> LETKF:
    """The local ensemble transform Kalman filter."""
    settings = run.config.letkf
    return LETKF(
        run.operator_for,
        Localisation(*settings.half_widths),
        settings.inflation,
        settings.relaxation,
        truncation=run.truncation,
        calibrates=settings.calibrated,
        inflated=settings.inflated,
    )


def hybrid_gain(run: Run, _: Use) -> Analysis:
    """The LETKF and a share of what 3D-Var with uncalibrated errors adds to its mean."""
    return HybridGain(letkf(run), three_d_var(run), run.config.hybrid_gain.share, run.operator_for)


def free_run(run: Run, _: Use = None) -> FreeRun:
    """No analysis at all."""
    return FreeRun(run.operator_for)


def _errors_of_the_day(run: Run) -> ErrorsOfTheDay:
    """What of the background errors in a cycle is taken from the cycle itself."""
    cycle = run.config.cycle
    if cycle.ensemble_share == 0:
        return ErrorsOfTheDay(None, cycle.calibrated)
    stride = run.config.autoencoder.stride
    root = taper_root(run.layout.grid, stride, cycle.ensemble_radius_km * 1e3)
    return ErrorsOfTheDay(Hybrid(root, cycle.ensemble_share), cycle.calibrated)


def optimal_interpolation_of_run(run: Run, use: Use) -> Analysis:
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
