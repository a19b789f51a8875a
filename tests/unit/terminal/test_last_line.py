"""A command on a run ends with its time, its place and the command that is next."""

import re
from pathlib import Path

import pytest
from command_line import with_data
from typer.testing import CliRunner

from align_da.config import Config
from align_da.runs.standing_cycles import CyclesStanding
from align_da.stages import list_run
from align_da.storage.cycle_costs import CycleCost
from align_da.storage.machine import Machine
from align_da.storage.run_cost import summary_of_costs
from align_da.terminal.last_line import begin, forget, tell_last_line


def test_the_end_is_told_with_time_place_and_what_is_missing_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(Config(), tmp_path, f"--run {tmp_path}")
    tell_last_line()
    told = capsys.readouterr()
    assert told.out == ""
    first, *rest = told.err.splitlines()
    assert re.fullmatch(rf"align-da: done in \d+ s, in {tmp_path}", first)
    assert rest == [
        "align-da: missing next: the stage truth",
        f"  align-da data truth --run {tmp_path}",
    ]
    tell_last_line()
    assert capsys.readouterr().err == ""


def test_what_a_cycle_costs_is_told_of_the_run_that_was_cycled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Machine("a processor", 2, "cpu")
    cost = summary_of_costs([CycleCost(0, 3.0, 5.0, 10**9, first=False, machine=here)])
    standing = [CyclesStanding(name, 1, 2, "letkf", "", cost=cost) for name in ("main", "other")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_run, "cycles_standing", lambda _: standing)
        begin(Config(), tmp_path, "", "main")
        tell_last_line()
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "align-da: main takes 5 s of CPU time and 3 s a cycle, 1 GB at the peak"
    assert "other" not in " ".join(lines)


def test_where_the_next_command_cannot_be_found_the_end_is_told_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(Config(), tmp_path / "nowhere", "")
    tell_last_line()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("align-da: done in ")


def test_a_command_without_a_run_tells_nothing_even_after_one_that_failed(tmp_path: Path) -> None:
    begin(Config(), tmp_path, "")
    result = CliRunner().invoke(with_data(), ["config", "letkf.inflation"])
    assert (result.exit_code, result.stderr) == (0, "")
    forget()
