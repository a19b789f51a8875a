"""Objectives of fine-tuning, by name."""

from align_da.alignment.objectives.controls import continued_loss, supervised_loss
from align_da.alignment.objectives.dpo import dpo_loss
from align_da.alignment.objectives.errors import Objective, PairErrors, implicit_margin
from align_da.alignment.objectives.ipo import capo_loss, ipo_loss

OBJECTIVES: dict[str, Objective] = {
    "dpo": dpo_loss,
    "ipo": ipo_loss,
    "capo": capo_loss,
    "supervised": supervised_loss,
    "continued": continued_loss,
}

__all__ = [
    "OBJECTIVES",
    "Objective",
    "PairErrors",
    "capo_loss",
    "continued_loss",
    "dpo_loss",
    "implicit_margin",
    "ipo_loss",
    "supervised_loss",
]
