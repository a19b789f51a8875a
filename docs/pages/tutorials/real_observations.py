# %% [markdown]
# # Real observations
#
# The radiosondes of the world at 12 UTC on 8 December 2008, as they were exchanged (BUFR, a sample
# of ECMWF): what the reader makes of the file, an analysis of the temperature at 500 hPa with
# members, and whether stations that it has not seen confirm it. There is no truth here; what
# judges is what was withheld. The file is one of the tests of a checkout.

# %%
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import brentq

import align_da as da
from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.config import SamplerConfig
from align_da.guidance.jfps import jfps_guidance
from align_da.guidance.krylov import Krylov
from align_da.observations import interpolation_operator
from align_da.prior import prior_from_covariance

samples = Path(da.__file__).parents[1] / "tests" / "data" / "observations"
shutil.copy(samples / "temp.bufr", "temp.bufr")

# %% [markdown]
# ## From a file to rows
#
# The command prints what was read, by type, variable and flag, and an account of every file: what
# is kept, what is flagged, and by name what was measured and is not read. The counts of an account
# add up to the reports of the file.

# %% language="bash" magic_args="-e"
# align-da data observations temp.bufr --run runs/real

# %%
reports = pd.read_parquet("runs/real/observations.parquet")
print(reports[reports.flag == "pass"].iloc[0].to_string())

# %% [markdown]
# ## The level, and what is withheld
#
# A sounding reports the standard level of 500 hPa if it came so far. The northern extratropics are
# analysed, where there are stations enough, and some of them are withheld, by their names.

# %%
here = (reports.variable == "temperature") & (reports.level == 50000.0)
here &= reports.latitude.between(20, 80)
soundings = reports[here & (reports.flag == "pass")].reset_index(drop=True)
withheld = soundings.station_id.map(lambda name: sum(name.encode()) % 5 == 0)
print(f"{len(soundings)} soundings, {withheld.sum()} withheld")
print(f"error of a temperature: {soundings.error.min():.2f} to {soundings.error.max():.2f} K")

# %% [markdown]
# ## Background and its errors
#
# In the place of a forecast: a mean over circles of latitude. Its errors are the waves of that
# day, and B says what they are like: a standard deviation σ, and a correlation of places d apart,
# (1 + d/L) exp(−d/L). Both are read off the departures of the stations that are used: σ and L
# from the covariance of pairs that are less than 200 km apart, and of those 900 to 1,100 km
# apart. What is left of the variance at a station is its error and what a grid of four degrees
# cannot hold.

# %%
latitude = np.arange(18.0, 83.0, 4.0)
longitude = np.arange(0.0, 360.0, 4.0)
grid = Grid(
    tuple(latitude.tolist()), tuple(longitude.tolist()), VerticalCoordinate("pressure", (50000.0,))
)
layout = da.Layout(grid, ("temperature",))

used = soundings[~withheld]
zonal = np.polynomial.Polynomial.fit(used.latitude, used.value, 3)
departure = (used.value - zonal(used.latitude)).to_numpy()


def on_sphere(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Places in kilometres from the centre of the earth, [place, 3]."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    unit = [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)]
    return 6371.0 * np.stack(unit, axis=-1)


def distance(places: np.ndarray) -> np.ndarray:
    """Kilometres between all of them, straight through the earth."""
    return np.linalg.norm(places[:, None] - places[None], axis=-1)


apart = distance(on_sphere(used.latitude.to_numpy(), used.longitude.to_numpy()))
products = departure[:, None] * departure[None]
near, far = (
    np.mean(products[(apart > low) & (apart < high)]) for low, high in ((0, 200), (900, 1100))
)
length = 1000.0 / brentq(lambda x: (1 + x) * np.exp(-x) - far / near, 0.01, 10)
error = np.sqrt(np.mean(departure**2) - near)
print(f"errors of the background: {np.sqrt(near):.1f} K, L = {length:.0f} km")
print(f"errors of the observations: {error:.1f} K")

# %% [markdown]
# ## The analysis
#
# The prior N(x_b, B), and draws from it that the observations guide: forty members of the
# posterior.

# %%
places = on_sphere(*(axis.ravel() for axis in np.meshgrid(latitude, longitude, indexing="ij")))
scaled = distance(places) / length
B = near * (1 + scaled) * np.exp(-scaled)
prior = prior_from_covariance(layout, B)

mean = np.broadcast_to(zonal(latitude)[:, None], (latitude.size, longitude.size))
background = da.State(
    jnp.broadcast_to(jnp.asarray(mean, jnp.float32)[None, ..., None], (40, *layout.shape)), layout
)
columns = ["value", "error", "latitude", "longitude", "level", "variable"]
observations = da.observations_from_frame(used.assign(error=error)[columns], layout)
method = da.guided_analysis(
    prior,
    jfps_guidance(1.0, Krylov(0.05, 60)),
    sampler=SamplerConfig(kind="dpm_solver", steps=20),
    micro_batch=20,
)
analysis, report = method(background, observations, 6.0, jax.random.key(0))
print(f"mean of (y - H x)^2 / R after the analysis: {float(report.chi_square):.2f}")

# %% [markdown]
# ## What the others say
#
# H gives what background and analysis would have been measured as at the stations that were
# withheld. The analysis has to be nearer to them; and the difference from its mean has to be what
# its spread and the error of the station let one expect, so that the last number is near one. Of
# N independent stations it is off by √(2/N) by chance, 0.2 of 47.

# %%
unseen = da.observations_from_frame(soundings[withheld].assign(error=error)[columns], layout)
H = interpolation_operator(unseen, layout)
value = np.asarray(unseen.value)
first = np.asarray(H(background))[0] - value
members = np.asarray(H(analysis))
last = members.mean(axis=0) - value
expected = members.var(axis=0, ddof=1) + error**2
print(f"background: {np.sqrt(np.mean(first**2)):.2f} K from the stations withheld")
print(f"analysis:   {np.sqrt(np.mean(last**2)):.2f} K")
print(f"of what was expected: {np.mean(last**2 / expected):.2f}")

# %%
figure, axes = plt.subplots(2, 1, figsize=(8, 7), layout="constrained")
fields = {"increment, K": ("RdBu_r", 12.0), "spread, K": ("Purples", None)}
values = np.asarray(analysis.values)[..., 0]
shown = (values.mean(axis=0) - mean, values.std(axis=0, ddof=1))
for axis, field, (title, (colours, limit)) in zip(axes, shown, fields.items(), strict=True):
    low = 0.0 if limit is None else -limit
    image = axis.pcolormesh(longitude, latitude, field, cmap=colours, vmin=low, vmax=limit)
    axis.plot(used.longitude % 360, used.latitude, "k.", markersize=2)
    axis.plot(
        soundings[withheld].longitude % 360, soundings[withheld].latitude, "g.", markersize=4
    )
    axis.set(title=title, xlabel="degrees east", ylabel="degrees north", xlim=(0, 358))
    figure.colorbar(image, ax=axis)

# %% [markdown]
# Black stations were used, green ones withheld. Over the oceans hardly anybody measures, and the
# spread says so.
#
# ## In cycles
#
# With a section `[reports]` in the configuration, `align-da cycle` takes the reports of every
# window from `observations.parquet`, withholds stations by itself, and `align-da verify` scores
# background and analysis against them. [Own observations](../guides/own_observations.py) tells of
# tables and data frames, [files of
# observations](../../../data_pipelines/observations/README.md) of what is read and refused.
