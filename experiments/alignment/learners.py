"""Three ways to learn from a reward, each a few cycles at a time.

From cases: the gradient of the reward of the next forecast, states are data. Through cycles: the
gradient of the return over the next cycles, through forecasts, filter and network. By evolution:
gains of the analysis, from returns over the next cycles with the same chances for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from align_da.alignment.evolution import directions_of, slope
from align_da.alignment.gains import GainedAnalysis, Gains
from align_da.assimilation.analysis_correction import CorrectedAnalysis
from align_da.assimilation.contract import Analysis
from align_da.cycling.twin_experiment import TwinCycle, Twins, TwinStates, cycle_keys
from align_da.keys import Purpose, key_for
from align_da.training.analysis_correction import (
    Aggregated,
    Scores,
    cases_of,
    correction_loss,
)
from align_da.training.optimizer import make_optimizer
from align_da.training.plan import TrainingPlan
from align_da.training.state import initial_state
from align_da.training.step import make_step
from experiments.alignment.begun import Begun
from experiments.alignment.chunks import Chunk
from experiments.alignment.futures import truths_ahead
from experiments.alignment.rewards import AheadTarget, Reward
from experiments.closed_loop.worlds import EVERY, LAYOUT, World

BATCH = 64  # cases
TOGETHER = 32  # trajectories of a return
EDGES = (4, 9)  # zonal wavenumbers: waves of a few stations, of one to two, and what is between
_OTHER_ERRORS = 1_000_000  # numbers of cycles whose errors the returns are learned with


class Learner(Protocol):
    """Learns from what a method has met."""

    @property
    def method(self) -> CorrectedAnalysis | GainedAnalysis:
        """What acts now."""
        ...

    def learn(self, kept: Sequence[Chunk], number: int) -> None:
        """Change the method by the last chunks of cycles.

        Args:
            kept: the chunks.
            number: of the call, for its random draws.
        """
        ...


class FromCases:
    """The network by gradients of a reward of single cycles."""

    def __init__(
        self, world: World, start: CorrectedAnalysis, reward: Reward, plan: TrainingPlan, seed: int
    ) -> None:
        self.method: CorrectedAnalysis = start
        self._seed, self._steps = seed, plan.validate_every
        self._graph, params = nnx.split(start.correction.network)
        optimizer = make_optimizer(plan)
        self._state = initial_state(params, optimizer)
        loss = correction_loss(self._graph, reward.judged(world), scales_spread=True)
        self._step = make_step(loss, optimizer, plan.ema_decay)

    def learn(self, kept: Sequence[Chunk], number: int) -> None:
        """Some steps on cases of the chunks."""
        cases = Aggregated(tuple(chunk.met for chunk in kept))
        batch_of, count = cases_of(cases, self.method.correction.scaling)
        key = key_for(self._seed, Purpose.TRAINING, number)
        for rows in np.asarray(jax.random.randint(key, (self._steps, BATCH), 0, count)):
            self._state, _ = self._step(self._state, batch_of(rows), key)
        self.method = with_network(self.method, self._graph, self._state.ema)


class ThroughCycles:
    """The network by gradients of a return over several cycles."""

    def __init__(
        self,
        world: World,
        start: CorrectedAnalysis,
        reward: Reward,
        plan: TrainingPlan,
        seed: int,
        cycles: int,
    ) -> None:
        self.method: CorrectedAnalysis = start
        self._seed, self._steps, self._cycles = seed, plan.validate_every, cycles
        self._graph, params = nnx.split(start.correction.network)
        optimizer = make_optimizer(plan)
        self._state = initial_state(params, optimizer)
        returns = return_over(world, start, reward)

        def loss(params: PyTree, batch: tuple[TwinStates, PyTree], key: jax.Array) -> Scores:
            return returns(with_network(start, self._graph, params), *batch), {}

        self._step = make_step(loss, optimizer, plan.ema_decay)

    def learn(self, kept: Sequence[Chunk], number: int) -> None:
        """Some steps on returns from where the chunks began."""
        key = key_for(self._seed, Purpose.TRAINING, number)
        starts = jax.random.randint(key, (self._steps,), 0, len(kept))
        for step, start in enumerate(np.asarray(starts)):
            batch = some_of(kept[start].begun, self._cycles, jax.random.fold_in(key, step))
            self._state, _ = self._step(self._state, batch, key)
        self.method = with_network(self.method, self._graph, self._state.ema)


@dataclass(frozen=True)
class EvolutionPlan:
    """The numbers of an evolution.

    Attributes:
        generations: a chunk of cycles.
        pairs: of perturbed gains a generation.
        radius: of the perturbations.
        learning_rate: of Adam.
    """

    generations: int
    pairs: int
    radius: float
    learning_rate: float


class ByEvolution:
    """Gains by returns over several cycles."""

    def __init__(
        self,
        world: World,
        start: CorrectedAnalysis,
        reward: Reward,
        plan: EvolutionPlan,
        seed: int,
        cycles: int,
    ) -> None:
        self.method: GainedAnalysis = with_gains(start)
        self._seed, self._plan, self._cycles = seed, plan, cycles
        self._gains, self._taken_apart = ravel_pytree(self.method.gains)
        self._optimizer = optax.adam(plan.learning_rate)
        self._state = self._optimizer.init(self._gains)
        self._return = jax.jit(return_over(world, self.method, reward))

    def learn(self, kept: Sequence[Chunk], number: int) -> None:
        """Some generations, from where the chunks began in turn."""
        key = key_for(self._seed, Purpose.TRAINING, number)
        for generation in range(self._plan.generations):
            of_batch, of_directions = jax.random.split(jax.random.fold_in(key, generation))
            begun = kept[-1 - generation % len(kept)].begun
            batch = some_of(begun, self._cycles, of_batch)

            def loss(
                gains: Float[Array, " gain"], batch: tuple[TwinStates, PyTree] = batch
            ) -> Float[Array, ""]:
                lost: Float[Array, ""] = self._return(self._with(gains), *batch)
                return lost

            directions = directions_of(of_directions, self._plan.pairs, self._gains.size)
            found = slope(loss, self._gains, directions, self._plan.radius)
            change, self._state = self._optimizer.update(found, self._state)
            self._gains = optax.apply_updates(self._gains, change)
        self.method = self._with(self._gains)

    def _with(self, gains: Float[Array, " gain"]) -> GainedAnalysis:
        return replace(self.method, gains=self._taken_apart(gains))


Return = Callable[[Analysis, TwinStates, PyTree], Float[Array, ""]]
"""(method, states, keys of every cycle) → mean loss of the cycles that follow."""


def return_over(world: World, method: Analysis, reward: Reward) -> Return:
    """What a method of this structure loses in the cycles after some states.

    It can be compiled, and differentiated by the arrays of the method.
    """

    def of_cycle(cycle: TwinCycle) -> Float[Array, ""]:
        truth = truths_ahead(world, cycle.truth)[None]
        unit = jnp.ones((1, LAYOUT.shape[-1]))
        target = AheadTarget(cycle.analysis[None], truth, truth, unit)
        return reward.loss(world, cycle.analysis[None], target)

    twins = Twins(world.twins(method, cycles=1), of_cycle)

    def returned(acting: Analysis, states: TwinStates, keys: PyTree) -> Float[Array, ""]:
        losses = []
        for of_cycle in range(len(keys[0])):
            states, loss = twins.advance(
                acting,
                states,
                jax.tree.map(lambda column: column[of_cycle], keys),  # noqa: B023
            )
            losses.append(loss.mean())
        return jnp.stack(losses).mean()

    return returned


def some_of(begun: Begun, cycles: int, key: jax.Array) -> tuple[TwinStates, PyTree]:
    """Some of the trajectories, and keys of the cycles that follow.

    Errors of observations are others than those of the cycles that were met, so that what is met
    next has not been learned from.
    """
    count = len(begun.seeds)
    rows = np.asarray(jax.random.permutation(key, count))[: min(TOGETHER, count)]
    states = jax.tree.map(lambda column: column[rows], begun.states)
    chosen = tuple(begun.seeds[row] for row in rows)
    first = _OTHER_ERRORS + begun.number
    keys = [cycle_keys(chosen, first + cycle) for cycle in range(cycles)]
    return states, jax.tree.map(lambda *columns: jnp.stack(columns), *keys)


def with_network(
    method: CorrectedAnalysis, graph: nnx.GraphDef, params: PyTree
) -> CorrectedAnalysis:
    """A method with other parameters of its network, in arrays of their own."""
    network = nnx.merge(graph, jax.tree.map(jnp.copy, params))
    return replace(method, correction=replace(method.correction, network=network))


def with_gains(method: CorrectedAnalysis) -> GainedAnalysis:
    """A method with gains by place beside the next station, and by band."""
    place = jnp.arange(LAYOUT.shape[1]) % EVERY
    classes = jnp.broadcast_to(place[None, :, None], LAYOUT.shape)
    return GainedAnalysis(method, Gains.neutral(EVERY, len(EDGES) + 1), classes, EDGES)


def named(gains: Gains) -> dict[str, float]:
    """Every gain by its part, band and place: the number of variables after a station."""
    bands = {f"learned {band}": values for band, values in enumerate(gains.learned)}
    return {
        f"{part}, {place}": float(value)
        for part, values in {"update": gains.update, **bands, "spread": gains.spread}.items()
        for place, value in enumerate(values)
    }
