# %% [markdown]
# # Own reward
#
# A reward takes the candidates of one case and gives one finite number a candidate, higher is
# better. [Judge with your own reward](../tutorials/own_reward.py) goes through one from
# candidates to pairs; this page makes it a part of a run.
#
# ## The contract

# %%
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.alignment import AlignmentCase, Reward
from align_da.atmosphere import State
from align_da.config import Section
from align_da.runs.parts import settings_of
from align_da.runs.rewards import RewardInputs


@dataclass(frozen=True)
class CalmReward:
    """Minus the mean square of the wind above a limit, m2 s-2; at most 0."""

    limit: float
    name: str = "calm"
    differentiable: bool = True

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        wind = jnp.hypot(candidates["u_component_of_wind"], candidates["v_component_of_wind"])
        return -jnp.mean(jnp.maximum(wind - self.limit, 0) ** 2, axis=(1, 2, 3))


print("keeps the contract:", isinstance(CalmReward(60.0), Reward))

# %% [markdown]
# - Numbers compare candidates within one call only. They must follow the candidates when these
#   are reordered, and be finite for bad ones too.
# - `case` has the background, the truth at the valid time and at the lead of the forecast
#   reward.
# - Say unit and range in the docstring; say the truth about `differentiable`.
#
# ## A builder with settings
#
# What a run can give a reward are its `RewardInputs`: the forecast model, the lead, the ground,
# the balance of the truth, the configuration. Settings of a reward of yours stand in the table
# `[parts.NAME]`, and are checked like any other section.


# %%
class CalmConfig(Section):
    """The table [parts.calm]."""

    limit: float = 60.0


def build(inputs: RewardInputs) -> Reward:
    """The reward with the limit of the configuration."""
    return CalmReward(settings_of(inputs.config, "calm", CalmConfig).limit)


# %% [markdown]
# ## Make it known
#
# The code above is `my_package/calm.py`, beside an empty `my_package/__init__.py`. A package is
# needed: a run imports nothing by its path. Its `pyproject.toml`, in the folder above:
#
# ```toml
# [build-system]
# requires = ["setuptools>=77"]
# build-backend = "setuptools.build_meta"
#
# [project]
# name = "my-package"
# version = "1.0"
#
# [project.entry-points."align_da.rewards"]
# calm = "my_package.calm:build"
# ```
#
# After `pip install FOLDER`, into the environment of Align-DA, `align-da parts` lists "calm". A
# configuration names it:
#
# ```toml
# [alignment]
# rewards = ["accuracy", "forecast", "balance", "calm"]
#
# [parts.calm]
# limit = 50.0
# ```
#
# On the command line `--set 'alignment.rewards=["accuracy", "calm"]' --set parts.calm.limit=50`
# does it too. What comes before, a truth, backgrounds and a trained prior, is made in [Align a
# prior](../tutorials/aligning.py).
#
# Then `align-da align candidates` scores with it, `align-da align aligned` prefers by it, and
# `align-da align compare` tells by how much every prior has moved in each reward, and in spread;
# it needs the controls too, `align continued` and `align supervised`.
# Name, version and digest of the package stand in the manifest: a run goes on with the same
# reward only.
#
# ## Before it is trusted
#
# - Score candidates that should win and that should lose, and look at the order.
# - Ask what would win by cheating: smoothing, shrinking increments, losing spread.
# - Compare with the controls `continued` and `supervised`, which train as long without
#   preferences. Here they gained as much as alignment ([embedded
#   world](../../../experiments/embedded_world/README.md)).
#
# `tests/contracts/test_reward.py` is the suite that every reward here passes.
