"""What it is worth to compare observations with the background at their own times.

Usage: python -m experiments.own_times.run [--seeds 8] [--cycles 300]
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import State
from align_da.atmosphere.state import ensemble_mean
from align_da.cycling.twin_experiment import (
    TwinCycle,
    TwinExperiment,
    Twins,
    first_states,
    observe_everything,
)
from align_da.forecast import Lorenz96ForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import Bind
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.own_times import at_own_times, slots_of_window
from experiments.options import options
from experiments.own_times.tables import BLOCK, BURN_IN, COLUMNS, TUNING, result, show
from experiments.results import write_result, write_scores

MODEL = Lorenz96ForecastModel()
NEAR = Localisation(4 * MODEL.layout.grid.spacing)
MEMBERS, WINDOWS, SLOT_HOURS = 20, (12, 24), 6
INFLATIONS = (1.01, 1.03, 1.05, 1.1, 1.15, 1.25)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class InflatedLETKF:
    """A LETKF after an inflation that is an argument of the compiled cycle.

    Attributes:
        inflation: factor on the perturbations of the background, at all times of the window.
        method: the filter, without an inflation of its own.
    """

    inflation: Float[Array, ""]
    method: LETKF = field(metadata={"static": True})

    def __call__(
        self, background: State, observations: ObservationBatch, lead_hours: float, key: jax.Array
    ) -> tuple[State, AnalysisDiagnostics]:
        """One analysis; see `align_da.assimilation.contract.Analysis`."""
        wider: State = jax.tree.map(
            lambda leaf, centre: centre + self.inflation * (leaf - centre),
            background,
            ensemble_mean(background),
        )
        return self.method(wider, observations, lead_hours, key)


def methods_of(window: int) -> Mapping[str, tuple[Bind, tuple[int, ...]]]:
    """How observations are compared with the background, and the hours at which they are made."""
    slots = slots_of_window(window, SLOT_HOURS)
    return {
        "at their own times": (at_own_times(interpolation_operator, slots), slots[:-1]),
        "taken as of the valid time": (interpolation_operator, slots[:-1]),
        "made at the valid time": (interpolation_operator, (0,)),
    }


def twins_of(window: int, method: LETKF, hours: tuple[int, ...]) -> TwinExperiment:
    """Every variable is observed once a window, at `hours` in turn."""
    planned = observe_everything(MODEL.layout, 1.0)
    own = np.resize(np.asarray(hours, np.float32), planned.value.size)
    return TwinExperiment(
        model=MODEL,
        method=InflatedLETKF(jnp.float32(1), method),
        planned=replace(planned, time=jnp.asarray(3600 * own)),
        initial=jnp.full(MODEL.layout.shape, 3.0),
        initial_std=3.0,
        members=MEMBERS,
        cycles=0,
        window_hours=window,
        trajectory_hours=SLOT_HOURS,
    )


def root_mean_square_error(cycle: TwinCycle) -> Float[Array, ""]:
    """Of the ensemble mean at the valid time."""
    return jnp.sqrt(jnp.mean((cycle.analysis.mean(axis=0) - cycle.truth) ** 2))


def scored(seeds: tuple[int, ...], cycles: int) -> Iterator[tuple[object, ...]]:
    """Rows of scores: means over blocks of cycles after the burn-in."""
    for window in WINDOWS:
        for name, (bind, hours) in methods_of(window).items():
            filtered = LETKF(bind, NEAR, rotate=True)
            experiment = twins_of(window, filtered, hours)
            twins = Twins(experiment, root_mean_square_error)
            for inflation in INFLATIONS:
                method = InflatedLETKF(jnp.float32(inflation), filtered)
                states, errors = first_states(experiment, seeds), []
                for number in range(BURN_IN + cycles):
                    states, error = twins.cycle(method, states, seeds, number)
                    errors.append(np.asarray(error))
                blocks = np.stack(errors[BURN_IN:]).reshape(-1, BLOCK, len(seeds)).mean(axis=1)
                for (block, seed), mean in np.ndenumerate(blocks):
                    yield (window, name, inflation, seeds[seed], block, float(mean))


def main() -> None:
    """Cycle, keep the scores, write and print the table."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--seeds", type=int, default=8, help=f"the first {TUNING} tune")
    parser.add_argument("--cycles", type=int, default=300, help=f"a multiple of {BLOCK}")
    arguments = parser.parse_args()
    rows = pd.DataFrame(scored(tuple(range(arguments.seeds)), arguments.cycles), columns=COLUMNS)
    write_scores(arguments.folder, "filters", rows)
    write_result(arguments.folder, "filters", result(rows))
    print(show(rows))


if __name__ == "__main__":
    main()
