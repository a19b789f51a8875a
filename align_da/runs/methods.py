"""The assimilation methods that a configuration names, built of what a run has learned."""

from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from align_da.assimilation.contract import Analysis
from align_da.assimilation.free_run import FreeRun
from align_da.assimilation.latent_score import MEMBER_AXIS, LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.assimilation.recentred import Recentred
from align_da.atmosphere import State
from align_da.diffusion.noise import centred_over, standard_normal
from align_da.guidance.build import build_posterior_sampler
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.ensemble_errors import taper_root
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.hybrid_errors import Hybrid
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.priors import load_model_space_prior, load_prior
from align_da.runs.run import Run
from align_da.storage.background_pairs import BackgroundPairs


def build_analysis(run: Run, method: str, prior: str) -> Analysis:
    """The analysis method that the section [cycle] names.

    Args:
        run: the run.
        method: one of those that `CycleConfig` names.
        prior: which prior the learned method draws from.
    """
    builders: dict[str, Any] = {
        "latent_score": lambda: _learned(run, prior),
        "latent_three_d_var": lambda: replace(
            latent_three_d_var(run, load_prior(run, "static")),
            errors_of_the_day=_errors_of_the_day(run),
        ),
        "three_d_var": lambda: replace(
            three_d_var(run),
            errors_of_the_day=ErrorsOfTheDay(calibrates=run.config.cycle.calibrated),
        ),
        "optimal_interpolation": lambda: optimal_interpolation(
            run, _errors_in_cycles(run), run.config.cycle.window_hours
        ),
        "letkf": lambda: letkf(run),
        "free_run": lambda: FreeRun(interpolation_operator),
    }
    built: Analysis = builders[method]()
    return built


def _learned(run: Run, prior: str) -> Analysis:
    """The learned method in a cycle, with the perturbations that the configuration names."""
    cycle, errors_of_the_day = run.config.cycle, _errors_of_the_day(run)
    weighted = replace(load_prior(run, prior), network_share=cycle.network_share)
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
    batch = config.sampler.micro_batch
    centred = config.sampler.centred and batch > 1 and members % batch == 0
    noise = centred_over(MEMBER_AXIS, members) if centred else standard_normal
    return LatentScoreAnalysis(
        prior,
        build_posterior_sampler(config.guidance, config.sampler, noise),
        interpolation_operator,
        batch,
        config.cycle.condition_on,
    )


def latent_three_d_var(run: Run, prior: LatentPrior) -> LatentThreeDVar:
    """Latent 3D-Var with the covariance of a prior."""
    settings = run.config.latent_three_d_var
    return LatentThreeDVar(prior, interpolation_operator, settings.outer, settings.inner)


def three_d_var(run: Run) -> LatentThreeDVar:
    """3D-Var in model space."""
    settings, prior = run.config.three_d_var, load_model_space_prior(run)
    return LatentThreeDVar(prior, interpolation_operator, settings.outer, settings.inner)


def letkf(run: Run) -> LETKF:
    """The local ensemble transform Kalman filter."""
    settings = run.config.letkf
    radius = None if settings.radius_km is None else settings.radius_km * 1e3
    near = Localisation(radius, settings.depth)
    return LETKF(
        interpolation_operator,
        near,
        settings.inflation,
        settings.relaxation,
        truncation=run.truncation,
        calibrates=settings.calibrated,
    )


def _errors_of_the_day(run: Run) -> ErrorsOfTheDay:
    """What of the background errors in a cycle is taken from the cycle itself."""
    cycle = run.config.cycle
    if cycle.ensemble_share == 0:
        return ErrorsOfTheDay(None, cycle.calibrated)
    stride = run.config.autoencoder.stride
    root = taper_root(run.layout.grid, stride, cycle.ensemble_radius_km * 1e3)
    return ErrorsOfTheDay(Hybrid(root, cycle.ensemble_share), cycle.calibrated)


def _errors_in_cycles(run: Run) -> BackgroundPairs:
    """The pairs whose errors optimal interpolation uses in a cycle."""
    cycled = run.config.optimal_interpolation.errors_in_cycles == "cycled"
    return run.pairs("cycled_train" if cycled else "train")


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
        interpolation_operator,
        run.truncation,
    )
