"""Everything that defines a run, as one object."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from align_da.checks import shortened
from align_da.config.era5 import Era5Config
from align_da.config.experiments import (
    BenchmarkConfig,
    CycleConfig,
    DownscalingConfig,
    VerificationConfig,
)
from align_da.config.key import FoundBy
from align_da.config.learning import (
    AlignmentConfig,
    AutoencoderConfig,
    CorrectionConfig,
    DenoiserConfig,
    ModelErrorConfig,
)
from align_da.config.methods import (
    AnalysisConfig,
    GuidanceConfig,
    HybridGainConfig,
    LatentThreeDVarConfig,
    LetkfConfig,
    OptimalInterpolationConfig,
    SamplerConfig,
    ThreeDVarConfig,
)
from align_da.config.models import NeuralGcmConfig, OnnxConfig
from align_da.config.section import LARGEST, Section
from align_da.config.world import (
    BackgroundsConfig,
    CoarseMapConfig,
    CycledBackgroundsConfig,
    ObservationsConfig,
    QualityControlConfig,
    ReportsConfig,
    WorldConfig,
)
from align_da.registry import REGISTRIES

Parts = Mapping[str, Mapping[str, Any]]


class Config(Section):
    """Everything that defines a run."""

    seed: Annotated[int, FoundBy("random seed", "rng")] = Field(
        default=0,
        ge=0,
        le=LARGEST,
        description="Seed of everything that is drawn at random.",
    )
    world: WorldConfig = WorldConfig()
    neuralgcm: Annotated[NeuralGcmConfig | None, Field(exclude_if=lambda it: it is None)] = None
    onnx: OnnxConfig | None = None
    era5: Era5Config | None = None
    backgrounds: BackgroundsConfig = BackgroundsConfig()
    cycled_backgrounds: CycledBackgroundsConfig = CycledBackgroundsConfig()
    observations: ObservationsConfig = ObservationsConfig()
    reports: ReportsConfig | None = None
    coarse_map: CoarseMapConfig = CoarseMapConfig()
    quality_control: QualityControlConfig = QualityControlConfig()
    analysis: AnalysisConfig = AnalysisConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    denoiser: DenoiserConfig = DenoiserConfig()
    sampler: SamplerConfig = SamplerConfig()
    guidance: GuidanceConfig = GuidanceConfig()
    alignment: AlignmentConfig = AlignmentConfig()
    model_error: ModelErrorConfig = ModelErrorConfig()
    # Left out of digests where it is the default: runs made before there was one go on.
    correction: Annotated[
        CorrectionConfig, Field(exclude_if=lambda it: it == CorrectionConfig())
    ] = CorrectionConfig()
    optimal_interpolation: OptimalInterpolationConfig = OptimalInterpolationConfig()
    latent_three_d_var: LatentThreeDVarConfig = LatentThreeDVarConfig()
    three_d_var: ThreeDVarConfig = ThreeDVarConfig()
    letkf: LetkfConfig = LetkfConfig()
    hybrid_gain: Annotated[
        HybridGainConfig, Field(exclude_if=lambda it: it == HybridGainConfig())
    ] = HybridGainConfig()
    cycle: CycleConfig = CycleConfig()
    verification: VerificationConfig = VerificationConfig()
    benchmark: BenchmarkConfig = BenchmarkConfig()
    downscaling: DownscalingConfig = DownscalingConfig()
    parts: Annotated[Parts, FoundBy("plugins", "extensions")] = Field(
        default_factory=dict,
        exclude_if=lambda parts: not parts,
        description="Settings of parts of other packages. [parts.name] is the table of the part "
        "called name, which checks it itself.",
    )

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

    @model_validator(mode="after")
    def _a_file_for_the_model(self) -> "Config":
        if (self.world.model == "onnx") != (self.onnx is not None):
            message = (
                "world.model = 'onnx' and the section [onnx] with its path belong together: "
                "give both or none"
            )
            raise ValueError(message)
        if (self.world.model == "neuralgcm") != (self.neuralgcm is not None):
            message = (
                "world.model = 'neuralgcm' and the section [neuralgcm] with its path belong "
                "together: give both or none"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _real_states_need_a_source_and_no_spin_up(self) -> "Config":
        real = self.world.truth == "era5"
        if real != (self.era5 is not None):
            message = (
                "world.truth = 'era5' and the section [era5] with its source, a store or files, "
                "belong together: give both or none"
            )
            raise ValueError(message)
        if real and self.world.spin_up_days:
            message = (
                "world.truth = 'era5' needs no spin-up: set world.spin_up_days = 0, "
                f"got {self.world.spin_up_days}"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _times_of_observations_that_states_have(self) -> "Config":
        every, step, window = (
            self.observations.every_hours,
            self.world.step_hours,
            self.cycle.window_hours,
        )
        if step != 6 and (
            self.world.truth == "era5" or self.world.model not in {"jcm", "lorenz96"}
        ):
            message = (
                f"world.step_hours = {step} is of the embedded models, world.model = 'jcm' or "
                "'lorenz96' with their nature run: remove it"
            )
            raise ValueError(message)
        if 2 * every > window:
            message = (
                f"observations.every_hours = {every} leaves one time in the window of {window} "
                "hours: take half of it at most, or 0 for the valid time"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _settings_of_parts_that_are_installed(self) -> "Config":
        for name in self.parts:
            kinds = [registry for registry in REGISTRIES if name in registry.names]
            if not kinds:
                message = (
                    f"[parts.{shortened(name)}] is of no part that is installed: correct the "
                    "name, or install the package that brings it"
                )
                raise ValueError(message)
            if not any(kind.has_settings and kind.origin(name) for kind in kinds):
                message = (
                    f"[parts.{name}] would not be read by {kinds[0].owner(name)}: remove it. Of "
                    "packages forecast models, analysis methods and rewards have such settings"
                )
                raise ValueError(message)
        return self

    @property
    def learned_lead_hours(self) -> tuple[int, ...]:
        """Lead times of all backgrounds that the learned parts train on, in order."""
        cycled = (self.cycle.window_hours,) if self.cycled_backgrounds.segments else ()
        return tuple(sorted({*self.backgrounds.lead_hours, *cycled}))
