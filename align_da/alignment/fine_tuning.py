"""The loss that fine-tunes a prior on preference pairs.

It has the signature of every training loss, (parameters, batch, key) → (loss, metrics), and knows
the network only as a function that gives its denoising error.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from align_da.alignment.objectives import Objective, PairErrors, implicit_margin
from align_da.alignment.pairs import PreferencePairs
from align_da.diffusion.contract import LatentFields

DenoisingError = Callable[
    [PyTree, LatentFields, PyTree, Float[Array, " batch"], LatentFields], Float[Array, " batch"]
]
"""(parameters, z, condition, σ, noise) → mean squared error of the noise of each sample."""

DrawNoise = Callable[[jax.Array, tuple[int, ...]], tuple[Float[Array, " batch"], LatentFields]]
"""(key, shape of z) → σ and standard normal noise."""

WeightOfLevel = Callable[[Float[Array, " batch"]], Float[Array, " batch"]]
"""σ → weight."""

PreferenceLoss = Callable[
    [PyTree, "PreferenceBatch", jax.Array], tuple[Float[Array, ""], dict[str, Float[Array, ""]]]
]

WEIGHTINGS: dict[str, WeightOfLevel] = {"noise": jnp.ones_like, "increment": jnp.square}
"""What the implicit margin compares: the error of the noise, as in Diffusion-DPO, or that of the
increment, σ² times as large. At low noise both draws of a pair are denoised equally well and their
difference teaches nothing; the error of the increment leaves that out."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PreferenceBatch:
    """A batch of pairs; increments are scaled latent increments z.

    Attributes:
        chosen: the preferred draws.
        rejected: the others.
        truth: the increments to the truth of the same cases.
        condition: the backgrounds, a pytree whose leaves have the batch axis first.
        margin: differences of calibrated rewards.
    """

    chosen: LatentFields
    rejected: LatentFields
    truth: LatentFields
    condition: PyTree
    margin: Float[Array, " batch"]


def preference_batch(
    latents: Float[Array | np.ndarray, "case candidate lat lon latent"],
    truth: Float[Array | np.ndarray, "case lat lon latent"],
    conditions: PyTree,
    pairs: PreferencePairs,
    rows: Int[np.ndarray, " batch"],
) -> PreferenceBatch:
    """Gather the pairs numbered `rows`.

    Args:
        latents: scaled latent increments of the candidates.
        truth: scaled latent increments of the truth.
        conditions: a pytree whose leaves have the case axis first.
        pairs: all pairs.
        rows: which of them.
    """
    case = pairs.case[rows]
    return PreferenceBatch(
        jnp.asarray(latents[case, pairs.chosen[rows]]),
        jnp.asarray(latents[case, pairs.rejected[rows]]),
        jnp.asarray(truth[case]),
        jax.tree.map(lambda leaf: jnp.asarray(leaf[case]), conditions),
        jnp.asarray(pairs.margin[rows], jnp.float32),
    )


def make_preference_loss(
    error: DenoisingError,
    reference_params: PyTree,
    objective: Objective,
    draw_noise: DrawNoise,
    *,
    beta: float,
    anchor_weight: float = 0.0,
    weight: WeightOfLevel = jnp.ones_like,
    preference_weight: WeightOfLevel = jnp.ones_like,
) -> PreferenceLoss:
    """The loss of fine-tuning.

    Args:
        error: denoising error of the network with given parameters.
        reference_params: parameters of the reference model; they do not change.
        objective: of `align_da.alignment.objectives`, or one of its controls.
        draw_noise: noise levels and noise, shared by chosen, rejected and truth.
        beta: strength of the tie to the reference model, dimensionless, positive.
        anchor_weight: weight of the data anchor: what the prior's training loss on the truth of
            the same cases has gained over the reference, times β/2 so that its pull is comparable
            to that of a pair. It keeps the spread that offline preferences would lose.
        weight: the prior's weight of a noise level in its training loss, for anchor and controls.
        preference_weight: weight of a noise level in the implicit margin, one of `WEIGHTINGS`.

    Returns:
        A function of parameters, `PreferenceBatch` and key. Its metrics are means over the batch.
    """

    def loss(
        params: PyTree, batch: PreferenceBatch, key: jax.Array
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        sigma, noise = draw_noise(key, batch.chosen.shape)

        def error_of(parameters: PyTree, increment: LatentFields) -> Float[Array, " batch"]:
            return error(parameters, increment, batch.condition, sigma, noise)

        errors = PairErrors(
            chosen=error_of(params, batch.chosen),
            rejected=error_of(params, batch.rejected),
            reference_chosen=error_of(reference_params, batch.chosen),
            reference_rejected=error_of(reference_params, batch.rejected),
            truth=error_of(params, batch.truth),
            reference_truth=error_of(reference_params, batch.truth),
            margin=batch.margin,
            weight=weight(sigma),
            preference_weight=preference_weight(sigma),
        )
        preference = objective(errors, beta).mean()
        anchor = jnp.mean(errors.weight * (errors.truth - errors.reference_truth))
        value = preference + anchor_weight * 0.5 * beta * anchor
        return value, _metrics(value, preference, anchor, errors, beta)

    return loss


def _metrics(
    value: Float[Array, ""],
    preference: Float[Array, ""],
    anchor: Float[Array, ""],
    errors: PairErrors,
    beta: float,
) -> dict[str, Float[Array, ""]]:
    """What tells a healthy alignment: |margin| of 0.5 to 2, and errors that do not all rise."""
    margin = implicit_margin(errors, beta)
    return {
        "loss": value,
        "preference": preference,
        "anchor": anchor,
        "implicit_accuracy": jnp.mean((margin > 0) + 0.5 * (margin == 0)),
        "implicit_margin": margin.mean(),
        "absolute_margin": jnp.abs(margin).mean(),
        "chosen_error": errors.chosen.mean(),
        "rejected_error": errors.rejected.mean(),
        "chosen_change": jnp.mean(errors.chosen - errors.reference_chosen),
        "rejected_change": jnp.mean(errors.rejected - errors.reference_rejected),
        "truth_error": errors.truth.mean(),
        "truth_change": jnp.mean(errors.truth - errors.reference_truth),
    }
