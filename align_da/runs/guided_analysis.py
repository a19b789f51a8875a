"""A learned method of parts of one's own."""

from collections.abc import Callable

from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.atmosphere import Layout
from align_da.checks import check_kind
from align_da.config import SamplerConfig
from align_da.guidance.contract import Guidance
from align_da.guidance.guided_sampler import GuidedSampler
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ErrorsFor, ObservationErrors, ObservationOperator
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.samplers import build_sampler


def guided_analysis(
    prior: LatentPrior,
    guidance: Guidance,
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator] = (
        interpolation_operator
    ),
    sampler: SamplerConfig | None = None,
    micro_batch: int = 1,
    observation_errors: ObservationErrors | ErrorsFor | None = None,
) -> LatentScoreAnalysis:
    """Draws from a prior that a guidance steers to the observations.

    Args:
        prior: such as `load_prior` gives.
        guidance: from the denoiser of the prior to that of the posterior.
        operator_for: gives H for the observations of a cycle.
        sampler: kind and steps; the defaults of the section [sampler] if None.
        micro_batch: members computed at once.
        observation_errors: R beyond its diagonal, or errors with long tails.

    Raises:
        InputError: what is given is something else, such as the name of a guidance.
    """
    made = "a guidance such as jfps_guidance() of align_da.guidance.jfps"
    check_kind("guidance", guidance, Guidance, made)
    sample = build_sampler(sampler or SamplerConfig())
    return LatentScoreAnalysis(
        prior,
        GuidedSampler(guidance, sample),
        operator_for,
        micro_batch,
        observation_errors=observation_errors,
    )
