"""What a call or a compiled program costs."""

import math
import statistics
from collections.abc import Callable

from align_da.verification.cost import Cost, measured
from experiments.costs.paper_size import Program, compile_program, timed


def cost_of_call(call: Callable[[], object], repeat: int) -> Cost:
    """Median time of a call, after one that is not counted.

    Memory is not told: a later call may use what an earlier one has left to the process.
    """
    costs = [measured(call)[1] for _ in range(1 + repeat)]
    return Cost(statistics.median(cost.seconds for cost in costs[1:]), math.nan)


def cost_of_program(program: Program, repeat: int) -> Cost:
    """Median time of a compiled program, and the memory that XLA plans with its arguments."""
    executable, _ = compile_program(program)
    plan = executable.memory_analysis()
    held = plan.argument_size_in_bytes + plan.temp_size_in_bytes + plan.output_size_in_bytes
    return Cost(timed(lambda: executable(*program.arguments), repeat), held / 1e6)


def shared(cost: Cost, count: int) -> Cost:
    """The time of one of so many; memory is that of all."""
    return Cost(cost.seconds / count, cost.megabytes)
