"""Random keys derived by purpose, never split along the way.

A key depends on the seed, on what it is for and on the place in the run (cycle, member, step).
A resumed run and a larger ensemble therefore draw the same bits.
"""

import enum

import jax


class Purpose(enum.IntEnum):
    """What a key is for. The numbers are part of every stored result: never renumber."""

    OBSERVATION_ERROR = 1
    OBSERVATION_NETWORK = 2
    INITIAL_ENSEMBLE = 3
    ANALYSIS = 4
    PARAMETERS = 5
    TRAINING = 6
    CANDIDATES = 7
    PREFERENCE_PAIRS = 8
    BACKGROUND_PERTURBATION = 9
    VERIFICATION = 10
    VALIDATION = 11
    BATCHES = 12
    REPLACEMENT = 13
    WITHHOLDING = 14
    OUTAGE = 15


def key_for(seed: int, purpose: Purpose, *place: int | jax.Array) -> jax.Array:
    """The key of `seed` for `purpose` at `place` (for example cycle and member).

    Args:
        seed: seed of the run, a non-negative integer.
        purpose: what the random numbers are for.
        *place: integers that say where in the run; traced values are allowed.

    Returns:
        A typed JAX key, shape ().
    """
    key = jax.random.fold_in(jax.random.key(seed), int(purpose))
    for index in place:
        key = jax.random.fold_in(key, index)
    return key


def keys_for_members(key: jax.Array, members: int) -> jax.Array:
    """One key a member, the same for the first members whatever their number.

    Returns:
        Keys of shape (members,).
    """
    return jax.vmap(lambda member: jax.random.fold_in(key, member))(jax.numpy.arange(members))
