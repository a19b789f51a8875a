"""At what cost: CPU time and memory of a run beside those of its reference, in words.

A ratio is told only of what was recorded on one kind of machine, of cycles that do not compile.
"""

from align_da.storage.run_cost import RunCost
from align_da.verification.cost_table import Costs


def told_costs(costs: Costs, run: str, reference: str) -> str:
    """What a cycle of a run costs beside one of its reference, in a sentence or two.

    Args:
        costs: of all runs.
        run: the run that is spoken of.
        reference: what it is compared with.
    """
    unknown = [name for name in (run, reference) if costs.get(name) is None]
    new, old = costs.get(run), costs.get(reference)
    if new is None or old is None:
        return f"What a cycle of {' and of '.join(unknown)} costs is not recorded."
    why = _not_comparable(new, old)
    if why:
        return (
            f"A cycle takes {_seconds(new)} of CPU time in {run} and {_seconds(old)} in "
            f"{reference}, which cannot be compared: {why}."
        )
    return (
        f"A cycle takes {new.cpu_seconds / old.cpu_seconds:.2g} times the CPU time "
        f"({_seconds(new)} instead of {_seconds(old)}), and at the peak {_memory(new)} of memory "
        f"instead of {_memory(old)}, on the same kind of machine."
    )


def told_cost(cost: RunCost | None, run: str) -> str:
    """What a cycle of a run by itself costs, in a sentence."""
    if cost is None:
        return f"What a cycle of {run} costs is not recorded."
    compiling = ", compiling included" if cost.compiled else ""
    return (
        f"A cycle takes {_seconds(cost)} of CPU time{compiling}, and at the peak {_memory(cost)} "
        "of memory."
    )


def _not_comparable(new: RunCost, old: RunCost) -> str:
    """Why no ratio of two costs is told; nothing where there is one."""
    if len({*new.machines, *old.machines}) > 1:
        return "they were recorded on machines that differ"
    if new.compiled or old.compiled:
        return "of one there are only cycles that compile"
    return "" if old.cpu_seconds > 0 else "it is too short to be measured"


def _seconds(cost: RunCost) -> str:
    return f"{cost.cpu_seconds:.3g} s"


def _memory(cost: RunCost) -> str:
    return f"{cost.peak_bytes / 1e9:.3g} GB"
