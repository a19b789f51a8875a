"""The JSON schema of the configuration, for editors, and in words what it lets a key be."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from align_da.config.config import Config
from align_da.config.key import Key
from align_da.config.section import LARGEST

Schema = Mapping[str, Any]
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
_PLAIN = {"boolean": "true or false", "string": "text", "integer": "whole number"}


class _WithoutTitles(GenerateJsonSchema):
    """Pydantic makes titles of the names of keys, which say nothing; those of parts stay."""

    def field_title_should_be_set(self, _: Any) -> bool:  # noqa: ANN401 (of pydantic)
        return False


def json_schema() -> str:
    """The schema of a whole configuration file, with the names of the parts that are installed."""
    schema = {"$schema": GenerateJsonSchema.schema_dialect, **_schema_of(Config)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


@cache
def _schema_of(section: type[BaseModel]) -> dict[str, Any]:
    return section.model_json_schema(schema_generator=_WithoutTitles)


def kind_of(key: Key) -> str:
    """What the value of a key may be, in a few words."""
    return _in_words(_schema_of(key.owner)["properties"][key.place[-1]])


def choices_of(key: Key) -> tuple[str, ...]:
    """The names of the parts that the value of a key may name; none where it names no part."""
    schema = _schema_of(key.owner)["properties"][key.place[-1]]
    named = schema.get("items", schema)
    return tuple(named["enum"]) if "title" in named else ()


def _in_words(schema: Schema) -> str:
    """What a schema lets a value be."""
    if "title" in schema:
        return f"{schema['title']} by name"
    if "const" in schema or "enum" in schema:
        return _either(map(json.dumps, schema.get("enum", [schema.get("const")])))
    if "anyOf" in schema:
        return _either(_in_words(one) for one in schema["anyOf"] if one != {"type": "null"})
    if "prefixItems" in schema:
        return f"[{', '.join(map(_in_words, schema['prefixItems']))}]"
    return _of_type(schema)


def _of_type(schema: Schema) -> str:
    """What a schema with a type lets a value be."""
    kind = schema.get("type")
    if kind == "array":
        return f"list, each {_in_words(schema['items'])}"
    if kind == "object":
        within = schema["additionalProperties"]
        return "table" if within is True else f"table, each {_in_words(within)}"
    bounds = [
        f"{word} {schema[bound]:g}"
        for bound, word in _BOUNDS.items()
        if schema.get(bound, LARGEST) != LARGEST
    ]
    return " ".join([_PLAIN.get(str(kind), "number"), " and ".join(bounds)]).rstrip()


def _either(kinds: Iterable[str]) -> str:
    """One of several kinds."""
    *others, last = kinds
    return f"{', '.join(others)} or {last}" if others else last
