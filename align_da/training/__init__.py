"""Training of the learned parts."""

from align_da.parallel.mesh import device_mesh
from align_da.training.batches import BatchPlan
from align_da.training.history import draw_history, read_history, write_history
from align_da.training.loop import FitResult, ProgressReport, fit
from align_da.training.optimizer import make_optimizer
from align_da.training.plan import TrainingPlan
from align_da.training.progress import progress_bar
from align_da.training.state import TrainState, initial_state
from align_da.training.step import Loss, make_step

__all__ = [
    "BatchPlan",
    "FitResult",
    "Loss",
    "ProgressReport",
    "TrainState",
    "TrainingPlan",
    "device_mesh",
    "draw_history",
    "fit",
    "initial_state",
    "make_optimizer",
    "make_step",
    "progress_bar",
    "read_history",
    "write_history",
]
