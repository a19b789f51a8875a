"""Rewards by name (`align_da.rewards`): a builder takes what a run can give them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from jaxtyping import Array, Float

from align_da.alignment.contract import Reward
from align_da.alignment.rewards.accuracy import AccuracyReward
from align_da.alignment.rewards.balance import BalanceReward
from align_da.alignment.rewards.calibration import CalibrationReward
from align_da.alignment.rewards.forecast import ForecastReward
from align_da.atmosphere.balance_score import BalanceMeasures
from align_da.config import Config
from align_da.forecast.contract import ForecastModel
from align_da.registry import REWARDS
from align_da.runs.parts import built


@dataclass(frozen=True)
class RewardInputs:
    """What a reward may be built of.

    Attributes:
        model: builds the forecast model; called only by those that forecast.
        lead_hours: lead of the forecast reward.
        surface_geopotential: m2 s-2.
        balance: how the balance of the truth varies; called only by what scores balance.
        config: for settings of rewards of other packages, see `align_da.runs.parts.settings_of`.
    """

    model: Callable[[], ForecastModel]
    lead_hours: int
    surface_geopotential: Float[Array, "lat lon"]
    balance: Callable[[], BalanceMeasures]
    config: Config = field(default_factory=Config)


RewardBuilder = Callable[[RewardInputs], Reward]


def build_rewards(names: Iterable[str], inputs: RewardInputs) -> dict[str, Reward]:
    """The rewards called `names`, in that order.

    Raises:
        ConfigError: a name is unknown, or a part is not what it should be.
    """
    builders: dict[str, RewardBuilder] = {name: REWARDS.load(name) for name in names}
    return {
        name: built(REWARDS, name, build, Reward, inputs.config, inputs=inputs)
        for name, build in builders.items()
    }


def accuracy(_: RewardInputs) -> Reward:
    """Nearness to the truth."""
    return AccuracyReward()


def forecast(inputs: RewardInputs) -> Reward:
    """Skill of the forecast that starts from a candidate."""
    return ForecastReward(inputs.model(), inputs.lead_hours)


def balance(inputs: RewardInputs) -> Reward:
    """Balance of winds and mass."""
    return BalanceReward(inputs.surface_geopotential, inputs.balance())


def calibration(_: RewardInputs) -> Reward:
    """The spread of the group as large as its error."""
    return CalibrationReward()
