"""The training that a section of the configuration asks for."""

from align_da.config import TrainingConfig
from align_da.training.plan import TrainingPlan


def training_plan(section: TrainingConfig) -> TrainingPlan:
    """The plan of [autoencoder.training], [denoiser.training] or another one of its kind."""
    return TrainingPlan(**dict(section))
