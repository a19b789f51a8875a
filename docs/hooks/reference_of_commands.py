"""The commands of `align-da`, as their functions declare them."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, CommandInfo, OptionInfo

from align_da.cli.application import app
from align_da.registry import COMMANDS

_KINDS = {str: "text", Path: "path", int: "whole number", bool: "flag"}
_HEAD = ["| | may be | default | meaning |", "|---|---|---|---|"]


def commands() -> str:
    """Every command: what it does, its arguments and options."""
    told = [*_group("align-da", app)]
    for name in COMMANDS.names:
        if COMMANDS.origin(name) is None:  # those of other packages are theirs to describe
            told += _group(f"align-da {name}", COMMANDS.load(name))
    return "\n\n".join(told)


def _group(name: str, group: typer.Typer) -> Iterator[str]:
    """The commands of a group, in their order."""
    for command in group.registered_commands:
        if command.callback is not None:
            yield from _command(name, command, command.callback)


def _command(group: str, command: CommandInfo, run: Callable[..., Any]) -> Iterator[str]:
    """One command."""
    hints = get_type_hints(run, include_extras=True)
    rows = [_row(it, hints[it.name]) for it in inspect.signature(run).parameters.values()]
    yield f"## {group} {command.name or run.__name__.replace('_', '-')}"
    yield inspect.cleandoc(run.__doc__ or "")
    if rows:
        yield "\n".join([*_HEAD, *rows])
    if example := (command.epilog or "").removeprefix("Example: "):
        yield f"```console\n{example}\n```"


def _row(parameter: inspect.Parameter, hint: Any) -> str:  # noqa: ANN401 (a type)
    """One argument or option, which is Annotated[type, what typer is told]."""
    kind, about = get_args(hint)
    default = parameter.default
    given = _name(parameter.name, about)
    shown = "required" if default is inspect.Parameter.empty else _default(default)
    return f"| {given} | {_kind(kind)} | {shown} | {about.help or ''} |"


def _name(name: str, about: OptionInfo | ArgumentInfo) -> str:
    if isinstance(about, ArgumentInfo):
        return f"`{about.metavar or name.upper()}`"
    # Of Annotated[..., Option("--run", "-r")] typer keeps the first name as a default.
    told = [it for it in (about.default, *(about.param_decls or ())) if isinstance(it, str)]
    return ", ".join(f"`{it}`" for it in told or [f"--{name.replace('_', '-')}"])


def _kind(kind: Any) -> str:  # noqa: ANN401 (a type)
    """What may be given, in words."""
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in inner)
    if get_origin(kind) is list:
        return f"{_kind(inner[0])}, several times"
    if isinstance(kind, UnionType):
        return _kind(inner[0])
    return _KINDS[kind]


def _default(default: object) -> str:
    return "" if default is None or default is False else f"`{default}`"
