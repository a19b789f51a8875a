"""Commands within the process of a test, so that models are compiled only once."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from typer import Typer

from align_da.cli.application import app
from data_pipelines.cli import app as data


def with_data() -> Typer:
    """The commands, with those that the pipelines bring."""
    if "data" not in {group.name for group in app.registered_groups}:
        app.add_typer(data, name="data")
    return app


def align_da(
    command: str, run: Path, config: Path | None = None, overrides: Sequence[str] = ()
) -> None:
    """One command of `align-da`, as it is written in a shell, for a run with a configuration."""
    shared = ["--run", str(run), *([] if config is None else ["--config", str(config)])]
    settings = [part for item in overrides for part in ("--set", item)]
    assert not with_data()([*shlex.split(command), *shared, *settings], standalone_mode=False), (
        command
    )
