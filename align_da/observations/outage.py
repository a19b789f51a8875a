"""Stations that fall silent for a while, as when a country or a carrier stops reporting.

An experiment that denies observations shows what they were worth, and whether cycles get over it.
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.simulate import stations_drawn


@dataclass(frozen=True)
class Outage:
    """Which stations are silent, and when.

    Attributes:
        share: probability that a station is, in [0, 1].
        first: cycle in which they fall silent, from 0.
        cycles: how many cycles it takes until they report again.
        key: of `Purpose.OUTAGE`: the same stations in all of these cycles.
    """

    share: float
    first: int
    cycles: int
    key: jax.Array

    def applied_to(self, batch: ObservationBatch, cycle: int) -> ObservationBatch:
        """The observations of a cycle; those of silent stations are flagged missing."""
        if not self.first <= cycle < self.first + self.cycles or not self.share:
            return batch
        silent = stations_drawn(batch, self.share, self.key)
        return replace(batch, flag=jnp.where(silent, int(Flag.MISSING), batch.flag))
