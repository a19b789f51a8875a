"""The configuration: frozen sections read from strict TOML.

An unknown key is an error that names the nearest one. Nothing here imports JAX, so that a mistake
is told before anything expensive starts. Values that name a choice are literals resolved by a
dictionary in the room that implements them, never an import path.
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from align_da.errors import ConfigError

Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PeerName = Literal["optimal_interpolation", "three_d_var", "latent_three_d_var"]
GuidanceName = Literal["none", "dps", "sda", "mmps", "jfps", "repaint", "split_gibbs"]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A frozen part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class OptimalInterpolationConfig(Section):
    """The classical peer with a static, localised error ensemble.

    In a cycle its errors are those of cycled backgrounds, or of forecasts from perturbed truth.
    """

    errors_in_cycles: Literal["cycled", "forecast"] = "forecast"

    samples: Positive = 800
    variance_factor: PositiveFloat = 1.0
    radius_km: PositiveFloat = 5000.0


class LatentThreeDVarConfig(Section):
    """Latent 3D-Var: Gauss-Newton iterations, and those of conjugate gradients in each."""

    outer: Positive = 1
    inner: Positive = 30


class ThreeDVarConfig(Section):
    """3D-Var in model space: its covariance, described as that of latents is, and iterations."""

    modes: Positive = 200
    radius_km: PositiveFloat = 8000.0
    outer: Positive = 1
    inner: Positive = 30


class LetkfConfig(Section):
    """The local ensemble transform Kalman filter: half widths of its localisation, and inflation.

    `depth` is in the logarithm of the level; a global filter has neither radius nor depth. With
    `calibrated` the ensemble is inflated beyond that by what the innovations of a cycle ask for.
    """

    radius_km: PositiveFloat | None = 1500.0
    depth: PositiveFloat | None = 1.0
    inflation: PositiveFloat = 1.6
    relaxation: Share = 0.95
    calibrated: bool = False


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


class AnalysisConfig(Section):
    """What holds for the analyses of every method.

    Increments are cut to the triangular truncation of the forecast model; None cuts nothing. With
    `representation_error` observation errors hold, for latent methods, what latents cannot.
    """

    truncation: Positive | None = None
    representation_error: bool = True


class TrainingConfig(Section):
    """How a network is trained.

    With `early_stopping` the parameters of the lowest validation loss are kept. That needs enough
    validation cases: a handful of preference pairs tells nothing but noise.
    """

    steps: Positive = 2000
    batch_size: Positive = 32
    learning_rate: PositiveFloat = 3.0e-4
    warm_up_steps: Annotated[int, Field(ge=0)] = 100
    weight_decay: NonNegativeFloat = 1.0e-4
    gradient_clip: PositiveFloat = 1.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    validate_every: Positive = 200
    early_stopping: bool = True
    patience: Positive = 5


class ArithmeticConfig(Section):
    """Mixed precision, and activations that a backward pass computes again instead of keeping.

    For transformers: the convolutional networks are small and know neither.
    """

    precision: Literal["float32", "bfloat16"] = "float32"
    recompute: bool = False


class AutoencoderConfig(ArithmeticConfig):
    """The latent autoencoder."""

    kind: Literal["convolutional", "transformer"] = "convolutional"
    width: Positive = 64
    depth: Positive = 2
    stride: Literal[1, 2, 4, 8] = 2
    latent_channels: Positive = 48
    heads: Positive = 4
    window: Positive | None = None
    training: TrainingConfig = TrainingConfig()


class DenoiserConfig(ArithmeticConfig):
    """The background-conditioned score model."""

    kind: Literal["unet", "dit"] = "unet"
    schedule: Literal["edm", "vp_cosine"] = "edm"
    width: Positive = 64
    depth: Positive = 1
    levels: Positive = 3
    heads: Positive = 4
    patch: Positive = 2
    sigma_mean: float = 0.0
    sigma_spread: PositiveFloat = 1.4
    correlation_modes: Annotated[int, Field(ge=0)] = 100
    correlation_radius_km: PositiveFloat = 8000.0
    training: TrainingConfig = TrainingConfig()


class SamplerConfig(Section):
    """How the reverse process is integrated."""

    kind: Literal["heun", "dpm_solver", "stochastic"] = "dpm_solver"
    steps: Positive = 10
    sigma_min: PositiveFloat = 0.02
    sigma_max: PositiveFloat = 20.0
    rho: PositiveFloat = 7.0
    churn: Share = 1.0
    correctors: Annotated[int, Field(ge=0)] = 0
    corrector_step: PositiveFloat = 0.5
    micro_batch: Positive = 4
    centred: bool = True


class GuidanceConfig(Section):
    """How the observations steer the sampler."""

    method: GuidanceName = "jfps"
    strength: PositiveFloat = 1.0
    iterations: Positive = 5
    repetitions: Positive = 1


class AlignmentConfig(Section):
    """Preference alignment of the prior."""

    backgrounds: Positive = 128
    candidates: Positive = 16
    forecast_lead_hours: Positive = 48
    rewards: tuple[Literal["accuracy", "forecast", "balance", "calibration"], ...] = (
        "accuracy",
        "forecast",
        "balance",
    )
    quantile: Annotated[float, Field(gt=0, le=0.5)] = 0.25
    pairs: Positive = 1000
    objective: Literal["dpo", "ipo", "capo"] = "dpo"
    weighting: Literal["noise", "increment"] = "increment"
    trained: Literal["all", "amplitude"] = "amplitude"
    beta: PositiveFloat = 2000.0
    anchor_weight: NonNegativeFloat = 0.1
    scheduler: str | None = None
    training: TrainingConfig = TrainingConfig(
        steps=300, learning_rate=1.0e-5, ema_decay=0.0, validate_every=50
    )


class CycleConfig(Section):
    """The cycling experiment.

    `network_share` is the weight of the score model against the Gaussian of the same covariance.
    What the network knows of the error of a background is corrected once; in a cycle the same
    correction would be made again and again, and only what grew since the last analysis is new.
    `ensemble_share` is the part of the error covariance of latent methods that the ensemble of the
    day gives, localised with the half width `ensemble_radius_km`.
    With `calibrated` the amplitude of the background errors of latent methods and of 3D-Var
    follows from the innovations of every cycle. That is the amplitude where observations are:
    elsewhere errors are larger, and the members of the learned method differ from its mean as
    draws of the `prior` amplitude do, not as its `own` draws. With `perturbations` of the LETKF it
    gives the mean alone, of `draws` draws. Methods are tuned on the `split` "validation".
    """

    method: Literal[
        "latent_score",
        "latent_three_d_var",
        "three_d_var",
        "letkf",
        "optimal_interpolation",
        "free_run",
    ] = "latent_score"
    prior: Literal["static", "reference", "aligned", "continued", "supervised"] = "aligned"
    condition_on: Literal["member", "mean"] = "mean"
    network_share: Share = 1.0
    ensemble_share: Share = 0.0
    ensemble_radius_km: PositiveFloat = 2000.0
    calibrated: bool = True
    perturbations: Literal["own", "prior", "letkf"] = "prior"
    draws: Positive = 4
    split: Literal["validation", "test"] = "test"
    members: Positive = 4
    cycles: Positive = 40
    window_hours: Positive = 6


class VerificationConfig(Section):
    """What is verified."""

    forecast_lead_hours: tuple[Positive, ...] = (24, 48)
    forecast_every: Positive = 4
    bootstrap_samples: Positive = 1000
    block_length: Positive = 4


class BenchmarkConfig(Section):
    """Single analyses of several methods on the same dates and observations."""

    split: Literal["validation", "test"] = "test"
    dates: Positive = 24
    members: Positive = 4
    background_lead_hours: Positive = 48
    forecast_lead_hours: Positive = 24
    peers: tuple[PeerName, ...] = ("optimal_interpolation", "three_d_var", "latent_three_d_var")
    guidance: tuple[GuidanceName, ...] = ("none", "dps", "repaint", "jfps")
    control_guidance: tuple[GuidanceName, ...] = ("none", "dps", "repaint", "jfps")
    dps_strength: PositiveFloat = 1.0
    sda_strength: PositiveFloat = 0.1
    mmps_strength: PositiveFloat = 1.0
    jfps_strength: PositiveFloat = 1.0
    priors: tuple[Literal["reference", "aligned"], ...] = ("reference", "aligned")
    controls: tuple[Literal["continued", "supervised"], ...] = ("continued", "supervised")


class Config(Section):
    """Everything that defines a run."""

    seed: Annotated[int, Field(ge=0)] = 0
    world: WorldConfig = WorldConfig()
    backgrounds: BackgroundsConfig = BackgroundsConfig()
    cycled_backgrounds: CycledBackgroundsConfig = CycledBackgroundsConfig()
    observations: ObservationsConfig = ObservationsConfig()
    analysis: AnalysisConfig = AnalysisConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    denoiser: DenoiserConfig = DenoiserConfig()
    sampler: SamplerConfig = SamplerConfig()
    guidance: GuidanceConfig = GuidanceConfig()
    alignment: AlignmentConfig = AlignmentConfig()
    optimal_interpolation: OptimalInterpolationConfig = OptimalInterpolationConfig()
    latent_three_d_var: LatentThreeDVarConfig = LatentThreeDVarConfig()
    three_d_var: ThreeDVarConfig = ThreeDVarConfig()
    letkf: LetkfConfig = LetkfConfig()
    cycle: CycleConfig = CycleConfig()
    verification: VerificationConfig = VerificationConfig()
    benchmark: BenchmarkConfig = BenchmarkConfig()

    @model_validator(mode="after")
    def _one_kind_of_background_a_lead(self) -> "Config":
        window = self.cycle.window_hours
        if self.cycled_backgrounds.segments and window in self.backgrounds.lead_hours:
            message = (
                f"backgrounds.lead_hours {self.backgrounds.lead_hours} holds the cycle window of "
                f"{window} h, which is the lead time of cycled backgrounds: leave it out, or set "
                "cycled_backgrounds.segments = 0"
            )
            raise ValueError(message)
        return self

    @property
    def learned_lead_hours(self) -> tuple[int, ...]:
        """Lead times of all backgrounds that the learned parts train on, in order."""
        cycled = (self.cycle.window_hours,) if self.cycled_backgrounds.segments else ()
        return tuple(sorted({*self.backgrounds.lead_hours, *cycled}))


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file and apply overrides.

    Args:
        path: the TOML file; the defaults where None.
        overrides: items "section.key=value", the value in TOML syntax (a bare word is a string).

    Raises:
        ConfigError: no such file, no TOML, unknown key, wrong type or value out of range.
    """
    table = {} if path is None else _read_toml(path)
    for override in overrides:
        _apply(table, override)
    return config_from_table(table)


