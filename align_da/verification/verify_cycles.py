"""Scores of every cycle of a run against the truth, as tidy rows (see `score_table`).

Fields are read a few cycles at a time, so that memory does not grow with the length of the run.
The ensemble mean is scored by RMSE and bias, the ensemble by fair CRPS and by the spread that is
comparable with the RMSE. Squares and CRPS are averaged over the sphere and over the levels of a
field before the root is taken.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.errors import InputError
from align_da.verification.ensemble_scores import (
    comparable_spread,
    ensemble_variance,
    fair_crps,
)
from align_da.verification.score_table import ROW_COLUMNS
from align_da.verification.scores import area_mean, bias, mean_square_error, over_levels
from align_da.verification.verified_fields import VerifiedField, default_fields

Diagnose = Callable[[State, State], Mapping[str, Float[Array, " member"]]]
Spectrum = Callable[[Float[Array, "*batch lat lon"]], Float[Array, "*batch wavenumber"]]
_CYCLES_AT_ONCE = 8
_DIMENSIONS = ("time", "realization", "level", "latitude", "longitude")


def verify_cycles(
    products: Mapping[str, xr.Dataset],
    truth: xr.Dataset,
    method: str,
    fields: Sequence[VerifiedField] | None = None,
    diagnose: Diagnose | None = None,
    *,
    centred: bool = False,
) -> pd.DataFrame:
    """Score the ensembles of a run at every valid time.

    Args:
        products: datasets by name ("background", "analysis", "forecast 24 h"), dimensions [time,
            realization, level, latitude, longitude], `time` being the valid time.
        truth: [time, level, latitude, longitude] on the same grid, at least at these times.
        method: name of the method in the table.
        fields: what to score; `default_fields` if None.
        diagnose: gives scores of whole states (balance) by name, of the ensemble and the truth:
            one value a member, which is averaged.
        centred: the mean of the members has no sampling error, see `ensemble_scores`.

    Returns:
        Rows with the columns of `ROW_COLUMNS`; diagnostics have variable "state".

    Raises:
        InputError: there is no time, the truth lacks one, or the grids differ.
    """
    rows: list[tuple[object, ...]] = []
    for product, dataset in products.items():
        layout = layout_from_dataset(dataset)
        chosen = fields or default_fields(layout)
        for date, ensemble, true_state in paired_cycles(dataset, truth, layout):
            values = score_cycle(ensemble, true_state, chosen, centred=centred)
            of_states = diagnose(ensemble, true_state) if diagnose else {}
            values |= {("state", name): float(jnp.mean(of)) for name, of in of_states.items()}
            rows += [(date, method, product, *place, value) for place, value in values.items()]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def score_cycle(
    ensemble: State, truth: State, fields: Sequence[VerifiedField], *, centred: bool = False
) -> dict[tuple[str, str], float]:
    """Scores of one ensemble.

    Args:
        ensemble: values [member, lat, lon, channel]; one member has no spread.
        truth: values [lat, lon, channel].
        fields: what to score.
        centred: the mean of the members has no sampling error, see `ensemble_scores`.

    Returns:
        Value by (label of the field, score), SI units.
    """
    names = dict.fromkeys(field.variable for field in fields)
    of = {name: _scores_of_levels(ensemble[name], truth, name, centred=centred) for name in names}
    members = ensemble.values.shape[0]
    return {
        (field.label, score): value
        for field in fields
        for score, value in of[field.variable].over(field.levels, members, centred=centred).items()
    }


def mean_spectra(
    products: Mapping[str, xr.Dataset],
    truth: xr.Dataset,
    method: str,
    spectrum: Spectrum,
    fields: Sequence[VerifiedField] | None = None,
) -> pd.DataFrame:
    """Mean spectrum over cycles, members and levels of each product, and of the truth.

    Members and not their mean are transformed: an ensemble mean is smooth by nature.

    Args:
        products: as in `verify_cycles`.
        truth: as in `verify_cycles`.
        method: name of the method.
        spectrum: power by wavenumber of fields [..., lat, lon].
        fields: what to transform; `default_fields` if None.

    Returns:
        Columns method ("truth" for the truth), product, variable, wavenumber, power.

    Raises:
        InputError: as in `verify_cycles`.
    """
    tables: list[pd.DataFrame] = []
    for product, dataset in products.items():
        layout = layout_from_dataset(dataset)
        chosen = fields or default_fields(layout)
        powers = [
            [[_spectrum_of(state, field, spectrum) for field in chosen] for state in pair]
            for _, *pair in paired_cycles(dataset, truth, layout)
        ]
        for name, by_field in zip((method, "truth"), np.mean(powers, axis=0), strict=True):
            for field, power in zip(chosen, by_field, strict=True):
                table = pd.DataFrame({"wavenumber": np.arange(power.size), "power": power})
                place = {"method": name, "product": product, "variable": field.label}
                tables.append(table.assign(**place))
    return pd.concat(tables, ignore_index=True)


def paired_cycles(
    dataset: xr.Dataset, truth: xr.Dataset, layout: Layout
) -> Iterator[tuple[pd.Timestamp, State, State]]:
    """Valid time, ensemble [member, ...] and truth of every cycle, a block in memory at a time.

    Raises:
        InputError: there is no cycle, the truth lacks a time of the dataset, or the grids differ.
    """
    times = pd.DatetimeIndex(dataset["time"].values)
    if not len(times):
        message = (
            "expected at least one valid time to verify, got none: choose a run with a whole "
            "cycle, or forecasts that end before the truth does"
        )
        raise InputError(message)
    missing = times.difference(pd.DatetimeIndex(truth["time"].values))
    if len(missing):
        message = (
            f"the truth lacks {len(missing)} of {len(times)} valid times, first {missing[0]}: "
            "verify against the truth that the run was made with"
        )
        raise InputError(message)
    for start in range(0, len(times), _CYCLES_AT_ONCE):
        block = dataset.isel(time=slice(start, start + _CYCLES_AT_ONCE)).transpose(
            *_DIMENSIONS, missing_dims="ignore"
        )
        ensembles = state_from_dataset(block, layout)
        truths = state_from_dataset(truth.sel(time=block["time"].values), layout)
        for index in range(block.sizes["time"]):
            yield times[start + index], _at(ensembles, index), _at(truths, index)


class _LevelScores(NamedTuple):
    """Means over the sphere on every level of a variable; one member has no variance."""

    square: Float[np.ndarray, " level"]
    bias: Float[np.ndarray, " level"]
    crps: Float[np.ndarray, " level"]
    variance: Float[np.ndarray, " level"] | None

    def over(self, levels: Sequence[int], members: int, *, centred: bool) -> dict[str, float]:
        """Scores of a field, averaged over its levels."""
        chosen = list(levels)
        found = {
            "rmse": float(np.sqrt(over_levels(self.square[chosen]))),
            "bias": over_levels(self.bias[chosen]),
            "crps": over_levels(self.crps[chosen]),
        }
        if self.variance is not None:
            variance = over_levels(self.variance[chosen])
            found["spread"] = comparable_spread(variance, members, centred=centred)
        return found


def _scores_of_levels(
    ensemble: Float[Array, "member lat lon level"], truth: State, name: str, *, centred: bool
) -> _LevelScores:
    """Scores of a variable."""
    grid, members = truth.layout.grid, np.asarray(ensemble, np.float64)
    true_values, mean = np.asarray(truth[name], np.float64), members.mean(axis=0)
    variance = ensemble_variance(members)
    return _LevelScores(
        mean_square_error(mean, true_values, grid),
        bias(mean, true_values, grid),
        area_mean(fair_crps(members, true_values, centred=centred), grid),
        None if variance is None else area_mean(variance, grid),
    )


def _spectrum_of(
    state: State, field: VerifiedField, spectrum: Spectrum
) -> Float[np.ndarray, " wavenumber"]:
    """Spectrum of a field, averaged over members and levels."""
    values = state[field.variable][..., list(field.levels)]
    power = np.asarray(spectrum(jnp.moveaxis(values, -1, 0)))
    return np.asarray(power.reshape(-1, power.shape[-1]).mean(axis=0))


def _at(states: State, index: int) -> State:
    """One of several states along the first axis."""
    return State(states.values[index], states.layout)
