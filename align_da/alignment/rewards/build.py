"""The rewards that the configuration names."""

from collections.abc import Callable, Iterable

from jaxtyping import Array, Float

from align_da.alignment.contract import Reward
from align_da.alignment.rewards.accuracy import AccuracyReward
from align_da.alignment.rewards.balance import BalanceReward
from align_da.alignment.rewards.calibration import CalibrationReward
from align_da.alignment.rewards.forecast import ForecastReward
from align_da.errors import ConfigError
from align_da.forecast.contract import ForecastModel


def build_rewards(
    names: Iterable[str],
    model: Callable[[], ForecastModel],
    lead_hours: int,
    surface_geopotential: Float[Array, "lat lon"],
) -> dict[str, Reward]:
    """The rewards called `names`, in that order.

    Args:
        names: keys of the dictionary below.
        model: builds the model of the forecast reward; called only where that is asked for.
        lead_hours: lead of the forecast reward.
        surface_geopotential: m2 s-2, for the balance reward.

    Raises:
        ConfigError: a name is unknown.
    """
    builders: dict[str, Callable[[], Reward]] = {
        "accuracy": AccuracyReward,
        "forecast": lambda: ForecastReward(model(), lead_hours),
        "balance": lambda: BalanceReward(surface_geopotential),
        "calibration": CalibrationReward,
    }
    rewards = {}
    for name in names:
        if name not in builders:
            message = f"unknown reward {name!r}: expected one of {', '.join(builders)}"
            raise ConfigError(message)
        rewards[name] = builders[name]()
    return rewards
