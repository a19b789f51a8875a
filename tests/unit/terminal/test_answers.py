"""What is answered stands alone on the standard output."""

import json
from dataclasses import dataclass, field

import pytest
import typer

from align_da.terminal.answers import tell, words_aside


@dataclass(frozen=True)
class Found:
    text: str = "two cycles"
    table: dict[str, int] = field(default_factory=lambda: {"cycles": 2})


def test_an_answer_is_told_in_words_or_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Found(), as_json=False)
    assert capsys.readouterr().out == "two cycles\n"
    tell(Found(), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"cycles": 2}


@pytest.mark.parametrize("aside", [True, False])
def test_words_make_room_for_json(aside: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with words_aside(aside=aside):
        typer.echo("reading")
    told = capsys.readouterr()
    assert (told.out, told.err)[aside] == "reading\n"
    assert (told.out, told.err)[not aside] == ""
