"""Stops an alignment that pleases its reward and nothing else.

A reward is a measure that is made a target. While it is optimised, scores that it does not contain
are looked at beside it: another lead, another score, the ratio of spread and error. Where the
rewarded score gets better and one of these worse, and both stay so over several looks, the rest of
the training would be paid for by what nobody has rewarded.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from align_da.checks import check_count
from align_da.errors import InputError

Look = Mapping[str, float]
"""Scores by name, positive, lower is better."""


@dataclass(frozen=True)
class HackingMonitor:
    """The rule.

    Attributes:
        rewarded: name of the score that is optimised.
        held_out: names of scores that are not.
        looks: that are averaged, at the start and at the end; single ones are noisy.
        tolerance: by which share of its start a held-out score may get worse.
    """

    rewarded: str
    held_out: tuple[str, ...]
    looks: int = 3
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        check_count("looks of a monitor", self.looks)
        if not self.held_out or self.rewarded in self.held_out:
            message = (
                f"expected held-out scores other than {self.rewarded!r}, got {self.held_out}: "
                "name a lead or a score that is not rewarded"
            )
            raise InputError(message)
        if not 0 <= self.tolerance < 1:
            message = f"expected a tolerance of 0 to below 1, got {self.tolerance}"
            raise InputError(message)

    def verdict(self, history: Sequence[Look]) -> str | None:
        """Why the training has to stop; None where it may go on.

        Args:
            history: looks so far, the first one before anything was learned.

        Raises:
            InputError: a score is missing, or not a positive number.
        """
        names = (self.rewarded, *self.held_out)
        for look in history:
            _check_look(look, names)
        if len(history) < 2 * self.looks:
            return None
        change = {name: self._change(name, history) for name in names}
        worse = {name: change[name] for name in self.held_out if change[name] > self.tolerance}
        if change[self.rewarded] >= 0 or not worse:
            return None
        told = ", ".join(f"{name} {value:+.1%}" for name, value in worse.items())
        return (
            f"the rewarded score {self.rewarded} has changed by {change[self.rewarded]:+.1%} and "
            f"is better, held-out ones are worse: {told}"
        )

    def _change(self, name: str, history: Sequence[Look]) -> float:
        """Relative change of the mean over the last looks from that over the first."""
        first, last = (
            sum(look[name] for look in some) / self.looks
            for some in (history[: self.looks], history[-self.looks :])
        )
        return last / first - 1


def _check_look(look: Look, names: tuple[str, ...]) -> None:
    for name in names:
        value = look.get(name)
        if value is None or not 0 < value < math.inf:
            message = f"expected a positive score {name!r}, got {value}: looks have {[*look]}"
            raise InputError(message)
