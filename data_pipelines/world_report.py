"""The report on the embedded world as Markdown tables: weather, forecast errors, balance."""

from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Shaped

from align_da.atmosphere import Layout, State, variable_named
from align_da.atmosphere.balance import STANDARD_PRESSURE, geostrophic_imbalance
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.config import Config
from align_da.runs.forecast_models import configured_forecast_model
from align_da.storage.gridded import open_states
from align_da.storage.run_folder import RunFolder
from data_pipelines.world_measurements import (
    Channels,
    World,
    climate_and_tendency,
    forecast_errors,
    independent_starts,
    states_at,
)


@dataclass(frozen=True)
class Field:
    """A row of the tables.

    Attributes:
        label: what the row is called.
        variable: WeatherBench 2 name.
        level: index from the top.
        unit: unit of the printed number.
        scale: printed number of one SI unit.
        era5_tendency: standard deviation of the 24-hour tendency in ERA5, all seasons, at the
            pressure nearest to the level, in `unit` (statistics of ArchesWeather, geoarches
            0.2.2, delta24_stats); None where there is no comparable one.
    """

    label: str
    variable: str
    level: int
    unit: str
    scale: float = 1.0
    era5_tendency: float | None = None


_ROWS: tuple[tuple[str, float, str, float, float | None], ...] = (
    # variable, share of the surface pressure, unit, scale, tendency in ERA5 at 500 and 850 hPa
    ("u_component_of_wind", 0.51, "m/s", 1.0, 7.45),
    ("v_component_of_wind", 0.51, "m/s", 1.0, 9.04),
    ("temperature", 0.51, "K", 1.0, 2.91),
    ("u_component_of_wind", 0.835, "m/s", 1.0, 5.42),
    ("v_component_of_wind", 0.835, "m/s", 1.0, 6.20),
    ("temperature", 0.835, "K", 1.0, 2.98),
    ("specific_humidity", 0.835, "g/kg", 1.0e3, None),
    ("surface_pressure", 1.0, "hPa", 1.0e-2, None),
    ("mean_sea_level_pressure", 1.0, "hPa", 1.0e-2, None),
    ("2m_temperature", 1.0, "K", 1.0, None),
)


def fields_of(layout: Layout) -> tuple[Field, ...]:
    """The rows of the tables for what the states hold, on the nearest levels."""
    vertical = layout.grid.vertical
    on_pressure = vertical.kind == "pressure"
    heights = np.asarray(vertical.levels) / (STANDARD_PRESSURE if on_pressure else 1.0)
    found = []
    for name, height, unit, scale, tendency in _ROWS:
        if name not in layout.variables:
            continue
        variable, level, label = variable_named(name), 0, name.replace("_", " ")
        if variable.on_levels:
            level = int(np.argmin(np.abs(heights - height)))
            value = vertical.levels[level]
            place = f"{value / 100:.0f} hPa" if on_pressure else f"sigma {value:.3g}"
            label = f"{variable.symbol}, {place}"
        found.append(Field(label, name, level, unit, scale, tendency))
    return tuple(found)


def world_report(config: Config, folder: Path) -> str:
    """Two Markdown tables and the balance of the world of a run.

    Raises:
        StorageError: there is no truth in `folder`.
        InputError: the truth is incomplete.
    """
    truth = open_states(RunFolder(folder).truth)
    world = World(truth, layout_from_dataset(truth), configured_forecast_model(config), config)
    climate, tendency = climate_and_tendency(world)
    starts = independent_starts(world)
    perfect, growth, forecasts = forecast_errors(world, starts)
    return "\n\n".join(
        [
            _climate_table(world.layout, climate, tendency),
            _error_table(world.layout, climate, perfect, growth),
            _balance(world, starts, forecasts),
        ]
    )


def _climate_table(layout: Layout, climate: Channels, tendency: Channels) -> str:
    rows = [
        "| field | climatological std | 24-h tendency std | ERA5 | share |",
        "|---|---|---|---|---|",
    ]
    for field in fields_of(layout):
        std, change = (_printed(field, layout, values) for values in (climate, tendency))
        era5 = "-" if field.era5_tendency is None else f"{field.era5_tendency:.2f}"
        share = "-" if field.era5_tendency is None else f"{change / field.era5_tendency:.0%}"
        rows.append(
            f"| {field.label}, {field.unit} | {std:.2f} | {change:.2f} | {era5} | {share} |"
        )
    return "\n".join(rows)


def _error_table(
    layout: Layout,
    climate: Channels,
    perfect: dict[int, Channels],
    growth: dict[int, Channels],
) -> str:
    leads = " | ".join(f"{lead} h" for lead in perfect)
    grown = " | ".join(f"{lead} h" for lead in growth)
    rows = [
        (
            f"| field | error from a perfect start: {leads} | 48 h / climate "
            f"| small perturbation: {grown} | doubling, days |"
        ),
        "|" + "---|" * (3 + len(perfect) + len(growth)),
    ]
    for field in fields_of(layout):
        errors = [_printed(field, layout, perfect[lead]) for lead in perfect]
        sizes = [_printed(field, layout, growth[lead]) for lead in growth]
        share = _printed(field, layout, perfect[48]) / _printed(field, layout, climate)
        doubling = (120 - 24) / 24 * np.log(2) / np.log(sizes[-1] / sizes[-3])
        cells = [*(f"{e:.2f}" for e in errors), f"{share:.0%}", *(f"{s:.3f}" for s in sizes)]
        rows.append(
            f"| {field.label}, {field.unit} | " + " | ".join(cells) + f" | {doubling:.1f} |"
        )
    return "\n".join(rows)


def _balance(
    world: World, starts: Shaped[np.ndarray, " start"], forecasts: dict[int, State]
) -> str:
    """Geostrophic imbalance of truth and forecasts. Hydrostatic balance holds by construction."""
    surface = jnp.asarray(world.truth["geopotential_at_surface"].to_numpy())
    lines = [
        "Geostrophic imbalance (share of the ageostrophic wind in the wind energy, mean):",
        "",
    ]
    truth = State(jnp.asarray(states_at(world, starts)), world.layout)
    for name, states in {"truth": truth, **{f"{k} h": s for k, s in forecasts.items()}}.items():
        lines.append(f"- {name}: {float(jnp.mean(geostrophic_imbalance(states, surface))):.4f}")
    return "\n".join(lines)


def _printed(field: Field, layout: Layout, channels: Channels) -> float:
    return float(channels[layout.channels_of(field.variable)][field.level]) * field.scale
