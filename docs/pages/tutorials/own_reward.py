# %% [markdown]
# # Judge with your own reward
#
# Alignment draws candidates from a prior, judges them, and teaches the prior to prefer the
# better ones. This page does the first two with a reward that is written here; what a reward can
# be cheated with is the last part.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Array, Float

import align_da as da
from align_da.alignment import AlignmentCase, Reward, select_pairs
from align_da.alignment.rewards.accuracy import AccuracyReward
from align_da.guidance.none import none_guidance
from align_da.prior import prior_from_covariance

# %% [markdown]
# ## Candidates
#
# A case is a background whose truth is known. Here both come from Lorenz-96 and the prior is a
# Gaussian, so that the page takes seconds; the prior of a trained run is drawn from in the same
# way.

# %%
model = da.Lorenz96ForecastModel()
layout, time = model.layout, np.datetime64("2020-01-01T00", "ns")
noise = jax.random.normal(jax.random.key(0), (1, *layout.shape))
truth = model.forecast(da.State(2.3 + 3.6 * noise, layout), time, 6 * 100)

apart = np.abs(np.arange(40)[:, None] - np.arange(40))
B = np.exp(-0.5 * (np.minimum(apart, 40 - apart) / 1.5) ** 2) + 1e-3 * np.eye(40)
root = np.linalg.cholesky(B).astype(np.float32)
error = root @ np.asarray(jax.random.normal(jax.random.key(1), (40,)))
background = da.State(truth.values + error[None, None, :, None], layout)

prior = prior_from_covariance(layout, B)
draw = da.guided_analysis(prior, none_guidance, micro_batch=32)
repeated = da.State(jnp.broadcast_to(background.values, (32, *layout.shape)), layout)
nothing = da.observe_everything(layout, variance=1.0)
candidates, _ = draw(repeated, nothing, 6.0, jax.random.key(2))


def alone(state: da.State) -> da.State:
    """The one state of a batch."""
    return da.State(state.values[0], layout)


case = AlignmentCase(
    background=alone(background),
    truth=alone(truth),
    valid_time=time,
    truth_at_lead=alone(model.forecast(truth, time, 24)),
    background_lead_hours=6.0,
)

# %% [markdown]
# ## A reward
#
# One finite number a candidate, higher is better, in the order of the candidates. This one asks
# whether the peaks are where those of the truth are: the largest values are what a user of this
# system might warn of.

# %%
from dataclasses import dataclass


@dataclass(frozen=True)
class PeakReward:
    """Minus the mean error where the truth is above `threshold`, Lorenz-96 units; at most 0."""

    threshold: float = 6.0
    name: str = "peaks"
    differentiable: bool = True

    def __call__(self, candidates: da.State, case: AlignmentCase) -> Float[Array, " candidate"]:
        peak = case.truth.values > self.threshold
        error = jnp.where(peak, jnp.abs(candidates.values - case.truth.values), 0.0)
        return -error.sum(axis=(1, 2, 3)) / jnp.maximum(peak.sum(), 1)


reward = PeakReward()
print("keeps the contract:", isinstance(reward, Reward))
peaks = np.asarray(reward(candidates, case))
accuracy = np.asarray(AccuracyReward()(candidates, case))
print(f"best {peaks.max():.2f}, worst {peaks.min():.2f}")

# %% [markdown]
# ## Pairs
#
# A pair is a candidate that no reward denies is the better one, and one that is worse. The more
# rewards, the fewer pairs. With the rewards of every case in one array [case, candidate,
# reward]:

# %%
rewards = np.stack([peaks, accuracy], axis=-1)[None]
pairs = select_pairs(rewards, quantile=0.25, count=6, seed=0)
for chosen, rejected, margin in zip(pairs.chosen, pairs.rejected, pairs.margin, strict=True):
    print(f"candidate {chosen:2d} before {rejected:2d}, wins {margin:.0%} more often")

figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
axes.plot(peaks, accuracy, ".", color="grey")
axes.plot(peaks[pairs.chosen], accuracy[pairs.chosen], "^", label="chosen")
axes.plot(peaks[pairs.rejected], accuracy[pairs.rejected], "v", label="rejected")
axes.set(xlabel="reward: peaks", ylabel="reward: accuracy")
axes.legend()
# %% [markdown]
# ## What would win by cheating
#
# A prior that is trained on a reward finds what the reward does not ask for. Try the obvious:
# the mean of all candidates, which is no draw and has no spread, and a candidate that is larger
# everywhere.

# %%
flat = jnp.mean(candidates.values, axis=0, keepdims=True)
larger = candidates.values[:1] + 1.0
tried = da.State(jnp.concatenate([candidates.values, flat, larger]), layout)
for name, judged in (("peaks", reward), ("accuracy", AccuracyReward())):
    found = np.asarray(judged(tried, case))
    order = np.argsort(-found)
    places = [int(np.flatnonzero(order == place)[0]) + 1 for place in (32, 33)]
    print(f"{name}: the mean is number {places[0]}, the larger one number {places[1]} of 34")

# %% [markdown]
# Without knowing more than the others the mean comes before most of them: these rewards reward a
# lack of spread. Larger values everywhere gain nothing. So the spread has to be watched beside
# the rewards, as `align-da align compare` does. To use the reward in a run, make it a part: [Own
# reward](../guides/own_reward.py). What alignment gained here, and what it did not, stands in
# [the embedded world](../../../experiments/embedded_world/README.md).
