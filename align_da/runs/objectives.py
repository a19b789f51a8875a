"""Objectives of alignment by name (`align_da.objectives`): functions of errors and β."""

import dataclasses

import jax
import jax.numpy as jnp

from align_da.alignment.objectives import Objective, PairErrors
from align_da.checks import in_brief
from align_da.errors import ConfigError
from align_da.registry import OBJECTIVES

_PAIRS = 2  # that an objective is tried with


def build_objective(name: str) -> Objective:
    """The objective called `name`.

    Raises:
        ConfigError: it cannot be imported, takes other arguments, or gives something else than a
            number a pair.
    """
    objective: Objective = OBJECTIVES.load(name)
    OBJECTIVES.check_takes(name, objective, ("errors", "beta"))
    errors = PairErrors(*[jnp.ones(_PAIRS)] * len(dataclasses.fields(PairErrors)))
    given: list[object] = []
    jax.eval_shape(lambda tried: given.append(objective(tried, 1.0)), errors)
    loss = given[0]
    if not isinstance(loss, jax.Array) or loss.shape != (_PAIRS,):
        message = (
            f"{OBJECTIVES.owner(name)} has to give the loss of each pair, an array of shape "
            f"({_PAIRS},) for {_PAIRS} pairs, gave {in_brief(loss)}: correct it in its package"
        )
        raise ConfigError(message)
    return objective
