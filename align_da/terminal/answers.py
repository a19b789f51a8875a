"""What a command answers on the standard output: words for people, or JSON for programs."""

import json
import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from typing import Any, Protocol, runtime_checkable

import typer


@runtime_checkable
class Answer(Protocol):
    """What was found, for both."""

    @property
    def text(self) -> str:
        """In words."""
        ...

    @property
    def table(self) -> Any:  # noqa: ANN401 (what JSON can hold)
        """As numbers, names and lists of them."""
        ...


def tell(answer: Answer, *, as_json: bool) -> None:
    """Tell what was found."""
    if as_json:
        tell_table(answer.table)
    else:
        typer.echo(answer.text)


def tell_table(table: object) -> None:
    """Tell as JSON what it can hold."""
    typer.echo(json.dumps(table, indent=1))


def words_aside(*, aside: bool) -> AbstractContextManager[object]:
    """Lets what is said in words go to the standard error, where the answer is to be JSON."""
    return redirect_stdout(sys.stderr) if aside else nullcontext()
