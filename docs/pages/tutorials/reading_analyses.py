# %% [markdown] after="first_cycle.py"
# # Reading analyses
#
# The store that [First cycle](first_cycle.py) has written, with xarray: maps, spread, profiles,
# observations and what happened to them. What its files hold is told in
# [Cycle stores](../reference/store.md).

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import align_da as da
from align_da.atmosphere import at_pressure, pressure_of

run = Path("runs/first")
print(*sorted(path.name for path in (run / "cycles").iterdir()), sep="\n")

# %% [markdown]
# ## Complete cycles
#
# `open_cycles` shows complete cycles alone and compares every value with the ledger when it is
# read.
# `xarray.open_zarr` reads the same store without that, for example while a run goes on.

# %%
analysis = da.open_cycles(run, "letkf")
print(analysis.sizes)
for name, field in analysis.data_vars.items():
    print(f"{name:22s} {field.attrs['units']:10s} {', '.join(map(str, field.dims))}")

# %% [markdown]
# ## Mean and spread

# %%
temperature = analysis.temperature.isel(time=-1).sel(level=0.835, method="nearest")
figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
temperature.mean("realization").plot(ax=axes[0], cmap="RdYlBu_r")
temperature.std("realization", ddof=1).plot(ax=axes[1], cmap="Purples")
axes[0].set_title("mean of the members")
axes[1].set_title("spread")
# %% [markdown]
# Levels are sigma here, the pressure over that at the surface. Levels of pressure are
# interpolated:

# %%
last = analysis.isel(time=-1)
upper = at_pressure(last.temperature, pressure_of(last), [50000.0])
zonal = upper.mean(["realization", "longitude"]).squeeze().isel(latitude=slice(0, None, 6))
for latitude, kelvin in zip(zonal.latitude.values, zonal.values, strict=True):
    print(f"{latitude:6.1f} degrees north: {kelvin:.1f} K at 500 hPa")

# %% [markdown]
# ## Errors against the truth
#
# The truth of a run has the names and the grid of its analyses; xarray pairs the times. Its
# metadata are not gathered in one file: without `consolidated=False` xarray warns that it finds
# none. By area:

# %%
truth = xr.open_zarr(run / "truth.zarr", consolidated=False)
squares = (analysis.temperature.mean("realization") - truth.temperature) ** 2
by_area = squares.weighted(np.cos(np.deg2rad(squares.latitude)))
print((by_area.mean(["level", "latitude", "longitude"]) ** 0.5).values.round(2))

# %% [markdown]
# ## What the observations did
#
# Every observation keeps its place, with a flag that says whether it was used, and what
# background and analysis would have said in its place. Those that are *passive* belong to
# stations that no analysis uses, for verification (`observations.withheld`); *background* and
# *buddy* are the checks of quality control that rejected one.

# %%
observations = da.open_cycles(run, "letkf", "observations").load()
flags = observations.flag.attrs
names = dict(zip(flags["flag_values"], flags["flag_meanings"].split(), strict=True))
found, counts = np.unique(observations.flag.values, return_counts=True)
print({names[flag]: int(count) for flag, count in zip(found, counts, strict=True)})

used = observations.flag == 0
before = (observations.value - observations.background_equivalent).where(used)
after = (observations.value - observations.analysis_equivalent).where(used)
kinds = observations.variable.attrs["flag_meanings"].split()
index = list(observations.variable.attrs["flag_values"])
print("\nroot mean square of y - H(x)   background   analysis")
for kind, number in zip(kinds, index, strict=True):
    here = observations.variable == number
    if here.any():
        sizes = [float(np.sqrt((d.where(here) ** 2).mean())) for d in (before, after)]
        print(f"{kind:30s} {sizes[0]:10.3g} {sizes[1]:10.3g}")

# %% [markdown]
# ## A number a cycle
#
# `chi_square` is the mean of (y − H x)² / R. Of backgrounds it should be near 1 plus
# `background_variance`, the spread over the errors of the observations: an ensemble that is too
# sure of itself shows here first. This one of eight members is: 1.5 in the last cycles, where
# its spread would explain 1.2.

# %%
diagnostics = da.open_cycles(run, "letkf", "diagnostics").load()
told = ["used_observations", "background_chi_square", "background_variance", "chi_square"]
print(diagnostics[told].to_dataframe().round(2).to_string())

# %% [markdown]
# ## Where it came from
#
# The manifest says what the run was made of; a run goes on only with the same.

# %%
manifest = json.loads((run / "cycles" / "letkf.manifest.json").read_text())
print(sorted(manifest))

# %% [markdown]
# ## For other programs
#
# One netCDF file that follows the CF conventions:

# %% language="bash" magic_args="-e"
# align-da export --run runs/first --name letkf --to analyses.nc
