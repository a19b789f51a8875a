"""Estimate the background error covariance of 3D-Var in model space from the training pairs."""

from pathlib import Path

from align_da.config import Config
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import estimate_scaling
from align_da.runs.background_latents import encode_backgrounds
from align_da.runs.priors import model_space
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import covariance_stage
from align_da.runs.weight_names import MODEL_SPACE_SCALING
from align_da.storage.checkpoints import save_weights
from align_da.storage.stages import run_stage


def estimate_covariance(config: Config, folder: Path) -> None:
    """Estimate and save; nothing is done where that has been done before.

    Raises:
        StorageError: backgrounds or statistics are missing or damaged.
    """
    run = open_run(config, folder)
    run_stage(run.folder, covariance_stage(config, run.folder), lambda: _estimate(run))


def _estimate(run: Run) -> None:
    settings = run.config.three_d_var
    pairs = encode_backgrounds(model_space(run), run.learned_pairs("train"), run.folder.root)
    rank = CorrelationRank(settings.modes, settings.radius_km * 1e3)
    scaling = estimate_scaling(pairs.by_lead(), rank)
    save_weights(run.folder.weights(MODEL_SPACE_SCALING), scaling, {"name": MODEL_SPACE_SCALING})
