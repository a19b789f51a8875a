"""Noise schedules: how a network becomes a denoiser of x = z + σ n, and at which σ it is trained.

Data have unit variance (σ_data = 1).

EDM (Karras et al. 2022, arXiv:2206.00364, Table 1):
    D(x, σ) = x / (σ² + 1) + σ / √(σ² + 1) F(x / √(σ² + 1), ln(σ) / 4).

Variance-preserving cosine (Rozet and Louppe 2023, used by Align-DA): x_t = α z + β ε with
    α(t) = cos(t arccos √η)², β² = 1 − α² + η², η = 10⁻³, the network predicts ε.
With σ = β / α the same x_t / α is z + σ ε, so that α = √((1 + η²) / (1 + σ²)) and
    D(x, σ) = x − σ ε(α x, t).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import LatentFields

DenoiserNetwork = Callable[
    [LatentFields, Float[Array, " batch"], Condition],
    LatentFields,
]
"""(noisy, noise input, batched condition) → raw output; `UNet` and `DiffusionTransformer`."""


@runtime_checkable
class Schedule(Protocol):
    """Preconditioning of a network, training noise levels and their weights."""

    def denoise(
        self,
        network: DenoiserNetwork,
        noisy: LatentFields,
        sigma: Float[Array, " batch"],
        condition: Condition,
    ) -> LatentFields:
        """E[z | z + σ n = noisy] of a batch according to the network."""
        ...

    def draw_sigma(self, key: jax.Array, batch: int) -> Float[Array, " batch"]:
        """Noise levels to train at."""
        ...

    def weight(self, sigma: Float[Array, " batch"]) -> Float[Array, " batch"]:
        """Weight in the training loss of the mean squared error of the noise."""
        ...


@dataclass(frozen=True)
class EDMSchedule:
    """Karras et al. (2022), Table 1, with σ_data = 1.

    Attributes:
        sigma_mean: mean of ln σ in training (P_mean).
        sigma_spread: standard deviation of ln σ in training (P_std).
    """

    sigma_mean: float
    sigma_spread: float

    def denoise(
        self,
        network: DenoiserNetwork,
        noisy: LatentFields,
        sigma: Float[Array, " batch"],
        condition: Condition,
    ) -> LatentFields:
        """c_skip x + c_out F(c_in x, c_noise)."""
        level = sigma[:, None, None, None]
        total = jnp.sqrt(level**2 + 1)
        output = network(noisy / total, jnp.log(sigma) / 4, condition)
        return noisy / total**2 + level / total * output

    def draw_sigma(self, key: jax.Array, batch: int) -> Float[Array, " batch"]:
        """Log-normal noise levels."""
        return jnp.exp(self.sigma_mean + self.sigma_spread * jax.random.normal(key, (batch,)))

    def weight(self, sigma: Float[Array, " batch"]) -> Float[Array, " batch"]:
        """Karras' λ = (σ² + 1) / σ² weighs the error of D: λ σ² = σ² + 1 that of the noise."""
        return sigma**2 + 1


@dataclass(frozen=True)
class VPCosineSchedule:
    """The variance-preserving cosine schedule of Align-DA.

    Attributes:
        eta: smallest α and smallest noise level.
    """

    eta: float = 1e-3

    def denoise(
        self,
        network: DenoiserNetwork,
        noisy: LatentFields,
        sigma: Float[Array, " batch"],
        condition: Condition,
    ) -> LatentFields:
        """Noisy input minus σ ε(α x, t)."""
        alpha = jnp.minimum(jnp.sqrt((1 + self.eta**2) / (1 + sigma**2)), 1.0)
        time = jnp.arccos(jnp.sqrt(alpha)) / jnp.arccos(jnp.sqrt(self.eta))
        noise = network(alpha[:, None, None, None] * noisy, time, condition)
        return noisy - sigma[:, None, None, None] * noise

    def draw_sigma(self, key: jax.Array, batch: int) -> Float[Array, " batch"]:
        """Noise levels of times drawn uniformly from [0, 1)."""
        time = jax.random.uniform(key, (batch,))
        alpha = jnp.cos(time * jnp.arccos(jnp.sqrt(self.eta))) ** 2
        return jnp.sqrt(1 - alpha**2 + self.eta**2) / alpha

    def weight(self, sigma: Float[Array, " batch"]) -> Float[Array, " batch"]:
        """1: the plain error of the noise."""
        return jnp.ones_like(sigma)
