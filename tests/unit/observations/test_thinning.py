"""Thinning and superobbing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.observations.reports import checked_reports
from align_da.observations.table import table_from_batch
from align_da.observations.thinning import BoxedObservations, boxed, superobbed, thinned
from align_da.observations.window import batch_of_reports

LAYOUT = Layout(
    Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate("pressure", (3e4, 9e4))),
    ("temperature", "geopotential"),
)
TIME = np.datetime64("2020-01-01", "ns")


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
            "station_id": [str(number) for number in range(count)],
            "type": "aircraft",
            "flag": rng.choice(["pass", "pass", "passive", "missing", "bounds"], count),
        }
    )
    return checked_reports(table)


def batch(table: pd.DataFrame, degrees: float = 2.0, padding: int = 0) -> BoxedObservations:
    plain = batch_of_reports(table, LAYOUT, TIME, len(table) + padding)
    return boxed(plain, table, degrees, 5000.0)


def rows(found: object) -> pd.DataFrame:
    return table_from_batch(found, LAYOUT).set_index("station").sort_index()


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(40)))
def test_the_order_of_reports_does_not_change_a_bit(order: list[int]) -> None:
    table = reports(40)
    shuffled = table.iloc[order].reset_index(drop=True)
    for method in (thinned, superobbed):
        pd.testing.assert_frame_equal(
            rows(method(batch(shuffled))),
            rows(method(batch(table))),
            check_exact=True,
            check_index_type=False,
        )


@pytest.mark.parametrize("seed", range(5))
def test_one_report_a_box_stays_and_nothing_is_deleted(seed: int) -> None:
    table = reports(200, seed)
    found = table_from_batch(thinned(batch(table, padding=3)), LAYOUT)
    assert len(found) == 203
    other = ~table["flag"].isin(["pass", "passive"])
    assert found["flag"][:200][other].tolist() == table["flag"][other].tolist()
    assert found["flag"][200:].tolist() == ["missing"] * 3
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
    found = table_from_batch(superobbed(batch(table)), LAYOUT)
    kept = found[found["flag"] == "pass"]
    assert len(kept) == 1
    for name in ("value", "error", "latitude", "longitude"):
        assert kept[name].item() == pytest.approx(table[name].mean(), rel=1e-6)
    assert (found["flag"] == "thinned").sum() == 29


def test_what_quality_control_has_rejected_since_is_no_part_of_a_superob() -> None:
    table = reports(9).assign(
        latitude=0.5, longitude=1.0, level=50000.0, variable="temperature", flag="pass"
    )
    given_ = batch(table)
    checked = BoxedObservations(**vars(given_) | {"flag": given_.flag.at[4].set(19)})
    found = superobbed(checked)
    expected = np.delete(np.asarray(given_.value), 4).mean()
    np.testing.assert_allclose(found.value[found.used], [expected], rtol=1e-6)
    assert found.flag[4] == 19


def test_no_report_at_all_is_no_problem() -> None:
    table = reports(5).iloc[:0]
    for method in (thinned, superobbed):
        assert not method(batch(table, padding=2)).used.any()
        assert method(batch(table)).value.size == 0


def test_withheld_reports_do_not_displace_used_ones() -> None:
    table = reports(60).assign(level=50000.0, variable="temperature")
    used = table[table["flag"] == "pass"].reset_index(drop=True)
    alone, together = (rows(thinned(batch(some, 5.0))) for some in (used, table))
    assert set(alone.query("flag == 'pass'").index) == set(together.query("flag == 'pass'").index)
