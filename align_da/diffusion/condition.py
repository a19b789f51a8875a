"""What the score model is conditioned on."""

from dataclasses import dataclass

import jax
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Condition:
    """The background as the denoiser sees it; networks take it with a leading batch axis.

    Attributes:
        background: standardised latent of the background, [lat, lon, latent].
        lead_hours: age of the background forecast, hours.
    """

    background: Float[Array, "*batch lat lon latent"]
    lead_hours: Float[Array, "*batch"]
