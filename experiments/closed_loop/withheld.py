"""Observations that a cycle hides from its analysis, to learn from them without a truth.

The stations are those of the world, every fourth variable. Or they are anywhere, others in every
cycle and as many in the mean, two at one place at times, as ships, aircraft and satellites are.
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from align_da.cycling.twin_experiment import observe_everything
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.simulate import split_withheld
from experiments.closed_loop.worlds import EVERY, LAYOUT, World

_AT_ONE_PLACE = 2  # stations, at most


@dataclass(frozen=True)
class Withheld:
    """What is hidden.

    Attributes:
        share: of the stations of a cycle, others each time.
        anywhere: whether stations are anywhere.
    """

    share: float
    anywhere: bool = False

    def planned(self, world: World) -> ObservationBatch:
        """Every place where there may be a station."""
        if not self.anywhere:
            return world.planned
        once = observe_everything(LAYOUT, world.error**2)
        every: ObservationBatch = jax.tree.map(
            lambda column: jnp.tile(column, _AT_ONE_PLACE), once
        )
        return replace(every, station=jnp.arange(every.station.size))

    def flagged(self, observed: ObservationBatch, key: jax.Array) -> ObservationBatch:
        """Those of a cycle: missing where there is no station, passive where it is hidden."""
        of_place, of_hiding = jax.random.split(key)
        if self.anywhere:
            there = jax.random.uniform(of_place, observed.flag.shape) < 1 / (EVERY * _AT_ONE_PLACE)
            flag = jnp.where(there, observed.flag, int(Flag.MISSING))
            observed = replace(observed, flag=flag)
        return split_withheld(observed, self.share, of_hiding)
