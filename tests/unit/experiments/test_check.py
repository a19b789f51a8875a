"""Figures of a run against their bounds."""

from pathlib import Path

import pandas as pd
import pytest

from align_da.errors import InputError, StorageError
from experiments import check
from experiments.check import compare
from experiments.expected import Expected, Figure, read_expected
from experiments.results import write_result

PEERS = pd.DataFrame({"method": ["ETKF", "LETKF"], "members": [28, 7], "rmse": [0.176, 0.221]})
COMMAND = "python -m experiments.lorenz.run"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_result(tmp_path, "peers", PEERS)
    return tmp_path


def figure(low: float, high: float, column: str = "rmse", **row: object) -> Figure:
    return Figure("peers.csv", row, column, "README.md", seen=False, low=low, high=high)


def compared(figure: Figure, folder: Path) -> check.Compared:
    return compare(Expected(COMMAND, (figure,)), folder)[0]


def test_a_figure_within_its_bounds_passes(folder: Path) -> None:
    found = compared(figure(0.2, 0.24, method="LETKF"), folder)
    assert found.passed
    assert found.values == (0.221,)
    assert found.cells()["verdict"] == "pass"


def test_a_figure_outside_its_bounds_fails(folder: Path) -> None:
    found = compared(figure(0.23, 0.24, method="LETKF"), folder)
    assert not found.passed
    assert found.cells()["verdict"] == "FAIL"


def test_every_row_that_is_meant_must_be_within_the_bounds(folder: Path) -> None:
    assert compared(figure(0.1, 0.3), folder).passed
    found = compared(figure(0.2, 0.3), folder)
    assert not found.passed
    assert found.cells()["found"] == "0.176 to 0.221"


def test_a_number_that_is_none_fails(tmp_path: Path) -> None:
    write_result(tmp_path, "peers", PEERS.assign(rmse=float("nan")))
    assert not compared(figure(0.0, 1.0), tmp_path).passed


def test_an_unknown_column_is_named(folder: Path) -> None:
    found = compared(figure(0.2, 0.24, column="crps", method="LETKF"), folder)
    assert not found.passed
    assert "no column 'crps', it has method, members, rmse" in found.missing


def test_an_unknown_row_is_named(folder: Path) -> None:
    found = compared(figure(0.2, 0.24, method="EnKF"), folder)
    assert not found.passed
    assert "no row with {'method': 'EnKF'}" in found.missing
    assert COMMAND in found.missing


def test_a_missing_result_says_which_command_makes_it(tmp_path: Path) -> None:
    found = compared(figure(0.2, 0.24, method="LETKF"), tmp_path)
    assert found.cells()["verdict"] == "not made"
    assert f"run `{COMMAND}` first" in found.missing


def test_numbers_choose_rows_as_texts_do(folder: Path) -> None:
    assert compared(figure(0.2, 0.24, members=7), folder).passed


def test_a_figure_needs_a_bound() -> None:
    with pytest.raises(InputError, match="low <= high"):
        Figure("peers.csv", {}, "rmse", "README.md", seen=False)
    with pytest.raises(InputError, match="low <= high"):
        figure(0.3, 0.2)


def test_a_file_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "expected.toml"
    path.write_text('command = "x"\n[[figure]]\nfile = "peers.csv"\nupper = 1.0\n')
    with pytest.raises(InputError, match="upper"):
        read_expected(path)
    path.write_text("command = ")
    with pytest.raises(InputError, match="expected a command"):
        read_expected(path)
    with pytest.raises(StorageError, match="No such file"):
        read_expected(tmp_path / "none.toml")


def test_the_exit_code_tells_whether_all_figures_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "toy"
    write_result(here, "peers", PEERS)
    text = 'command = "x"\n[[figure]]\nfile = "peers.csv"\nrow = { method = "ETKF" }\n'
    text += 'column = "rmse"\nlow = 0.1\nhigh = %s\nsource = "README.md"\nseen = false\n'
    monkeypatch.setattr(check, "HERE", tmp_path)
    monkeypatch.setattr("sys.argv", ["check", "toy"])
    for high, code, verdict in (("0.2", 0, "pass"), ("0.15", 1, "FAIL")):
        (here / "expected.toml").write_text(text % high)
        with pytest.raises(SystemExit) as end:
            check.main()
        assert end.value.code == code
        assert verdict in capsys.readouterr().out
