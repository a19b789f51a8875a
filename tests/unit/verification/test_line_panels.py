import numpy as np

from align_da.atmosphere import periodic_line
from align_da.verification.report.line_panels import line_chart
from align_da.verification.report.map_panels import MappedCycle

RING = periodic_line(36)


def case() -> MappedCycle:
    truth, background, analysis = np.random.default_rng(0).normal(size=(3, 1, 18))
    spreads = np.ones((2, 1, 18))
    stations = {
        name: np.asarray([number])
        for number, name in enumerate(("innovation", "residual", "error", "latitude"))
    }
    flags = {"longitude": np.asarray([355.0]), "flag": np.asarray(["pass"])}
    return MappedCycle(truth, background, analysis, *spreads, stations | flags, "1")


def test_points_keep_their_numbers_where_every_other_is_shown_and_stations_lie_between() -> None:
    shown = case()
    chart = line_chart({("a", "now", "x", "level 1"): shown}, RING, step=2)
    states, differences, _ = chart.panels
    lines = states.renderers[0].data_source.data
    np.testing.assert_array_equal(lines["point"], np.arange(0, 36, 2))
    np.testing.assert_allclose(lines["increment"], shown.fields["increment"][0], rtol=1e-6)
    stations = differences.renderers[-1].data_source.data
    np.testing.assert_allclose(stations["point"], [35.5])
    assert stations["flag"] == ["pass"]
    assert {panel.x_range.id for panel in chart.panels} == {states.x_range.id}
