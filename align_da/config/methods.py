"""Analysis methods: what holds for all, the sampler and the guidance, the peers."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.key import FoundBy
from align_da.config.names import GuidanceName, SamplerName
from align_da.config.section import Positive, PositiveFloat, RowRadius, Section, Share

_RADIUS = FoundBy("localization", "length scale", "cutoff")

Outer = Annotated[
    Positive,
    FoundBy("outer loops", "outer iterations", "Gauss-Newton"),
    Field(description="Gauss-Newton iterations, each about the result of the one before."),
]
Tolerance = Annotated[
    PositiveFloat,
    FoundBy("convergence", "epsilon"),
    Field(
        description="What is left of each linear system, in standard deviations of the "
        "observation errors."
    ),
]
Inner = Annotated[
    Positive,
    FoundBy("inner loops", "iterations", "conjugate gradient"),
    Field(description="Iterations of the solver of each linear system, at most."),
]


class AnalysisConfig(Section):
    """What holds for the analyses of every method."""

    truncation: Annotated[Positive | None, FoundBy("spectral filter", "wavenumber")] = Field(
        default=None,
        description="Triangular truncation that increments are cut to, total wavenumber. Take "
        "that of the forecast model; nothing is cut where none is given.",
    )
    representation_error: Annotated[bool, FoundBy("representativeness error")] = Field(
        default=True,
        description="Whether observation errors hold, for latent methods, what latents cannot.",
    )


_Defaults = Mapping[str, Mapping[str, object]]
_OF_SAMPLER: _Defaults = {"stochastic": {"steps": 128}}
_OF_GUIDANCE: _Defaults = {"split_gibbs": {"repetitions": 10}}


def _completed(given: object, name: str, defaults: _Defaults) -> object:
    """A section with the defaults of the part that it names; what is no table stays."""
    if not isinstance(given, dict) or not isinstance(given.get(name), str):
        return given
    return {**defaults.get(given[name], {}), **given}


class SamplerConfig(Section):
    """How the reverse process is integrated."""

    kind: Annotated[SamplerName, FoundBy("solver", "integrator", "method")] = Field(
        default="dpm_solver",
        description="The sampler: DPM-Solver++(2M), that of Heun or the stochastic one.",
    )
    steps: Annotated[Positive, FoundBy("nfe", "timesteps", "function evaluations")] = Field(
        default=10,
        description="Noise levels that are visited. Where they are not given they are what the "
        "kind needs.",
    )
    sigma_min: Annotated[PositiveFloat, FoundBy("noise level")] = Field(
        default=0.02,
        description="Smallest noise level σ, in standard deviations of what is drawn.",
    )
    sigma_max: Annotated[PositiveFloat, FoundBy("noise level")] = Field(
        default=20.0, description="Largest noise level σ, which the sampler starts at."
    )
    rho: PositiveFloat = Field(
        default=7.0,
        description="How noise levels crowd together near the smallest, dimensionless. Large "
        "values are nearly geometric (Karras et al. 2022, Eq. 5).",
    )
    churn: Annotated[Share, FoundBy("stochasticity", "eta")] = Field(
        default=1.0,
        description='Fresh noise of a step of the "stochastic" sampler, share of the most there '
        "can be. 1 is ancestral sampling, 0 deterministic.",
    )
    correctors: Annotated[int, FoundBy("Langevin steps")] = Field(
        default=0, ge=0, description="Langevin steps before every step of the sampler."
    )
    corrector_step: Annotated[PositiveFloat, FoundBy("Langevin step size", "tau")] = Field(
        default=0.5, description="Length τ of a Langevin step, in squares of the noise level."
    )
    micro_batch: Annotated[Positive, FoundBy("batch size", "chunk")] = Field(
        default=4,
        description="Members that are computed at once. It is part of the result: another number "
        "changes bits, and the noise where it is `centred`.",
    )
    centred: Annotated[bool, FoundBy("antithetic", "zero mean")] = Field(
        default=True,
        description="Whether the noise of members has no mean, where they fill micro-batches of "
        "two or more. Their mean has no sampling error then.",
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_kind(cls, given: object) -> object:
        return _completed(given, "kind", _OF_SAMPLER)


class GuidanceConfig(Section):
    """How the observations steer the sampler, and how far its linear systems are solved.

    What is not given is what the method needs to draw from the posterior of the conformance
    (experiments/conformance), where it can: jfps, mmps and split_gibbs.
    """

    method: Annotated[GuidanceName, FoundBy("guidance", "kind", "type")] = Field(
        default="jfps",
        description='Which guidance steers; with "none" draws are those of the prior.',
    )
    strength: Annotated[PositiveFloat, FoundBy("scale", "weight", "zeta", "gamma")] = Field(
        default=1.0,
        description='Strength of the guidance, dimensionless. It is ζ of "dps", γ of "sda" and '
        'a factor on the covariance of "mmps" and "jfps"; above 1 "dps" is stronger and the '
        "others are weaker.",
    )
    tolerance: Tolerance = 0.05
    iterations: Annotated[Positive, FoundBy("conjugate gradient")] = Field(
        default=50,
        description="Iterations of the solver of a linear system, at most: a bound that should "
        "not be met.",
    )
    repetitions: Annotated[Positive, FoundBy("resampling", "sweeps")] = Field(
        default=1,
        description='Composites of a call of "repaint", or sweeps of "split_gibbs" a noise level.',
    )

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
    """The classical peer with a static, localised error ensemble."""

    errors_in_cycles: Annotated[Literal["cycled", "forecast"], FoundBy("background error")] = (
        Field(
            default="forecast",
            description="Whose errors it has in a cycle: cycled backgrounds, or forecasts from "
            "perturbed truth.",
        )
    )

    samples: Annotated[Positive, FoundBy("errors")] = Field(
        default=800, description="Past background errors that make its covariance, about so many."
    )
    variance_factor: Annotated[PositiveFloat, FoundBy("inflation", "alpha")] = Field(
        default=1.0, description="Factor on the covariance of these errors."
    )
    radius_km: Annotated[PositiveFloat, _RADIUS] = Field(
        default=5000.0,
        description="Half width of the localisation (Gaspari-Cohn) between points, km.",
    )


class LatentThreeDVarConfig(Section):
    """Latent 3D-Var, with the covariance that [denoiser] describes."""

    outer: Outer = 1
    tolerance: Tolerance = 0.01
    inner: Inner = 100


class ThreeDVarConfig(Section):
    """3D-Var in model space, with a covariance described as that of latents is."""

    modes: Annotated[Positive, FoundBy("rank", "eigenvectors", "truncation")] = Field(
        default=200,
        description="Vectors kept of the covariance between rows, at every zonal wavenumber.",
    )
    radius_km: RowRadius = 8000.0
    outer: Outer = 1
    tolerance: Tolerance = 0.01
    inner: Inner = 100


class HybridGainConfig(Section):
    """The LETKF of [letkf], and a share of what 3D-Var of [three_d_var] adds."""

    share: Annotated[Share, FoundBy("alpha", "weight", "hybrid weight")] = Field(
        default=0.8,
        description="Share α that is added of the increment that 3D-Var would still make of the "
        "mean of the LETKF.",
    )


class LetkfConfig(Section):
    """The local ensemble transform Kalman filter."""

    radius_km: Annotated[PositiveFloat | Literal["global"], _RADIUS] = Field(
        default=1500.0,
        description="Half width of the horizontal localisation (Gaspari-Cohn, of R), km. Global: "
        "every observation counts everywhere.",
    )
    depth: Annotated[PositiveFloat | Literal["global"], FoundBy("vertical localization")] = Field(
        default=1.0,
        description="Half width of the vertical localisation, in the logarithm of the level. "
        "Global: every observation counts at every level.",
    )
    inflation: Annotated[PositiveFloat, FoundBy("rho")] = Field(
        default=1.6, description="Factor on the perturbations of the background."
    )
    inflated: Annotated[
        Literal["everywhere", "observed"], FoundBy("inflation where observed", "unobserved")
    ] = Field(
        default="everywhere",
        description="Where perturbations are inflated. Observed: as far as an observation "
        "reaches, with its taper; where none does the spread stays what forecasts make it.",
        exclude_if=lambda where: where == "everywhere",
    )
    relaxation: Annotated[
        Share, FoundBy("rtps", "relaxation to prior spread", "rtpp", "alpha")
    ] = Field(
        default=0.95,
        description="Share of the spread of the background that the analysis is given back "
        "(RTPS), after the update.",
    )
    calibrated: Annotated[bool, FoundBy("adaptive inflation")] = Field(
        default=False,
        description="Whether the ensemble is inflated, beyond `inflation`, by what the "
        "innovations of a cycle ask for.",
    )

    @property
    def half_widths(self) -> tuple[float | None, float | None]:
        """Of both localisations, in metres and in the logarithm of the level; None is global."""
        radius = None if self.radius_km == "global" else 1e3 * self.radius_km
        return radius, None if self.depth == "global" else self.depth
