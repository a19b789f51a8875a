# %% [markdown]
# # Bring your own model
#
# A forecast model is a function from a state to a later state. Here it is the
# Kuramoto-Sivashinsky equation on a ring, u_t = −u u_x − u_xx − u_xxxx, which is chaotic on a
# ring of length 44. It is written, observed and cycled on this page.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import align_da as da

# %% [markdown]
# ## The model
#
# A state has the axes [lat, lon, channel]: a ring of 64 points is one latitude with one
# variable. A field without a name of its own is an `abstract_field`. The function is one step,
# written in JAX; batches and compilation are not its business.

# %%
POINTS, LENGTH, STEP = 64, 44.0, 0.05
layout = da.Layout(da.periodic_line(POINTS), ("abstract_field",))
wave = 2 * jnp.pi * jnp.fft.rfftfreq(POINTS, LENGTH / POINTS)
linear = wave**2 - wave**4


def step(values: jax.Array) -> jax.Array:
    """One time unit: linear terms implicit, the others explicit, the shortest waves left out."""

    def advance(_: int, spectrum: jax.Array) -> jax.Array:
        field = jnp.fft.irfft(spectrum, POINTS)
        steepening = -0.5j * wave * jnp.fft.rfft(field**2)
        kept = jnp.where(wave < wave[-1] * 2 / 3, steepening, 0)
        return (spectrum + STEP * kept) / (1 - STEP * linear)

    start = jnp.fft.rfft(values[0, :, 0])
    return jnp.fft.irfft(jax.lax.fori_loop(0, 20, advance, start), POINTS)[None, :, None]


model = da.FunctionForecastModel(step, layout, step_hours=6)

# %% [markdown]
# A forecast takes a batch of states. Its hours are a convention: one step stands for six of
# them.

# %%
noise = jax.random.normal(jax.random.key(0), (1, *layout.shape))
start = np.datetime64("2020-01-01T00", "ns")
settled = model.forecast(da.State(noise, layout), start, 6 * 200)
history = [settled]
for _ in range(120):
    history.append(model.forecast(history[-1], start, 6))
fields = np.stack([np.asarray(state.values)[0, 0, :, 0] for state in history])

figure, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
drawn = axes.pcolormesh(fields.T, cmap="RdBu_r")
axes.set(xlabel="step", ylabel="point")
figure.colorbar(drawn, label="u")
# %% [markdown]
# ## Observe it, and cycle
#
# What is observed is a function of the state too: here the mean of two neighbours at every
# fourth place. A filter needs to know where observations are; the batch tells it, with the
# errors. A localisation has its half width in metres: the ring lies around the equator, and
# `spacing` is the distance between two of its points.

# %%
network = da.observe_everything(layout, variance=0.1**2, every=4)
H = da.FunctionOperator(lambda x: 0.5 * (x[0, ::4, 0] + x[0, 1::4, 0]))
near = da.Localisation(6 * layout.grid.spacing)
method = da.LETKF(H.bind, near, inflation=1.02)
twins = da.TwinExperiment(
    model,
    method,
    network,
    settled.values[0],
    initial_std=0.5,
    members=16,
    cycles=120,
    window_hours=6,
    operator=H,
)
result = da.run_twins(twins, seeds=(0, 1))
error = np.sqrt(((result.analysis.mean(axis=2) - result.truth) ** 2).mean(axis=(2, 3, 4)))
print(f"error {error[40:].mean():.3f}, climate {result.truth.std():.2f}, observations 0.10")

# %% [markdown]
# Many seeds at once, and no files: this is for experiments. What a truth is not known for goes
# by the loop itself, one cycle after another, with observations from anywhere ([Own
# observations](../guides/own_observations.py)). A model of a package, which a configuration can
# name, is told of in [Own forecast model](../guides/own_model.py).

# %%
figure, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
axes.plot(error)
axes.axhline(0.1, color="grey", linewidth=0.8)
axes.set(xlabel="cycle", ylabel="error of the mean", yscale="log")
