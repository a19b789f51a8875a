"""Latents of the background pairs of a run, and their statistics."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import Config
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import LatentScaling, estimate_scaling
from align_da.runs.run import Run
from align_da.storage.background_pairs import BackgroundPairs
from align_da.storage.mapped_arrays import mapped_array
from align_da.training.latent_pairs import LatentPairs, encode_states

_STARTS_AT_ONCE = 100  # at most, that wait to be encoded


def encode_backgrounds(
    space: LatentSpace,
    sources: Sequence[BackgroundPairs],
    folder: Path,
    leads: Sequence[int] | None = None,
) -> LatentPairs:
    """Latents of every pair, or of those with some lead times; they lie on a disk.

    Args:
        space: the trained autoencoder.
        sources: stores of backgrounds beside the truth.
        folder: whose disk it is; nothing is seen in it.
        leads: lead times in hours; all that a store has where None.

    Raises:
        StorageError: the disk has no room for them.
    """
    chosen = [(one, lead) for one in sources for lead in leads or one.lead_hours]
    ages = np.concatenate([np.full(one.starts.size, lead, np.float32) for one, lead in chosen])
    shape = (ages.size, *space.autoencoder.latent_shape)
    truths, backgrounds = (mapped_array(folder, shape) for _ in range(2))
    place = 0
    for pairs, lead in chosen:
        for starts in pairs.blocks(_STARTS_AT_ONCE):
            truth, background = pairs.read(lead, starts)
            here = slice(place, place + len(truth.values))
            truths[here] = encode_states(space, truth)
            backgrounds[here] = encode_states(space, background)
            place = here.stop
    return LatentPairs(truths, backgrounds, ages)


def learned_latents(run: Run, space: LatentSpace) -> tuple[LatentPairs, LatentPairs]:
    """What a score model learns from, and what it is validated on: two periods.

    Raises:
        StorageError: backgrounds are missing or damaged.
    """
    training, validation = (
        encode_backgrounds(space, run.learned_pairs(split), run.folder.root)
        for split in ("train", "validation")
    )
    return training, validation


def scaling_of(config: Config, pairs: LatentPairs) -> LatentScaling:
    """Statistics of latent pairs with the correlation that [denoiser] asks for."""
    settings = config.denoiser
    rank = CorrelationRank(settings.correlation_modes, settings.correlation_radius_km * 1e3)
    return estimate_scaling(pairs.by_lead(), rank)
