"""Networks that answer together, each of which has learned from another part of the cycles."""

from collections.abc import Iterable

from flax import nnx
from jaxtyping import Array, Float


class Committee(nnx.Module):
    """Says the mean of what its networks say."""

    def __init__(self, networks: Iterable[nnx.Module]) -> None:
        self.networks = nnx.List(networks)

    def __call__(
        self, evidence: Float[Array, "batch lat lon input"]
    ) -> Float[Array, "batch lat lon output"]:
        """The mean estimate of a batch."""
        found: Float[Array, "batch lat lon output"] = sum(
            network(evidence) for network in self.networks
        ) / len(self.networks)
        return found
