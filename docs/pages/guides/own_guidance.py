# %% [markdown]
# # Own guidance
#
# A guidance takes the denoiser of the prior and gives one that knows the observations. It is a
# function of three things: the denoiser, the operator from what is drawn to model equivalents
# (decoder, background and H in one), and the likelihood.

# %%
import jax
import jax.numpy as jnp

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.diffusion.contract import Denoiser, Sampler
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.guidance.contract import Guidance, LatentOperator
from align_da.guidance.guided_sampler import GuidedSampler
from align_da.observations.likelihood import Likelihood
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.samplers import build_sampler
from align_da.verification.linear_gaussian import compare_with_kalman, every

# %% [markdown]
# ## A function from denoiser to denoiser
#
# This one is Gauss-Newton with a diagonal: it moves the denoised estimate by the gradient of the
# likelihood, divided by the variance of the observations and what the prior leaves open at that
# noise level. `residual` is (y − A(z)) in units of R, zero where nothing is used, so that
# without observations the denoiser is that of the prior.


# %%
def diagonal_guidance(strength: float) -> Guidance:
    """ẑ ← ẑ + s c Aᵀ (R + c)⁻¹ (y − A(ẑ)), with c = σ² / (1 + σ²)."""

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        def guided(noisy: jax.Array, sigma: jax.Array) -> jax.Array:
            estimate = denoiser(noisy, sigma)
            open_variance = sigma**2 / (1 + sigma**2)
            equivalent, pull = jax.vjp(operator, estimate)
            error = jnp.sqrt(jnp.where(likelihood.used, likelihood.variance, 1.0))
            departure = likelihood.residual(equivalent) * error
            weight = open_variance / (likelihood.variance + open_variance)
            return (
                estimate + strength * pull(jnp.where(likelihood.used, weight * departure, 0.0))[0]
            )

        return guided

    return guide


# %% [markdown]
# ## Try it where the posterior is known
#
# A Gaussian prior on a ring with its exact denoiser: what is wrong with the draws is the
# guidance's.
# `mean_error` is the error of the mean of the draws a point (the prior has a variance of 1; 256
# draws leave some 0.04), `spread_ratio` the spread over the exact one.

# %%
sampler = SamplerConfig(kind="dpm_solver", steps=20)
tried = {
    "diagonal": GuidedSampler(diagonal_guidance(1.0), build_sampler(sampler)),
    "jfps": build_posterior_sampler(GuidanceConfig(method="jfps"), sampler),
}
for spacing, error in ((8, 0.5), (1, 0.5)):
    for name, posterior in tried.items():
        found = compare_with_kalman(
            posterior, every(spacing, error), seeds=(0,), draws=256, control_variable=True
        )
        print(
            f"every {spacing}. point, {name:9s}"
            f" mean error {found.mean_error:.3f}, spread {found.spread_ratio:.2f}"
        )

# %% [markdown]
# A diagonal is enough where observations are sparse and their information does not overlap. It
# is wrong where it does, which is what systems are solved for in JFPS and MMPS. [Guidance and
# samplers against the exact posterior](../../../experiments/conformance/README.md) has more
# cases: put yours beside them before a cycle relies on it.
#
# ## Use it
#
# In Python, with any prior: `da.guided_analysis(prior, diagonal_guidance(1.0))`, see [Lorenz-96
# and exact posteriors](../tutorials/exact_posteriors.py). As a part, by a builder that takes the
# section `[guidance]`, the sampler and its noise levels:


# %%
def build(settings: GuidanceConfig, sample: Sampler, _: NoiseLevels) -> GuidedSampler:
    """The guidance with any sampler."""
    return GuidedSampler(diagonal_guidance(settings.strength), sample)


# %% [markdown]
# ```toml
# # pyproject.toml of your package
# [project.entry-points."align_da.guidances"]
# diagonal = "my_package.diagonal:build"
# ```
#
# Then `guidance.method = "diagonal"` chooses it in `align-da cycle` and `align-da benchmark`.
# `tests/contracts/test_guidance.py` is the suite that every guidance here passes.
