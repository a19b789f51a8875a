"""A watchdog against silent divergence: does the ensemble still know how wrong it is?

In units of the observation errors, innovations of a consistent ensemble have the mean square

    D = mean (y − H x̄_b)² / R ≈ 1 + S,   S = mean s² / R,

s being the spread of the members in observation space (Desroziers et al. 2005, Q. J. R. Meteorol.
Soc. 131, 3385-3396). The spread would have to be f = √((D − 1) / S) times what it is. An ensemble
whose spread has collapsed no longer believes the observations: f grows cycle by cycle, and with it
the error, up to that of a free run. The watchdog gives alarm where f is above its limit, and D
further from 1 + S than chance explains, in each of the last cycles that used observations.

It judges by numbers that are stored with every cycle, so that a resumed run judges alike. With one
member there is no spread to judge.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.atmosphere import State
from align_da.errors import BadStateError
from align_da.observations.batch import ObservationBatch

Policy = Literal["warn", "stop", "inflate"]

LARGEST_INFLATION = 4.0
"""Of the perturbations of one background; beyond it something else is wrong."""
_CHANCE = 3.0  # standard deviations of D among so many observations


@dataclass(frozen=True)
class AlarmRule:
    """When the watchdog gives alarm, and what it does then.

    Attributes:
        policy: to warn, to stop the run, or to inflate the background of the next cycle.
        limit: of f, above 1.
        cycles: how many in a row have to be above it.
    """

    policy: Policy = "warn"
    limit: float = 3.0
    cycles: int = 4


@dataclass(frozen=True)
class Consistency:
    """What the innovations of one cycle say of its ensemble.

    Attributes:
        used_observations: how many were assimilated.
        background_chi_square: D, dimensionless.
        background_variance: S, dimensionless; NaN where the spread is not known.
    """

    used_observations: int
    background_chi_square: float
    background_variance: float

    @property
    def judged(self) -> bool:
        """Whether there is anything to compare."""
        return self.used_observations > 0 and not math.isnan(self.background_variance)

    @property
    def ratio(self) -> float:
        """Innovations over what spread and observation errors explain, root mean square."""
        return math.sqrt(self.background_chi_square / (1 + self.background_variance))

    @property
    def factor(self) -> float:
        """f, by what the spread would have to be multiplied."""
        excess = max(self.background_chi_square - 1, 0.0)
        if self.background_variance == 0:
            return math.inf if excess else 1.0
        return math.sqrt(excess / self.background_variance)

    def lost(self, limit: float) -> bool:
        """Whether the ensemble is too sure of itself by more than `limit`, beyond chance."""
        expected = 1 + self.background_variance
        chance = 1 + _CHANCE * math.sqrt(2 / self.used_observations)
        return self.factor > limit and self.background_chi_square > chance * expected


def consistency_of(batch: ObservationBatch, report: AnalysisDiagnostics) -> Consistency:
    """D and S of a cycle, means over its used observations, as float32 holds them.

    Args:
        batch: the observations of the cycle, quality controlled.
        report: of their analysis.
    """
    used = np.asarray(batch.used)
    if not used.any():
        return Consistency(0, 0.0, 0.0)
    error = np.asarray(batch.error, np.float64)[used]
    innovation = np.asarray(batch.value - report.background_equivalent, np.float64)[used]
    spread = np.broadcast_to(np.asarray(report.background_spread, np.float64), used.shape)[used]
    squares = (np.mean((values / error) ** 2) for values in (innovation, spread))
    return Consistency(int(used.sum()), *(float(np.float32(value)) for value in squares))


def consistency_from(scalars: Mapping[str, int | float]) -> Consistency:
    """The same from what is stored of a cycle."""
    return Consistency(
        int(scalars["used_observations"]),
        float(scalars["background_chi_square"]),
        float(scalars["background_variance"]),
    )


def alarm(memory: Sequence[Consistency], rule: AlarmRule) -> str | None:
    """What is wrong, in words; None if nothing is."""
    if len(memory) < rule.cycles or not all(cycle.lost(rule.limit) for cycle in memory):
        return None
    ratio, factor = (np.mean([getattr(c, name) for c in memory]) for name in ("ratio", "factor"))
    return (
        f"in each of the last {rule.cycles} cycles innovations deny the spread: they are "
        f"{ratio:.1f} times what spread and observation errors explain, the spread should be "
        f"{factor:.1f} times what it is (limit {rule.limit:g}). The ensemble is diverging: "
        "use more members, more inflation, or cycle.watchdog.policy = 'inflate'"
    )


def inflated(background: State, memory: Sequence[Consistency]) -> State:
    """The background with its perturbations multiplied by what the innovations ask for.

    Args:
        background: ensemble, values [member, lat, lon, channel].
        memory: of the cycles that gave alarm; f is taken of their means of D and S.
    """
    means = (
        float(np.mean([getattr(cycle, name) for cycle in memory]))
        for name in ("background_chi_square", "background_variance")
    )
    factor = min(Consistency(1, *means).factor, LARGEST_INFLATION)

    def grown(leaf: Float[Array, "member *shape"]) -> Float[Array, "member *shape"]:
        mean = leaf.mean(axis=0)
        return mean + np.float32(factor) * (leaf - mean)

    ensemble: State = jax.tree.map(grown, background)
    return ensemble


@dataclass
class Watchdog:
    """Looks on while a run cycles.

    Attributes:
        rule: when it gives alarm, and what it does then.
        memory: the last `rule.cycles` cycles that can be judged, oldest first.
    """

    rule: AlarmRule
    memory: tuple[Consistency, ...] = ()

    def adjusted(self, background: State) -> State:
        """The background, inflated where the rule wants that and there is alarm."""
        if self.rule.policy == "inflate" and alarm(self.memory, self.rule):
            return inflated(background, self.memory)
        return background

    def remember(self, latest: Consistency) -> None:
        """Keep a cycle in mind, if it can be judged."""
        if latest.judged:
            self.memory = (*self.memory, latest)[-self.rule.cycles :]

    def judge(self, cycle: int, warn: Callable[[str], None] | None) -> None:
        """Warn or stop where the ensemble has lost the truth.

        Args:
            cycle: number of the last cycle, which is stored.
            warn: is given the warning, one line; it is not told if None.

        Raises:
            BadStateError: the rule wants the run to stop.
        """
        told = alarm(self.memory, self.rule)
        if told is None:
            return
        message = f"cycle {cycle}: {told}"
        if self.rule.policy == "stop":
            raise BadStateError(message)
        if warn is not None:
            warn(message)
