"""What a configuration can name is listed, and of parts that packages bring, whose they are."""

from importlib.metadata import EntryPoint

import pytest
from brought_parts import bring

import align_da.registry as room
from align_da.stages.list_parts import list_parts


class Distribution:
    """That of the part of the tests."""

    name = "ringlab"
    version = "0.1"


def test_a_part_of_a_package_stands_by_its_name_with_the_package_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = EntryPoint("two_scale", "json:loads", "align_da.forecast_models")
    bring(monkeypatch, point, Distribution)
    listed = list_parts()
    room._installed.cache_clear()
    lines = listed.text.splitlines()
    assert "  two_scale   (ringlab 0.1)" in lines
    assert "  jcm" in lines
    assert listed.usable
