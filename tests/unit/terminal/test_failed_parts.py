"""A mistake in a part of a package is one line that says whose it is; others keep their trace."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import align_da.registry as room
from align_da.errors import InputError
from align_da.registry import COMMANDS, REGISTRIES, Registry
from align_da.terminal import messages
from align_da.terminal.errors import errors_as_exit_codes

KINDS = (*REGISTRIES, COMMANDS)
MODULE = """
from ringlab.helpers import helped

def build(*given):
    return layuot

def call(function):
    return function()

def many_lines(*given):
    raise ValueError("first line\\nsecond line")

def silent(*given):
    assert not given
    raise KeyError
"""
COMMAND = "from align_da.cli import main; main()"
WORKERS = """
from align_da.parallel.cluster import run_tasks
from align_da.parallel.progress import progress_bar
from align_da.terminal.errors import errors_as_exit_codes
from ringlab.two_scale import build

if __name__ == "__main__":
    with errors_as_exit_codes(), progress_bar(shown=False) as progress:
        run_tasks(build, [1, 2], 2, progress, "tasks")
"""


def install(folder: Path, *points: tuple[str, str]) -> None:
    """A package with these parts: groups and places."""
    package = folder / "ringlab"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "helpers.py").write_text("def helped(*given):\n    return 1 / 0\n")
    (package / "two_scale.py").write_text(MODULE)
    (package / "other.py").write_text("def build(*given):\n    return 1 / 0\n")
    told = folder / "ringlab-0.1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: ringlab\nVersion: 0.1\n")
    lines = [f"[{group}]\n{place.replace(':', '_')} = {place}\n" for group, place in points]
    (told / "entry_points.txt").write_text("".join(lines))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where packages can be installed in the process of a test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(messages, "_TELLING", messages._Telling())
    room._installed.cache_clear()
    yield tmp_path
    room._installed.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "ringlab"]:
        del sys.modules[name]


def ended(*called: object) -> int:
    """The code with which a call of a part ends the process, given its arguments."""
    part, *given = called
    with pytest.raises(SystemExit) as end, errors_as_exit_codes():
        part(*given)
    return int(end.value.code)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.group)
def test_a_mistake_in_a_part_of_any_kind_is_one_line_with_its_package_and_place(
    kind: Registry, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, (kind.group, "ringlab.two_scale:build"))
    assert ended(kind.load("ringlab.two_scale_build")) == 2
    assert capsys.readouterr().err == (
        f"align-da: the {kind.what} 'ringlab.two_scale_build' of ringlab 0.1 failed: NameError: "
        "name 'layuot' is not defined (ringlab/two_scale.py, line 5); align-da -v shows where\n"
    )


def test_a_part_is_told_apart_from_others_of_its_package_by_the_module_that_was_called(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ("two_scale:call", "other:build")
    install(site, *(("align_da.rewards", f"ringlab.{place}") for place in both))
    helped = import_module("ringlab.helpers").helped
    assert ended(room.REWARDS.load("ringlab.two_scale_call"), helped) == 2
    assert ended(helped) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("align-da: the reward 'ringlab.two_scale_call' of ringlab 0.1 failed")
    assert "ZeroDivisionError: division by zero (ringlab/helpers.py, line 2)" in first
    names = "reward 'ringlab.two_scale_call', reward 'ringlab.other_build'"
    assert second.startswith(f"align-da: a part of ringlab 0.1 ({names}) failed: ZeroDivision")


def test_of_what_a_part_says_the_first_line_is_told(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, ("align_da.samplers", "ringlab.two_scale:many_lines"))
    module = import_module("ringlab.two_scale")
    assert (ended(module.many_lines), ended(module.silent)) == (2, 2)
    first, second = capsys.readouterr().err.splitlines()
    assert "failed: ValueError: first line (ringlab/two_scale.py" in first
    assert "failed: KeyError (ringlab/two_scale.py" in second


def test_errors_of_ours_and_interruptions_that_pass_through_a_part_stay_as_they_are(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, ("align_da.rewards", "ringlab.two_scale:call"))
    call = room.REWARDS.load("ringlab.two_scale_call")

    def refuse() -> None:
        message = "expected four"
        raise InputError(message)

    def interrupt() -> None:
        raise KeyboardInterrupt

    assert (ended(call, refuse), ended(call, lambda: sys.exit(7))) == (3, 7)
    assert capsys.readouterr().err == "align-da: expected four\n"
    with pytest.raises(KeyboardInterrupt), errors_as_exit_codes():
        call(interrupt)


def test_an_exception_that_is_of_no_part_is_raised_as_it_is(site: Path) -> None:
    install(site, ("align_da.rewards", "ringlab.two_scale:call"))
    with pytest.raises(ZeroDivisionError), errors_as_exit_codes():
        1 / 0  # noqa: B018


def test_a_verbose_command_shows_the_traceback_of_a_part(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, ("align_da.rewards", "ringlab.two_scale:build"))
    monkeypatch.setattr(messages, "_TELLING", messages._Telling(("--verbose",)))
    assert ended(room.REWARDS.load("ringlab.two_scale_build")) == 2
    *trace, line = capsys.readouterr().err.splitlines()
    assert (trace[0], trace[-1]) == (
        "Traceback (most recent call last):",
        "NameError: name 'layuot' is not defined",
    )
    assert line.endswith("(ringlab/two_scale.py, line 5)")


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (COMMAND, ("data", "truth", "--set", "world.model=ringlab.two_scale_build", "--run")),
        (WORKERS, ()),
    ],
)
def test_a_command_and_its_workers_end_with_that_line_alone(
    program: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    install(tmp_path, ("align_da.forecast_models", "ringlab.two_scale:build"))
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = (line for line in done.stderr.splitlines() if "failed" in line)
    assert line.startswith("align-da: the forecast model 'ringlab.two_scale_build' of ringlab")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
