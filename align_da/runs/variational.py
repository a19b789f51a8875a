"""3D-Var, in the latent space and in that of the states, as the configuration describes it."""

from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.config import LatentThreeDVarConfig, ThreeDVarConfig
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.priors import load_model_space_prior
from align_da.runs.run import Run


def latent_three_d_var(run: Run, prior: LatentPrior) -> LatentThreeDVar:
    """Latent 3D-Var with the covariance of a prior."""
    return _variational(run, prior, run.config.latent_three_d_var)


def three_d_var(run: Run) -> LatentThreeDVar:
    """3D-Var in model space.

    Raises:
        StorageError: its covariance has not been estimated, or is damaged.
    """
    return _variational(run, load_model_space_prior(run), run.config.three_d_var)


def _variational(
    run: Run, prior: LatentPrior, settings: LatentThreeDVarConfig | ThreeDVarConfig
) -> LatentThreeDVar:
    return LatentThreeDVar(
        prior, run.operator_for, settings.outer, settings.inner, tolerance=settings.tolerance
    )
