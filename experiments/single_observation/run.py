"""Increments of single observations: their reach, their balance, and a figure.

Usage: python -m experiments.single_observation.run RUN [--config CONFIG]
"""

from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd

from align_da.assimilation.contract import Analysis
from align_da.atmosphere import State, variable_named
from align_da.config import load_config
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.runs.analysis_methods import latent_score, optimal_interpolation
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, open_run
from align_da.runs.variational import latent_three_d_var
from align_da.verification.figure_style import to_png
from align_da.verification.single_observation import (
    IncrementPanel,
    Place,
    geostrophic_part,
    increment_maps,
    share_within,
)
from align_da.verification.table_format import to_markdown
from experiments.options import run_options
from experiments.results import write_picture, write_result

PLACE = Place(latitude=47.0, longitude=200.0)
LEAD_HOURS = 24
DRAWS = 16
RADII_KM = (1000, 2000, 4000)


@dataclass(frozen=True)
class Observed:
    """What is observed: a departure from the background and its error, SI units.

    `level` is the number of the model level, None at the surface.
    """

    variable: str
    level: int | None
    departure: float
    error: float


OBSERVED = {
    "T 2 K": Observed("temperature", 4, 2.0, 1.0),
    "u 4 m/s": Observed("u_component_of_wind", 2, 4.0, 1.0),
    "p_s 2 hPa": Observed("surface_pressure", None, 200.0, 100.0),
}


def main() -> None:
    """Analyse, write the result and the figure, and print the table."""
    arguments = run_options(__doc__, Path(__file__).parent).parse_args()
    run = open_run(load_config(arguments.config, arguments.set), arguments.run)
    _, background = run.pairs("validation").read(LEAD_HOURS, slice(0, 1))
    rows, panels, compared = [], [], methods(run)
    for label, observed in OBSERVED.items():
        for name, (method, members) in compared.items():
            before, after = analyse(method, members, observed, background)
            place = {"observed": label, "method": name}
            rows.append(place | measured(run, observed, before, after))
            panels.append(panel_of(f"{name}: {label}", observed, before, after))
    table = pd.DataFrame(rows)
    write_result(arguments.folder, "increments", table)
    print(to_markdown(table))
    figure = increment_maps(panels, run.layout.grid, PLACE, columns=len(compared))
    print(write_picture(run.folder.report / "single_observation.png", to_png(figure)))


def methods(run: Run) -> dict[str, tuple[Analysis, int]]:
    """Methods, and the members of which each needs the mean."""
    return {
        "optimal interpolation": (
            optimal_interpolation(run, run.pairs("train"), LEAD_HOURS),
            1,
        ),
        "latent 3D-Var": (latent_three_d_var(run, load_prior(run, "static")), 1),
        "Align-DA": (latent_score(run, load_prior(run, "aligned"), DRAWS), DRAWS),
    }


def analyse(
    method: Analysis, members: int, observed: Observed, background: State
) -> tuple[State, State]:
    """Mean of the background and of the analysis of one observation.

    The mean of draws is taken against that of draws with the observation at the background.
    """
    ensemble = State(jnp.repeat(background.values, members, axis=0), background.layout)
    key = key_for(0, Purpose.ANALYSIS, 0)
    means = [
        State(
            method(ensemble, batch, float(LEAD_HOURS), key)[0].values.mean(axis=0), ensemble.layout
        )
        for batch in (
            observation(observed, background, 0.0),
            observation(observed, background, observed.departure),
        )
    ]
    return means[0], means[1]


def observation(observed: Observed, background: State, departure: float) -> ObservationBatch:
    """The observation as a batch of one."""
    grid, one = background.layout.grid, jnp.ones(1)
    at_surface = observed.level is None
    batch = ObservationBatch(
        value=0 * one,
        error=observed.error * one,
        latitude=PLACE.latitude * one,
        longitude=PLACE.longitude * one,
        level=one if observed.level is None else grid.vertical.levels[observed.level] * one,
        vertical=jnp.full(1, int(Vertical.SURFACE if at_surface else Vertical.LEVEL)),
        time=0 * one,
        variable=jnp.full(1, background.layout.variables.index(observed.variable)),
        station=jnp.zeros(1, jnp.int32),
        flag=jnp.full(1, int(Flag.PASS)),
    )
    here = interpolation_operator(batch, background.layout)(background)[0]
    return ObservationBatch(**(vars(batch) | {"value": here + departure}))


def measured(run: Run, observed: Observed, before: State, after: State) -> dict[str, float]:
    """Increment at the place, shares within each radius, and both figures of balance."""
    shaded = increment_of(observed, before, after)
    nearest = np.unravel_index(PLACE.distance(run.layout.grid).argmin(), shaded.shape)
    shares = {
        f"within {radius} km": share_within(shaded, run.layout.grid, PLACE, radius * 1e3)
        for radius in RADII_KM
    }
    cosine, slope = geostrophic_part(before, after, run.surface_geopotential, PLACE, 3e6)
    balance = {"geostrophic cosine": cosine, "slope": slope}
    return {"at the place": float(shaded[nearest]), **shares, **balance}


def increment_of(observed: Observed, before: State, after: State) -> np.ndarray:
    """Increment of the observed variable at its level, [lat, lon]."""
    change = np.asarray(after[observed.variable] - before[observed.variable])
    return np.asarray(change[..., -1 if observed.level is None else observed.level])


def panel_of(title: str, observed: Observed, before: State, after: State) -> IncrementPanel:
    """Increment of the observed variable and of the wind at its level (the lowest for p_s)."""
    level = -1 if observed.level is None else observed.level
    u, v = (
        np.asarray(after[name] - before[name])[..., level]
        for name in ("u_component_of_wind", "v_component_of_wind")
    )
    shaded = increment_of(observed, before, after)
    return IncrementPanel(title, shaded, u, v, variable_named(observed.variable).units)


if __name__ == "__main__":
    main()
