"""Observations that cycles hide from their analysis, to learn from what it has not seen."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Bool

from align_da.cycling.cycle import Cycle
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.simulate import split_withheld
from align_da.runs.filed_reports import Observe


@dataclass(frozen=True)
class Withholding:
    """Observations of which every cycle hides whole stations, others each time.

    Attributes:
        reported: all of them, of a time and the number of a cycle.
        share: probability that a station is hidden.
        seed: says with the number of the cycle which ones are.
    """

    reported: Observe
    share: float
    seed: int

    def observe(self, time: np.datetime64, number: int) -> ObservationBatch:
        """What is reported, with that of hidden stations flagged passive."""
        return self._hidden(self.reported(time, number), number)

    def learned_from(self, cycle: Cycle) -> Bool[Array, " observation"]:
        """Which observations of a cycle were hidden and have passed quality control.

        What is passive of itself is not among them: stations that are for verification, and
        variables or places that an analysis does not use.
        """
        before = self.reported(cycle.valid_time, cycle.number)
        hidden: jax.Array = before.used & ~self._hidden(before, cycle.number).used
        return hidden & (cycle.observations.flag == Flag.PASSIVE)

    def _hidden(self, reported: ObservationBatch, number: int) -> ObservationBatch:
        key = key_for(self.seed, Purpose.WITHHOLDING, number)
        return split_withheld(reported, self.share, key)
