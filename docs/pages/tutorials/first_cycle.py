# %% [markdown]
# # First cycle
#
# From an empty folder to analyses and a report, with the commands that every run has. The
# atmosphere is the embedded circulation model, made small enough for a minute or two: a truth of
# a month at a coarse resolution, eight cycles of six hours. `make demo` does the same with 3D-Var,
# a hybrid, and the corrections that were learned already.
#
# ## A configuration
#
# A file holds what differs from the defaults; [every key](../reference/configuration.md) has
# one.

# %%
from pathlib import Path

_ = Path("first.toml").write_text(
    """
[world]
truth_truncation = 21   # a coarse truth
spin_up_days = 0        # from a state of ERA5
train_days = 4
validation_days = 1
test_days = 4

[backgrounds]
lead_hours = [6]
train_starts = 8
validation_starts = 1
test_starts = 1

[analysis]
truncation = 21         # that of the forecast model

[cycle]
method = "letkf"
members = 8             # no more than there are starts above
cycles = 8

[verification]
forecast_lead_hours = [6]
forecast_every = 4
"""
)

# %% [markdown]
# `align-da config` tells what a key means and what it is now.

# %% language="bash" magic_args="-e"
# align-da config letkf.inflation --config first.toml

# %% [markdown]
# ## A truth, and forecasts from it
#
# The nature run is what the cycle shall find. Forecasts from perturbed states of it tell how
# wrong backgrounds are: the first members and quality control need that.

# %% language="bash" magic_args="-e"
# align-da data truth --run runs/first --config first.toml
# align-da data backgrounds --run runs/first --config first.toml --workers 1

# %% [markdown]
# ## The cycle
#
# Observations are simulated from the truth of the test period: columns at random places, with
# errors. Beside the filter goes a free run, which sees none of them.

# %% language="bash" magic_args="-e"
# align-da cycle --run runs/first --config first.toml --name letkf
# align-da cycle --run runs/first --config first.toml --name free_run --set cycle.method=free_run

# %% [markdown]
# A cycle that was killed goes on when the command is given again. One that is done is left as it
# is.
#
# ## Scores
#
# The truth is known here, so that errors can be computed. The report is one page, `report.html`,
# that opens in any browser and needs no network. It begins with words: which run is better, by how
# much, and how sure that is. What it shows can be chosen: the reference of the comparison,
# variable, level, score, run and valid time. Pictures for other documents lie beside it.

# %% language="bash" magic_args="-e"
# align-da verify --run runs/first --config first.toml --name letkf --name free_run
# ls runs/first runs/first/report

# %% [markdown]
# ## Is it whole?
#
# Every product carries digests. `inspect` reads all of it and names every damage; it ends with
# [code 4](../reference/exit_codes.md) if there is any.

# %% language="bash" magic_args="-e"
# align-da inspect runs/first/cycles/letkf.zarr

# %% [markdown]
# Go on with [Reading analyses](reading_analyses.py), which looks into this store. With the
# shipped weights:
# `align-da demo --run runs/demo`. With data of your own: [How-to guides](../guides/index.md).
