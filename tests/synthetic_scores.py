"""Scores of cycling runs that nobody has run: random series, for what a report makes of them."""

from collections.abc import Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from cycled_world import CONFIG, LAYOUT, SPREAD, STEP, TYPICAL

from align_da.atmosphere import Layout, State, variable_named
from align_da.atmosphere.dataset import dataset_from_state
from align_da.config.table import with_overrides
from align_da.observations.batch import Flag, Vertical
from align_da.runs.run import Run
from align_da.stages.scored_run import RunScores
from align_da.storage.machine import Machine
from align_da.storage.run_cost import RunCost
from align_da.storage.run_folder import RunFolder
from align_da.verification.error_places import REGIONS
from align_da.verification.verified_fields import default_fields, fields_by_level

START = np.datetime64("2000-01-01", "ns")
ERRORS = {"rmse": 1.0, "spread": 0.9, "crps": 0.6, "bias": 0.0}
MEMBERS, REPORTS = 4, 30
HERE = Machine("a processor", 2, "cpu")


def run_and_scores(
    folder: Path, errors: dict[str, float], cycles: int, layout: Layout = LAYOUT
) -> tuple[Run, list[RunScores]]:
    """A run, and scores of cycling runs whose errors are so many times those of the first.

    Args:
        folder: of the run; nothing is in it.
        errors: by name.
        cycles: of every one.
        layout: of the states.
    """
    times = START + STEP * np.arange(cycles)
    weather = np.random.default_rng(0).normal(size=(cycles, *layout.shape))
    truth = dataset_from_state(_states(weather, layout), {"time": times})
    config = with_overrides(CONFIG, ["verification.bootstrap_samples=50"])
    run = Run(config, RunFolder(folder), truth, layout)
    scores = [
        _scores(name, size, times, weather, seed, layout)
        for seed, (name, size) in enumerate(errors.items())
    ]
    return run, scores


def _scores(
    name: str, size: float, times: np.ndarray, weather: np.ndarray, seed: int, layout: Layout
) -> RunScores:
    rng = np.random.default_rng(seed + 1)
    fields, levels = default_fields(layout), fields_by_level(layout)
    symbols = [variable_named(name).symbol for name in layout.variables]
    products = ("background", "analysis", "forecast 6 h")
    labels = [field.label for field in fields]
    members = np.arange(MEMBERS)
    cycles = {
        product: dataset_from_state(
            _states(
                weather[:, None] + size * rng.normal(size=(len(times), MEMBERS, *layout.shape)),
                layout,
            ),
            {"time": times, "realization": members},
        )
        for product in ("background", "analysis")
    }
    observations = _observations(times, rng, len(symbols))
    return RunScores(
        name=name,
        rows=pd.concat(
            [
                _rows(name, size, times, products, labels, ERRORS, rng),
                _rows(name, size, times, products[::2], symbols, {"departure": 1.5}, rng),
                _rows(name, size, times, ("background",), ["state"], {"consistency": 1.0}, rng),
            ]
        ),
        by_level=_rows(name, size, times, products, [it.label for it in levels], ERRORS, rng),
        places=_places(
            name, size, [it.label for it in (*fields[: len(symbols)], *levels)], layout
        ),
        spectra=_spectra(name, size),
        departures=pd.DataFrame(
            {
                "variable": symbols,
                "units": [variable_named(it).units for it in layout.variables],
                "chi_square": size,
                "assumed_error": 1.0,
                "desroziers_error": size,
            }
        ),
        background=cycles["background"],
        analysis=cycles["analysis"],
        observations=observations,
        settings={"seed": seed, "cycle": {"method": name, "members": MEMBERS}},
        window_hours=6,
        centred=False,
        cost=RunCost(
            len(times), 1, 1.0 / size, 2.0 / size, 10**9, compiled=False, machines=(HERE,)
        ),
    )


def _states(departures: np.ndarray, layout: Layout) -> State:
    values = TYPICAL + SPREAD * departures if layout is LAYOUT else departures
    return State(jnp.asarray(values, jnp.float32), layout)


def _rows(
    name: str,
    size: float,
    times: np.ndarray,
    products: Sequence[str],
    labels: Sequence[str],
    scores: dict[str, float],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """A score at every time, a tenth of it noise."""
    index = pd.MultiIndex.from_product(
        [products, labels, scores, times], names=["product", "variable", "score", "date"]
    )
    table = index.to_frame(index=False)
    value = size * table["score"].map(scores).astype(float) + 0.1 * rng.normal(size=len(table))
    return table.assign(method=name, value=value)


def _places(name: str, size: float, labels: Sequence[str], layout: Layout) -> pd.DataFrame:
    parts = {
        "latitude": [f"{it:.4g}" for it in layout.grid.latitude],
        "region": REGIONS[1:2] if layout.grid.is_row else REGIONS,
        "distance": ("0 to 250", "250 to 500"),
    }
    rows = [
        (name, product, label, by, place, size, 0.9 * size, 0.1)
        for product in ("background", "analysis")
        for label in labels
        for by, places in parts.items()
        for place in places
    ]
    columns = ["method", "product", "variable", "by", "place", "rmse", "spread", "share"]
    return pd.DataFrame(rows, columns=columns)


def _spectra(name: str, size: float) -> pd.DataFrame:
    waves = np.arange(9)
    tables = [
        pd.DataFrame({"wavenumber": waves, "power": of * np.exp(-waves / scale)}).assign(
            method=method, product="analysis", variable=label
        )
        for label, scale in (("u", 3.0), ("T", 2.0))
        for method, of in ((name, size), ("truth", 1.0))
    ]
    return pd.concat(tables, ignore_index=True)


def _observations(times: np.ndarray, rng: np.random.Generator, variables: int) -> xr.Dataset:
    shape = (len(times), REPORTS)
    columns = {
        "value": rng.normal(size=shape),
        "error": np.ones(shape),
        "background_equivalent": rng.normal(size=shape),
        "analysis_equivalent": rng.normal(size=shape),
        "latitude": rng.uniform(-80, 80, shape),
        "longitude": rng.uniform(0, 360, shape),
        "level": np.full(shape, 0.3),
        "seconds_from_valid_time": np.zeros(shape),
    }
    numbers = {
        "vertical": np.full(shape, int(Vertical.LEVEL)),
        "variable": rng.integers(0, max(variables - 1, 1), shape),
        "station": np.broadcast_to(np.arange(REPORTS), shape),
        "flag": np.full(shape, int(Flag.PASS)),
    }
    arrays = {
        name: (("time", "observation"), it.astype(np.float32)) for name, it in columns.items()
    }
    arrays |= {
        name: (("time", "observation"), it.astype(np.int32)) for name, it in numbers.items()
    }
    return xr.Dataset(arrays, coords={"time": times})
