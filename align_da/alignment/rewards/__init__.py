"""Rewards: what makes one candidate better than another, one idea a file."""

from align_da.alignment.rewards.accuracy import AccuracyReward
from align_da.alignment.rewards.balance import BalanceReward
from align_da.alignment.rewards.calibration import CalibrationReward
from align_da.alignment.rewards.forecast import ForecastReward

__all__ = [
    "AccuracyReward",
    "BalanceReward",
    "CalibrationReward",
    "ForecastReward",
]
