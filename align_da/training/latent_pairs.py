"""Latents of truths and backgrounds, from which the batches of the denoiser are cut."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import starmap

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from align_da.atmosphere import State
from align_da.autoencoder.latent_space import LatentSpace
from align_da.diffusion.condition import Condition
from align_da.diffusion.objective import DenoisingBatch
from align_da.prior.latent_scaling import LatentScaling

CaseLatents = Float[np.ndarray, "case lat lon latent"]
_CHUNK = 32  # states encoded at once; fixed, since the size of a batch changes bits


@dataclass(frozen=True)
class LatentPairs:
    """Cases of one latent grid, in host memory or on a disk.

    Attributes:
        truth: latents of the truth.
        background: latents of the backgrounds valid at the same times.
        lead_hours: ages of the backgrounds, hours.
    """

    truth: CaseLatents
    background: CaseLatents
    lead_hours: Float[np.ndarray, " case"]

    def __len__(self) -> int:
        return len(self.lead_hours)

    def by_lead(self) -> dict[int, tuple[CaseLatents, CaseLatents]]:
        """Truths and backgrounds of each lead time in hours."""
        leads = np.unique(self.lead_hours).astype(int)
        chosen = {int(lead): _rows(self.lead_hours == lead) for lead in leads}
        return {lead: (self.truth[rows], self.background[rows]) for lead, rows in chosen.items()}

    def batch(self, rows: Int[np.ndarray, " batch"], scaling: LatentScaling) -> DenoisingBatch:
        """The scaled increments of some cases with what they are conditioned on."""
        lead = jnp.asarray(self.lead_hours[rows], jnp.float32)
        background = jnp.asarray(self.background[rows])
        increment = jnp.asarray(self.truth[rows]) - background
        return DenoisingBatch(
            jax.vmap(scaling.scale)(increment, lead),
            Condition(scaling.standardise(background), lead),
        )


def _rows(chosen: Bool[np.ndarray, " case"]) -> slice | Int[np.ndarray, " row"]:
    """Where it is true; a slice, which copies nothing, where that is one stretch."""
    rows = np.flatnonzero(chosen)
    stretch = slice(int(rows[0]), int(rows[-1]) + 1)
    return stretch if rows.size == stretch.stop - stretch.start else rows


def together(parts: Iterable[LatentPairs]) -> LatentPairs:
    """The cases of all parts, in order."""
    columns = zip(*((p.truth, p.background, p.lead_hours) for p in parts), strict=True)
    return LatentPairs(*(np.concatenate(column) for column in columns))


def encode_pairs(space: LatentSpace, pairs: Iterable[tuple[State, State, float]]) -> LatentPairs:
    """Encode (truths, backgrounds, lead in hours), values [case, lat, lon, channel]."""

    def encoded(truth: State, background: State, lead_hours: float) -> LatentPairs:
        count = truth.values.shape[0]
        return LatentPairs(
            encode_states(space, truth),
            encode_states(space, background),
            np.full(count, lead_hours, np.float32),
        )

    return together(starmap(encoded, pairs))


def encode_states(space: LatentSpace, states: State) -> CaseLatents:
    """Latents of states, in host memory."""
    values = np.asarray(states.values)
    padded = np.concatenate([values, np.repeat(values[:1], -len(values) % _CHUNK, axis=0)])
    parts = [
        np.asarray(_encode(space, jnp.asarray(padded[start : start + _CHUNK])))
        for start in range(0, len(padded), _CHUNK)
    ]
    return np.concatenate(parts)[: len(values)]


@jax.jit
def _encode(
    space: LatentSpace, values: Float[jax.Array, "case lat lon channel"]
) -> Float[jax.Array, "case rows columns latent"]:
    return jax.vmap(space.encode)(values)
