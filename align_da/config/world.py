"""The simulated atmosphere, forecasts from it, and how it is observed."""

from typing import Annotated, Literal

from pydantic import Field

from align_da.config.section import Positive, PositiveFloat, Section, Share


class WorldConfig(Section):
    """The simulated atmosphere: truth and forecast model."""

    model: Literal["jcm", "lorenz96"] = "jcm"
    truth_truncation: Literal[21, 31] = 31
    perturbed_physics: bool = True
    start: str = "1959-01-02T00:00"
    spin_up_days: Positive = 90
    train_days: Positive = 540
    gap_days: Positive = 10
    validation_days: Positive = 40
    test_days: Positive = 60


class BackgroundsConfig(Section):
    """Forecasts from perturbed truth, the pairs that the learned parts train on."""

    lead_hours: tuple[Positive, ...] = (12, 24, 48)
    train_starts: Positive = 1400
    validation_starts: Positive = 80
    test_starts: Positive = 40
    amplitude: tuple[PositiveFloat, PositiveFloat] = (0.05, 0.3)


class CycledBackgroundsConfig(Section):
    """Backgrounds taken from cycling with latent 3D-Var; 0 segments are none.

    Their lead time is the cycle window, which must not be among `backgrounds.lead_hours`: errors
    of forecasts from perturbed truth are others.
    """

    segments: Annotated[int, Field(ge=0)] = 8
    cycles: Positive = 60
    spin_up: Annotated[int, Field(ge=0)] = 10
    densities: tuple[Share, ...] = (0.05, 0.03)


class ObservationsConfig(Section):
    """The observing network and its errors (SI units)."""

    network: Literal["radiosonde", "random", "surface"] = "random"
    density: Annotated[float, Field(gt=0, le=1)] = 0.05
    wind_error: PositiveFloat = 1.0
    temperature_error: PositiveFloat = 1.0
    humidity_error: PositiveFloat = 1.0e-4
    surface_pressure_error: PositiveFloat = 100.0
    withheld: Share = 0.1
