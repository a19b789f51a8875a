from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from align_da.errors import InputError
from align_da.storage.observation_tables import read_observation_table

TABLE = pd.DataFrame({"value": [280.5, 281.0], "variable": ["temperature", "temperature"]})


def test_a_csv_file_becomes_a_table(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "table.csv", index=False)
    pd.testing.assert_frame_equal(read_observation_table(tmp_path / "table.csv"), TABLE)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2,3\n4,5\n6,7,8,9\n", b"\xff\xfe\x00"])
def test_row_35_garbage_is_told_with_the_name_of_the_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        read_observation_table(path)


def test_row_35_a_mutated_file_gives_a_table_or_an_input_error(tmp_path: Path) -> None:
    chance, path = np.random.default_rng(0), tmp_path / "table.csv"
    TABLE.to_csv(path, index=False)
    content = path.read_bytes()
    for _ in range(100):
        mutated = bytearray(content)
        mutated[chance.integers(len(mutated))] = chance.integers(256)
        path.write_bytes(mutated[: chance.integers(1, len(mutated) + 1)])
        try:
            assert isinstance(read_observation_table(path), pd.DataFrame)
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 (either outcome is right)


def test_row_35_a_parquet_file_of_garbage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InputError, match=str(path)):
        read_observation_table(path)


def test_a_parquet_file_that_would_fill_the_memory_is_refused_before_it_does(
    tmp_path: Path,
) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"value": np.zeros(20_000_000), "variable": "temperature"}).to_parquet(path)
    assert path.stat().st_size < 200_000
    with (
        patch.object(pd, "read_parquet", side_effect=AssertionError("it was read")),
        pytest.raises(InputError, match=rf"{path}.*bytes claim to become 320000000"),
    ):
        read_observation_table(path)
    TABLE.to_parquet(path)
    pd.testing.assert_frame_equal(read_observation_table(path), TABLE)


STATIONS = b"value,station_id,type\n280.0,%s,synop\n281.0,%s,%s\n"


def test_one_odd_byte_in_a_name_does_not_cost_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(STATIONS % (b"BOD\xd8", "TROMSØ".encode(), b"synop"))
    with pytest.warns(UserWarning, match=r"names of 1 stations hold .* became '\?': BOD\?$"):
        table = read_observation_table(path)
    assert table["station_id"].tolist() == ["BOD?", "TROMSØ"]
    assert table["value"].tolist() == [280.0, 281.0]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (STATIONS % (b"A", b"B", b"syn\xd8p"), "type"),
        ((STATIONS % (b"A", b"B", b"synop")).replace(b"281.0", b"28\xff.0"), "value"),
        (
            (STATIONS % (b"A\xff", b"B", b"synop")).replace(b"value", b"val\xffe"),
            "val.e, station_id",
        ),
    ],
)
def test_an_odd_byte_elsewhere_is_told_with_its_column(
    content: bytes, where: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{path}: {where}: bytes that are no UTF-8"):
        read_observation_table(path)


def test_row_34_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_observation_table(tmp_path / "table.csv")


def test_row_31_a_pickle_is_refused_by_its_ending(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file ending in"):
        read_observation_table(tmp_path / "table.pkl")
