"""The rows of the report on a world follow the states."""

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from data_pipelines.world_report import fields_of

LATITUDE, LONGITUDE = (-45.0, 45.0), (0.0, 90.0, 180.0, 270.0)
WIND = ("u_component_of_wind", "v_component_of_wind")


def rows(vertical: VerticalCoordinate, *surface: str) -> list[tuple[str, int]]:
    variables = (*WIND, "temperature", "specific_humidity", *surface)
    layout = Layout(Grid(LATITUDE, LONGITUDE, vertical), variables)
    return [(field.label, field.level) for field in fields_of(layout)]


def test_the_embedded_world_has_the_rows_of_its_published_tables() -> None:
    levels = (0.05, 0.14, 0.26, 0.37, 0.51, 0.685, 0.835, 0.95)
    assert rows(VerticalCoordinate("sigma", levels), "surface_pressure") == [
        ("u, sigma 0.51", 4),
        ("v, sigma 0.51", 4),
        ("T, sigma 0.51", 4),
        ("u, sigma 0.835", 6),
        ("v, sigma 0.835", 6),
        ("T, sigma 0.835", 6),
        ("q, sigma 0.835", 6),
        ("surface pressure", 0),
    ]


def test_era5_has_rows_in_hectopascal() -> None:
    levels = VerticalCoordinate("pressure", (2.5e4, 5.0e4, 8.5e4, 1.0e5))
    assert rows(levels, "mean_sea_level_pressure", "2m_temperature") == [
        ("u, 500 hPa", 1),
        ("v, 500 hPa", 1),
        ("T, 500 hPa", 1),
        ("u, 850 hPa", 2),
        ("v, 850 hPa", 2),
        ("T, 850 hPa", 2),
        ("q, 850 hPa", 2),
        ("mean sea level pressure", 0),
        ("2m temperature", 0),
    ]
