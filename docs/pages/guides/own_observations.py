# %% [markdown]
# # Own observations
#
# Observations come as a data frame to a method or a loop of yours, or as files to the commands.
#
# ## A data frame
#
# One row an observation. Needed are `value`, `error` (its standard deviation), `latitude`,
# `longitude` and
# `variable`, a name of the layout. `level` is that of the state (sigma, or Pa); without it an
# observation is at the surface, unless `vertical` ("level" or "surface") says otherwise. `units`
# may be other ones than SI; `station` (a number) or `station_id` (a name, as in files), `flag` and
# `time` are optional. `elevation` and `type`, which files have, are refused: nothing here uses
# them.

# %%
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import align_da as da
from align_da.atmosphere import limited_area
from align_da.observations import Flag, interpolation_operator

latitudes = tuple(np.arange(40.0, 50.0).tolist())
longitudes = tuple(np.arange(0.0, 16.0).tolist())
layout = da.Layout(limited_area(latitudes, longitudes), ("abstract_field",))
start = np.datetime64("2020-01-01T00", "ns")


def frame_of(valid_time: np.datetime64) -> pd.DataFrame:
    """What was measured around a time: here a wave with errors, one gap and one stray ship."""
    place = np.random.default_rng(int(valid_time.astype(int) % 2**31))
    frame = pd.DataFrame(
        {"latitude": place.uniform(40, 49, 60), "longitude": place.uniform(0, 15, 60)}
    )
    wave = np.sin(frame.longitude / 2) * np.cos(frame.latitude / 3)
    frame["value"] = wave + place.normal(0, 0.1, 60)
    frame.loc[0, "value"] = np.nan
    frame.loc[1, ["latitude", "longitude"]] = 60.0, 5.0
    minutes = pd.to_timedelta(place.uniform(-90, 90, 60), unit="min")
    return frame.assign(variable="abstract_field", error=0.1, level=1.0, time=valid_time + minutes)


observations = da.observations_from_frame(frame_of(start), layout, start, pad_to=64)
print(observations.value.shape, observations.counts())

# %% [markdown]
# `pad_to` gives every cycle the same number, so that it compiles once. A row without a value
# stays, flagged *missing*. Mistakes are told, not guessed: a negative error, swapped positions,
# an unknown name.

# %%
try:
    da.observations_from_frame(frame_of(start).assign(error=-0.1), layout, start)
except da.errors.InputError as error:
    print(error)

# %% [markdown]
# ## The loop
#
# `cycles` takes one batch a window and gives every cycle when it is done: nothing is stored, and
# the truth is not needed. Quality control flags what lies outside of the area. The half width
# of the localisation is in metres.

# %%
model = da.FunctionForecastModel(lambda x: 0.98 * x, layout, step_hours=3)
method = da.LETKF(interpolation_operator, da.Localisation(3e5), inflation=1.05)
first = da.State(0.5 * jax.random.normal(jax.random.key(0), (20, *layout.shape)), layout)
times = [start + (number + 1) * np.timedelta64(3, "h") for number in range(8)]
batches = (da.observations_from_frame(frame_of(time), layout, time, pad_to=64) for time in times)
wave = np.sin(np.asarray(longitudes)[None] / 2) * np.cos(np.asarray(latitudes)[:, None] / 3)

for cycle in da.cycles(
    da.CycleParts(model, method, window_hours=3), da.CycleState(first, start), batches
):
    mean = jnp.mean(cycle.analysis.values, axis=0)[..., 0]
    error = float(jnp.sqrt(jnp.mean((mean - wave) ** 2)))
    print(
        cycle.valid_time.astype("datetime64[h]"), cycle.observations.counts(), f"error {error:.3f}"
    )

# %% [markdown]
# To keep a cycle, or to look at it with xarray, make it a dataset:

# %%
members = np.arange(cycle.analysis.values.shape[0])
dataset = da.dataset_from_state(cycle.analysis, {"realization": members})
spread = dataset.abstract_field.std("realization", ddof=1)
print(dict(dataset.sizes), f"spread {float(spread.mean()):.3f}")  # dataset.to_netcdf(...)

# %% [markdown]
# Why one was not used is its flag; the numbers are those of [cycle
# stores](../reference/store.md#flags).

# %%
outside = np.flatnonzero(np.asarray(cycle.observations.flag) == Flag.DOMAIN)
print("outside of the area:", outside)

# %% [markdown]
# ## Errors that are not independent, or not Gaussian
#
# Every method takes `observation_errors`: a matrix for correlated ones, a law with long tails
# for values that may be gross errors. The number that is printed would be near 1 in a cycle that
# has settled. Here it is larger: the first members are noise, in which no wave can be found, and
# one analysis does not make one of it.

# %%
from align_da.observations import StudentT

robust = da.LETKF(interpolation_operator, da.Localisation(3e5), observation_errors=StudentT(4.0))
analysis, report = robust(first, observations, 3.0, jax.random.key(1))
print(f"mean of (y - H x)^2 / R after the analysis: {float(report.chi_square):.2f}")

# %% [markdown]
# ## Files, for the commands
#
# `align-da data observations` reads BUFR, PREPBUFR, IODA and tables (CSV, parquet) into the
# folder of a run and counts them. A table has absolute times, pressures in Pa for levels, and
# names of stations; `vertical` is "level" or "surface". `units`, `error`, `elevation`, `type` and
# `flag` may be missing, the other columns not.

# %%
rows = pd.DataFrame(
    {
        "value": [281.2, 279.9, -61.0],
        "units": ["K", "K", "degC"],
        "latitude": [50.1, 52.4, 50.1],
        "longitude": [14.4, 13.1, 14.4],
        "level": [np.nan, np.nan, 20000.0],
        "vertical": ["surface", "surface", "level"],
        "time": "2020-01-01T05:30:00",
        "variable": "2m_temperature",
        "station_id": ["11520", "10379", "11520"],
        "elevation": [302.0, 81.0, 302.0],
        "type": ["synop", "synop", "radiosonde"],
    }
)
rows.loc[2, "variable"] = "temperature"
rows.to_csv("reports.csv", index=False)

# %% language="bash" magic_args="-e"
# align-da data observations reports.csv --run runs/reports

# %% [markdown]
# With a section `[reports]` in the configuration, `align-da cycle` takes the reports of every
# window in the place of simulated ones. `required = ["radiosonde"]` there refuses a run without
# them. Four things to know:
#
# - The run has a truth all the same, a nature run or ERA5: the first members are a background of
#   its test period with errors of training backgrounds.
# - Cycles go through the test period, which `world.start` and the lengths of the periods before
#   it place; a run none of whose reports falls into it is refused, with the times that it needs.
# - A model on sigma levels has to have `surface_pressure`, by which pressures become levels.
# - Scores against a nature run mean nothing then, its weather is not that of any date: look at
#   departures and at the stations that were withheld, which `align-da verify` scores too.
#
# [Files of observations](../../../data_pipelines/observations/README.md) tells what of
# each format is read, how reports at the surface are brought to the ground of the model, and
# what is refused.
