"""Twin experiments on small models: many seeds at once, to be held against published scores.

Truth and ensemble start from the same distribution, the truth is observed after every window with
errors drawn from R, and the method cycles. All seeds are one batch, so that a thousand cycles of a
Lorenz model take seconds.

This is not the loop of `cycles`, which looks at every background and every window before it goes
on. Here forecast, observations and analysis of all seeds are one compiled function, in which no
value can be looked at; and the truth goes with the ensemble.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from rich.progress import Progress

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.atmosphere import Layout, State
from align_da.forecast.contract import ForecastModel
from align_da.forecast.leads import forecast_through
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.contract import ObservationOperator
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.noise import Noise, noise_of
from align_da.observations.own_times import at_own_times, slots_of_window
from align_da.observations.simulate import simulate_observations

_OF_MODEL, _OF_FLAGS = 1, 2  # beside the errors of the observations of a cycle
_START = np.datetime64("2000-01-01", "ns")  # the models know no time


def observe_everything(layout: Layout, variance: float, every: int = 1) -> ObservationBatch:
    """Positions and errors of observations of a state on a line, at its points.

    Args:
        layout: of one latitude, one level and one variable.
        variance: of the observation errors.
        every: which points are observed: the first, and every so many from there.
    """
    longitude = jnp.asarray(layout.grid.longitude[::every], jnp.float32)
    nothing, whole = jnp.zeros_like(longitude), jnp.zeros(longitude.size, jnp.int32)
    return ObservationBatch(
        value=nothing,
        error=nothing + variance**0.5,
        latitude=nothing,
        longitude=longitude,
        level=nothing + 1,
        vertical=whole + int(Vertical.LEVEL),
        time=nothing,
        variable=whole,
        station=jnp.arange(longitude.size),
        flag=whole + int(Flag.PASS),
    )


@dataclass(frozen=True)
class TwinExperiment:
    """What is cycled.

    Attributes:
        model: makes the backgrounds, and the truth if there is no `nature`; must be traceable by
            JAX.
        method: the assimilation method; must be traceable by JAX. Where it is a pytree of arrays,
            another one of the same structure is not compiled again.
        planned: positions and errors of the observations of every cycle.
        initial: mean of the first states, [lat, lon, channel].
        initial_std: their standard deviation.
        members: of the ensemble.
        cycles: to run.
        window_hours: between two analyses.
        operator: H of the truth, bound to `planned`; interpolation if None.
        observation_noise: distribution of the observation errors, or its name; see
            `align_da.observations.noise`.
        model_noise: standard deviation of the Gaussian error that truth and members get, each its
            own, after every window; in the unit of the state.
        nature: makes the truth, where `model` is not perfect; of the same layout.
        flagged: which observations of a cycle are used, given them and a key; all if None.
        trajectory_hours: between the times of the window for which truth and backgrounds are
            known. `planned` is then observed at its own times, within the window centred on the
            valid time, and a method whose operator is bound by `at_own_times` with the same slots
            compares it with the background there; any other takes it as of the valid time.
    """

    model: ForecastModel
    method: Analysis
    planned: ObservationBatch
    initial: Float[Array, "lat lon channel"]
    initial_std: float
    members: int
    cycles: int
    window_hours: int
    operator: ObservationOperator | None = None
    observation_noise: str | Noise = "gaussian"
    model_noise: float = 0.0
    nature: ForecastModel | None = None
    flagged: Callable[[ObservationBatch, jax.Array], ObservationBatch] | None = None
    trajectory_hours: int = 0

    @property
    def slots(self) -> tuple[int, ...]:
        """Hours from the valid time to the times of the trajectories; none without them.

        Raises:
            InputError: see `slots_of_window`.
        """
        return slots_of_window(self.window_hours, self.trajectory_hours)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TwinCycle:
    """One cycle of one seed, as `keep` of `twin_cycles` sees it while it is compiled.

    Attributes:
        truth: [lat, lon, channel].
        background: [member, lat, lon, channel].
        observations: with their simulated values.
        analysis: [member, lat, lon, channel].
        report: of the analysis.
    """

    truth: Float[Array, "lat lon channel"]
    background: Float[Array, "member lat lon channel"]
    observations: ObservationBatch
    analysis: Float[Array, "member lat lon channel"]
    report: AnalysisDiagnostics


@dataclass(frozen=True)
class TwinResult:
    """Truth and analyses of every cycle and seed.

    Attributes:
        truth: [cycle, seed, lat, lon, channel].
        analysis: [cycle, seed, member, lat, lon, channel].
    """

    truth: Float[np.ndarray, "cycle seed lat lon channel"]
    analysis: Float[np.ndarray, "cycle seed member lat lon channel"]


def run_twins(
    experiment: TwinExperiment, seeds: tuple[int, ...], progress: Progress | None = None
) -> TwinResult:
    """Cycle from every seed and keep truth and analyses.

    Args:
        experiment: what to run.
        seeds: of truth, first ensemble, observation errors and analysis.
        progress: shows the cycles done; nothing is shown if None.
    """

    def states(cycle: TwinCycle) -> tuple[Array, Array]:
        return cycle.truth, cycle.analysis

    truths, analyses = zip(*twin_cycles(experiment, seeds, states, progress), strict=True)
    return TwinResult(np.stack(truths), np.stack(analyses))


def twin_cycles(
    experiment: TwinExperiment,
    seeds: tuple[int, ...],
    keep: Callable[[TwinCycle], Any],
    progress: Progress | None = None,
) -> Iterator[Any]:
    """Cycle from every seed.

    Args:
        experiment: what to run.
        seeds: of truth, first ensemble, observation errors and analysis.
        keep: what of every cycle is wanted, see `Twins`.
        progress: shows the cycles done; nothing is shown if None.

    Yields:
        What is kept of a cycle, in host memory, every array with a leading axis of seeds.
    """
    twins, states = Twins(experiment, keep), first_states(experiment, seeds)
    with progress or Progress(disable=True) as bar:
        for number in bar.track(range(experiment.cycles), description="cycles"):
            states, kept = twins.cycle(experiment.method, states, seeds, number)
            yield jax.tree.map(np.asarray, kept)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TwinStates:
    """Truth and ensemble of every seed at one time.

    Attributes:
        truth: [seed, lat, lon, channel].
        ensemble: [seed, member, lat, lon, channel].
    """

    truth: Float[Array, "seed lat lon channel"]
    ensemble: Float[Array, "seed member lat lon channel"]


class Twins:
    """The cycle of a twin experiment, compiled once for all methods of one structure."""

    def __init__(self, experiment: TwinExperiment, keep: Callable[[TwinCycle], Any]) -> None:
        """Set up the cycle.

        Args:
            experiment: what to run; its method may be exchanged in `cycle`.
            keep: what of every cycle is wanted, a pytree of arrays; compiled with the cycle.
        """
        _, structure = _taken_apart(experiment.method)
        advance = _advance_of(experiment, keep, structure)
        self._compiled = jax.jit(jax.vmap(advance, in_axes=(None, 0, 0, 0)))

    def cycle(
        self, method: Analysis, states: TwinStates, seeds: tuple[int, ...], number: int
    ) -> tuple[TwinStates, Any]:
        """The states one window later, and what is kept of the cycle.

        Args:
            method: that of the experiment, or where that is a pytree another one of its structure.
            states: of every seed.
            seeds: as many as there are states.
            number: of the cycle, from 0; says with the seeds what is drawn.
        """
        return self.advance(method, states, cycle_keys(seeds, number))

    def advance(
        self, method: Analysis, states: TwinStates, keys: tuple[jax.Array, jax.Array]
    ) -> tuple[TwinStates, Any]:
        """The same with keys that are arrays, for programs that compile and differentiate cycles.

        Args:
            method: likewise.
            states: likewise.
            keys: of the cycle, `cycle_keys`.
        """
        parameters, _ = _taken_apart(method)
        truth, ensemble, kept = self._compiled(parameters, states.truth, states.ensemble, keys)
        return TwinStates(truth, ensemble), kept


_Advance = Callable[
    [list[Array], Float[Array, "..."], Float[Array, "..."], tuple[jax.Array, jax.Array]],
    tuple[Float[Array, "..."], Float[Array, "..."], Any],
]


def _advance_of(
    experiment: TwinExperiment,
    keep: Callable[[TwinCycle], Any],
    method_of: Callable[[list[Array]], Analysis],
) -> _Advance:
    """One cycle of one seed as a function of arrays."""
    window = experiment.window_hours
    noise = noise_of(experiment.observation_noise)
    operator = experiment.operator or _interpolation(experiment)
    forecast = _forecasts_of(experiment)

    def advance(
        parameters: list[Array],
        truth: Float[Array, "lat lon channel"],
        ensemble: Float[Array, "member lat lon channel"],
        keys: tuple[jax.Array, jax.Array],
    ) -> tuple[Float[Array, "lat lon channel"], Float[Array, "member lat lon channel"], Any]:
        key = jax.random.fold_in(keys[0], _OF_MODEL)
        true, background = forecast(truth, ensemble, key)
        observed = simulate_observations(experiment.planned, operator, true, keys[0], noise)
        if experiment.flagged is not None:
            observed = experiment.flagged(observed, jax.random.fold_in(keys[0], _OF_FLAGS))
        method = method_of(parameters)
        analysis, report = method(background, observed, float(window), keys[1])
        kept = keep(TwinCycle(true.values, background.values, observed, analysis.values, report))
        return true.values, analysis.values, kept

    return advance


def _interpolation(experiment: TwinExperiment) -> ObservationOperator:
    """Interpolation to `planned`, in time too where the truth is known at several."""
    slots = experiment.slots
    bind = at_own_times(interpolation_operator, slots) if slots else interpolation_operator
    return bind(experiment.planned, experiment.model.layout)


def _forecasts_of(
    experiment: TwinExperiment,
) -> Callable[[Array, Array, jax.Array], tuple[State, State]]:
    """(truth, ensemble, key) → both one window later; in one batch where one model makes both."""
    model, nature = experiment.model, experiment.nature or experiment.model

    def later(of: ForecastModel, values: Array, key: jax.Array) -> State:
        found = _forecast(experiment, of, State(values, model.layout))
        if not experiment.model_noise:
            return found
        drawn = jax.random.normal(key, values.shape, values.dtype)
        return replace(found, values=found.values + experiment.model_noise * drawn)

    def both(truth: Array, ensemble: Array, key: jax.Array) -> tuple[State, State]:
        if nature is model:
            found = later(model, jnp.concatenate([truth[None], ensemble]), key)
            return _part(found, 0), _part(found, slice(1, None))
        of_nature, of_model = jax.random.split(key)
        return _part(later(nature, truth[None], of_nature), 0), later(model, ensemble, of_model)

    return both


def _forecast(experiment: TwinExperiment, model: ForecastModel, states: State) -> State:
    """The states one window later, with their drift where there are trajectories."""
    hours, slots = experiment.window_hours, experiment.slots
    if slots:
        return forecast_through(model, states, _START, hours, slots)
    return model.forecast(states, _START, hours)


def _part(states: State, which: int | slice) -> State:
    """Some of the states of a batch."""
    part: State = jax.tree.map(itemgetter(which), states)
    return part


def _taken_apart(method: Analysis) -> tuple[list[Array], Callable[[list[Array]], Analysis]]:
    """The arrays of a method, and the method of such arrays; none where it is no pytree."""
    leaves, structure = jax.tree.flatten(method)
    if all(isinstance(leaf, jax.Array) for leaf in leaves):
        return leaves, partial(jax.tree.unflatten, structure)
    return [], lambda _: method


def first_states(experiment: TwinExperiment, seeds: tuple[int, ...]) -> TwinStates:
    """Truth and members of every seed, all drawn around `initial`."""
    shape = (experiment.members + 1, *experiment.initial.shape)
    noise = jnp.stack(
        [jax.random.normal(key_for(seed, Purpose.INITIAL_ENSEMBLE), shape) for seed in seeds]
    )
    states = experiment.initial + experiment.initial_std * noise
    return TwinStates(states[:, 0], states[:, 1:])


def cycle_keys(seeds: tuple[int, ...], cycle: int) -> tuple[jax.Array, jax.Array]:
    """Keys of the observation errors and of the analysis of every seed."""
    purposes = (Purpose.OBSERVATION_ERROR, Purpose.ANALYSIS)
    errors, analysis = (
        jnp.stack([key_for(seed, purpose, cycle) for seed in seeds]) for purpose in purposes
    )
    return errors, analysis
