"""Numbers that stand for names, in what is stored of a cycle."""

import pytest

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.cycling.record import SCALAR_FIELDS, member_fields, observation_fields
from align_da.observations.batch import UNKNOWN_VARIABLE, Flag, Vertical
from align_da.storage.cycle_record import StoredField

SIGMA = VerticalCoordinate("sigma", (0.3, 0.9))
LAYOUT = Layout(Grid((-45.0, 45.0), (0.0, 180.0), SIGMA), ("2m_temperature", "temperature"))
FIELDS = {field.name: field for field in (*observation_fields(LAYOUT), *member_fields(LAYOUT))}


def meanings(field: StoredField) -> dict[int, str]:
    """As a reader of the CF conventions finds them."""
    values, words = field.attributes["flag_values"], field.attributes["flag_meanings"]
    assert isinstance(values, list)
    assert isinstance(words, str)
    return dict(zip(values, words.split(" "), strict=True))


def test_the_number_of_a_variable_says_its_name() -> None:
    assert meanings(FIELDS["variable"]) == {
        UNKNOWN_VARIABLE: "not_in_state",
        0: "2m_temperature",
        1: "temperature",
    }


def test_flags_and_kinds_of_positions_say_their_names() -> None:
    assert meanings(FIELDS["flag"]) == {int(flag): flag.name.lower() for flag in Flag}
    assert meanings(FIELDS["vertical"]) == {int(kind): kind.name.lower() for kind in Vertical}


@pytest.mark.parametrize("product", ["background", "analysis"])
def test_the_reason_why_a_member_was_replaced_says_its_name(product: str) -> None:
    assert meanings(FIELDS[f"{product}_replaced"]) == {
        0: "kept",
        1: "value_not_finite",
        2: "value_not_plausible_of_2m_temperature",
        3: "value_not_plausible_of_temperature",
    }


def test_every_integer_says_what_it_means_but_counts_and_numbers_of_stations() -> None:
    plain = {"station", "used_observations", "replaced_members"}
    fields = [*FIELDS.values(), *SCALAR_FIELDS]
    integers = {field.name for field in fields if field.dtype == "int32"}
    named = {field.name for field in fields if "flag_meanings" in field.attributes}
    assert integers - plain == named


@pytest.mark.parametrize(
    ("kind", "levels", "unit"), [("sigma", (0.3, 0.9), "1"), ("pressure", (3e4, 9e4), "Pa")]
)
def test_positions_and_times_of_observations_have_units(
    kind: str, levels: tuple[float, ...], unit: str
) -> None:
    grid = Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate(kind, levels))
    found = {field.name: field for field in observation_fields(Layout(grid, ("temperature",)))}
    assert found["level"].attributes["units"] == unit
    assert found["seconds_from_valid_time"].attributes["units"] == "s"
