from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.errors import InputError
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import mean_spectra, score_cycle, verify_cycles

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-78.75, 78.75, 8)),
        tuple(np.arange(16) * 22.5),
        VerticalCoordinate("sigma", (0.1, 0.5, 0.9)),
    ),
    ("temperature", "surface_pressure"),
)
TIMES = pd.date_range("1960-01-01", periods=10, freq="6h")  # more than one block of cycles


def _truth() -> np.ndarray:
    values = 280 + np.random.default_rng(0).normal(size=(len(TIMES), *LAYOUT.shape))
    return values.astype(np.float32)


def _dataset(values: np.ndarray) -> xr.Dataset:
    leading = {"time": TIMES, "realization": np.arange(values.shape[1])}
    names = list(leading)[: values.ndim - 3]
    return dataset_from_state(
        State(jnp.asarray(values), LAYOUT), {name: leading[name] for name in names}
    )


@pytest.fixture
def truth() -> xr.Dataset:
    return dataset_from_state(State(jnp.asarray(_truth()), LAYOUT), {"time": TIMES})


@pytest.fixture
def shifted() -> xr.Dataset:
    """Three members 1, 2 and 3 units above the truth."""
    return _dataset(_truth()[:, None] + np.arange(1.0, 4.0, dtype=np.float32)[:, None, None, None])


def _values(rows: pd.DataFrame, variable: str, score: str) -> np.ndarray:
    chosen = rows[(rows["variable"] == variable) & (rows["score"] == score)]
    return chosen["value"].to_numpy()


def test_every_cycle_has_the_scores_of_a_shifted_ensemble(
    truth: xr.Dataset, shifted: xr.Dataset
) -> None:
    rows = verify_cycles({"analysis": shifted}, truth, "shifted")
    assert list(rows[rows["score"] == "rmse"]["date"].unique()) == list(TIMES)
    for variable in ("T", "p_s", "T (σ 0.90)"):
        np.testing.assert_allclose(_values(rows, variable, "rmse"), 2.0, rtol=1e-4)
        np.testing.assert_allclose(_values(rows, variable, "bias"), 2.0, rtol=1e-4)
        # mean |error| 2 less half the mean distance of two members, 8 / 6
        np.testing.assert_allclose(_values(rows, variable, "crps"), 2 - 2 / 3, rtol=1e-4)
        # variance 1, comparable spread sqrt(4 / 3)
        np.testing.assert_allclose(_values(rows, variable, "spread"), np.sqrt(4 / 3), rtol=1e-4)


def test_levels_count_alike_whatever_their_mass_and_rows_by_area() -> None:
    """Thin and thick layers: σ 0.3, 0.35 and 0.95."""
    vertical = VerticalCoordinate("sigma", (0.3, 0.35, 0.95))
    grid = replace(LAYOUT.grid, vertical=vertical)
    layout = Layout(grid, ("temperature",))
    truth = State(jnp.zeros(layout.shape), layout)
    (field,) = (f for f in default_fields(layout) if f.label == "T")
    for level in range(3):
        wrong = State(truth.values.at[..., level].set(3.0)[None], layout)
        found = score_cycle(wrong, truth, [field])
        assert found["T", "rmse"] == pytest.approx(np.sqrt(9 / 3))
        assert found["T", "bias"] == pytest.approx(1.0)
        assert found["T", "crps"] == pytest.approx(1.0)
    row = State(truth.values.at[0].set(3.0)[None], layout)
    share = float(grid.area_weights[0].sum())
    assert score_cycle(row, truth, [field])["T", "bias"] == pytest.approx(3 * share)


def test_centred_members_are_scored_as_independent_draws(
    truth: xr.Dataset, shifted: xr.Dataset
) -> None:
    rows = verify_cycles({"analysis": shifted}, truth, "shifted", centred=True)
    # 2 ± √1.5 and 2: |error| is 2 still, and the mean distance of two members 8 / 6.
    np.testing.assert_allclose(_values(rows, "T", "crps"), 2 - 2 / 3, rtol=1e-4)
    np.testing.assert_allclose(_values(rows, "T", "spread"), 1.0, rtol=1e-4)


def test_one_member_has_scores_without_spread(truth: xr.Dataset, shifted: xr.Dataset) -> None:
    rows = verify_cycles({"analysis": shifted.isel(realization=[1])}, truth, "single")
    assert set(rows["score"]) == {"rmse", "bias", "crps"}
    np.testing.assert_allclose(_values(rows, "T", "crps"), 2.0, rtol=1e-4)


def test_the_truth_may_cover_more_times_but_none_may_be_missing(
    truth: xr.Dataset, shifted: xr.Dataset
) -> None:
    late = shifted.isel(time=slice(6, 9))
    rows = verify_cycles({"analysis": late}, truth, "late")
    np.testing.assert_allclose(_values(rows, "T", "rmse"), 2.0, rtol=1e-4)
    with pytest.raises(InputError, match="lacks 1 of 10 valid times, first 1960-01-02 18:00:00"):
        verify_cycles({"analysis": shifted}, truth.drop_isel(time=7), "late")


def test_a_truth_on_another_grid_is_refused(truth: xr.Dataset, shifted: xr.Dataset) -> None:
    other = truth.assign_coords(latitude=truth["latitude"] * 0.9)
    with pytest.raises(InputError, match="latitude"):
        verify_cycles({"analysis": shifted}, other, "elsewhere")


def test_diagnostics_are_averaged_over_members(truth: xr.Dataset, shifted: xr.Dataset) -> None:
    rows = verify_cycles(
        {"analysis": shifted},
        truth,
        "shifted",
        diagnose=lambda state, truth: {
            "balance": (state.values - truth.values).mean((1, 2, 3)) / 4
        },
    )
    np.testing.assert_allclose(_values(rows, "state", "balance"), 0.5)


def test_mean_spectra_of_a_wave_peak_at_its_wavenumber(truth: xr.Dataset) -> None:
    wave = np.cos(3 * np.deg2rad(np.asarray(LAYOUT.grid.longitude)))
    values = np.broadcast_to(wave[:, None], (len(TIMES), 2, *LAYOUT.shape)).astype(np.float32)
    table = mean_spectra(
        {"analysis": _dataset(2 * values)},
        truth,
        "wave",
        lambda field: (jnp.abs(jnp.fft.rfft(field, axis=-1) / 16) ** 2).mean(axis=-2),
    )
    own = table[(table["method"] == "wave") & (table["variable"] == "T")]
    assert own.loc[own["power"].idxmax(), "wavenumber"] == 3
    assert own["power"].max() == pytest.approx(1.0, rel=1e-5)
    assert set(table["method"]) == {"wave", "truth"}


def test_cycles_of_no_time_are_refused(truth: xr.Dataset, shifted: xr.Dataset) -> None:
    """As forecasts that all end after the truth would be."""
    none = {"forecast 24 h": shifted.isel(time=slice(0))}
    for verify in (
        lambda: verify_cycles(none, truth, "shifted"),
        lambda: mean_spectra(none, truth, "shifted", lambda field: field[..., 0, :]),
    ):
        with pytest.raises(
            InputError, match="at least one valid time to verify, got none: choose"
        ):
            verify()
