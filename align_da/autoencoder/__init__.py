"""The latent autoencoder."""

from align_da.atmosphere.sphere_padding import pad_sphere, pole_signs
from align_da.autoencoder.contract import Autoencoder
from align_da.autoencoder.objective import AutoencoderLoss, PairBatch, autoencoder_loss
from align_da.autoencoder.principal_patches import initialise_from_patches
from align_da.autoencoder.reconstruction import (
    VariableReconstruction,
    reconstruction_errors,
    reconstruction_variances,
)

__all__ = [
    "Autoencoder",
    "AutoencoderLoss",
    "PairBatch",
    "VariableReconstruction",
    "autoencoder_loss",
    "initialise_from_patches",
    "pad_sphere",
    "pole_signs",
    "reconstruction_errors",
    "reconstruction_variances",
]
