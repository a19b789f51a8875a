"""Trains a part of a run, in one process or in several that do it together."""

from pathlib import Path

from align_da.config import Config
from align_da.parallel.distributed import joined_processes
from align_da.parallel.distributed_processes import Processes
from align_da.stages.estimate_covariance import estimate_covariance
from align_da.stages.train_autoencoder import train_autoencoder
from align_da.stages.train_correction import train_correction
from align_da.stages.train_denoiser import train_denoiser
from align_da.stages.train_model_error import train_model_error

_TRAININGS = {
    "autoencoder": train_autoencoder,
    "denoiser": train_denoiser,
    "model_error": train_model_error,
    "correction": train_correction,
}


def train(config: Config, run: Path, what: str, group: Processes) -> None:
    """Train the part called `what`, and write its weights and its record.

    Args:
        config: of the run.
        run: its folder.
        what: "autoencoder", "denoiser", "model_error", "correction", or "covariance", which is
            estimated by one process alone.
        group: the processes.

    Raises:
        ConfigError: the processes cannot be joined.
        StorageError: what it is trained with is missing or damaged.
    """
    if what == "covariance":
        estimate_covariance(config, run)
        return
    with joined_processes(group, what, config) as mesh:
        _TRAININGS[what](config, run, mesh)
