"""The autoencoder that changes nothing: methods in latent space become methods in model space."""

from dataclasses import dataclass, field

import jax
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class IdentityAutoencoder:
    """An `Autoencoder` whose latents are the standardised states themselves.

    Attributes:
        latent_shape: (lat, lon, channel) of a state.
    """

    latent_shape: tuple[int, int, int] = field(metadata={"static": True})

    def encode(
        self, states: Float[Array, "batch lat lon channel"]
    ) -> Float[Array, "batch lat lon channel"]:
        """The states."""
        return states

    def decode(
        self, latents: Float[Array, "batch lat lon channel"]
    ) -> Float[Array, "batch lat lon channel"]:
        """The latents."""
        return latents
