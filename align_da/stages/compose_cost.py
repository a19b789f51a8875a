"""What the report shows of the costs of cycles."""

from align_da.verification.cost_table import Costs, cost_table
from align_da.verification.report.page import ReportTable, Section

_LABELS = {
    "method": "run",
    "cpu_seconds": "CPU time a cycle, s",
    "wall_seconds": "time a cycle, s",
    "peak_bytes": "memory, GB",
    "cycles": "cycles recorded",
    "processes": "processes",
    "cores": "cores",
    "processor": "processor",
    "device": "device",
}


def compose_cost(costs: Costs) -> Section:
    """A row a run."""
    table = cost_table(costs)
    shown = table.assign(peak_bytes=table["peak_bytes"] / 1e9)
    text = (
        "Medians over the cycles without the first of each process, which compiles. CPU time is "
        "that of all threads, user and system, and of children that have ended; memory is that of "
        "the largest process at its peak, without the memory of an accelerator. Costs of machines "
        "that differ, or that had other work to do, are not comparable."
    )
    unknown = [name for name, cost in costs.items() if cost is None]
    if unknown:
        text += f"\nNot recorded: {', '.join(unknown)}."
    compiling = [name for name, cost in costs.items() if cost is not None and cost.compiled]
    if compiling:
        text += f"\nOnly cycles that compile are recorded: {', '.join(compiling)}."
    shown = shown[list(_LABELS)].set_axis(list(_LABELS.values()), axis="columns")
    return Section("Cost", text, tables=[ReportTable("What a cycle costs", shown)])
