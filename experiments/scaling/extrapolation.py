"""What 0.25 degrees on many hosts would take: stores, programs, graphs, a step of training."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from align_da.atmosphere import Layout
from align_da.verification.table_format import to_markdown
from experiments.paper_size.synthetic import layout_of
from experiments.scaling import serialised, weights
from experiments.scaling.arithmetic import Program, programs
from experiments.scaling.assumptions import CORRELATION_MODES, CYCLES_A_YEAR, Machines, Target
from experiments.scaling.measurements import Curve
from experiments.scaling.tables import amount, digits, duration, two_columns

PAPER_GRID = (128, 256)
_TRAINED = ("autoencoder", "score model")
_SHOWN = ("encode", "denoise", *(f"{name}, training step" for name in _TRAINED), "analysis, JFPS")


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

    def rate(self, program: str, unit: float) -> float:
        """Units a second of a program at its largest grid."""
        last = self.curves[program, "points"].points.iloc[-1]
        return float(unit * last["value"] / last["seconds"])

    @property
    def batch_bytes(self) -> float:
        """States of a step of training of the autoencoder with a case a device."""
        return self.machines.all_devices * 2 * self.target.state_bytes


def stores_table(of: Extrapolation) -> str:
    """What is stored."""
    target, few = of.target, of.target.observations[0]
    cycles = [weights.cycle_weight(of.layout, m, few, of.compression) for m in target.members]
    latent = weights.latent_bytes(target)
    truth = target.times * target.state_bytes
    rows = {
        "one state / one latent, float32": f"{amount(target.state_bytes)} / {amount(latent)}",
        f"truth of {target.years} years, 6-hourly": f"{amount(truth)}; {target.times} states",
        f"backgrounds at {target.leads} lead times": amount(target.leads * truth),
        "latents of both, a truth beside every background": amount(
            weights.training_arrays(target)["latents"]
        ),
    }
    for members, cycle in zip(target.members, cycles, strict=True):
        rows |= {
            f"a cycle of {members} members (background, analysis, increment)": (
                f"{amount(cycle.memory)}, on disk {amount(cycle.disk)}; "
                f"largest chunk {amount(cycle.largest_file)}"
            ),
            f"a year of them, {CYCLES_A_YEAR} cycles": amount(CYCLES_A_YEAR * cycle.disk),
        }
    files, line = cycles[0].files, cycles[0].ledger
    rows["files a cycle / a year, any number of members"] = f"{files} / {CYCLES_A_YEAR * files}"
    year = CYCLES_A_YEAR * line
    rows["ledger: a line / a year (written anew every cycle)"] = f"{amount(line)} / {amount(year)}"
    sizes = [
        weights.checkpoint_bytes(of.programs[f"{n}, training step"].parameters) for n in _TRAINED
    ]
    rows["a checkpoint of " + " / ".join(_TRAINED)] = " / ".join(map(amount, sizes))
    return two_columns(rows, ("store", "weight"))


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
        f"the card's rate, where encoding reaches {digits(100 * known.share_encode)} %."
    )


def graphs_table(of: Extrapolation) -> str:
    """What goes through dask, and reductions that workers do."""
    target, curves = of.target, of.curves
    blocks = serialised.statistics(target, of.layout)
    cases = serialised.rewards(target, target.config.alignment.backgrounds)
    graph = serialised.graph_of_store(target, len(of.layout.variables))
    empty = float(curves["empty task", "workers"].points["seconds"].iloc[-1])
    points = target.rows * target.columns
    reduced = curves["statistics of a state", "points"].at(points)
    states = (2 + target.leads) * target.times
    making = curves["store, make", "times"].at(target.times)
    writing = of.rate("store, write", 4 * 4 * target.channels * 2)
    return two_columns(
        {
            "statistics: tasks, bytes of all": f"{blocks.tasks}, {amount(blocks.total)}",
            "their scheduling, one after the other": duration(blocks.tasks * empty),
            "their arithmetic on one core / on 64 hosts x 16 cores": (
                f"{duration(states * reduced)} / "
                f"{duration(states * reduced / (of.machines.hosts * 16))}"
            ),
            f"rewards: cases of {target.candidates} candidates, bytes of one / of all": (
                f"{cases.tasks}, {amount(cases.each)} / {amount(cases.total)}"
            ),
            "graph of the truth opened with dask: tasks, bytes": (
                f"{graph.tasks}, {amount(graph.total)}"
            ),
            "making its empty store, one process": duration(making),
            "a cycle of 20 members written by one process": (
                f"{duration(2 * target.members[0] * target.state_bytes / writing)} "
                f"at {amount(writing)}/s"
            ),
        },
        ("through dask and the store", "cost"),
    )


def training_table(of: Extrapolation) -> str:
    """A step of training with a case a device."""
    machines = of.machines
    rows = {}
    for name in _TRAINED:
        program = of.programs[f"{name}, training step"]
        exchanged = 2 * weights.FLOAT * program.parameters
        rows[f"{name}: arithmetic / exchange of gradients"] = (
            f"{duration(of.seconds(f'{name}, training step'))} / "
            f"{duration(exchanged / machines.network)}"
        )
    once = of.batch_bytes / machines.file_system
    rows["reading the batch of states, every case once"] = (
        f"{amount(of.batch_bytes)}, {duration(once)}"
    )
    rows["as it is now: every host makes the whole batch"] = duration(machines.hosts * once)
    kept = weights.correlation_arrays(of.target, CORRELATION_MODES)["kept"]
    rows[f"correlation with {CORRELATION_MODES} modes on every device"] = amount(kept)
    size = weights.checkpoint_bytes(of.programs["score model, training step"].parameters)
    rows["a checkpoint written by one host"] = duration(size / machines.disk)
    return two_columns(rows, (f"a step, {machines.all_devices} cases", "cost"))
