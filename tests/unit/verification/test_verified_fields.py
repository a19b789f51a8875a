from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.verification.verified_fields import VerifiedField, default_fields


def _layout(vertical: VerticalCoordinate, variables: tuple[str, ...]) -> Layout:
    return Layout(Grid((-45.0, 45.0), (0.0, 180.0), vertical), variables)


def test_whole_variables_leave_out_the_stratosphere_and_named_levels_are_the_nearest() -> None:
    sigma = VerticalCoordinate("sigma", (0.1, 0.2, 0.3, 0.8, 1.0))
    variables = ("u_component_of_wind", "temperature", "surface_pressure")
    assert default_fields(_layout(sigma, variables)) == (
        VerifiedField("u", "u_component_of_wind", (1, 2, 3, 4)),
        VerifiedField("T", "temperature", (1, 2, 3, 4)),
        VerifiedField("p_s", "surface_pressure", (0,)),
        VerifiedField("u (σ 0.20)", "u_component_of_wind", (1,)),
        VerifiedField("T (σ 0.80)", "temperature", (3,)),
    )


def test_pressure_levels_are_named_in_hectopascal() -> None:
    pressure = VerticalCoordinate("pressure", (1.0e4, 2.5e4, 5.0e4, 8.5e4))
    labels = [field.label for field in default_fields(_layout(pressure, ("geopotential",)))]
    assert labels == ["z", "z (500 hPa)"]


def test_an_abstract_system_is_scored_whole() -> None:
    index = VerticalCoordinate("index", (1.0,))
    assert default_fields(_layout(index, ("lorenz_96",))) == (
        VerifiedField("x", "lorenz_96", (0,)),
    )
    assert default_fields(_layout(index, ("lorenz_96",)))[0].units == "1"
