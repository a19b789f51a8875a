# %% [markdown]
# # Lorenz-96 and exact posteriors
#
# Forty numbers on a circle, chaotic as weather is. First a filter follows a truth that it sees
# through noise alone. Then draws by guidance are held against a posterior that is known exactly.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import align_da as da
from align_da.config import SamplerConfig
from align_da.guidance.dps import dps_guidance
from align_da.guidance.jfps import jfps_guidance
from align_da.guidance.krylov import Krylov
from align_da.observations import interpolation_operator
from align_da.prior import prior_from_covariance

# %% [markdown]
# ## A filter
#
# A twin experiment: truth and members start from the same distribution, the truth is observed
# every six hours of the model, and the filter cycles. Half of the variables are observed, with
# errors of standard deviation one. The climate has a standard deviation of 3.6.

# %%
model = da.Lorenz96ForecastModel()
network = da.observe_everything(model.layout, variance=1.0, every=2)
near = da.Localisation(4 * model.layout.grid.spacing)
method = da.LETKF(interpolation_operator, near, inflation=1.05)
twins = da.TwinExperiment(
    model,
    method,
    network,
    jnp.full(model.layout.shape, 2.3),
    initial_std=3.6,
    members=20,
    cycles=300,
    window_hours=6,
)
result = da.run_twins(twins, seeds=(0, 1, 2))
mean = result.analysis.mean(axis=2)  # [cycle, seed, lat, lon, channel]
error = np.sqrt(((mean - result.truth) ** 2).mean(axis=(1, 2, 3, 4)))
spread = np.sqrt(result.analysis.var(axis=2, ddof=1).mean(axis=(1, 2, 3, 4)))
print(f"error {error[100:].mean():.3f}, spread {spread[100:].mean():.3f} after 100 cycles")

# %%
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.plot(error, label="error of the mean")
axes.plot(spread, label="spread")
axes.axhline(1.0, color="grey", linewidth=0.8, label="error of an observation")
axes.set(xlabel="cycle", ylabel="Lorenz-96 units", yscale="log")
axes.legend()
# %% [markdown]
# The filter knows every variable better than it is observed, also those that are not, and its
# spread says about how wrong it is. [The classical peers](../../../experiments/lorenz/README.md)
# have the published scores of this model.
#
# ## A posterior that is known
#
# Where the prior is N(x_b, B) and H is linear, the posterior is Gaussian, with
#
#     K = B Hᵀ (H B Hᵀ + R)⁻¹,    mean x_b + K (y − H x_b),    covariance (I − K H) B
#
# Take B from the states of the twin experiment, localised a little so that it has full rank, and
# observe every fourth variable.

# %%
size = 40
states = result.truth[100:].reshape(-1, size)
apart = np.abs(np.arange(size)[:, None] - np.arange(size))
apart = np.minimum(apart, size - apart)
B = np.cov(states.T) * np.exp(-0.5 * (apart / 4.0) ** 2)
prior = prior_from_covariance(model.layout, B)

background = states.mean(axis=0)
truth = background + np.linalg.cholesky(B) @ np.random.default_rng(1).normal(size=size)
H = np.eye(size)[::4]
R = 0.5**2 * np.eye(len(H))
y = H @ truth + 0.5 * np.random.default_rng(2).normal(size=len(H))

K = B @ H.T @ np.linalg.inv(H @ B @ H.T + R)
exact_mean = background + K @ (y - H @ background)
exact_std = np.sqrt(np.diag((np.eye(size) - K @ H) @ B))

# %% [markdown]
# The same by guidance: the prior is sampled by a diffusion from noise, and every step is steered
# towards the observations. A batch of observations, as methods take it, is made of positions,
# errors and values.

# %%
from dataclasses import replace

observations = replace(
    da.observe_everything(model.layout, variance=0.25, every=4), value=jnp.asarray(y, jnp.float32)
)
ensemble = da.State(
    jnp.broadcast_to(jnp.asarray(background, jnp.float32)[None, None, :, None], (400, 1, size, 1)),
    model.layout,
)
sampler = SamplerConfig(kind="dpm_solver", steps=20)
guidances = {"JFPS": jfps_guidance(1.0, Krylov(0.05, 50)), "DPS": dps_guidance(1.0)}
drawn = {}
for name, guidance in guidances.items():
    method = da.guided_analysis(prior, guidance, sampler=sampler, micro_batch=100)
    analysis, report = method(ensemble, observations, 6.0, jax.random.key(0))
    drawn[name] = np.asarray(analysis.values).reshape(-1, size)
    off = np.sqrt((((drawn[name].mean(axis=0) - exact_mean) / exact_std) ** 2).mean())
    ratio = (drawn[name].std(axis=0, ddof=1) / exact_std).mean()
    print(f"{name}: mean off by {off:.2f} posterior deviations, spread {ratio:.2f} of the exact")

# %% [markdown]
# With 400 draws the mean of exact draws would be off by 0.05. JFPS draws from the posterior; DPS
# is an approximation, whose strength has to be tuned. At the observed points (dots) both are
# right.

# %%
figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
x = np.arange(size)
axes.fill_between(x, exact_mean - exact_std, exact_mean + exact_std, alpha=0.3, label="exact")
for name, values in drawn.items():
    axes.errorbar(x, values.mean(axis=0), values.std(axis=0), fmt=".", capsize=2, label=name)
axes.plot(x, truth, color="black", linewidth=0.8, label="truth")
axes.plot(x[::4], y, "o", mfc="none", color="black", label="observed")
axes.set(xlabel="variable", ylabel="Lorenz-96 units")
axes.legend(ncols=3)

# %% [markdown]
# [Guidance and samplers against the exact posterior](../../../experiments/conformance/README.md)
# has the same comparison for every guidance, sampler and density, with figures. How a guidance
# of your own is tried is told in [Own guidance](../guides/own_guidance.py).
