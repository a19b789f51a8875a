"""Balance: how near the geostrophic imbalance of a candidate is to that of the truth.

    r = 2 sigmoid(−|D − D_truth|),

the score of Align-DA (arXiv:2505.22008), with the imbalance D of `align_da.atmosphere.balance` on
the state's own vertical coordinate. The truth is not in exact balance: zero imbalance, which a
smooth state comes close to, is no aim.
"""

from dataclasses import dataclass

from jaxtyping import Array, Float

from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State
from align_da.atmosphere.balance import geostrophic_score


@dataclass(frozen=True, eq=False)
class BalanceReward:
    """Closeness to the imbalance of the truth; dimensionless, within (0, 1], 1 is best.

    Attributes:
        surface_geopotential: m2 s-2, from which the geopotential of sigma levels is computed.
    """

    surface_geopotential: Float[Array, "lat lon"]
    name: str = "balance"
    differentiable: bool = True

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        """Score a group, see `Reward`."""
        return geostrophic_score(candidates, case.truth, self.surface_geopotential)
