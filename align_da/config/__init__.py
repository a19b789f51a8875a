"""The configuration: frozen sections read from strict TOML.

Every key has a description, of which the page beside this file, `align-da config` and the answers
to mistakes are made: an unknown key is an error that names those it may mean. Nothing here imports
JAX, so that a mistake is told before anything expensive starts. Values that name a choice are
literals resolved by a dictionary in the room that implements them, never an import path.
"""

from align_da.config.config import Config
from align_da.config.era5 import Era5Config
from align_da.config.experiments import (
    BenchmarkConfig,
    CycleConfig,
    DownscalingConfig,
    ReplacementConfig,
    VerificationConfig,
    WatchdogConfig,
)
from align_da.config.learning import (
    BEFORE_ROUNDS,
    AlignmentConfig,
    ArithmeticConfig,
    AutoencoderConfig,
    CorrectionConfig,
    DenoiserConfig,
    ModelErrorConfig,
    TrainingConfig,
)
from align_da.config.load import AnySection, config_from_table, load_config, section_from_table
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
from align_da.config.section import Section
from align_da.config.world import (
    BackgroundsConfig,
    CoarseMapConfig,
    CycledBackgroundsConfig,
    ErrorsConfig,
    ObservationsConfig,
    QualityControlConfig,
    ReportsConfig,
    WorldConfig,
)

__all__ = [
    "BEFORE_ROUNDS",
    "AlignmentConfig",
    "AnalysisConfig",
    "AnySection",
    "ArithmeticConfig",
    "AutoencoderConfig",
    "BackgroundsConfig",
    "BenchmarkConfig",
    "CoarseMapConfig",
    "Config",
    "CorrectionConfig",
    "CycleConfig",
    "CycledBackgroundsConfig",
    "DenoiserConfig",
    "DownscalingConfig",
    "Era5Config",
    "ErrorsConfig",
    "GuidanceConfig",
    "HybridGainConfig",
    "LatentThreeDVarConfig",
    "LetkfConfig",
    "ModelErrorConfig",
    "NeuralGcmConfig",
    "ObservationsConfig",
    "OnnxConfig",
    "OptimalInterpolationConfig",
    "QualityControlConfig",
    "ReplacementConfig",
    "ReportsConfig",
    "SamplerConfig",
    "Section",
    "ThreeDVarConfig",
    "TrainingConfig",
    "VerificationConfig",
    "WatchdogConfig",
    "WorldConfig",
    "config_from_table",
    "load_config",
    "section_from_table",
]
