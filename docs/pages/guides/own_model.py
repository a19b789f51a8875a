# %% [markdown]
# # Own forecast model
#
# Three ways, from the least to the most: a function, a class behind the contract, a part that a
# configuration names. A graph in a file is told of in [FengWu and Pangu-Weather](graphs.md).
#
# ## A function
#
# One step of one state, in JAX, with the axes [lat, lon, channel] and SI units. It is batched
# and compiled for you. [Bring your own model](../tutorials/own_world.py) does more with one.

# %%
from typing import Literal

import jax.numpy as jnp
import numpy as np

import align_da as da
from align_da.forecast import ForecastModel

layout = da.Layout(da.periodic_line(40), ("abstract_field",))
decay = da.FunctionForecastModel(lambda x: 0.9 * x, layout, step_hours=6)
states = da.State(jnp.ones((3, *layout.shape)), layout)
time = np.datetime64("2020-01-01T00", "ns")
print(decay.forecast(states, time, 12).values[:, 0, 0, 0])

# %% [markdown]
# ## A class
#
# Anything that fulfils the contract serves, be it JAX, another library or a program: a batch of
# states goes in, one of the same layout comes out. `step_hours` is the shortest lead; `frames`
# says whether it also looks at the states one step before; `differentiable` says whether
# gradients flow through it.


# %%
class SeasonalDecay:
    """A decay whose rate follows the month: a model that knows the time."""

    step_hours = 6
    frames: Literal[1, 2] = 1
    differentiable = False

    def __init__(self, layout: da.Layout) -> None:
        self.layout = layout

    def forecast(
        self,
        states: da.State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: da.State | None = None,
    ) -> da.State:
        month = valid_time.astype("datetime64[M]").astype(int) % 12
        rate = 0.05 + 0.02 * np.cos(2 * np.pi * month / 12)
        values = np.asarray(states.values) * (1 - rate) ** (lead_hours // self.step_hours)
        return da.State(jnp.asarray(values, jnp.float32), states.layout)


model = SeasonalDecay(layout)
print("keeps the contract:", isinstance(model, ForecastModel))
for month in ("2020-01", "2020-07"):
    print(month, model.forecast(states, np.datetime64(month, "ns"), 24).values[0, 0, 0, 0])

# %% [markdown]
# It must be restartable from gridded states alone, and give the same states in a batch as one by
# one. What is not finite may come out: whoever goes on with it judges it.

# %%
parts = da.CycleParts(
    model, da.LETKF(lambda batch, layout: da.FunctionOperator(lambda x: x[0, :, 0])), 6
)
print(parts.window_hours, "hours a window")

# %% [markdown]
# ## A part
#
# A package makes the model known by a line of its `pyproject.toml`:
#
# ```toml
# [project.entry-points."align_da.forecast_models"]
# seasonal = "my_package.seasonal:build"
# ```
#
# `build` takes the configuration and gives the model. After `pip install` the model is a choice,
# `world.model = "seasonal"`, in every command; `align-da parts` lists it. Settings of its own
# stand in the table `[parts.seasonal]`, which `align_da.runs.parts.settings_of` checks. A method
# `start()` gives the state that a nature run begins with, [1, lat, lon, channel]; a class that
# inherits from `FunctionForecastModel` can add it. A run whose truth is ERA5 needs none.
#
# Then the commands cycle with it, here with the LETKF and with observations of your own:
#
# ```console
# align-da data truth --run runs/mine --config mine.toml
# align-da data backgrounds --run runs/mine
# align-da data observations FILES --run runs/mine
# align-da cycle --name letkf --run runs/mine
# ```
#
# `mine.toml` has `world.model = "seasonal"`, `cycle.method = "letkf"` and, for files, a section
# `[reports]`; without it observations are simulated and the third command is left out.
#
# Observations are simulated of variables whose `observation_error` is known. `abstract_field` has
# none; a variable of your own takes another line of `pyproject.toml`:
#
# ```toml
# [project.entry-points."align_da.variables"]
# signal = "my_package.seasonal:SIGNAL"
# ```
#
# ```python
# SIGNAL = Variable("signal", "signal", "1", "s", "levels", (-10.0, 10.0), observation_error=0.5)
# ```
#
# with `Variable` from `align_da.atmosphere.variables`. A model of several has them in the order of
# the table, those of packages in that of their names. All files of a package stand for the model:
# when one changes, what was made with it is told to be stale, so keep a model that is finished in
# a package of its own. What reports need is told in [Own
# observations](own_observations.py#files-for-the-commands), how to read the cycles in [Reading
# analyses](../tutorials/reading_analyses.py).
#
# [The example package](../../../tests/example_package/README.md) has a model with a variable of
# its own.
# `tests/contracts/test_forecast_model.py` is the suite that every model here passes: run yours
# through it.
