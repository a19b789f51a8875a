"""Bad files and columns of observations: refused by name, or converted, and nothing in between."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from observed_world import LAYOUT, flag_count, reports, screen

from align_da.errors import InputError
from align_da.observations import Flag
from align_da.observations.batch import UNKNOWN_VARIABLE
from align_da.observations.table import batch_from_table, table_from_batch
from align_da.storage.observation_tables import read_observation_table

Figure = Callable[[str], None]
ROWS = 40


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return table_from_batch(reports()[0], LAYOUT).iloc[:ROWS]


def test_row_34_a_missing_file_is_an_error_or_no_observations(
    tmp_path: Path, figure: Figure
) -> None:
    for name in ("none.csv", "none.parquet"):
        with pytest.raises(InputError, match="found no such file"):
            read_observation_table(tmp_path / name)
        with pytest.warns(UserWarning, match="there are no observations"):
            empty = read_observation_table(tmp_path / name, if_missing="empty")
        batch = batch_from_table(empty, LAYOUT, pad_to=5)
        assert batch.flag.tolist() == [Flag.MISSING] * 5
    figure("2 of 2 kinds of file: error by default; warning and 0 observations by policy")


def mutated(content: bytes, chance: np.random.Generator) -> bytes:
    """`content` with one kind of damage."""
    place, end = np.sort(chance.integers(0, len(content) + 1, 2))
    noise = chance.integers(0, 256, 1 + chance.integers(20), dtype=np.uint8).tobytes()
    damage = chance.integers(6)
    if damage == 0:
        return content[:place]
    if damage == 1:
        return content[:place] + noise + content[place:]
    if damage == 2:
        return content[:place] + noise + content[place + len(noise) :]
    if damage == 3:
        return content[:place] + content[end:]
    if damage == 4:
        return content[:end] + content[place:]
    flipped = bytearray(content)
    flipped[place % len(content)] ^= 1 << int(chance.integers(8))
    return bytes(flipped)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.long)])
def test_row_35_a_damaged_file_is_an_input_error_or_a_table(
    count: int, ending: str, table: pd.DataFrame, tmp_path: Path, figure: Figure
) -> None:
    path, chance = tmp_path / f"table.{ending}", np.random.default_rng(35)
    if ending == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    content, outcomes, slowest = path.read_bytes(), Counter[str](), 0.0
    batch, equivalent = reports()
    screen(batch, equivalent)  # compiles
    for _ in range(count):
        path.write_bytes(mutated(content, chance))
        begin = perf_counter()
        try:
            batch = batch_from_table(read_observation_table(path), LAYOUT, pad_to=equivalent.size)
            checked = screen(batch, equivalent, largest_reject_ratio=1.0)
            assert all(np.isfinite(array).all() for array in vars(checked).values())
            outcomes["a table, quality controlled"] += 1
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 (either outcome is right)
            outcomes["InputError naming the file"] += 1
        slowest = max(slowest, perf_counter() - begin)
    assert slowest < 2
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    told = ", ".join(f"{number} {kind}" for kind, number in outcomes.items())
    figure(f"{count} damaged {ending} files: {told}; slowest {slowest:.1f} s")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"value,error\n1.0,2.0\n3.0,4", "the line that ends at byte 25"),
        (b"value,error\n1.0,2.0,5.0\n", "more"),
        (b"value,error\n1.0\xff,2.0\n", "position 15"),
        (b"value,error\n1.0\x00,2.0\n", "character 15"),
        (b"a,b\n1,2\n1,2,3\n", "line 3"),
    ],
)
def test_row_35_where_a_file_is_damaged_is_told(
    content: bytes, told: str, tmp_path: Path, figure: Figure
) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(InputError, match=told) as error:
        read_observation_table(tmp_path / "table.csv")
    assert "table.csv" in str(error.value)
    figure("5 of 5 damages told with file and place")


UNITS = ("K", "degC", "°C", "Pa", "hPa", "mbar", "m s-1", "kt", "kg kg-1", "g kg-1", "%", "nan")
KNOWN = {
    "temperature": {"K": 280.0, "degC": 553.15, "°C": 553.15},
    "surface_pressure": {"Pa": 280.0, "hPa": 28000.0, "mbar": 28000.0},
    "u_component_of_wind": {"m s-1": 280.0, "kt": 280 * 1852 / 3600},
    "specific_humidity": {"kg kg-1": 280.0, "g kg-1": 0.28},
}


@pytest.mark.parametrize("variable", KNOWN)
def test_row_36_a_declared_unit_is_converted_if_known_or_refused(
    variable: str, table: pd.DataFrame, figure: Figure
) -> None:
    for units in UNITS:
        declared = table.assign(variable=variable, units=units, value=280.0, error=1.0)
        if units in KNOWN[variable]:
            batch = batch_from_table(declared, LAYOUT)
            np.testing.assert_allclose(batch.value, KNOWN[variable][units], rtol=1e-6)
        else:
            with pytest.raises(InputError, match=f"{variable}: expected units of"):
                batch_from_table(declared, LAYOUT)
    known = len(KNOWN[variable])
    figure(f"{variable}: {known} units converted, {len(UNITS) - known} refused")


def test_row_46_columns_are_found_by_name_or_refused(table: pd.DataFrame, figure: Figure) -> None:
    expected = batch_from_table(table, LAYOUT)
    shuffled = batch_from_table(table[table.columns[::-1]], LAYOUT)
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(getattr(shuffled, name), array)
    names = {"latitude": "longitude", "longitude": "latitude"}
    wrong = {
        "seem to be swapped": table.rename(columns=names),
        "missing: value": table.T,
        "unknown: temp": table.rename(columns={"value": "temp"}),
        "twice: value": pd.concat([table, table[["value"]]], axis=1),
        "unknown: member": table.assign(member=0),
        "'value': expected numbers": table.assign(value=[[1.0, 2.0]] * len(table)),
        "'time': expected numbers": table.assign(time=pd.Timestamp("2020-01-01")),
        "'error': expected numbers, got str, first in row 2": table.assign(
            error=["1.0", "1.0x"] * (ROWS // 2)
        ),
    }
    for told, bad in wrong.items():
        with pytest.raises(InputError, match=told):
            batch_from_table(bad, LAYOUT)
    figure(f"any order of columns: same bits; {len(wrong)} of {len(wrong)} wrong tables refused")


def test_row_47_an_unknown_type_is_an_error_or_stays_passive(figure: Figure) -> None:
    reported, equivalent = reports()
    table = table_from_batch(reported, LAYOUT)
    strange = table["variable"] == "surface_pressure"
    table.loc[strange, ["variable", "units"]] = ["total_ozone", "DU"]
    table.loc[strange, "value"] = 300.0
    with pytest.raises(InputError, match=r"'variable': expected one of .*got total_ozone"):
        batch_from_table(table, LAYOUT)
    with pytest.warns(UserWarning, match=f"{strange.sum()} of {len(table)} .*total_ozone"):
        batch = batch_from_table(table, LAYOUT, unknown="passive")
    checked, place = screen(batch, equivalent), np.asarray(strange)
    assert np.all(checked.flag[place] == Flag.PASSIVE)
    assert np.all(checked.variable[place] == UNKNOWN_VARIABLE)
    np.testing.assert_array_equal(checked.flag[~place], screen(reported, equivalent).flag[~place])
    with pytest.warns(UserWarning, match="unknown"):
        again = batch_from_table(table_from_batch(checked, LAYOUT), LAYOUT, unknown="passive")
    np.testing.assert_array_equal(again.variable, checked.variable)
    figure(f"error by default; by policy {flag_count(checked, Flag.PASSIVE)} passive, counted")
