"""The classical peers on the two Lorenz models, beside the scores that others have published.

Usage: python experiments/lorenz/run.py [--seeds 4] [--cycles 5000]

Setting and published scores are those of DAPPER (https://github.com/nansencenter/DAPPER,
mods/Lorenz63/sakov2012.py and mods/Lorenz96/sakov2008.py).
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from rich.progress import Progress

from align_da.assimilation.contract import Analysis
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import Layout, State
from align_da.constants import EARTH_RADIUS
from align_da.cycling.twin_experiment import (
    TwinExperiment,
    TwinResult,
    observe_everything,
    run_twins,
)
from align_da.forecast import ForecastModel
from align_da.forecast.lorenz63 import Lorenz63ForecastModel
from align_da.forecast.lorenz96 import SIZE, Lorenz96ForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator
from align_da.observations.interpolation import interpolation_operator
from align_da.verification.ensemble_scores import fair_crps

SITE = 2 * np.pi * EARTH_RADIUS / SIZE  # metres between two variables of Lorenz-96
EVERYWHERE = 1e12  # metres
WINDOW_HOURS = 6
CLIMATE = 2000  # states


@dataclass(frozen=True)
class Setting:
    """A model with its observations and first states.

    Attributes:
        model: the truth and the forecasts.
        initial: mean of the first states, by variable.
        initial_variance: of the first states.
        observation_variance: R, of every variable after every window.
        burn_in: cycles that do not count.
    """

    model: ForecastModel
    initial: tuple[float, ...]
    initial_variance: float
    observation_variance: float
    burn_in: int


@dataclass(frozen=True)
class Entry:
    """One row of the table: a method, its members and the published RMSE of its analyses."""

    label: str
    method: Analysis
    members: int
    published: float


LORENZ_63 = Setting(Lorenz63ForecastModel(), (1.509, -1.531, 25.46), 2.0, 2.0, burn_in=64)
LORENZ_96 = Setting(Lorenz96ForecastModel(), (1.0, *(0.0,) * (SIZE - 1)), 0.001, 1.0, burn_in=400)


def entries_63() -> list[Entry]:
    """Methods on Lorenz-63."""
    return [
        Entry("3D-Var, 0.1 B", three_d_var(LORENZ_63, 0.1), 1, 1.04),
        Entry("ETKF", LETKF(bound(LORENZ_63), inflation=1.02, rotate=True), 10, 0.60),
    ]


def entries_96() -> list[Entry]:
    """Methods on Lorenz-96; a half width of 1.82 L is DAPPER's localisation length L."""
    near = Localisation(radius=1.82 * 4 * SITE)
    return [
        Entry("3D-Var, 0.02 B", three_d_var(LORENZ_96, 0.02), 1, 0.41),
        Entry("ETKF", LETKF(bound(LORENZ_96), inflation=1.02, rotate=True), 28, 0.18),
        Entry("LETKF", LETKF(bound(LORENZ_96), near, inflation=1.04, rotate=True), 7, 0.22),
    ]


def planned(setting: Setting) -> ObservationBatch:
    """Every variable, observed at its place."""
    return observe_everything(setting.model.layout, setting.observation_variance)


def bound(
    setting: Setting,
) -> Callable[[ObservationBatch, Layout], ObservationOperator]:
    """H for the observations of every cycle, bound once: their positions never change."""
    operator = interpolation_operator(planned(setting), setting.model.layout)

    def operator_for(observations: ObservationBatch, layout: Layout) -> ObservationOperator:
        return operator

    return operator_for


def three_d_var(setting: Setting, share: float) -> OptimalInterpolation:
    """3D-Var with a share of the covariance of the climate.

    With a linear H its minimum is the optimal interpolation.
    """
    states = climate(setting)
    apart = State(states.values - states.values.mean(axis=0), states.layout)
    return OptimalInterpolation(apart, share, EVERYWHERE, bound(setting))


def climate(setting: Setting) -> State:
    """States of a long free run."""
    shape = setting.model.layout.shape
    noise = jax.random.normal(jax.random.key(0), (CLIMATE // 10, *shape))
    state = State(jnp.reshape(jnp.asarray(setting.initial), shape) + noise, setting.model.layout)
    kept = []
    for _ in range(10):
        state = setting.model.forecast(state, np.datetime64("2000-01-01"), 50 * 24)
        kept.append(state.values)
    return State(jnp.concatenate(kept), state.layout)


def scores(result: TwinResult, burn_in: int) -> tuple[list[float], float, float]:
    """RMSE of every seed, and spread and fair CRPS of all, after the burn-in."""
    truth, analysis = result.truth[burn_in:], result.analysis[burn_in:]
    space = (-3, -2, -1)
    error = np.sqrt(((analysis.mean(axis=2) - truth) ** 2).mean(axis=space))
    crps = fair_crps(np.moveaxis(analysis, 2, 0), truth).mean()
    single = analysis.shape[2] == 1
    variance = 0.0 if single else analysis.var(axis=2, ddof=1).mean(axis=space)
    return error.mean(axis=0).tolist(), float(np.sqrt(variance).mean()), float(crps)


def main() -> None:
    """Print one table a model as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--cycles", type=int, default=5000)
    arguments = parser.parse_args()
    seeds = tuple(range(arguments.seeds))
    for name, setting, entries in (
        ("Lorenz-63", LORENZ_63, entries_63()),
        ("Lorenz-96", LORENZ_96, entries_96()),
    ):
        print(f"\n| {name} | members | published RMSE | RMSE | of each seed | spread | CRPS |")
        print("|---|---|---|---|---|---|---|")
        for entry in entries:
            twins = TwinExperiment(
                model=setting.model,
                method=entry.method,
                planned=planned(setting),
                initial=jnp.reshape(jnp.asarray(setting.initial), setting.model.layout.shape),
                initial_std=setting.initial_variance**0.5,
                members=entry.members,
                cycles=arguments.cycles + setting.burn_in,
                window_hours=WINDOW_HOURS,
            )
            error, spread, crps = scores(run_twins(twins, seeds, Progress()), setting.burn_in)
            each = " ".join(f"{value:.3f}" for value in error)
            print(
                f"| {entry.label} | {entry.members} | {entry.published:.2f} "
                f"| {np.mean(error):.3f} | {each} | {spread:.3f} | {crps:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
