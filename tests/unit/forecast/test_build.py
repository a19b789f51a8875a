"""From the configuration to a forecast model."""

import sys

import pytest

from align_da.config import Config, WorldConfig
from align_da.errors import ConfigError
from align_da.forecast import Lorenz96ForecastModel
from align_da.runs.forecast_models import configured_forecast_model


def test_the_name_in_the_configuration_chooses_the_model() -> None:
    config = Config(world=WorldConfig(model="lorenz96"))
    assert isinstance(configured_forecast_model(config), Lorenz96ForecastModel)


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "align_da.forecast.jcm", raising=False)
    monkeypatch.setitem(sys.modules, "jcm.forcing", None)
    with pytest.raises(ConfigError, match=r"pip install 'align-da\[world\]'"):
        configured_forecast_model(Config(world=WorldConfig(start="1959-01-03T00:00")))
