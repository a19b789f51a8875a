"""Training, validation and test periods of the nature run."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Shaped

from align_da.config import WorldConfig
from align_da.errors import ConfigError

SplitName = Literal["train", "validation", "test"]
SMALLEST_GAP = np.timedelta64(10, "D")


@dataclass(frozen=True)
class Period:
    """A half-open period [start, end) of the nature run.

    Attributes:
        name: what the period is for.
        start: first time.
        end: first time after it.
    """

    name: SplitName
    start: np.datetime64
    end: np.datetime64

    def times(self, step_hours: int) -> Shaped[np.ndarray, " time"]:
        """Every time of the period, `step_hours` apart."""
        return np.arange(self.start, self.end, np.timedelta64(step_hours, "h"))


def periods_of(world: WorldConfig) -> dict[SplitName, Period]:
    """The periods of `world`, after its spin-up, in order.

    Raises:
        ConfigError: two periods are less than 10 days apart.
    """
    start: np.datetime64 = np.datetime64(world.start, "h") + np.timedelta64(
        world.spin_up_days, "D"
    )
    gap = np.timedelta64(world.gap_days, "D")
    lengths: tuple[tuple[SplitName, int], ...] = (
        ("train", world.train_days),
        ("validation", world.validation_days),
        ("test", world.test_days),
    )
    periods: dict[SplitName, Period] = {}
    for name, days in lengths:
        periods[name] = Period(name, start, start + np.timedelta64(days, "D"))
        start = periods[name].end + gap
    check_gaps(tuple(periods.values()))
    return periods


def times_of_truth(world: WorldConfig, step_hours: int) -> Shaped[np.ndarray, " time"]:
    """Every time of the truth, from the start of training to the end of the test.

    Raises:
        ConfigError: two periods are less than 10 days apart.
    """
    periods = periods_of(world)
    step = np.timedelta64(step_hours, "h")
    times = np.arange(periods["train"].start, periods["test"].end, step)
    return times.astype("datetime64[ns]")


def check_gaps(periods: tuple[Period, ...]) -> None:
    """Refuse periods that overlap or are less than 10 days apart.

    Raises:
        ConfigError: says which periods are too close and by how much.
    """
    for before, after in pairwise(sorted(periods, key=lambda period: period.start)):
        gap = after.start - before.end
        if gap < SMALLEST_GAP:
            message = (
                f"expected at least {SMALLEST_GAP} between the periods, got {gap} from the end of "
                f"{before.name} ({before.end}) to the start of {after.name} ({after.start}): "
                "raise world.gap_days"
            )
            raise ConfigError(message)
