"""The commands that packages bring, `align-da data` of our own pipelines among them."""

import typer

from align_da.checks import in_brief
from align_da.errors import ConfigError
from align_da.registry import COMMANDS


def add_brought_commands(app: typer.Typer) -> None:
    """Add the commands that packages bring to `app`.

    One that is broken is told and leaves the others as they are.
    """
    for name in COMMANDS.names:
        try:
            app.add_typer(_commands_of(name), name=name)
        except ConfigError as error:
            typer.echo(f"align-da: {error}", err=True)


def _commands_of(name: str) -> typer.Typer:
    """The group of commands called `name`.

    Raises:
        ConfigError: it cannot be imported, or is none.
    """
    group = COMMANDS.load(name)
    if not isinstance(group, typer.Typer):
        message = (
            f"{COMMANDS.owner(name)} is no Typer, but {in_brief(group)}: correct it in its package"
        )
        raise ConfigError(message)
    return group
