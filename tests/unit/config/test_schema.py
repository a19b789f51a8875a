"""The JSON schema accepts what is shipped and refuses mistakes.

The keywords of JSON Schema that are used are checked here as its standard defines them (draft
2020-12); another one is an error, so that none is passed over.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from align_da.config.schema import json_schema

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(
    [
        *(ROOT / "experiments").glob("*/config*.toml"),
        *(ROOT / "align_da/resources").rglob("*.toml"),
    ]
)
SCHEMA = json.loads(json_schema())
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default"}


def faults(schema: Mapping[str, Any], value: Any, place: str = "") -> Iterator[str]:
    """What is wrong with a value."""
    for keyword, rule in schema.items():
        if keyword not in SAYS_NOTHING:
            yield from (f"{place}: {fault}" for fault in _RULES[keyword](rule, value, schema))


def _reference(rule: str, value: Any, _: Any) -> Iterator[str]:
    yield from faults(SCHEMA["$defs"][rule.removeprefix("#/$defs/")], value)


def _any_of(rule: list[Any], value: Any, _: Any) -> Iterator[str]:
    if all(any(faults(one, value)) for one in rule):
        yield f"none of {len(rule)} kinds"


def _type(rule: str, value: Any, _: Any) -> Iterator[str]:
    is_truth = isinstance(value, bool) and rule != "boolean"
    if is_truth or not isinstance(value, TYPES[rule]):
        yield f"no {rule}"


def _properties(rule: Mapping[str, Any], value: Any, _: Any) -> Iterator[str]:
    for name, held in value.items() if isinstance(value, dict) else ():
        if name in rule:
            yield from faults(rule[name], held, name)


def _additional(rule: Any, value: Any, schema: Any) -> Iterator[str]:
    for name, held in value.items() if isinstance(value, dict) else ():
        if name not in schema.get("properties", {}):
            yield from ["unknown"] * (rule is False)
            yield from faults(rule, held, name) if isinstance(rule, dict) else ()


def _required(rule: list[str], value: Any, _: Any) -> Iterator[str]:
    yield from (f"lacks {name}" for name in rule if isinstance(value, dict) and name not in value)


def _items(rule: Mapping[str, Any], value: Any, schema: Any) -> Iterator[str]:
    for item in value[len(schema.get("prefixItems", ())) :] if isinstance(value, list) else ():
        yield from faults(rule, item, "item")


def _first_items(rule: list[Any], value: Any, _: Any) -> Iterator[str]:
    for one, item in zip(rule, value if isinstance(value, list) else (), strict=False):
        yield from faults(one, item, "item")


def _bound(is_kept: Any) -> Any:
    def rule_of(rule: Any, value: Any, _: Any) -> Iterator[str]:
        if isinstance(value, int | float) and not is_kept(value, rule):
            yield f"beyond {rule}"

    return rule_of


def _length(is_kept: Any) -> Any:
    def rule_of(rule: Any, value: Any, _: Any) -> Iterator[str]:
        if isinstance(value, list) and not is_kept(len(value), rule):
            yield f"not {rule} items"

    return rule_of


def _pattern(rule: str, value: Any, _: Any) -> Iterator[str]:
    if isinstance(value, str) and not re.search(rule, value):
        yield f"not like {rule}"


_RULES: Mapping[str, Any] = {
    "$ref": _reference,
    "anyOf": _any_of,
    "type": _type,
    "const": lambda rule, value, _: ["another text"] * (value != rule),
    "enum": lambda rule, value, _: ["none of the choices"] * (value not in rule),
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": lambda rule, value, _: (f for name in value for f in faults(rule, name)),
    "required": _required,
    "items": _items,
    "prefixItems": _first_items,
    "minItems": _length(lambda count, rule: count >= rule),
    "maxItems": _length(lambda count, rule: count <= rule),
    "minimum": _bound(lambda value, rule: value >= rule),
    "exclusiveMinimum": _bound(lambda value, rule: value > rule),
    "maximum": _bound(lambda value, rule: value <= rule),
    "exclusiveMaximum": _bound(lambda value, rule: value < rule),
    "pattern": _pattern,
}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_shipped_fulfils_the_schema(path: Path) -> None:
    assert list(faults(SCHEMA, tomllib.loads(path.read_text(encoding="utf-8")))) == []


def test_there_are_files_to_try_it_on() -> None:
    assert len(SHIPPED) >= 7


@pytest.mark.parametrize(
    "text",
    [
        "sede = 1",
        "seed = -1",
        "seed = true",
        "[letkf]\nradius = 3",
        "[letkf]\nradius_km = 0",
        "[letkf]\nradius_km = 'far'",
        "[cycle]\nmethod = 'magic'",
        "[cycle.watchdog]\npolicy = 'bark'",
        "[backgrounds]\namplitude = [0.1]",
        "[backgrounds]\nlead_hours = [12, -24]",
        "[observations]\ndensity = 1.5",
        "[benchmark.strengths]\ndps = 0.0",
        "[benchmark.strengths]\nmagic = 1.0",
        "[onnx]\nkind = 'pangu'",
        "[onnx]\npath = 'a'\nsha256 = 'b'",
    ],
)
def test_a_mistake_does_not_fulfil_the_schema(text: str) -> None:
    assert list(faults(SCHEMA, tomllib.loads(text)))


def test_keys_are_described_to_editors_and_have_no_titles_made_of_their_names() -> None:
    letkf = SCHEMA["$defs"]["LetkfConfig"]["properties"]
    assert letkf["inflation"]["description"] == "Factor on the perturbations of the background."
    assert not any("title" in key for key in letkf.values())
    assert "letkf" in SCHEMA["$defs"]["CycleConfig"]["properties"]["method"]["enum"]
