"""Analysis methods: what holds for all, the sampler and the guidance, the peers."""

from typing import Annotated, Literal

from pydantic import Field

from align_da.config.names import GuidanceName, SamplerName
from align_da.config.section import Positive, PositiveFloat, Section, Share


class AnalysisConfig(Section):
    """What holds for the analyses of every method.

    Increments are cut to the triangular truncation of the forecast model; None cuts nothing. With
    `representation_error` observation errors hold, for latent methods, what latents cannot.
    """

    truncation: Positive | None = None
    representation_error: bool = True


class SamplerConfig(Section):
    """How the reverse process is integrated."""

    kind: SamplerName = "dpm_solver"
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
