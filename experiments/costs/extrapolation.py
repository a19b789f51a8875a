"""What the networks would take at 0.25 degrees, and what everything else is computed from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from align_da.atmosphere import Layout
from align_da.verification.table_format import to_markdown
from experiments.costs.synthetic import layout_of
from experiments.costs import weights
from experiments.costs.arithmetic import Program, programs
from experiments.costs.assumptions import Machines, Target
from experiments.costs.measurements import Curve
from experiments.costs.parts import PARTS
from experiments.costs.tables import amount, digits

PAPER_GRID = (128, 256)
TRAINED = ("autoencoder", "score model")
_SHOWN = ("encode", "denoise", *(f"{name}, training step" for name in TRAINED), "analysis, JFPS")


@dataclass(frozen=True)
class Extrapolation:
    """Everything that the tables and the limits are made of.

    Attributes:
        target: the states.
        machines: the hosts.
        curves: what has been measured.
        compression: bytes in memory over bytes on disk.
    """

    target: Target
    machines: Machines
    curves: Mapping[tuple[str, str], Curve]
    compression: float

    @cached_property
    def layout(self) -> Layout:
        """Of the states."""
        return layout_of(self.target.rows, self.target.columns)

    @cached_property
    def programs(self) -> dict[str, Program]:
        """At 0.25 degrees."""
        return programs(self.target.config, self.layout)

    @cached_property
    def of_paper(self) -> dict[str, Program]:
        """At the size of the paper."""
        return programs(self.target.config, layout_of(*PAPER_GRID))

    def seconds(self, name: str) -> float:
        """On one device, at the share of its rate that was measured at the size of the paper."""
        low = name in {"denoise", "score model, training step"}
        share = self.machines.share_denoise if low else self.machines.share_encode
        return self.programs[name].flop / (self.machines.rate * share)

    @property
    def bytes_written_a_second(self) -> float:
        """Of a store, at the largest grid that was measured."""
        last = self.curves["store, write", "points"].points.iloc[-1]
        states = 2 * PARTS["store"].base.members  # backgrounds and analyses
        size = weights.FLOAT * states * self.target.channels * last["value"]
        return float(size / last["seconds"])

    @property
    def batch_bytes(self) -> float:
        """States of a step of training of the autoencoder with a case a device."""
        return self.machines.all_devices * 2 * self.target.state_bytes


def programs_table(of: Extrapolation) -> str:
    """What the networks take."""
    rows = []
    for name in _SHOWN:
        here, there = of.programs[name], of.of_paper[name]
        rows.append(
            {
                "program, one case": name,
                "parameters, million": digits(here.parameters / 1e6),
                "TFLOP": digits(here.flop / 1e12),
                "times the paper's": digits(here.flop / there.flop),
                "seconds on one card": digits(of.seconds(name)),
                "largest array": amount(here.largest),
            }
        )
    return f"{to_markdown(pd.DataFrame(rows))}\n{_against_the_measured_analysis(of)}"


def _against_the_measured_analysis(of: Extrapolation) -> str:
    counted, known = of.of_paper["analysis, JFPS"].flop, of.machines
    share = counted / known.paper_analysis / known.rate
    return (
        f"At the paper's size an analysis counts {digits(counted / 1e12)} TFLOP in the same way. "
        f"It was measured in {known.paper_analysis} s: that would be {digits(100 * share)} % of "
        f"the card's rate, where encoding reaches {digits(100 * known.share_encode)} %.\n"
    )
