"""A forecast model has its variables in the order in which states are read."""

import pytest

from align_da.atmosphere import Layout, periodic_line
from align_da.config import Config
from align_da.errors import ConfigError
from align_da.forecast import FunctionForecastModel
from align_da.registry import FORECAST_MODELS
from align_da.runs.forecast_models import configured_forecast_model


@pytest.mark.parametrize("order", [("lorenz_63", "lorenz_96"), ("lorenz_96", "lorenz_63")])
def test_another_order_is_refused_before_anything_is_computed(
    order: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(periodic_line(3), order)
    model = FunctionForecastModel(lambda x: x, layout)
    monkeypatch.setattr(type(FORECAST_MODELS), "load", lambda *_: lambda _: model)
    monkeypatch.setattr("align_da.runs.forecast_models._BUILT", {})
    if order == ("lorenz_63", "lorenz_96"):
        assert configured_forecast_model(Config()) is model
        return
    told = "has the variables lorenz_96, lorenz_63: expected .* lorenz_63, lorenz_96: give"
    with pytest.raises(ConfigError, match=told):
        configured_forecast_model(Config())
