"""Thinning and superobbing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align_da.observations.reports import checked_reports
from align_da.observations.thinning import superobbed, thinned


def reports(count: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "value": rng.normal(250, 5, count),
            "error": 1.0 + rng.random(count),
            "latitude": rng.uniform(-3, 3, count),
            "longitude": rng.uniform(-3, 3, count) % 360,
            "level": rng.choice([50000.0, 50500.0, 85000.0], count),
            "elevation": np.nan,
            "time": pd.Timestamp("2020-01-01"),
            "vertical": "level",
            "variable": rng.choice(["temperature", "geopotential"], count),
            "station_id": [f"s{number}" for number in range(count)],
            "type": "aircraft",
            "flag": rng.choice(["pass", "pass", "passive", "missing", "bounds"], count),
        }
    )
    return checked_reports(table)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(40)))
def test_the_order_of_reports_does_not_change_a_bit(order: list[int]) -> None:
    table = reports(40)
    shuffled = table.iloc[order].reset_index(drop=True)
    for method in (thinned, superobbed):
        pd.testing.assert_frame_equal(
            method(shuffled, 2.0, 5000.0).set_index("station_id").sort_index(),
            method(table, 2.0, 5000.0).set_index("station_id").sort_index(),
            check_exact=True,
        )


@pytest.mark.parametrize("seed", range(5))
def test_one_report_a_box_stays_and_nothing_is_deleted(seed: int) -> None:
    table = reports(200, seed)
    found = thinned(table, 2.0, 5000.0)
    assert len(found) == 200
    other = ~table["flag"].isin(["pass", "passive"])
    pd.testing.assert_series_equal(found["flag"][other], table["flag"][other])
    used = found[found["flag"] == "pass"]
    near = np.cos(np.deg2rad(used["latitude"])) > 0.99  # 180 boxes around every parallel here
    assert near.all()
    box = pd.DataFrame(
        {
            "row": (used["latitude"] + 90) // 2,
            "layer": used["level"] // 5000,
            "variable": used["variable"],
            "column": np.floor(used["longitude"] * 179 / 360),
        }
    )
    assert not box.duplicated().any()
    assert (found["flag"] == "thinned").sum() > 30


def test_a_superob_keeps_the_mean_of_its_box() -> None:
    table = reports(30).assign(
        latitude=lambda t: 0.5 + t["latitude"] / 10,
        longitude=lambda t: 1.0 + t["longitude"] % 1,
        level=50000.0,
        variable="temperature",
        flag="pass",
    )
    found = superobbed(table, 2.0, 5000.0)
    kept = found[found["flag"] == "pass"]
    assert len(kept) == 1
    for name in ("value", "error", "latitude", "longitude"):
        assert kept[name].item() == pytest.approx(table[name].mean(), rel=1e-12)
    assert (found["flag"] == "thinned").sum() == 29


def test_no_report_at_all_is_no_problem() -> None:
    table = reports(5).iloc[:0]
    assert thinned(table, 2.0, 5000.0).empty
    assert superobbed(table, 2.0, 5000.0).empty


def test_withheld_reports_do_not_displace_used_ones() -> None:
    table = reports(60).assign(level=50000.0, variable="temperature")
    used = table[table["flag"] == "pass"].reset_index(drop=True)
    alone, together = thinned(used, 5.0, 5000.0), thinned(table, 5.0, 5000.0)
    assert set(alone.query("flag == 'pass'")["station_id"]) == set(
        together.query("flag == 'pass'")["station_id"]
    )
