"""How a network is trained: how long, how fast, and when to stop."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingPlan:
    """The numbers of a training.

    Attributes:
        steps: of the optimizer, at most.
        batch_size: cases a step.
        learning_rate: its peak, after the warm-up.
        warm_up_steps: over which it rises from 0, fewer than `steps`.
        weight_decay: of AdamW, of matrices alone.
        gradient_clip: largest global norm of a gradient.
        ema_decay: of the average of the parameters, in [0, 1); 0 averages nothing.
        validate_every: steps between two validations, and between two checkpoints.
        early_stopping: whether the parameters of the lowest validation loss are kept.
        patience: validations without improvement after which `early_stopping` ends the training.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warm_up_steps: int
    weight_decay: float
    gradient_clip: float
    ema_decay: float
    validate_every: int
    early_stopping: bool
    patience: int
