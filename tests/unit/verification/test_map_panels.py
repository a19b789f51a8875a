import numpy as np
import pytest

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.verification.report.map_panels import MappedCycle, map_chart, sampled


def grid_of(rows: int, columns: int) -> Grid:
    south = -90 + 90 / rows
    return Grid(
        tuple(np.linspace(south, -south, rows)),
        tuple(np.arange(columns) * 360 / columns),
        VerticalCoordinate("sigma", (0.5,)),
    )


GRID = grid_of(8, 16)


def case() -> MappedCycle:
    rng = np.random.default_rng(0)
    truth, background, analysis = 250 + 30 * rng.normal(size=(3, *GRID.shape))
    spreads = rng.uniform(1, 2, size=(2, *GRID.shape))
    stations = {
        name: np.asarray([float(number)])
        for number, name in enumerate(("innovation", "residual", "error"))
    }
    places = {"latitude": np.asarray([10.0]), "longitude": np.asarray([270.0])}
    flags = {"flag": np.asarray(["pass"])}
    return MappedCycle(truth, background, analysis, *spreads, stations | places | flags, "K")


def test_codes_give_the_fields_back_as_finely_as_colours_tell_them_apart() -> None:
    shown = case()
    chart = map_chart({("a", "now", "T", "σ 0.50"): shown}, GRID)
    (callback,) = chart.controls[0].js_property_callbacks["change:value"]
    leaf = callback.args["tree"]["a"]["now"]["T"]["σ 0.50"]
    for name, field in shown.fields.items():
        packed = leaf["fields"][name]
        values = packed["offset"] + packed["step"] * packed["codes"]
        east = np.roll(values, 8, axis=1)  # maps begin at 180° W
        fineness = 2**16 if packed["codes"].dtype == np.uint16 else 2**8
        assert np.abs(east - field).max() <= np.ptp(field) / fineness
    assert set(leaf["fields"]) | {"innovation"} == set(leaf["titles"])
    assert leaf["stations"]["longitude"] == pytest.approx([-90.0])


def test_nine_panels_share_one_part_of_the_globe() -> None:
    panels = map_chart({("a", "now", "T", "σ 0.50"): case()}, GRID).panels
    assert len(panels) == 9
    assert len({panel.x_range.id for panel in panels}) == 1
    assert len({panel.y_range.id for panel in panels}) == 1


@pytest.mark.parametrize(
    ("rows", "columns", "maps"), [(32, 64, 100), (721, 1440, 60), (721, 1440, 500), (2, 40, 1)]
)
def test_the_maps_of_any_grid_are_light(rows: int, columns: int, maps: int) -> None:
    found = sampled(grid_of(rows, columns), maps)
    shown = len(range(0, rows, found.step)) * len(range(0, columns, found.step))
    assert columns % found.step == 0
    assert 11 * maps * shown * found.times <= 4_500_000
    assert found.of(1000)[-1] == 999
    assert len(found.of(1000)) == found.times
    assert list(found.of(1)) == [0]
