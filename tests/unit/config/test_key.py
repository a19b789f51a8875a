"""Every key says what it means."""

from typing import Annotated

import pytest
from pydantic import Field

from align_da.config import Config, ErrorsConfig, Section
from align_da.config.key import FoundBy, Key, keys_of

KEYS = tuple(keys_of(Config))
_LONGEST_GIST = 100


class Inner(Section):
    """What is within."""

    size: int = Field(default=1, description="Its size, m. It may be anything.")


class Outer(Section):
    """What is around."""

    inner: Inner | None = None
    untold: Annotated[int, FoundBy("silent")] = 1


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_key_is_described_in_sentences_the_first_of_which_is_short(key: Key) -> None:
    assert key.description, f"{key} has no description: give one by Field(description=...)"
    assert key.description.endswith(".")
    assert 0 < len(key.gist) <= _LONGEST_GIST


def test_sections_that_are_absent_by_default_are_among_the_keys() -> None:
    names = {str(key) for key in KEYS}
    assert {"onnx.path", "neuralgcm.forcings", "era5.source", "reports.padded"} < names
    assert {"parts", "seed", "cycle.watchdog.limit", "correction.training.steps"} < names


def test_a_key_without_a_description_is_seen_and_a_section_is_described_by_its_class() -> None:
    inner, size, untold = keys_of(Outer, ("above",))
    assert [str(key) for key in (inner, size, untold)] == [
        *("above.inner", "above.inner.size", "above.untold")
    ]
    assert (inner.section, inner.description) == (Inner, "What is within.")
    assert (size.gist, size.description) == ("Its size, m", "Its size, m. It may be anything.")
    assert (untold.description, untold.found_by) == ("", ("silent",))


def test_errors_of_a_map_are_described_as_those_of_stations_are() -> None:
    of_map, of_stations = (
        {key.place[-1]: key.description for key in KEYS if key.place[0] == section}
        for section in ("coarse_map", "observations")
    )
    for name in ErrorsConfig.model_fields:
        assert of_map[name] == of_stations[name]
