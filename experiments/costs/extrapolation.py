"""0.25 degrees on 64 hosts: what is assumed, and what the networks would take there.

Change a number here and make the page anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from align_da.atmosphere import Layout
from align_da.config import Config, load_config
from align_da.verification.table_format import to_markdown
from experiments.costs.arithmetic import FLOAT, Demand, programs
from experiments.costs.curves import PARTS, Curve
from experiments.costs.paper_size import CONFIG
from experiments.costs.synthetic import layout_of
from experiments.costs.tables import amount, digits


@dataclass(frozen=True)
class Machines:
    """The hosts.

    Attributes:
        hosts: joined by a network.
        devices: of a host.
        device_memory: bytes; NVIDIA's data sheet of the H200.
        host_memory: bytes; our assumption, 2 TB is usual beside eight such cards.
        rate: operations a second that a device does in a product of matrices in half precision,
            measured (experiments/costs).
        share_encode: of that rate in encoding, decoding and training, measured there, of one state
            of 128 x 256.
        share_denoise: of that rate in denoising, likewise.
        paper_analysis: seconds of an analysis of that size, likewise.
        network: bytes a second of a device to other hosts; a 400 Gbit/s port each.
        file_system: bytes a second that all hosts read together; our assumption.
        disk: bytes a second that one host writes or reads; our assumption.
    """

    hosts: int = 64
    devices: int = 8
    device_memory: float = 141e9
    host_memory: float = 2e12
    rate: float = 607e12
    share_encode: float = 0.12
    share_denoise: float = 0.03
    paper_analysis: float = 0.87
    network: float = 50e9
    file_system: float = 100e9
    disk: float = 2e9

    @property
    def all_devices(self) -> int:
        """Devices of all hosts."""
        return self.hosts * self.devices


@dataclass(frozen=True)
class Target:
    """The states and what is done with them.

    Attributes:
        rows: 721 of ERA5 without the one at the north pole: the stride must divide them.
        columns: longitudes.
        channels: as at the size of the paper.
        years: of training, every six hours.
        leads: lead times of backgrounds.
        members: of an ensemble.
        observations: of a cycle of six hours, of the conventional network, and with satellites:
            orders of magnitude.
        candidates: of a case of the rewards.
    """

    rows: int = 720
    columns: int = 1440
    channels: int = 69
    years: int = 40
    leads: int = 3
    members: tuple[int, int] = (20, 50)
    observations: tuple[int, int] = (100_000, 1_000_000)
    candidates: int = 16

    @property
    def times(self) -> int:
        """States of the training period."""
        return round(self.years * 365.25 * 4)

    @property
    def state_bytes(self) -> int:
        """One state of float32."""
        return 4 * self.rows * self.columns * self.channels

    @property
    def config(self) -> Config:
        """Networks of the paper's size; a mode a wavenumber, as the correlation is counted apart.

        (The modes that `denoiser.correlation_modes` asks for are drawn when a prior is traced.)
        """
        return load_config(CONFIG, ["denoiser.correlation_modes=1"])


CORRELATION_MODES = load_config(CONFIG).denoiser.correlation_modes
CYCLES_A_YEAR = round(365.25 * 4)


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
    def programs(self) -> dict[str, Demand]:
        """At 0.25 degrees."""
        return programs(self.target.config, self.layout)

    @cached_property
    def of_paper(self) -> dict[str, Demand]:
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
        size = FLOAT * states * self.target.channels * last["value"]
        return float(size / last["seconds"])

    @property
    def batch_bytes(self) -> float:
        """States of a step of training of the autoencoder with a case a device."""
        return self.machines.all_devices * 2 * self.target.state_bytes


def programs_result(of: Extrapolation) -> pd.DataFrame:
    """What the networks take: numbers, at 0.25 degrees and at the size of the paper."""
    grids = {"0.25 degrees": of.programs, "paper": of.of_paper}
    return pd.DataFrame(
        [
            {"grid": grid, "program": name, **vars(programs[name])}
            for grid, programs in grids.items()
            for name in _SHOWN
        ]
    )


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
