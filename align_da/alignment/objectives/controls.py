"""Controls that see the same pairs, noise and budget as a preference objective, but no preference.

Without them a gain of alignment cannot be told from a gain of further training.
"""

from jaxtyping import Array, Float

from align_da.alignment.objectives.errors import PairErrors


def supervised_loss(errors: PairErrors, _beta: float) -> Float[Array, " pair"]:
    """Supervised fine-tuning: the prior's training loss on the chosen draws."""
    return errors.weight * errors.chosen


def continued_loss(errors: PairErrors, _beta: float) -> Float[Array, " pair"]:
    """Continued training: the prior's training loss on the truth of the same cases."""
    return errors.weight * errors.truth
