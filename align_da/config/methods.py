"""Analysis methods: what holds for all, the sampler and the guidance, the peers."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.names import GuidanceName, SamplerName
from align_da.config.section import Positive, PositiveFloat, Section, Share


class AnalysisConfig(Section):
    """What holds for the analyses of every method.

    Increments are cut to the triangular truncation of the forecast model; None cuts nothing. With
    `representation_error` observation errors hold, for latent methods, what latents cannot.
    """

    truncation: Positive | None = None
    representation_error: bool = True


_Defaults = Mapping[str, Mapping[str, object]]
_OF_SAMPLER: _Defaults = {"stochastic": {"steps": 128}}
_OF_GUIDANCE: _Defaults = {"split_gibbs": {"repetitions": 10}}


def _completed(given: object, name: str, defaults: _Defaults) -> object:
    """A section with the defaults of the part that it names; what is no table stays."""
    if not isinstance(given, dict) or not isinstance(given.get(name), str):
        return given
    return {**defaults.get(given[name], {}), **given}


class SamplerConfig(Section):
    """How the reverse process is integrated.

    Where `steps` are not given they are what the kind needs.
    """

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

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_kind(cls, given: object) -> object:
        return _completed(given, "kind", _OF_SAMPLER)


class GuidanceConfig(Section):
    """How the observations steer the sampler, and how far its linear systems are solved.

    `tolerance` is in standard deviations of the observation errors, `iterations` a bound that
    should not be met. What is not given is what the method needs to draw from the posterior of the
    conformance (experiments/conformance), where it can: jfps, mmps and split_gibbs.
    """

    method: GuidanceName = "jfps"
    strength: PositiveFloat = 1.0
    tolerance: PositiveFloat = 0.05
    iterations: Positive = 50
    repetitions: Positive = 1

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_method(cls, given: object) -> object:
        return _completed(given, "method", _OF_GUIDANCE)

    def of(self, method: str, strength: float | None = None) -> "GuidanceConfig":
        """Another method, its systems solved as far; by its own strength if None is given."""
        solved = self.model_dump(include={"tolerance", "iterations"})
        given = {} if strength is None else {"strength": strength}
        return GuidanceConfig.model_validate({"method": method} | solved | given)


class OptimalInterpolationConfig(Section):
    """The classical peer with a static, localised error ensemble.

    In a cycle its errors are those of cycled backgrounds, or of forecasts from perturbed truth.
    """

    errors_in_cycles: Literal["cycled", "forecast"] = "forecast"

    samples: Positive = 800
    variance_factor: PositiveFloat = 1.0
    radius_km: PositiveFloat = 5000.0


class LatentThreeDVarConfig(Section):
    """Latent 3D-Var: Gauss-Newton iterations, and how far the system of each is solved."""

    outer: Positive = 1
    tolerance: PositiveFloat = 0.01
    inner: Positive = 100


class ThreeDVarConfig(Section):
    """3D-Var in model space: its covariance, described as that of latents is, and iterations."""

    modes: Positive = 200
    radius_km: PositiveFloat = 8000.0
    outer: Positive = 1
    tolerance: PositiveFloat = 0.01
    inner: Positive = 100


class HybridGainConfig(Section):
    """The LETKF of [letkf], and the share of the increment that 3D-Var of [three_d_var] adds."""

    share: Share = 0.5


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
