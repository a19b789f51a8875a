# %% [markdown]
# # Align a prior
#
# From nothing to an aligned prior, with the commands of a real run, in a world small enough for a
# few minutes: Lorenz-96, forty variables on a ring. Beside the aligned prior stand its
# controls, without which a gain says nothing.
#
# ## A world, and what is trained
#
# The forecast model of the run makes its own truth, so that it has no error of its own. One
# variable a point needs no compression; the autoencoder is asked for it all the same, since the
# prior lives in its latents.

# %%
from pathlib import Path

_ = Path("ring.toml").write_text(
    """
[world]
model = "lorenz96"
spin_up_days = 20
train_days = 200
validation_days = 20
test_days = 40

[backgrounds]
lead_hours = [6, 24]
train_starts = 200
validation_starts = 20
test_starts = 30

[autoencoder]
width = 16
depth = 1
stride = 1
latent_channels = 1
training = { steps = 50, batch_size = 16, warm_up_steps = 10, validate_every = 25 }

[denoiser]
width = 16
levels = 2
correlation_modes = 8
training = { steps = 300, batch_size = 16, warm_up_steps = 10, validate_every = 100 }

[alignment]
backgrounds = 32
candidates = 8
rewards = ["accuracy", "forecast"]
forecast_lead_hours = 24

[alignment.training]
steps = 100
batch_size = 16
warm_up_steps = 10
learning_rate = 3e-3
validate_every = 25

[cycle]
method = "latent_score"
members = 4

[benchmark]
dates = 24
background_lead_hours = 24

[observations]
density = 0.5
"""
)

# %% language="bash" magic_args="-e"
# align-da data truth --config ring.toml --run ring
# align-da data backgrounds --config ring.toml --run ring
# align-da data statistics --config ring.toml --run ring
# align-da train autoencoder --config ring.toml --run ring
# align-da train denoiser --config ring.toml --run ring

# %% [markdown]
# `train denoiser` makes the prior "reference": a score model of the truth given a background.
#
# ## Candidates and their rewards
#
# Of every training background eight states are drawn, and each is judged: how near is it to the
# truth, and how good is the forecast that starts from it. A judgement is relative: what counts is
# which of the eight is the better one.

# %% language="bash" magic_args="-e"
# align-da align candidates --config ring.toml --run ring

# %% [markdown]
# ## The aligned prior, and its controls
#
# "aligned" learns from pairs of candidates that both rewards put in the same order. Three others
# cost as much: "continued" goes on training as the reference was trained, "supervised" learns to
# draw what won, and the reference itself.

# %% language="bash" magic_args="-e"
# align-da align aligned --config ring.toml --run ring
# align-da align continued --config ring.toml --run ring
# align-da align supervised --config ring.toml --run ring
# align-da align compare --config ring.toml --run ring

# %% [markdown]
# `align compare` draws from all four on dates of the test period, with the same noise, and keeps
# the table. The draws of all priors for a date are one group. These two rewards are win rates
# within it, 0.5 is as good as the others; a reward of yours stands in its own unit. "sum" adds,
# over the rewards, the share of the other draws that a draw is better than: 0.5 a reward.
#
# Where no validation of a training is better than that of its start the start is kept
# (`early_stopping`): the training says so, and differences to the reference are zero.

# %%
import matplotlib.pyplot as plt
import pandas as pd

table = pd.read_csv("ring/report/alignment.csv")
rewards = table[table["measure"] == "sum"].set_index("prior")
rewards[["mean", "difference", "low", "high", "effective_dates"]].round(4)

# %%
figure, axes = plt.subplots(figsize=(6, 2.2), layout="constrained")
compared = rewards.drop("reference")
error = [compared["difference"] - compared["low"], compared["high"] - compared["difference"]]
axes.errorbar(compared["difference"], compared.index, xerr=error, fmt="o", capsize=3)
axes.axvline(0, color="grey", linewidth=0.8)
axes.set(xlabel="sum of rewards, difference to the reference", ylim=(-0.5, 2.5))

# %% [markdown]
# Read it in this order. Does the interval of "aligned" exclude zero? Does it lie above that of
# "continued", so that the rewards gave what further training does not? And did the ensemble pay
# for it: rewards of a single draw are won by losing spread. These ratios to the reference tell; a
# prior that has the highest rewards, the least spread and no better CRPS has not learned more.

# %%
shown = table[table["measure"].str.startswith("relative")]
shown.pivot(index="prior", columns="measure", values="mean").round(4)

# %% [markdown]
# When this page was written the aligned prior had higher rewards than the reference and than
# continued training, somewhat less spread, and no better CRPS; "supervised" had the highest
# rewards, the least spread and the worst CRPS. By the rule above, nothing more was learned.
#
# A distance to the truth tells an alignment nothing that training does not know, and in this world
# the forecast model is perfect: large gains cannot be expected here. What can be gained, and by
# which rewards, is asked in [a pilot](../../../experiments/alignment/README.md). A reward of your
# own is a function: see [Judge with your own reward](own_reward.py), and
# [Own reward](../guides/own_reward.py) to name it in a configuration.
#
# ## Cycle with it
#
# With `cycle.method = "latent_score"` a cycle takes the aligned prior unless it is told otherwise.
# Both cycles see the same observations. What else a cycle can be made of tells [What has been
# learned already](../guides/shipped.md), and what was worth it
# [the embedded world](../../../experiments/embedded_world/README.md).

# %% language="bash" magic_args="-e"
# align-da cycle --name aligned --config ring.toml --run ring
# align-da cycle --name reference --set cycle.prior=reference --config ring.toml --run ring
# align-da verify --name aligned --name reference --config ring.toml --run ring

# %%
scores = pd.read_csv("ring/report/cycle_scores.csv")
of_analyses = scores[(scores["product"] == "analysis") & (scores["score"] == "rmse")]
of_analyses.groupby("method")["value"].mean().round(4)
