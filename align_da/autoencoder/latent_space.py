"""States in SI units to latents and back: normalisation and autoencoder together."""

from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Array, Float

from align_da.atmosphere import Normalisation

Values = Float[Array, "lat lon channel"]
Latent = Float[Array, "rows columns latent"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LatentSpace:
    """A pytree, so that parameters pass through JAX transforms.

    Attributes:
        autoencoder: an `Autoencoder`, itself a pytree of its parameters.
        normalisation: statistics of the channels.
    """

    autoencoder: Any
    normalisation: Normalisation

    def encode(self, values: Values) -> Latent:
        """Latent of one state, given in SI units."""
        standardised = (values - self.normalisation.mean) / self.normalisation.std
        latent: Latent = self.autoencoder.encode(standardised[None])[0]
        return latent

    def difference(self, moved: Latent, origin: Latent) -> Values:
        """D(moved) − D(origin) in SI units: how increments are decoded.

        The reconstruction error of the autoencoder cancels to first order.
        """
        apart: Values = self.autoencoder.decode(moved[None])[0]
        here: Values = self.autoencoder.decode(origin[None])[0]
        return self.normalisation.std * (apart - here)
