"""What is trained, and how: autoencoder, score model, alignment."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.key import FoundBy
from align_da.config.names import ObjectiveName, RewardName
from align_da.config.section import (
    LARGEST,
    Densities,
    NonNegativeFloat,
    Positive,
    PositiveFloat,
    RowRadius,
    Section,
)
from align_da.errors import ConfigError

_Width = Annotated[
    Positive,
    FoundBy("channels", "hidden size", "features"),
    Field(description="Channels of the hidden layers."),
]
_Heads = Annotated[
    Positive,
    FoundBy("attention heads"),
    Field(description="Attention heads of the transformer, a divisor of `width`."),
]


class TrainingConfig(Section):
    """How a network is trained."""

    steps: Annotated[Positive, FoundBy("epochs", "iterations", "updates")] = Field(
        default=2000, description="Steps of the optimizer (AdamW), at most."
    )
    batch_size: Annotated[Positive, FoundBy("minibatch", "batch")] = Field(
        default=32, description="Cases a step."
    )
    learning_rate: Annotated[PositiveFloat, FoundBy("lr", "step size")] = Field(
        default=3.0e-4,
        description="Learning rate after the warm-up, its peak. From there it falls along a "
        "cosine to a hundredth.",
    )
    warm_up_steps: Annotated[int, FoundBy("warmup")] = Field(
        default=100,
        ge=0,
        description="Steps over which the learning rate rises from 0, fewer than `steps`.",
    )
    weight_decay: Annotated[NonNegativeFloat, FoundBy("regularization")] = Field(
        default=1.0e-4, description="Weight decay of the matrices; biases and norms have none."
    )
    gradient_clip: Annotated[PositiveFloat, FoundBy("clipping", "gradient norm")] = Field(
        default=1.0,
        description="Largest global norm of a gradient; what is longer is scaled to it.",
    )
    ema_decay: Annotated[float, FoundBy("exponential moving average", "averaging")] = Field(
        default=0.999,
        ge=0,
        lt=1,
        description="Share that the average of the parameters keeps at a step; 0 averages "
        "nothing. It is the average that is validated and kept.",
    )
    validate_every: Annotated[
        Positive, FoundBy("evaluation interval", "checkpoint interval", "eval every")
    ] = Field(
        default=200, description="Steps between two validations, and between two checkpoints."
    )
    early_stopping: Annotated[bool, FoundBy("keep best")] = Field(
        default=True,
        description="Whether the parameters of the lowest validation loss are kept, and not the "
        "last ones. That needs enough validation cases: a handful of preference pairs tells "
        "nothing but noise.",
    )
    patience: Positive = Field(
        default=5,
        description="Validations without improvement after which `early_stopping` ends it.",
    )

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

    precision: Annotated[
        Literal["float32", "bfloat16"], FoundBy("dtype", "mixed precision", "half precision")
    ] = Field(
        default="float32",
        description="Precision of the matrix products of a transformer. Its parameters and norms "
        "are in single precision.",
    )
    recompute: Annotated[
        bool, FoundBy("gradient checkpointing", "remat", "activation checkpointing")
    ] = Field(
        default=False,
        description="Whether a transformer computes activations again instead of keeping them. "
        "That is a third more arithmetic for the memory of all blocks but one.",
    )


class AutoencoderConfig(ArithmeticConfig):
    """The latent autoencoder."""

    kind: Annotated[
        Literal["convolutional", "transformer"], FoundBy("architecture", "network", "type")
    ] = Field(default="convolutional", description="The network of encoder and decoder.")
    width: _Width = 64
    depth: Annotated[Positive, FoundBy("layers", "blocks")] = Field(
        default=2, description="Blocks of the encoder, and of the decoder."
    )
    stride: Annotated[
        Literal[1, 2, 4, 8], FoundBy("downsampling", "compression", "patch size")
    ] = Field(
        default=2,
        description="Grid points to a latent point, in each direction. It divides the latitudes, "
        "and its double the longitudes.",
    )
    latent_channels: Annotated[Positive, FoundBy("latent dimension", "bottleneck")] = Field(
        default=48,
        description="Channels of a latent point, at most those of the grid points that it "
        "stands for.",
    )
    heads: _Heads = 4
    window: Annotated[Positive | None, FoundBy("attention window")] = Field(
        default=None,
        description="Width of the strips of longitude that the transformer attends within, in "
        "latent points. Where none is given it attends everywhere.",
    )
    training: TrainingConfig = TrainingConfig()


class DenoiserConfig(ArithmeticConfig):
    """The background-conditioned score model."""

    kind: Annotated[Literal["unet", "dit"], FoundBy("architecture", "network", "type")] = Field(
        default="unet",
        description="The network: a U-Net on the sphere, or the transformer of the paper.",
    )
    schedule: Annotated[Literal["edm", "vp_cosine"], FoundBy("noise schedule")] = Field(
        default="edm",
        description="Noise levels of the training and their weights. They are those of Karras et "
        "al. 2022, or the variance-preserving cosine of Align-DA.",
    )
    width: Annotated[Positive, FoundBy("channels", "hidden size", "features")] = Field(
        default=64,
        description="Channels of the hidden layers. Those of the U-Net double with every level.",
    )
    depth: Annotated[Positive, FoundBy("layers", "blocks")] = Field(
        default=1,
        description="Blocks of the transformer, or of each level of the U-Net on either way.",
    )
    levels: Annotated[Positive, FoundBy("resolutions", "downsampling")] = Field(
        default=3,
        description="Resolutions of the U-Net, each half of the one before where that divides.",
    )
    heads: _Heads = 4
    patch: Annotated[Positive, FoundBy("patch size", "token")] = Field(
        default=2,
        description="Rows and columns of latent points in a token of the transformer.",
    )
    sigma_mean: Annotated[float, FoundBy("P_mean", "noise level")] = Field(
        default=0.0, description='Mean of ln σ in training with the schedule "edm" (P_mean).'
    )
    sigma_spread: Annotated[PositiveFloat, FoundBy("P_std", "noise level")] = Field(
        default=1.4,
        description='Standard deviation of ln σ in training with the schedule "edm" (P_std).',
    )
    correlation_modes: Annotated[int, FoundBy("rank", "eigenvectors", "noise correlation")] = (
        Field(
            default=100,
            ge=0,
            description="Vectors kept of the covariance between rows of latents, at every zonal "
            "wavenumber. It is that of the noise and of latent 3D-Var; 0 is white noise, as in "
            "Align-DA.",
        )
    )
    correlation_radius_km: RowRadius = 8000.0
    training: TrainingConfig = TrainingConfig()


class ModelErrorConfig(Section):
    """The correction of the forecast model, learned from forecasts that start from the truth."""

    starts: Annotated[Positive, FoundBy("samples", "cases")] = Field(
        default=1400, description="Forecasts of the training period, one cycle window long."
    )
    validation_starts: Positive = Field(
        default=80, description="Forecasts of the validation period."
    )
    taken_from: Annotated[
        Literal["training", "shipped"], FoundBy("pretrained model error", "shipped model error")
    ] = Field(
        default="training",
        exclude_if=lambda source: source == "training",
        description="Where the correction of forecasts comes from. It is that of `align-da train "
        'model_error` in this run, or the one that is "shipped", learned in the embedded world '
        "and good for its forecast model alone.",
    )
    training: TrainingConfig = TrainingConfig()


BEFORE_ROUNDS = -1
"""Number of what acts in round 0 where rounds start from the shipped correction."""

EvidenceName = Literal["background", "spread", "gradient", "increment", "reduction", "static"]


class CorrectionConfig(Section):
    """The correction of analyses that is learned in cycles of one's own, round after round.

    Round 0 are cycles of [cycle] without it, or with the one that is shipped (`starts_from`). In
    every further one what the rounds before have taught acts in full, and training goes on.
    Segments go on in every round where the one before has ended.
    """

    round: Annotated[int, Field(ge=BEFORE_ROUNDS, le=LARGEST)] | None = Field(
        default=None,
        description="Number of the round that is cycled or trained, or whose correction acts in "
        "[cycle]. Without one it is the next to make, and the last that has been trained; in "
        "[cycle] -1 is what rounds start from, and acts where no round has been trained.",
    )
    rounds: Annotated[Positive, FoundBy("iterations")] = Field(
        default=20, description="Rounds that segments have room for."
    )
    rounds_kept: Annotated[Positive, FoundBy("replay", "memory")] = Field(
        default=4, description="Last rounds whose cycles are trained on."
    )
    averaged: Annotated[Positive, FoundBy("averaging", "mean of networks")] = Field(
        default=5,
        exclude_if=lambda count: count == 1,
        description="Last rounds the mean of whose networks acts.",
    )
    starts_from: Annotated[
        Literal["nothing", "shipped"], FoundBy("warm start", "pretrained", "initial weights")
    ] = Field(
        default="nothing",
        exclude_if=lambda start: start == "nothing",
        description='What rounds start from. The correction that is "shipped", learned in the '
        'embedded world, acts in round 0 and is trained further; "nothing" does not.',
    )
    segments: Positive = Field(
        default=32,
        description="Segments of the training period. Each has a network, a density and errors "
        "of observations of its own.",
    )
    validation_segments: Positive = Field(
        default=3, description="Segments of the validation period."
    )
    cycles: Positive = Field(default=5, description="Cycles of a segment in a round.")
    network_rounds: Annotated[Positive, FoundBy("new stations")] = Field(
        default=1,
        exclude_if=lambda rounds: rounds == 1,
        description="Rounds that stations stay where they are. Segments get new ones in turn.",
    )
    spin_up: Annotated[int, FoundBy("burn-in")] = Field(
        default=4, ge=0, description="Cycles before the first round of a segment, not kept."
    )
    densities: Densities = (0.05, 0.02, 0.1)
    error_factors: tuple[PositiveFloat, ...] = Field(
        default=(1.0, 0.7, 1.4),
        description="Factors on the errors of [observations], which segments take in turn.",
    )
    acts: Literal["before", "after"] = Field(
        default="after",
        description="Whether the background is corrected, before the analysis, or the analysis.",
    )
    evidence: Annotated[tuple[EvidenceName, ...], FoundBy("inputs", "features")] = Field(
        default=(
            "background",
            "spread",
            "gradient",
            "increment",
            "reduction",
            "static",
        ),
        description='What the network sees of a cycle. "gradient" is what innovations pull at, '
        '"reduction" that of the spread; "static" is what 3D-Var ([three_d_var], `align-da train '
        'covariance`) would still change. "increment" and "reduction" are known after the '
        "analysis alone.",
    )
    scales_spread: Annotated[bool, FoundBy("spread correction")] = Field(
        default=True, description="Whether the spread of the ensemble is corrected too."
    )
    # Left out of digests where they are the default: rounds made before there were these go on.
    target: Annotated[Literal["truth", "observations"], FoundBy("label", "loss")] = Field(
        default="truth",
        exclude_if=lambda target: target == "truth",
        description="What it learns from: the truth, or observations that are hidden from the "
        "analyses. Those that [observations] withholds are for verification: nothing is learned "
        "from them. Where there is a section [reports] these are its reports, with no `densities` "
        "and `error_factors` of their own.",
    )
    withheld: Annotated[float, FoundBy("holdout", "held out")] = Field(
        default=0.2,
        gt=0,
        lt=1,
        exclude_if=lambda share: share == 0.2,
        description="Share of the stations that every cycle hides from its analysis, others each "
        'time. With target = "observations" they tell how wrong it is.',
    )
    width: _Width = 64
    depth: Annotated[Positive, FoundBy("layers", "blocks")] = Field(
        default=3, description="Residual blocks of two convolutions."
    )
    stride: Annotated[Positive, FoundBy("downsampling", "patch size")] = Field(
        default=2,
        description="Grid points along a side of the patches that the network works on.",
    )
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

    @property
    def acts_in_cycles(self) -> bool:
        """Whether a correction acts in the cycles of the round that is named."""
        return self.number > 0 or self.starts_from == "shipped"

    @model_validator(mode="after")
    def _round_that_there_is(self) -> "CorrectionConfig":
        if self.round is not None and self.round >= self.rounds:
            message = (
                f"expected a round from 0 to {self.rounds - 1}, got {self.round}: segments have "
                "room for as many rounds as `rounds` says"
            )
            raise ValueError(message)
        if self.round == BEFORE_ROUNDS and self.starts_from == "nothing":
            message = (
                f"round {BEFORE_ROUNDS} is what rounds start from, and they start from nothing: "
                'name a round, or set correction.starts_from = "shipped"'
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

    backgrounds: Annotated[Positive, FoundBy("cases", "prompts")] = Field(
        default=128,
        description="Backgrounds of the training period that candidates are drawn for.",
    )
    candidates: Annotated[Positive, FoundBy("samples", "draws", "group size")] = Field(
        default=16, description="Draws of the reference prior for each background."
    )
    forecast_lead_hours: Positive = Field(
        default=48, description="Lead time of the forecast that a reward judges, hours."
    )
    rewards: Annotated[tuple[RewardName, ...], FoundBy("reward functions", "objectives")] = Field(
        default=("accuracy", "forecast", "balance"),
        description="Rewards that score candidates; a pair is one that none of them denies.",
    )
    quantile: Annotated[float, FoundBy("top", "best")] = Field(
        default=0.25,
        gt=0,
        le=0.5,
        description="Share of the candidates that win, and share that lose, in every reward.",
    )
    pairs: Annotated[Positive, FoundBy("preferences")] = Field(
        default=1000, description="Preference pairs, at most."
    )
    objective: Annotated[ObjectiveName, FoundBy("loss")] = Field(
        default="dpo", description="Loss of a preference pair."
    )
    weighting: Annotated[Literal["noise", "increment"], FoundBy("loss weight")] = Field(
        default="increment",
        description="What is compared of a pair: the error of the noise, as in Diffusion-DPO, or "
        "that of the increment. The latter is σ² times as large, and leaves low noise out.",
    )
    trained: Annotated[Literal["all", "amplitude"], FoundBy("trainable", "lora", "frozen")] = (
        Field(
            default="amplitude",
            description="What fine-tuning changes: every parameter, or the amplitude of draws by "
            "place, channel and noise.",
        )
    )
    beta: Annotated[PositiveFloat, FoundBy("kl weight", "temperature")] = Field(
        default=2000.0,
        description="Strength β of the tie to the reference prior, dimensionless. Errors are "
        "means over dimensions, hence thousands.",
    )
    anchor_weight: Annotated[NonNegativeFloat, FoundBy("sft weight", "supervised loss")] = Field(
        default=0.1,
        description="Weight of the prior's own training loss on the truth, beside that of "
        "pairs. It keeps the spread that preferences would lose; 0 is none.",
    )
    scheduler: Annotated[str | None, FoundBy("dask", "cluster", "address")] = Field(
        default=None,
        description="Address of a dask scheduler whose workers score candidates. Where none is "
        "given they are processes of this machine.",
    )
    training: TrainingConfig = TrainingConfig(
        steps=300, learning_rate=1.0e-5, ema_decay=0.0, validate_every=50
    )
