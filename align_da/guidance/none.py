"""No guidance: draws of the prior p(z | x_b), "ObsFree" in Align-DA."""

from align_da.diffusion.contract import Denoiser
from align_da.guidance.contract import LatentOperator
from align_da.observations.likelihood import Likelihood


def none_guidance(
    denoiser: Denoiser,
    operator: LatentOperator,
    likelihood: Likelihood,
) -> Denoiser:
    """The prior's denoiser."""
    return denoiser
