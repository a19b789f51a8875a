"""What is trained, and how: autoencoder, score model, alignment."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.names import ObjectiveName, RewardName
from align_da.config.section import (
    LARGEST,
    NonNegativeFloat,
    Positive,
    PositiveFloat,
    Section,
    Share,
)
from align_da.errors import ConfigError


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

    @model_validator(mode="after")
    def _warm_up_ends_before_the_training(self) -> "TrainingConfig":
        if self.warm_up_steps >= self.steps:
            message = (
                f"expected warm_up_steps < steps, got {self.warm_up_steps} and {self.steps}: "
                "shorten the warm-up"
            )
            raise ValueError(message)
        return self


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


class ModelErrorConfig(Section):
    """The correction of the forecast model, learned from forecasts that start from the truth."""

    starts: Positive = 1400
    validation_starts: Positive = 80
    training: TrainingConfig = TrainingConfig()


EvidenceName = Literal["background", "spread", "gradient", "increment", "reduction", "static"]


class CorrectionConfig(Section):
    """The correction of analyses that is learned in cycles of one's own, round after round.

    Round 0 are cycles of [cycle] without it; in every further one what the rounds before have
    taught acts in full, as the mean of the networks of the last `averaged`, and training goes on
    with the cycles of the last `rounds_kept`. A round takes `cycles` in each of `segments` of the
    training period and of `validation_segments`, with a network, a density and errors of
    observations of its own: the errors of [observations] times one of `error_factors`. Segments
    begin with a `spin_up`, have room for as many `rounds`, and go on in every round where the one
    before has ended. Stations stay where they are for `network_rounds`: new ones see for some
    cycles what old ones had left. Where no `round` is named, commands make or train the next one,
    and analyses are corrected by what the last one has taught.
    `evidence` is what the network sees of a cycle; "static" is what 3D-Var ([three_d_var],
    `align-da train covariance`) would still change. With `scales_spread` it corrects the spread of
    the ensemble too.
    It learns from the truth, or with `target = "observations"` from observations alone: every
    cycle hides the share `withheld` of the stations from its analysis, others each time, and they
    tell how wrong that is. Those that [observations] withholds are for verification: nothing is
    learned from them. Where there is a section [reports] these are its reports, with no
    `densities` and `error_factors` of their own.
    """

    round: Annotated[int, Field(ge=0)] | None = None
    rounds: Positive = 20
    rounds_kept: Positive = 4
    averaged: Annotated[int, Field(gt=0, le=LARGEST, exclude_if=lambda count: count == 1)] = 5
    segments: Positive = 32
    validation_segments: Positive = 3
    cycles: Positive = 5
    network_rounds: Annotated[
        int, Field(gt=0, le=LARGEST, exclude_if=lambda rounds: rounds == 1)
    ] = 20
    spin_up: Annotated[int, Field(ge=0)] = 4
    densities: tuple[Share, ...] = (0.05, 0.02, 0.1)
    error_factors: tuple[PositiveFloat, ...] = (1.0, 0.7, 1.4)
    acts: Literal["before", "after"] = "after"
    evidence: tuple[EvidenceName, ...] = (
        "background",
        "spread",
        "gradient",
        "increment",
        "reduction",
        "static",
    )
    scales_spread: bool = True
    # Left out of digests where they are the default: rounds made before there were these go on.
    target: Annotated[
        Literal["truth", "observations"], Field(exclude_if=lambda target: target == "truth")
    ] = "truth"
    withheld: Annotated[float, Field(gt=0, lt=1, exclude_if=lambda share: share == 0.2)] = 0.2
    width: Positive = 64
    depth: Positive = 3
    stride: Positive = 2
    training: TrainingConfig = TrainingConfig(
        steps=100,
        batch_size=8,
        learning_rate=1.0e-3,
        warm_up_steps=10,
        ema_decay=0.99,
        validate_every=20,
    )

    @property
    def number(self) -> int:
        """The round that is named.

        Raises:
            ConfigError: none is.
        """
        if self.round is None:
            message = (
                "expected correction.round, the number of a round, got none: which is the next or "
                "the last one is known to the commands alone"
            )
            raise ConfigError(message)
        return self.round

    @model_validator(mode="after")
    def _round_that_there_is(self) -> "CorrectionConfig":
        if self.round is not None and self.round >= self.rounds:
            message = (
                f"expected a round from 0 to {self.rounds - 1}, got {self.round}: segments have "
                "room for as many rounds as `rounds` says"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _evidence_that_there_is(self) -> "CorrectionConfig":
        later = {"increment", "reduction"} & {*self.evidence}
        if not self.evidence or (self.acts == "before" and later):
            message = (
                f"expected evidence that is known {self.acts} the analysis, got {self.evidence}: "
                "its increment and the reduction of the spread are known after it"
            )
            raise ValueError(message)
        return self


class AlignmentConfig(Section):
    """Preference alignment of the prior."""

    backgrounds: Positive = 128
    candidates: Positive = 16
    forecast_lead_hours: Positive = 48
    rewards: tuple[RewardName, ...] = ("accuracy", "forecast", "balance")
    quantile: Annotated[float, Field(gt=0, le=0.5)] = 0.25
    pairs: Positive = 1000
    objective: ObjectiveName = "dpo"
    weighting: Literal["noise", "increment"] = "increment"
    trained: Literal["all", "amplitude"] = "amplitude"
    beta: PositiveFloat = 2000.0
    anchor_weight: NonNegativeFloat = 0.1
    scheduler: str | None = None
    training: TrainingConfig = TrainingConfig(
        steps=300, learning_rate=1.0e-5, ema_decay=0.0, validate_every=50
    )
