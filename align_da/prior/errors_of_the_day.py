"""What a latent method learns of its background errors from the cycle itself."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.observations.contract import ObservationOperator
from align_da.observations.likelihood import Likelihood
from align_da.prior.calibration import calibrated
from align_da.prior.hybrid_errors import Hybrid
from align_da.prior.latent_prior import LatentPrior


@dataclass(frozen=True)
class ErrorsOfTheDay:
    """Structure from the background ensemble, amplitude from the innovations.

    Attributes:
        hybrid: adds the errors of the background ensemble to those of the prior.
        calibrates: sets the amplitude of background errors by the innovations of the cycle.
    """

    hybrid: Hybrid | None = None
    calibrates: bool = False

    def applied_to(
        self,
        prior: LatentPrior,
        operator: ObservationOperator,
        likelihood: Likelihood,
        background: State,
        lead_hours: float,
        key: jax.Array,
    ) -> tuple[LatentPrior, Float[Array, ""]]:
        """The prior of today, and the factor on the variance of its background errors.

        Args:
            prior: of any day.
            operator: H, bound to the observations of the cycle.
            likelihood: of the same observations.
            background: ensemble, values [member, lat, lon, channel], SI units.
            lead_hours: age of the background forecast in hours.
            key: randomness of the estimated variances.
        """
        if self.hybrid is not None:
            prior = self.hybrid.applied_to(prior, background)
        if not self.calibrates:
            return prior, jnp.ones(())
        found: tuple[LatentPrior, Float[Array, ""]]
        found = calibrated(prior, operator, likelihood, background, jnp.float32(lead_hours), key)
        return found
