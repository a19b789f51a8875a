"""Warnings are told once, in one line, with whose they are; notes only where they are wanted."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import with_data
from typer.testing import CliRunner

from align_da.config import Config
from align_da.parallel.progress import progress_bar
from align_da.terminal import messages
from align_da.terminal.last_line import begin, tell_last_line
from align_da.terminal.messages import note, tell_as_asked, tell_warnings


@pytest.fixture(autouse=True)
def telling(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process tells that has just begun, and what told before afterwards."""
    root, show = logging.getLogger(), warnings.showwarning
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(messages, "_TELLING", messages._Telling())
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        tell_warnings()
        yield
    tell_as_asked(verbose=False, quiet=False)
    root.handlers[:], warnings.showwarning = handlers, show
    root.setLevel(level)


def warn_from(file: str, text: str) -> None:
    warnings.warn_explicit(text, UserWarning, file, 1)


def test_a_warning_of_a_library_is_one_line_with_whose_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        warn_from("/x/site-packages/jcm/physics/model.py", "a field\n  is odd")
        logging.getLogger("distributed.nanny").warning("Worker %s is slow", 3)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "align-da: jcm warns: a field is odd",
        "align-da: distributed warns: Worker 3 is slow",
    ]


def test_our_own_warnings_are_told_however_quiet_a_command_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell_as_asked(verbose=False, quiet=True)
    note("a note")
    warn_from("/x/align_da/observations/table.py", "5 reports are passive")
    logging.getLogger("align_da.stages.score_runs").warning("no forecast is scored")
    assert capsys.readouterr().err.splitlines() == [
        "align-da: 5 reports are passive",
        "align-da: no forecast is scored",
    ]


def test_what_libraries_say_beside_warnings_is_told_when_it_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = logging.getLogger("jax.compiler")
    said.info("compiled once")
    tell_as_asked(verbose=True, quiet=False)
    said.info("compiled twice")
    assert capsys.readouterr().err == "align-da: jax warns: compiled twice\n"


def test_a_quiet_command_has_no_last_line_and_no_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_as_asked(verbose=False, quiet=True)
    begin(Config(), tmp_path, f"--run {tmp_path}")
    tell_last_line()
    with progress_bar() as bar:
        bar.update(bar.add_task("work", total=1), completed=1)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")


def test_options_of_the_program_stand_before_the_command() -> None:
    result = CliRunner().invoke(with_data(), ["-q", "config", "letkf.inflation"])
    assert result.exit_code == 0
    assert messages.options_given() == ("--quiet",)


def test_shells_can_be_told_to_complete_what_is_typed() -> None:
    result = CliRunner().invoke(with_data(), ["--help"])
    assert "--install-completion" in result.stdout
