"""The simulated atmosphere, forecasts from it, and how it is observed."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from align_da.config.section import Positive, PositiveFloat, Section, Share


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
    """The simulated atmosphere: truth and forecast model."""

    model: Literal["jcm", "lorenz96"] = "jcm"
    truth_truncation: Literal[21, 31] = 31
    perturbed_physics: bool = True
    start: Start = "1959-01-02T00:00"
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
    """The observing network and its errors (SI units), or what becomes of reports from files.

    Of files: boxes of `thinning` (degrees of latitude, Pa), the fixed number of observations of a
    cycle, and the distance in metres between a station and the surface of the model beyond which
    its pressure stays passive.
    """

    network: Literal["radiosonde", "random", "surface"] = "random"
    density: Annotated[float, Field(gt=0, le=1)] = 0.05
    wind_error: PositiveFloat = 1.0
    temperature_error: PositiveFloat = 1.0
    humidity_error: PositiveFloat = 1.0e-4
    surface_pressure_error: PositiveFloat = 100.0
    withheld: Share = 0.1
    source: Literal["simulated", "files"] = "simulated"
    thinning: Literal["none", "thin", "superob"] = "none"
    box_degrees: PositiveFloat = 2.0
    box_pascal: PositiveFloat = 5000.0
    padded: Positive = 20_000
    largest_elevation_difference: PositiveFloat = 300.0


class QualityControlConfig(Section):
    """Which observations are rejected, beyond what is missing or implausible.

    Thresholds are standard deviations of the expected departure: the background check's of the
    errors that are prescribed, the buddy check's of those that the neighbours show.
    """

    background_threshold: PositiveFloat = 5.0
    buddy_check: bool = True
    buddy_threshold: PositiveFloat = 5.0
    largest_reject_ratio: Share = 0.5
