"""Balance: how near the balance of a candidate is to that of the truth.

The score of Align-DA (arXiv:2505.22008), r = 2 sigmoid(−|D − D_truth|), resolves little: D, the
geostrophic imbalance, varies by a hundredth. Here departures are in standard deviations of the
truth's own, and divergence, the strength of the wind and the tendency of surface pressure count
beside it, see `align_da.atmosphere.balance_score`. The truth is not in exact balance: zero
imbalance, which a smooth state comes close to, is no aim.
"""

from dataclasses import dataclass

from jaxtyping import Array, Float

from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State
from align_da.atmosphere.balance_score import BalanceMeasures, balance_scores


@dataclass(frozen=True, eq=False)
class BalanceReward:
    """Closeness to the balance of the truth; dimensionless, within (0, 1], 1 is best.

    Attributes:
        surface_geopotential: m2 s-2, from which the geopotential of sigma levels is computed.
        variability: of the measures of the truth over dates.
    """

    surface_geopotential: Float[Array, "lat lon"]
    variability: BalanceMeasures
    name: str = "balance"
    differentiable: bool = True

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        """Score a group, see `Reward`."""
        found = balance_scores(candidates, case.truth, self.surface_geopotential, self.variability)
        return found["balance"]
