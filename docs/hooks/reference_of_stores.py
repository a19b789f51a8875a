"""What a cycle store holds beside the states, as it is written."""

from collections.abc import Iterable

from align_da.atmosphere import Layout, periodic_line
from align_da.cycling.record import SCALAR_FIELDS, member_fields, observation_fields
from align_da.observations import Flag
from align_da.storage.cycle_record import StoredField


def stores() -> str:
    """A table a group, and the numbers of the flags."""
    layout = Layout(periodic_line(4), ("abstract_field",))
    flags = [f"| {flag.value} | {flag.name.lower()} |" for flag in Flag]
    return "\n\n".join(
        [
            _table("observations", "time, observation", observation_fields(layout)),
            _table("diagnostics", "time", SCALAR_FIELDS),
            _table("members", "time, realization", member_fields(layout)),
            "### Flags",
            "Numbers as in UFO of JEDI. Only what has passed is used; no flag removes anything.",
            "\n".join(["| number | flag |", "|---|---|", *flags]),
        ]
    )


def _table(group: str, dimensions: str, fields: Iterable[StoredField]) -> str:
    """The fields of a group."""
    rows = [
        f"| `{field.name}` | {field.dtype} | {_unit(field)} | {_meaning(field)} |"
        for field in fields
    ]
    head = ["| variable | type | unit | meaning |", "|---|---|---|---|"]
    return "\n".join([f"### {group}", "", f"Dimensions: {dimensions}.", "", *head, *rows])


def _unit(field: StoredField) -> str:
    unit = str(field.attributes.get("units", ""))
    return "" if unit == "1" else unit


def _meaning(field: StoredField) -> str:
    for attribute in ("long_name", "standard_name"):
        if attribute in field.attributes:
            return str(field.attributes[attribute])
    return ""
