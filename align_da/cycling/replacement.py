"""Members that are not plausible, and what takes their place.

A forecast or an analysis of one member of many may break while the others are whole: a value that
is not finite, or one beyond the bounds of the variable table. Such a member k is replaced by

    x_k = x̄ + ½ (x_j − x̄),

x̄ being the mean of the plausible members and x_j another one of them for every member that is
replaced, chosen by a key. It lies between plausible states, and is therefore plausible; it is no
copy, which would never part from its original. An ensemble of which too much is broken says
that something is wrong with the method or the model, and is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import State
from align_da.atmosphere.plausibility import Offence, described, offences
from align_da.errors import BadStateError

Product = Literal["background", "analysis"]
_SCALE = 0.5  # of the perturbation of another member
_NEEDED = 2  # plausible members, to have a perturbation at all


@dataclass(frozen=True)
class ReplacementRule:
    """How many members may be replaced.

    Attributes:
        share: of the members of one ensemble, rounded down, but one at least; none if 0.
        total: of all backgrounds and analyses of a run together.
    """

    share: float = 0.2
    total: int = 100

    def allowed(self, members: int) -> int:
        """How many of so many members may be replaced at once."""
        return max(1, int(self.share * members)) if self.share else 0

    def refused(self, count: int, members: int, before: int) -> str | None:
        """Why `count` of so many members are not replaced; None if they are.

        Args:
            count: members that are not plausible.
            members: of the ensemble.
            before: members that have been replaced in the run.
        """
        if count > members - _NEEDED:
            return f"two plausible members are needed to replace others, {members - count} left"
        if count > self.allowed(members):
            return (
                f"{count} of {members} members are not plausible, and {self.allowed(members)} may "
                f"be replaced (cycle.replacement.share = {self.share:g})"
            )
        if before + count > self.total:
            return (
                f"{before} members have been replaced before, and {self.total} may be in all "
                f"(cycle.replacement.total = {self.total})"
            )
        return None


NONE_REPLACED = ReplacementRule(share=0.0, total=0)
"""The first member that is not plausible ends the cycling."""


@dataclass(frozen=True)
class Replaced:
    """A member that was replaced.

    Attributes:
        product: which ensemble of the cycle it was of.
        cycle: number of the cycle.
        offence: why.
    """

    product: Product
    cycle: int
    offence: Offence

    def __str__(self) -> str:
        return (
            f"{self.product} of cycle {self.cycle}: {self.offence}: replaced by the mean of the "
            "plausible members and half the perturbation of one of them"
        )


def with_plausible_members(
    state: State,
    product: Product,
    cycle: int,
    key: jax.Array,
    rule: ReplacementRule,
    before: int,
) -> tuple[State, tuple[Replaced, ...]]:
    """An ensemble whose members are plausible, every one; the others keep their bits.

    Args:
        state: ensemble, values [member, lat, lon, channel], SI units; where it drifts, a member is
            judged at all times of the window and replaced at all of them.
        product: which ensemble of the cycle it is.
        cycle: number of the cycle.
        key: chooses whose perturbations are taken.
        rule: how many members may be replaced.
        before: members that have been replaced in the run.

    Raises:
        BadStateError: more members are not plausible than may be replaced; names the first, its
            variable and place.
    """
    found = _offences_in_slots(state)
    if not found:
        return state, ()
    reason = rule.refused(len(found), state.values.shape[0], before)
    if reason is not None:
        message = f"{described(found, f'{product} of cycle {cycle}')}. {reason}"
        raise BadStateError(message)
    broken = [offence.member for offence in found]
    whole: State = jax.tree.map(
        lambda leaf: jnp.asarray(_replaced(np.asarray(leaf), broken, key)), state
    )
    return whole, tuple(Replaced(product, cycle, offence) for offence in found)


def _offences_in_slots(state: State) -> tuple[Offence, ...]:
    """What is first wrong with every member that is not plausible."""
    first: dict[int, Offence] = {}
    for values in np.moveaxis(np.asarray(state.in_slots), 1, 0):
        for offence in offences(values, state.layout):
            first.setdefault(offence.member, offence)
    return tuple(first[member] for member in sorted(first))


def _replaced(values: np.ndarray, broken: Sequence[int], key: jax.Array) -> np.ndarray:
    """The members with the broken ones replaced."""
    plausible = np.setdiff1d(np.arange(len(values)), broken)
    others = plausible[np.asarray(jax.random.permutation(key, len(plausible)))]
    mean = values[plausible].mean(axis=0, dtype=np.float64)
    whole = values.copy()
    for member, other in zip(broken, np.resize(others, len(broken)), strict=True):
        whole[member] = mean + _SCALE * (values[other] - mean)
    return whole