def config_from_table(table: Mapping[str, Any]) -> Config:
    """Validate a nested table.

    Raises:
        ConfigError: unknown key, wrong type or value out of range; says which, and the nearest
        key.
    """
    try:
        return Config.model_validate(table)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(item) for item in error.errors())) from error


def digest_of(*parts: object) -> str:
    """SHA-256 of configuration sections, numbers, strings and lists of them, in canonical JSON."""
    plain = [p.model_dump(mode="json") if isinstance(p, Section) else p for p in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"cannot read the configuration {path}: {error.strerror}"
        raise ConfigError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"{path} is not valid TOML: {error}"
        raise ConfigError(message) from error


def _apply(table: dict[str, Any], override: str) -> None:
    """Write one "section.key=value" into the nested table."""
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        message = f"expected an override of the form section.key=value, got {override!r}"
        raise ConfigError(message)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, key = name.strip().split(".")
    place = table
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            message = f"{override!r}: {section!r} is a value, not a section"
            raise ConfigError(message)
    place[key] = value


def _explain(item: Mapping[str, Any]) -> str:
    """One line for one validation error."""
    if not item["loc"]:  # a rule between sections
        return str(item["ctx"]["error"])
    *sections, key = (str(part) for part in item["loc"])
    place = ".".join([*sections, key])
    if item["type"] != "extra_forbidden":
        return f"{place}: {item['msg']}, got {item['input']!r}"
    known = list(_section_at(sections).model_fields)
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
    return f"unknown key {place!r}: did you mean {'.'.join([*sections, nearest])!r}?"


def _section_at(sections: Sequence[str]) -> type[Section]:
    """The section class at a path of names."""
    found: type[Section] = Config
    for name in sections:
        annotation = found.model_fields[name].annotation
        candidates = (annotation, *get_args(annotation))
        found = next(c for c in candidates if isinstance(c, type) and issubclass(c, Section))
    return found
