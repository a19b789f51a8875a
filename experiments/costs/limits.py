"""What 0.25 degrees weighs and costs, and what limits first, as tables."""

from dataclasses import dataclass

import pandas as pd

from align_da.verification.table_format import to_markdown
from experiments.costs.arithmetic import FLOAT
from experiments.costs.extrapolation import (
    CORRELATION_MODES,
    CYCLES_A_YEAR,
    TRAINED,
    Extrapolation,
)
from experiments.costs.tables import amount, digits, duration, two_columns
from experiments.costs.weights import (
    checkpoint_bytes,
    correlation_arrays,
    cycle_weight,
    graph_of_store,
    latent_bytes,
    letkf_bytes,
    rewards_sent,
    statistics_sent,
    training_arrays,
)

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
    return to_markdown(pd.DataFrame([limit.row() for limit in _limits(of)]))


def limits_result(of: Extrapolation) -> pd.DataFrame:
    """What each limit needs, what there is, and the ratio, in bytes or seconds."""
    return pd.DataFrame(
        [
            {
                "what": one.what,
                "needed": one.needed,
                "available": one.available,
                "ratio": one.ratio,
            }
            for one in _limits(of)
        ]
    )


def _limits(of: Extrapolation) -> list[Limit]:
    return sorted((*_memory(of), *_time(of)), key=lambda limit: -limit.ratio)


def _memory(of: Extrapolation) -> list[Limit]:
    target, machines = of.target, of.machines
    host, device = (machines.host_memory, "a host"), (machines.device_memory, "a card")
    held = training_arrays(target)
    covariances = correlation_arrays(target, modes=0)["estimated"]
    members, observations = target.members[1], target.observations
    letkf = letkf_bytes(target, of.layout.grid, members, observations[0])
    attention = _KEPT_FOR_GRADIENT * of.programs["score model, training step"].largest
    waiting = _IN_FLIGHT * rewards_sent(target, cases=1).each
    return [
        Limit("autoencoder's training: all pairs of states in memory", held["states"], *host),
        Limit("score model's training: all pairs of latents in memory", held["latents"], *host),
        Limit(f"covariances of {target.leads} lead times, to estimate C", covariances, *host),
        Limit(f"LETKF of {members} members, {observations[0]} observations", letkf, *device),
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


CORES = 16  # of a host that reduce states


def weights_table(of: Extrapolation) -> str:
    """All rows."""
    rows = {**_data(of), **_cycles(of), **_training(of), **_graphs(of)}
    return two_columns(rows, ("at 0.25 degrees", "weight or time"))


def _data(of: Extrapolation) -> dict[str, str]:
    target = of.target
    latent, truth = latent_bytes(target), target.times * target.state_bytes
    latents = training_arrays(target)["latents"]
    return {
        "one state / one latent / latents of all truths and backgrounds, in pairs": (
            f"{amount(target.state_bytes)} / {amount(latent)} / {amount(latents)}"
        ),
        f"truth of {target.years} years, 6-hourly / backgrounds at {target.leads} lead times": (
            f"{target.times} states, {amount(truth)} / {amount(target.leads * truth)}"
        ),
    }


def _cycles(of: Extrapolation) -> dict[str, str]:
    target, few = of.target, of.target.observations[0]
    cycles = [cycle_weight(of.layout, m, few, of.compression) for m in target.members]
    members = " / ".join(map(str, target.members))
    disk, year, chunk = (
        " / ".join(map(amount, sizes))
        for sizes in (
            [cycle.disk for cycle in cycles],
            [CYCLES_A_YEAR * cycle.disk for cycle in cycles],
            [cycle.largest_file for cycle in cycles],
        )
    )
    files, line = cycles[0].files, cycles[0].ledger
    rate = of.bytes_written_a_second
    return {
        f"a cycle of {members} members, compressed {digits(of.compression)} times as here": disk,
        f"a year, {CYCLES_A_YEAR} cycles": year,
        "its largest chunk, before compression": chunk,
        "files a cycle / a year, any number of members": f"{files} / {CYCLES_A_YEAR * files}",
        "ledger: a line / a year, written anew every cycle": (
            f"{amount(line)} / {amount(CYCLES_A_YEAR * line)}"
        ),
        f"writing a cycle at the {amount(rate)}/s measured here": " / ".join(
            duration(cycle.memory / rate) for cycle in cycles
        ),
    }


def _training(of: Extrapolation) -> dict[str, str]:
    machines, rows = of.machines, {}
    for name in TRAINED:
        program = of.programs[f"{name}, training step"]
        exchanged = 2 * FLOAT * program.parameters / machines.network
        seconds, saved = of.seconds(f"{name}, training step"), program.parameters
        size = checkpoint_bytes(saved)
        rows[f"{name}, a case a card: arithmetic / exchange of gradients / checkpoint"] = (
            f"{duration(seconds)} / {duration(exchanged)} / "
            f"{amount(size)}, {duration(size / machines.disk)}"
        )
    once = of.batch_bytes / machines.file_system
    kept = correlation_arrays(of.target, CORRELATION_MODES)["kept"]
    return {
        **rows,
        f"reading a batch of {machines.all_devices} pairs once": (
            f"{amount(of.batch_bytes)}, {duration(once)}"
        ),
        f"correlation of {CORRELATION_MODES} modes on every card": amount(kept),
    }


def _graphs(of: Extrapolation) -> dict[str, str]:
    target, curves = of.target, of.curves
    blocks = statistics_sent(target, of.layout)
    cases = rewards_sent(target, target.config.alignment.backgrounds)
    graph = graph_of_store(target, len(of.layout.variables))
    empty = float(curves["empty task", "workers"].points["seconds"].iloc[-1])
    reduced = curves["statistics of a state", "points"].at(target.rows * target.columns)
    reducing = (2 + target.leads) * target.times * reduced
    making = curves["store, make", "times"].at(target.times)
    return {
        "statistics: tasks / their bytes / their scheduling": (
            f"{blocks.tasks} / {amount(blocks.total)} / {duration(blocks.tasks * empty)}"
        ),
        f"their arithmetic on one core / on {of.machines.hosts} hosts of {CORES}": (
            f"{duration(reducing)} / {duration(reducing / (of.machines.hosts * CORES))}"
        ),
        f"rewards: cases of {target.candidates} candidates / bytes of one / of all": (
            f"{cases.tasks} / {amount(cases.each)} / {amount(cases.total)}"
        ),
        "graph of the truth opened with dask: tasks / bytes; making its empty store": (
            f"{graph.tasks} / {amount(graph.total)}; {duration(making)}"
        ),
    }
