"""Draws without observations beside the truth: scores, and ranks of the truth, as tidy rows."""

from collections.abc import Iterable, Iterator

import jax
import numpy as np
from jaxtyping import Int

from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State
from align_da.keys import Purpose, key_for
from align_da.prior.draws import draw_from_prior
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.run import Run
from align_da.runs.samplers import build_sampler
from align_da.verification.ensemble_scores import rank_histogram
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle
from experiments.calibration.tables import RANK, SHOWN

APART = 8  # points of the grid between two whose ranks count
Row = tuple[object, ...]


def scored_draws(
    run: Run, prior: LatentPrior, label: str, cases: Iterable[AlignmentCase], draws: int
) -> Iterator[Row]:
    """Rows of every case: scores of the draws and of the background, counts of every rank.

    Args:
        run: its sampler draws.
        prior: to draw from.
        label: what the rows call it.
        cases: backgrounds beside their truth.
        draws: of a case.
    """
    sampler, fields = build_sampler(run.config.sampler), default_fields(run.layout)
    for number, case in enumerate(cases):
        key = key_for(run.config.seed, Purpose.VERIFICATION, number)
        lead = case.background_lead_hours
        drawn, _ = draw_from_prior(prior, sampler, case.background, lead, key, draws)
        one = State(case.background.values[None], run.layout)
        for product, ensemble in (("draws", drawn), ("background", one)):
            place = number, label, f"{product}, {lead:.0f} h"
            for field, value in score_cycle(ensemble, case.truth, fields).items():
                yield (*place, *field, value)
        for variable, counts in ranks_of(drawn, case.truth, key):
            for rank, count in enumerate(counts.tolist()):
                yield (number, label, f"draws, {lead:.0f} h", variable, f"{RANK}{rank}", count)


def ranks_of(
    drawn: State, truth: State, key: jax.Array
) -> Iterator[tuple[str, Int[np.ndarray, " rank"]]]:
    """Counts of the ranks of the truth, of distant points at one level of every variable."""
    for label, variable in zip(SHOWN, drawn.layout.variables, strict=True):
        level = drawn[variable].shape[-1] // 2
        members, value = (
            np.asarray(state[variable][..., ::APART, ::APART, level]) for state in (drawn, truth)
        )
        yield label, rank_histogram(members, value, key)
