"""Preference alignment of the prior with rewards."""

from align_da.alignment.candidates import CandidateScore, Draw, reward_score, score_cases
from align_da.alignment.contract import AlignmentCase, Reward
from align_da.alignment.evaluation import pooled_draw, prior_differences, prior_score
from align_da.alignment.fine_tuning import (
    PreferenceBatch,
    make_preference_loss,
    preference_batch,
)
from align_da.alignment.objectives import CONTROLS
from align_da.alignment.pairs import PreferencePairs, select_pairs
from align_da.alignment.separation import Separation, separation_by_lead

__all__ = [
    "CONTROLS",
    "AlignmentCase",
    "CandidateScore",
    "Draw",
    "PreferenceBatch",
    "PreferencePairs",
    "Reward",
    "Separation",
    "make_preference_loss",
    "pooled_draw",
    "preference_batch",
    "prior_differences",
    "prior_score",
    "reward_score",
    "score_cases",
    "select_pairs",
    "separation_by_lead",
]
