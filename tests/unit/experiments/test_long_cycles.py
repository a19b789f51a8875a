"""What is made of the costs and errors of every cycle of a long run."""

import numpy as np
import pandas as pd
import pytest

from align_da.cycling import driver
from experiments.long_cycles.run import by_quarter, drift, noted_costs


def rows(method: str, growth: float) -> pd.DataFrame:
    """Eight cycles whose errors and costs are multiplied by `growth` after the first half."""
    later = np.where(np.arange(8) < 4, 1.0, growth)
    names = ("u", "T", "q", "p_s", "seconds", "megabytes")
    table = pd.DataFrame(dict.fromkeys(names, later))
    return table.assign(cycle=range(8), replaced_members=range(8), method=method)


def test_the_last_quarter_is_held_against_the_first() -> None:
    quarters = by_quarter(pd.concat([rows("letkf", 1.0), rows("align_da", 3.0)]))
    assert quarters["replaced_members"].tolist() == [1, 3, 5, 7] * 2
    found = drift(quarters).set_index("method")
    assert found.loc["letkf"].tolist() == [1.0] * 6
    assert found.loc["align_da"].tolist() == pytest.approx([3.0] * 6)


def test_costs_are_noted_at_every_cycle_that_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "write_cycle", lambda store, record: store)
    before = driver.write_cycle
    with noted_costs() as costs:
        assert driver.write_cycle("a store", None) == "a store"
    assert driver.write_cycle is before
    assert len(costs) == 1
    assert costs[0][1] > 1
