"""Networks that cycle what they have not learned from.

A network that has learned from the weather of a segment does better in it than it will in any
other, and what it does wrong elsewhere never shows in its own cycles. So segments are cut into
folds, parts of the training period that follow each other; as many networks learn, each from all
folds but its own, and cycle its own. What they meet there, and learn from in the next round, are
the errors of networks that do not know the weather: those of any later use. (Blocked
cross-validation: Roberts et al. 2017, Ecography 40, 913-929.)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from align_da.training.analysis_correction import CycleSource, MetCycles


def fold_of(segment: int, segments: int, folds: int) -> int:
    """The fold of a segment, and the number of the network that has not seen it."""
    return segment * folds // segments


def rows_of_fold(
    fold: int, segments: int, folds: int, cycles: int
) -> tuple[Int[np.ndarray, " own"], Int[np.ndarray, " other"]]:
    """Of a round the cycles of a fold, and those that its network learns from: all others.

    Where there is one fold its network learns from all cycles.

    Args:
        fold: number of the fold.
        segments: of a round, one after the other.
        folds: their number.
        cycles: of a segment in a round.
    """
    of_segments = np.asarray([fold_of(number, segments, folds) for number in range(segments)])
    own = np.repeat(of_segments == fold, cycles)
    return np.flatnonzero(own), np.flatnonzero(~own if folds > 1 else own)


@dataclass(frozen=True)
class Chosen:
    """Some cycles of a source.

    Attributes:
        source: where they are.
        places: which of them, in this order.
    """

    source: CycleSource
    places: Int[np.ndarray, " chosen"]

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, rows: Int[np.ndarray, " row"]) -> MetCycles:
        """Some of them, in this order."""
        return self.source.rows(self.places[rows])
