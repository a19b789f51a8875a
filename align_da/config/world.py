"""The simulated atmosphere, forecasts from it, and how it is observed."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from align_da.config.key import FoundBy
from align_da.config.names import ForecastModelName, OperatorName
from align_da.config.section import LARGEST, Densities, Positive, PositiveFloat, Section, Share


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

_OBSERVATION_ERROR = FoundBy("observation error", "error std", "sigma")
WindError = Annotated[
    PositiveFloat,
    _OBSERVATION_ERROR,
    Field(description="Standard deviation of the errors of observed wind components, m/s."),
]
TemperatureError = Annotated[
    PositiveFloat,
    _OBSERVATION_ERROR,
    Field(description="Standard deviation of the errors of observed temperature, K."),
]
HumidityError = Annotated[
    PositiveFloat,
    _OBSERVATION_ERROR,
    Field(description="Standard deviation of the errors of observed specific humidity, kg/kg."),
]
SurfacePressureError = Annotated[
    PositiveFloat,
    _OBSERVATION_ERROR,
    Field(
        description="Standard deviation of the errors of observed pressure at the surface or at "
        "sea level, Pa."
    ),
]


class WorldConfig(Section):
    """The atmosphere: truth and forecast model."""

    # Left out of digests where it is the default: runs made before there was a choice go on.
    truth: Annotated[Literal["nature_run", "era5"], FoundBy("nature run", "reanalysis")] = Field(
        default="nature_run",
        exclude_if=lambda truth: truth == "nature_run",
        description="What the truth is: a simulation, or real states that the section [era5] "
        "names. Those begin at `start` and have no spin-up.",
    )
    model: Annotated[ForecastModelName, FoundBy("dynamics", "simulator")] = Field(
        default="jcm",
        description='The forecast model. "jcm", an atmosphere with the physics of SPEEDY, has a '
        "truth of another resolution; that of other models is made by the model itself. "
        '"onnx" and "neuralgcm" need the sections of these names.',
    )
    truth_truncation: Annotated[Literal[21, 31], FoundBy("resolution", "wavenumber")] = Field(
        default=31,
        description='Spectral truncation of the nature run of "jcm", total wavenumber. Its '
        "forecasts have 21.",
    )
    grid_truncation: Annotated[Literal[21, 31], FoundBy("resolution", "grid size")] = Field(
        default=21,
        exclude_if=lambda kept: kept == 21,
        description='Spectral truncation on whose Gaussian grid truth and forecasts of "jcm" '
        "are seen. 21 has 64 x 32 points, 31 has 96 x 48.",
    )
    perturbed_physics: Annotated[bool, FoundBy("model error", "parameter error")] = Field(
        default=True,
        description='Whether forecasts of "jcm" have other physical parameters than its truth, '
        "as a model error. They are those of convection, condensation, diffusion and drag.",
    )
    step_hours: Annotated[Literal[1, 2, 3, 6], FoundBy("dt", "time step")] = Field(
        default=6,
        exclude_if=lambda hours: hours == 6,
        description="Hours between states of the truth and of forecasts, at the least. "
        "Observations within a window (`observations.every_hours`, `cycle.trajectory_hours`) need "
        'less than 6, which "jcm" and "lorenz96" alone can do; the truth then takes as much more '
        "space.",
    )
    start: Annotated[Start, FoundBy("date", "begin", "initial time")] = Field(
        default="1959-01-02T00:00",
        description='Time at which the truth begins, UTC, such as "1959-01-02T00:00". A '
        "simulation has its spin-up from there on.",
    )
    spin_up_days: Annotated[int, FoundBy("warm-up", "burn-in")] = Field(
        default=90,
        ge=0,
        le=LARGEST,
        description="Days of the nature run before the training period, which are not kept. 0 "
        'with truth = "era5".',
    )
    train_days: Positive = Field(default=540, description="Length of the training period, days.")
    gap_days: Positive = Field(
        default=10,
        description="Days between two periods, so that none knows of another: 10 or more.",
    )
    validation_days: Positive = Field(
        default=40, description="Length of the validation period, days."
    )
    test_days: Positive = Field(default=60, description="Length of the test period, days.")


class BackgroundsConfig(Section):
    """Forecasts from perturbed truth, the pairs that the learned parts train on."""

    lead_hours: tuple[Positive, ...] = Field(
        default=(12, 24, 48),
        description="Lead times of the forecasts, hours. The one of a run that downscales is a "
        "mark of its coarse maps.",
    )
    train_starts: Annotated[Positive, FoundBy("samples", "cases")] = Field(
        default=1400,
        description="Starts of forecasts in the training period, spread evenly. Each gives a "
        "background of every lead time.",
    )
    validation_starts: Positive = Field(
        default=80, description="Starts of forecasts in the validation period, spread evenly."
    )
    test_starts: Positive = Field(
        default=40, description="Starts of forecasts in the test period, spread evenly."
    )
    amplitude: Annotated[
        tuple[PositiveFloat, PositiveFloat], FoundBy("perturbation", "initial error")
    ] = Field(
        default=(0.05, 0.3),
        description="Smallest and largest perturbation of a start, share of the standard "
        "deviation of anomalies. Starts draw evenly between them.",
    )


class CycledBackgroundsConfig(Section):
    """Backgrounds taken from cycling with latent 3D-Var.

    Their lead time is the cycle window, which must not be among `backgrounds.lead_hours`: errors
    of forecasts from perturbed truth are others.
    """

    segments: int = Field(
        default=0,
        ge=0,
        description="Segments of the training period that are cycled; 0 is no cycled "
        "backgrounds. Each has a network of its own. They need a trained autoencoder; the "
        "published chain has 8.",
    )
    cycles: Positive = Field(default=60, description="Cycles of a segment that are kept.")
    spin_up: Annotated[int, FoundBy("burn-in")] = Field(
        default=10, ge=0, description="Cycles at the start of a segment that are left out."
    )
    densities: Densities = (0.05, 0.03)


class ErrorsConfig(Section):
    """Standard deviations of the errors of a source of observations (SI units)."""

    wind_error: WindError = 1.0
    temperature_error: TemperatureError = 1.0
    humidity_error: HumidityError = 1.0e-4
    surface_pressure_error: SurfacePressureError = 100.0
    # Left out of digests as `world.truth` is.
    geopotential_error: Annotated[PositiveFloat, _OBSERVATION_ERROR] = Field(
        default=100.0,
        exclude_if=lambda error: error == 100.0,
        description="Standard deviation of the errors of observed geopotential, m2 s-2. 100 are "
        "ten metres of height.",
    )


class ObservationsConfig(ErrorsConfig):
    """The observing network, its errors and the operator that tells what it would see."""

    network: Annotated[
        Literal["radiosonde", "random", "surface"], FoundBy("stations", "observing system")
    ] = Field(
        default="random",
        description='Where stations are, and what they are. "radiosonde" are columns where real '
        'radiosondes rise, 420 at most, "random" columns at random places, "surface" '
        "ground stations at random places.",
    )
    density: Annotated[float, FoundBy("coverage", "fraction", "observations")] = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Number of stations over that of the columns of the grid.",
    )
    withheld: Annotated[Share, FoundBy("holdout", "held out", "validation fraction")] = Field(
        default=0.1,
        description="Share of the stations that no analysis uses, for verification.",
    )
    every_hours: Annotated[int, FoundBy("frequency", "observation interval")] = Field(
        default=0,
        ge=0,
        le=LARGEST,
        exclude_if=lambda hours: hours == 0,
        description="Hours between the times of a window at which stations report, half of it at "
        "most. Stations take turns, each has its own hour of every window, which is centred on "
        "the valid time; 0 lets all report at the valid time.",
    )
    operator: Annotated[OperatorName, FoundBy("forward operator")] = Field(
        default="interpolation",
        exclude_if=lambda name: name == "interpolation",
        description="Observation operator H, from states to what is observed.",
    )


class ReportsConfig(Section):
    """Reports from files (`align-da data observations`) in the place of simulated observations.

    The share of stations that are withheld is that of [observations].
    """

    thinning: Annotated[
        Literal["none", "thin", "superob"], FoundBy("superobbing", "data selection")
    ] = Field(
        default="none",
        description="What is used of the reports of a box. It is all of them, the one nearest "
        'to its middle ("thin"), or their mean ("superob").',
    )
    box_degrees: Annotated[PositiveFloat, FoundBy("thinning distance", "mesh")] = Field(
        default=2.0,
        description="Size of a box of `thinning`, degrees of latitude, and as many kilometres of "
        "longitude.",
    )
    box_pascal: PositiveFloat = Field(
        default=5000.0, description="Height of a box of `thinning`, Pa."
    )
    padded: Annotated[Positive, FoundBy("maximum observations", "capacity")] = Field(
        default=20_000,
        description="Number of observations that arrays of a cycle have room for. A window with "
        "more reports is refused.",
    )
    largest_elevation_difference: PositiveFloat = Field(
        default=300.0,
        description="Largest difference in height between a station and the surface of the "
        "model, m. Beyond it pressure, temperature and humidity of the station stay passive.",
    )
    required: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda types: not types,
        description="Types of reports without any one of which a run is refused.",
    )
    optional: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda types: not types,
        description="Types of reports whose lack is warned of.",
    )


class CoarseMapConfig(ErrorsConfig):
    """A coarse map of the truth, of equal angles, and the errors of its cells.

    Errors of cells are independent of each other: R is diagonal.
    """

    latitudes: Annotated[Positive, FoundBy("rows", "resolution")] = Field(
        default=8, description="Rows of cells."
    )
    longitudes: Annotated[Positive, FoundBy("columns", "resolution")] = Field(
        default=16, description="Cells of a row."
    )
    wind_error: WindError = 0.3
    temperature_error: TemperatureError = 0.3
    humidity_error: HumidityError = 3.0e-5
    surface_pressure_error: SurfacePressureError = 30.0


class QualityControlConfig(Section):
    """Which observations are rejected, beyond what is missing or implausible."""

    background_threshold: Annotated[
        PositiveFloat, FoundBy("gross error check", "first guess check", "outlier")
    ] = Field(
        default=5.0,
        description="Largest departure that the background check passes, in expected standard "
        "deviations. They follow from the prescribed errors of observations and "
        "backgrounds.",
    )
    buddy_check: Annotated[bool, FoundBy("spatial consistency")] = Field(
        default=True,
        description="Whether observations that are far from the background are compared with "
        "their neighbours.",
    )
    buddy_threshold: PositiveFloat = Field(
        default=5.0,
        description="Largest departure that the buddy check passes, in standard deviations that "
        "the neighbours show.",
    )
    largest_reject_ratio: Annotated[Share, FoundBy("rejection rate")] = Field(
        default=0.5,
        description="Share of the observations of a variable beyond which their rejection stops "
        "the run. A wrong unit or sign does that.",
    )
