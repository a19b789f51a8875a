"""Latents of the background pairs of a run, and their statistics."""

from collections.abc import Iterable

from align_da.atmosphere import State
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import Config
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import LatentScaling, estimate_scaling
from align_da.runs.run import Run
from align_da.storage.background_pairs import BackgroundPairs
from align_da.training.latent_pairs import LatentPairs, encode_pairs

_STARTS_AT_ONCE = 100  # at most, that wait to be encoded


def encode_backgrounds(
    space: LatentSpace, sources: Iterable[BackgroundPairs], leads: Iterable[int] | None = None
) -> LatentPairs:
    """Latents of every pair, or of those with some lead times.

    Args:
        space: the trained autoencoder.
        sources: stores of backgrounds beside the truth.
        leads: lead times in hours; all that a store has where None.
    """

    def parts() -> Iterable[tuple[State, State, float]]:
        for pairs in sources:
            for lead in leads or pairs.lead_hours:
                for starts in pairs.blocks(_STARTS_AT_ONCE):
                    yield *pairs.read(lead, starts), float(lead)

    return encode_pairs(space, parts())


def learned_latents(run: Run, space: LatentSpace) -> tuple[LatentPairs, LatentPairs]:
    """What a score model learns from, and what it is validated on: two periods.

    Raises:
        StorageError: backgrounds are missing or damaged.
    """
    training, validation = (
        encode_backgrounds(space, run.learned_pairs(split)) for split in ("train", "validation")
    )
    return training, validation


def scaling_of(config: Config, pairs: LatentPairs) -> LatentScaling:
    """Statistics of latent pairs with the correlation that [denoiser] asks for."""
    settings = config.denoiser
    rank = CorrelationRank(settings.correlation_modes, settings.correlation_radius_km * 1e3)
    return estimate_scaling(pairs.by_lead(), rank)
