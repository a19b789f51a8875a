from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from align_da.atmosphere import Grid, VerticalCoordinate, periodic_line
from align_da.verification.coastlines import coastlines
from align_da.verification.figure_style import PALETTE, axis_units, colour_of, to_png
from align_da.verification.lines import analysis_lines
from align_da.verification.loss_curves import loss_curves
from align_da.verification.maps import MapCase, analysis_maps
from align_da.verification.rank_histogram_chart import rank_histogram_chart
from align_da.verification.score_chart import improvement_chart
from align_da.verification.spectra_chart import spectra_chart
from align_da.verification.time_series import error_over_cycles

GRID = Grid(
    tuple(np.linspace(-78.75, 78.75, 8)),
    tuple(np.arange(16) * 22.5),
    VerticalCoordinate("sigma", (0.5,)),
)


def _case() -> MapCase:
    truth = np.broadcast_to(np.asarray(GRID.longitude), GRID.shape).copy()
    return MapCase(
        truth=truth,
        background=truth + 2.0,
        analysis=truth + 1.0,
        grid=GRID,
        name="T at σ 0.85",
        units="K",
        station_latitude=np.asarray([10.0]),
        station_longitude=np.asarray([270.0]),
    )


def _is_png(figure: Figure) -> bool:
    return to_png(figure).startswith(b"\x89PNG")


def test_maps_share_one_scale_for_states_and_a_symmetric_one_for_differences() -> None:
    panels = analysis_maps(_case()).axes[:6]
    limits = [panel.collections[0].get_clim() for panel in panels]
    assert limits[:3] == [(0.0, 339.5)] * 3
    assert limits[3:] == [(-2.0, 2.0)] * 3
    assert panels[4].get_title(loc="left") == "Background error (RMS 2 K)"


def test_maps_put_every_cell_and_station_where_it_is() -> None:
    panel = analysis_maps(_case()).axes[3]
    state = analysis_maps(_case()).axes[0].collections[0]
    edges, values = state.get_coordinates()[0, :, 0], state.get_array()[0]
    at_80_west = np.searchsorted(edges, -80.0) - 1
    assert values[at_80_west] == 270.0 + 22.5 * round((280.0 - 270.0) / 22.5)
    assert edges[0] <= -180.0
    assert edges[-1] >= 180.0
    np.testing.assert_allclose(panel.collections[-1].get_offsets(), [[-90.0, 10.0]])


def _ring() -> MapCase:
    ring = periodic_line(36)
    truth = np.arange(36.0)[None]
    return replace(
        _case(), truth=truth, background=truth + 2, analysis=truth + 1, grid=ring, units="1"
    )


def test_a_ring_is_drawn_as_lines_over_the_points_without_coastlines() -> None:
    above, below = analysis_lines(_ring()).axes
    assert [line.get_label() for line in above.lines] == ["Truth", "Background", "Analysis"]
    np.testing.assert_array_equal(above.lines[1].get_xdata(), np.arange(36))
    np.testing.assert_array_equal(above.lines[1].get_ydata(), np.arange(36) + 2.0)
    assert below.lines[2].get_label() == "Analysis error (RMS 1)"
    assert below.get_xlabel() == "index of the point"
    (stations,) = below.collections
    np.testing.assert_allclose(stations.get_offsets(), [[27.0, 0.0]])
    assert above.get_ylabel() == "T at σ 0.85"


def test_the_unit_1_leaves_no_blank_in_titles() -> None:
    panels = analysis_maps(replace(_case(), units="1")).axes
    assert panels[4].get_title(loc="left") == "Background error (RMS 2)"
    assert panels[6].get_ylabel() == "T at σ 0.85"


def test_coastlines_lie_on_the_globe() -> None:
    points = np.concatenate(coastlines())
    assert len(points) > 5000
    assert np.abs(points[:, 0]).max() <= 180
    assert np.abs(points[:, 1]).max() <= 90


def test_a_method_keeps_its_colour_and_the_truth_is_black() -> None:
    names = ["truth", "peer", "ours"]
    assert [colour_of(name, names) for name in names] == ["#222222", PALETTE[0], PALETTE[1]]


def test_units_are_written_for_people() -> None:
    assert [axis_units(u) for u in ("m s-1", "m2 s-2", "kg kg-1", "Pa", "1")] == [
        "m s⁻¹",
        "m² s⁻²",
        "kg kg⁻¹",
        "Pa",
        "",
    ]


def _rows() -> pd.DataFrame:
    dates = pd.date_range("1960-01-01", periods=5, freq="6h")
    parts = [
        pd.DataFrame(
            {
                "date": dates,
                "method": method,
                "product": "analysis",
                "variable": "T",
                "score": score,
                "value": np.arange(1.0, 6.0),
            }
        )
        for method in ("peer", "ours")
        for score in ("rmse", "spread")
    ]
    return pd.concat(parts)


def test_error_over_cycles_draws_error_and_spread_of_every_method() -> None:
    figure = error_over_cycles(_rows(), "analysis", ["T"], ["K"])
    drawn = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    assert len(drawn) == 4
    assert _is_png(figure)


@pytest.mark.parametrize("bound", [0.05, np.inf])
def test_improvement_chart_fills_points_that_differ(bound: float) -> None:
    summary = pd.DataFrame(
        {
            "method": ["peer", "ours"],
            "product": "analysis",
            "variable": "T",
            "score": "rmse",
            "improvement": [np.nan, 0.1],
            "improvement_low": [np.nan, 0.1 - bound],
            "improvement_high": [np.nan, 0.1 + bound],
            "verdict": ["reference", "better" if bound < 0.1 else "no difference"],
        }
    )
    figure = improvement_chart(summary, "rmse", "analysis")
    point = figure.axes[0].collections[1].get_facecolor()
    assert (point[0, :3].min() == 1.0) == (bound > 0.1)
    assert "against peer" in figure.axes[0].get_title(loc="left")
    assert _is_png(figure)


def test_spectra_are_drawn_relative_to_the_truth() -> None:
    wavenumber = np.arange(20)
    spectra = pd.concat(
        [
            pd.DataFrame(
                {
                    "method": method,
                    "product": "analysis",
                    "variable": "u",
                    "wavenumber": wavenumber,
                    "power": factor / (1.0 + wavenumber) ** 3,
                }
            )
            for method, factor in (("ours", 0.5), ("truth", 1.0))
        ]
    )
    figure = spectra_chart(spectra, "analysis", ["u"])
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), 0.5)
    assert _is_png(figure)


def test_loss_curves_are_logarithmic_only_where_the_loss_is_positive() -> None:
    step = np.arange(100)
    figure = loss_curves(
        {
            "autoencoder": pd.DataFrame({"step": step, "training": 1.0 / (step + 1)}),
            "alignment": pd.DataFrame({"step": step, "training": 1.0 - step}),
        }
    )
    assert [panel.get_yscale() for panel in figure.axes] == ["log", "linear"]
    assert _is_png(figure)


def test_rank_histograms_are_relative_to_a_flat_one() -> None:
    figure = rank_histogram_chart({"ours": np.asarray([5, 10, 15])}, "T")
    np.testing.assert_allclose([bar.get_height() for bar in figure.axes[0].patches], [0.5, 1, 1.5])
    assert _is_png(figure)


def test_drawing_leaves_the_global_style_alone_and_repeats_to_the_byte() -> None:
    before = dict(mpl.rcParams)
    counts = {"ours": np.asarray([5, 10, 15])}
    first, second = (to_png(rank_histogram_chart(counts, "T")) for _ in range(2))
    assert first == second
    assert dict(mpl.rcParams) == before
