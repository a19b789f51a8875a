"""What limits first: what is needed over what there is, the worst first."""

from dataclasses import dataclass

import pandas as pd

from align_da.verification.table_format import to_markdown
from experiments.costs import serialised, weights
from experiments.costs.extrapolation import Extrapolation
from experiments.costs.tables import amount, digits, duration

_KEPT_FOR_GRADIENT = 4  # scores and weights of attention, and the gradients of both
_IN_FLIGHT = 8  # the default of align_da.alignment.candidates.score_cases
_WINDOW = 6 * 3600.0
_DAY = 86400.0


@dataclass(frozen=True)
class Limit:
    """A demand as the code makes it today.

    Attributes:
        what: in words.
        needed: bytes or seconds.
        available: likewise.
        of: what there is, in words.
        in_seconds: whether it is time.
    """

    what: str
    needed: float
    available: float
    of: str
    in_seconds: bool = False

    @property
    def ratio(self) -> float:
        """Above 1 it does not go."""
        return self.needed / self.available

    def row(self) -> dict[str, str]:
        """For the table."""
        shown = duration if self.in_seconds else amount
        return {
            "what the code does today": self.what,
            "needs": shown(self.needed),
            "there is": f"{shown(self.available)} ({self.of})",
            "ratio": digits(self.ratio),
        }


def limits_table(of: Extrapolation) -> str:
    """All limits, the worst first."""
    limits = sorted((*_memory(of), *_time(of)), key=lambda limit: -limit.ratio)
    return to_markdown(pd.DataFrame([limit.row() for limit in limits]))


def _memory(of: Extrapolation) -> list[Limit]:
    target, machines = of.target, of.machines
    host, device = (machines.host_memory, "a host"), (machines.device_memory, "a card")
    held = weights.training_arrays(target)
    covariances = weights.correlation_arrays(target, modes=0)["estimated"]
    members, observations = target.members[1], target.observations
    letkf = weights.letkf_arrays(target, members, observations[0], of.layout.grid.level_count)
    attention = _KEPT_FOR_GRADIENT * of.programs["score model, training step"].largest
    waiting = _IN_FLIGHT * serialised.rewards(target, cases=1).each
    return [
        Limit("autoencoder's training: all pairs of states in memory", held["states"], *host),
        Limit("score model's training: all pairs of latents in memory", held["latents"], *host),
        Limit(f"covariances of {target.leads} lead times, to estimate C", covariances, *host),
        Limit(f"LETKF: tapers of {observations[0]} observations", letkf["tapers"], *device),
        Limit(f"LETKF: transforms of {members} members", letkf["transforms"], *device),
        Limit("global attention of the score model, gradient of one case", attention, *device),
        Limit(f"rewards: {_IN_FLIGHT} cases in flight, in one process", waiting, *host),
    ]


def _time(of: Extrapolation) -> list[Limit]:
    target, machines = of.target, of.machines
    members = target.members[0]
    reading = machines.hosts * of.batch_bytes / machines.file_system
    step = of.seconds("autoencoder, training step")
    # A matrix of as many rows as latitudes times channels is decomposed for every wave: the cost
    # grows with the third power of the latitudes times that of the longitudes.
    points = target.rows * target.columns
    estimate = of.curves["correlation, estimated", "points"].at(points, exponent=2.0)
    return [
        Limit(
            f"a cycle of {members} members, JFPS one after the other on one card",
            members * of.seconds("analysis, JFPS"),
            _WINDOW,
            "the window",
            in_seconds=True,
        ),
        Limit(
            "reading the batch on every host",
            reading,
            step,
            "arithmetic of the step",
            in_seconds=True,
        ),
        Limit("C estimated on one host", estimate, _DAY, "a day", in_seconds=True),
    ]
