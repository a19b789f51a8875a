"""The keys of a section and of the sections within it, each with what it means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class FoundBy:
    """Stands beside the type of a key: other words that it is looked for by.

    Attributes:
        words: each a word or a short phrase.
    """

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)


@dataclass(frozen=True)
class Key:
    """A key, which may be that of a section.

    Attributes:
        place: its name, behind those of the sections that it is in.
        owner: the section that it is a key of.
        field: what pydantic knows of it.
    """

    place: tuple[str, ...]
    owner: type[BaseModel]
    field: FieldInfo

    def __str__(self) -> str:
        return ".".join(self.place)

    @property
    def section(self) -> type[BaseModel] | None:
        """The section that it holds."""
        return section_in(self.owner, self.place[-1])

    @property
    def is_open(self) -> bool:
        """Whether it is a table of names that others choose."""
        return get_origin(self.field.annotation) in (dict, Mapping)

    @property
    def description(self) -> str:
        """What it means; of a section what its class says, unless its place says more."""
        told = self.field.description or (self.section and self.section.__doc__) or ""
        return " ".join(cleandoc(told).split())

    @property
    def gist(self) -> str:
        """The first sentence of its description, without the full stop."""
        return self.description.partition(". ")[0].removesuffix(".")

    @property
    def found_by(self) -> tuple[str, ...]:
        """Other words that it is looked for by."""
        marks = (mark for mark in self.field.metadata if isinstance(mark, FoundBy))
        return tuple(word for mark in marks for word in mark.words)


def keys_of(section: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[Key]:
    """Every key of a section at the place `above`, each section before its own keys."""
    for name, field in section.model_fields.items():
        key = Key((*above, name), section, field)
        yield key
        if key.section is not None:
            yield from keys_of(key.section, key.place)


def section_in(section: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The section that a key of another holds; None where it is no section, or there is no key."""
    field = section.model_fields.get(name)
    annotation = None if field is None else field.annotation
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
