"""Objectives of fine-tuning: by preference, and the controls."""

from align_da.alignment.objectives.controls import continued_loss, supervised_loss
from align_da.alignment.objectives.dpo import dpo_loss
from align_da.alignment.objectives.errors import Objective, PairErrors, implicit_margin
from align_da.alignment.objectives.ipo import capo_loss, ipo_loss

CONTROLS: dict[str, Objective] = {"supervised": supervised_loss, "continued": continued_loss}
"""What alignment is held against: the same training without preferences."""

__all__ = [
    "CONTROLS",
    "Objective",
    "PairErrors",
    "capo_loss",
    "continued_loss",
    "dpo_loss",
    "implicit_margin",
    "ipo_loss",
    "supervised_loss",
]
