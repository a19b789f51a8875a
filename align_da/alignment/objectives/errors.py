"""What preference objectives are made of: denoising errors of pairs, and their implicit reward."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PairErrors:
    """Mean squared errors of the noise; noise and noise level are the same for all of a pair.

    Attributes:
        chosen: of the model that is trained, on the preferred draw.
        rejected: on the other draw.
        reference_chosen: of the reference model, on the preferred draw.
        reference_rejected: on the other draw.
        truth: of the model that is trained, on the latent increment of the truth.
        reference_truth: of the reference model, likewise.
        margin: difference of calibrated rewards, dimensionless, within (0, 1].
        weight: of the training loss of the prior at this noise level.
        preference_weight: of this noise level in the implicit margin.
    """

    chosen: Float[Array, " pair"]
    rejected: Float[Array, " pair"]
    reference_chosen: Float[Array, " pair"]
    reference_rejected: Float[Array, " pair"]
    truth: Float[Array, " pair"]
    reference_truth: Float[Array, " pair"]
    margin: Float[Array, " pair"]
    weight: Float[Array, " pair"]
    preference_weight: Float[Array, " pair"]


Objective = Callable[[PairErrors, float], Float[Array, " pair"]]
"""(errors, β) → loss of each pair."""


def implicit_margin(errors: PairErrors, beta: float) -> Float[Array, " pair"]:
    """The implicit margin u = −β/2 v [(e_w − e_w,ref) − (e_l − e_l,ref)].

    Dimensionless, positive where the chosen is preferred. Errors are means over dimensions, hence
    β of thousands and the factor 1/2, as in the code of Diffusion-DPO (Wallace et al. 2024,
    arXiv:2311.12908, eq. 14). There the weight v of a noise level is 1.
    """
    chosen = errors.chosen - errors.reference_chosen
    rejected = errors.rejected - errors.reference_rejected
    return -0.5 * beta * errors.preference_weight * (chosen - rejected)
