"""What stores, steps of training and work for dask weigh at 0.25 degrees, in words."""

from experiments.costs import serialised, weights
from experiments.costs.assumptions import CORRELATION_MODES, CYCLES_A_YEAR
from experiments.costs.extrapolation import TRAINED, Extrapolation
from experiments.costs.tables import amount, digits, duration, two_columns

CORES = 16  # of a host that reduce states


def weights_table(of: Extrapolation) -> str:
    """All rows."""
    rows = {**_data(of), **_cycles(of), **_training(of), **_graphs(of)}
    return two_columns(rows, ("at 0.25 degrees", "weight or time"))


def _data(of: Extrapolation) -> dict[str, str]:
    target = of.target
    latent, truth = weights.latent_bytes(target), target.times * target.state_bytes
    latents = weights.training_arrays(target)["latents"]
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
    cycles = [weights.cycle_weight(of.layout, m, few, of.compression) for m in target.members]
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
        exchanged = 2 * weights.FLOAT * program.parameters / machines.network
        seconds, saved = of.seconds(f"{name}, training step"), program.parameters
        size = weights.checkpoint_bytes(saved)
        rows[f"{name}, a case a card: arithmetic / exchange of gradients / checkpoint"] = (
            f"{duration(seconds)} / {duration(exchanged)} / "
            f"{amount(size)}, {duration(size / machines.disk)}"
        )
    once = of.batch_bytes / machines.file_system
    kept = weights.correlation_arrays(of.target, CORRELATION_MODES)["kept"]
    return {
        **rows,
        f"reading a batch of {machines.all_devices} pairs once": (
            f"{amount(of.batch_bytes)}, {duration(once)}"
        ),
        f"correlation of {CORRELATION_MODES} modes on every card": amount(kept),
    }


def _graphs(of: Extrapolation) -> dict[str, str]:
    target, curves = of.target, of.curves
    blocks = serialised.statistics(target, of.layout)
    cases = serialised.rewards(target, target.config.alignment.backgrounds)
    graph = serialised.graph_of_store(target, len(of.layout.variables))
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
