"""Trajectories at some time, from which several methods go on."""

from dataclasses import dataclass

from align_da.assimilation.contract import Analysis
from align_da.cycling.twin_experiment import TwinCycle, Twins, TwinStates, first_states
from experiments.closed_loop.worlds import World


@dataclass(frozen=True)
class Begun:
    """Where they are.

    Attributes:
        states: of all of them.
        seeds: theirs.
        number: of the next cycle.
    """

    states: TwinStates
    seeds: tuple[int, ...]
    number: int


def begun_with(world: World, method: Analysis, seeds: tuple[int, ...], cycles: int) -> Begun:
    """Trajectories that have cycled with a method.

    Args:
        world: which one.
        method: of the first cycles.
        seeds: one a trajectory.
        cycles: that it has acted in.
    """
    experiment = world.twins(method, cycles)
    twins, states = Twins(experiment, _nothing), first_states(experiment, seeds)
    for number in range(cycles):
        states, _ = twins.cycle(method, states, seeds, number)
    return Begun(states, seeds, cycles)


def _nothing(cycle: TwinCycle) -> None:
    return None
