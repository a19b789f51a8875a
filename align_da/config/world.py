"""The simulated atmosphere, forecasts from it, and how it is observed."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from align_da.config.names import ForecastModelName, OperatorName
from align_da.config.section import LARGEST, Positive, PositiveFloat, Section, Share


def _start_of_world(text: str) -> str:
    """`text`, if it is a time as NumPy reads it, well within what nanoseconds can hold.

    Raises:
        ValueError: it is not.
    """
    time = datetime.fromisoformat(text)
    plain = time.replace(tzinfo=None).isoformat(timespec="minutes")
    if text != plain or not 1700 <= time.year <= 2200:
        message = "expected a time (UTC, without zone, 1700 to 2200) written as 1959-01-02T00:00"
        raise ValueError(message)
    return text


Start = Annotated[str, AfterValidator(_start_of_world)]


class WorldConfig(Section):
    """The atmosphere: truth and forecast model.

    The truth is a simulation, or states that the section [era5] names; those begin at `start` and
    have no spin-up. The embedded truth and its forecast model see each other on the Gaussian grid
    of `grid_truncation`. States of both are `step_hours` apart at the least: observations within a
    window (`observations.every_hours`, `cycle.trajectory_hours`) need finer ones than 6 hours, and
    the truth then takes as much more space. Of the embedded models "jcm" and "lorenz96" alone.
    """

    # Left out of digests where it is the default: runs made before there was a choice go on.
    truth: Annotated[
        Literal["nature_run", "era5"], Field(exclude_if=lambda truth: truth == "nature_run")
    ] = "nature_run"
    model: ForecastModelName = "jcm"
    truth_truncation: Literal[21, 31] = 31
    grid_truncation: Annotated[Literal[21, 31], Field(exclude_if=lambda kept: kept == 21)] = 21
    perturbed_physics: bool = True
    step_hours: Annotated[Literal[1, 2, 3, 6], Field(exclude_if=lambda hours: hours == 6)] = 6
    start: Start = "1959-01-02T00:00"
    spin_up_days: Annotated[int, Field(ge=0, le=LARGEST)] = 90
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


class ErrorsConfig(Section):
    """Standard deviations of the errors of a source of observations (SI units)."""

    wind_error: PositiveFloat = 1.0
    temperature_error: PositiveFloat = 1.0
    humidity_error: PositiveFloat = 1.0e-4
    surface_pressure_error: PositiveFloat = 100.0
    # Ten metres of height; left out of digests as `world.truth` is.
    geopotential_error: Annotated[
        PositiveFloat, Field(exclude_if=lambda error: error == 100.0)
    ] = 100.0


class ObservationsConfig(ErrorsConfig):
    """The observing network, its errors and the operator that tells what it would see.

    All stations report at the valid time, or they take turns every `every_hours` of the cycle
    window, which is centred on it: each has its own hour of every window.
    """

    network: Literal["radiosonde", "random", "surface"] = "random"
    density: Annotated[float, Field(gt=0, le=1)] = 0.05
    withheld: Share = 0.1
    every_hours: Annotated[int, Field(ge=0, le=LARGEST, exclude_if=lambda hours: hours == 0)] = 0
    operator: Annotated[OperatorName, Field(exclude_if=lambda name: name == "interpolation")] = (
        "interpolation"
    )


class ReportsConfig(Section):
    """Reports from files (`align-da data observations`) in the place of simulated observations.

    Boxes of `thinning` have degrees of latitude and Pa; `padded` is the fixed number of
    observations of a cycle; beyond `largest_elevation_difference` metres between a station and the
    surface of the model its pressure, temperature and humidity stay passive. The share of stations
    that are withheld is that of [observations]. A run without any report of a type that is
    `required` is refused, one without any of a type that is `optional` is warned of.
    """

    thinning: Literal["none", "thin", "superob"] = "none"
    box_degrees: PositiveFloat = 2.0
    box_pascal: PositiveFloat = 5000.0
    padded: Positive = 20_000
    largest_elevation_difference: PositiveFloat = 300.0
    required: Annotated[tuple[str, ...], Field(exclude_if=lambda types: not types)] = ()
    optional: Annotated[tuple[str, ...], Field(exclude_if=lambda types: not types)] = ()


class CoarseMapConfig(ErrorsConfig):
    """A coarse map of the truth, of equal angles, and the errors of its cells.

    Errors of cells are independent of each other: R is diagonal.
    """

    latitudes: Positive = 8
    longitudes: Positive = 16
    wind_error: PositiveFloat = 0.3
    temperature_error: PositiveFloat = 0.3
    humidity_error: PositiveFloat = 3.0e-5
    surface_pressure_error: PositiveFloat = 30.0


class QualityControlConfig(Section):
    """Which observations are rejected, beyond what is missing or implausible.

    Thresholds are standard deviations of the expected departure: the background check's of the
    errors that are prescribed, the buddy check's of those that the neighbours show.
    """

    background_threshold: PositiveFloat = 5.0
    buddy_check: bool = True
    buddy_threshold: PositiveFloat = 5.0
    largest_reject_ratio: Share = 0.5
